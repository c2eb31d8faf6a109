import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Cache } from "../../src/cine/cache";

class Picture {
  closed = 0;
  constructor(readonly bytes: number) {}
  close(): void {
    this.closed += 1;
  }
}

const made = (budget: number): Cache<Picture> => new Cache(budget, (picture) => picture.bytes);

describe("the cache of frames", () => {
  it("keeps what is wanted, and of the rest what is still to come before what is passed", () => {
    const cache = made(40);
    cache.follow([10, 11]);
    for (const place of [8, 9, 10, 11]) cache.add(place, new Picture(10));
    cache.add(12, new Picture(10));
    expect([8, 9, 10, 11, 12].map((place) => cache.get(place) !== null)).toEqual([false, true, true, true, true]);
    cache.follow([12, 11]); // back again: now 9 is to come
    cache.add(15, new Picture(10));
    expect([9, 10, 11, 12, 15].map((place) => cache.get(place) !== null)).toEqual([true, true, true, true, false]);
  });

  it("stays within its budget, closes each picture that it gives up once, and never the one that is wanted now", () => {
    const adds = fc.array(fc.record({ place: fc.nat({ max: 30 }), bytes: fc.integer({ min: 1, max: 20 }) }), { maxLength: 80 });
    fc.assert(
      fc.property(adds, fc.array(fc.nat({ max: 30 }), { minLength: 1, maxLength: 10 }), (all, path) => {
        const cache = made(100);
        cache.follow(path);
        const pictures: [number, Picture][] = [];
        for (const { place, bytes } of all) {
          const picture = new Picture(bytes);
          const before = cache.get(path[0] ?? 0);
          cache.add(place, picture);
          pictures.push([place, picture]);
          expect(cache.held).toBeLessThanOrEqual(100);
          if (before !== null && place !== path[0]) expect(cache.get(path[0] ?? 0)).toBe(before);
        }
        const open = pictures.filter(([place, picture]) => cache.get(place) === picture).map(([, picture]) => picture);
        expect(pictures.every(([, picture]) => picture.closed === (open.includes(picture) ? 0 : 1))).toBe(true);
        expect(cache.held).toBe(open.reduce((sum, picture) => sum + picture.bytes, 0));
        cache.clear();
        expect(cache.held).toBe(0);
        expect(pictures.every(([, picture]) => picture.closed === 1)).toBe(true);
      }),
    );
  });
});
