import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readFilm } from "../../src/cine/film";
import type { Film } from "../../src/cine/film";
import { decodable, keyFor, lastSample, nextRun } from "../../src/cine/plan";
import type { Run } from "../../src/cine/plan";
import { films, indexOf } from "./films";

const NONE: ReadonlySet<number> = new Set();

/** The places that come out of a decoder which gets the samples of a run: of those before the key frame none. */
function decoded(film: Film, run: Run): number[] {
  const places: number[] = [];
  for (let sample = run.key; sample <= lastSample(film, run); sample += 1) {
    if (decodable(film, run.key, sample)) places.push(film.placeOf[sample] ?? -1);
  }
  return places.filter((place) => run.first <= place && place <= run.last).sort((a, b) => a - b);
}

describe("where decoding begins", () => {
  const open = readFilm(
    indexOf([
      { leading: 0, runs: [2, 2] },
      { leading: 2, runs: [3] },
      { leading: 0, runs: [1] },
    ]),
  );

  it("is the key frame before, in an open group for what is shown before its key frame the one before that", () => {
    // Places 5 and 6 are shown before the key frame in place 7 (sample 5), and stored behind it.
    expect([0, 4, 5, 6, 7, 8, 10, 11, 12].map((place) => keyFor(open, place, NONE))).toEqual([0, 0, 0, 0, 5, 5, 5, 11, 11]);
  });

  it("is another one where a decoder refuses that", () => {
    expect(keyFor(open, 8, new Set([5]))).toBe(0);
    expect(keyFor(open, 3, new Set([0]))).toBeNull();
  });

  it("is no later than the frame, in either order", () => {
    fc.assert(
      fc.property(films, fc.nat(), (film, any) => {
        const place = any % film.count;
        const key = keyFor(film, place, NONE) ?? NaN;
        expect(key).toBeLessThanOrEqual(film.sampleOf[place] ?? -1);
        expect(decodable(film, key, film.sampleOf[place] ?? -1)).toBe(true);
      }),
    );
  });
});

describe("what is decoded next", () => {
  const path = (film: Film, from: number, direction: number, length: number): number[] =>
    Array.from({ length }, (_, at) => from + direction * at).filter((place) => place >= 0 && place < film.count);

  it("has the first frame that is missing, and every frame that it says it has", () => {
    const direction = fc.constantFrom(1, -1);
    const there = fc.func(fc.boolean());
    fc.assert(
      fc.property(films, fc.nat(), direction, there, fc.integer({ min: 1, max: 20 }), (film, any, way, has, room) => {
        const wanted = path(film, any % film.count, way, 12);
        const run = nextRun(film, wanted, has, NONE, room);
        const missing = wanted.find((place) => !has(place));
        if (run === null || missing === undefined) {
          expect([run, missing]).toEqual([null, undefined]);
          return;
        }
        const places = Array.from({ length: run.last - run.first + 1 }, (_, at) => run.first + at);
        expect(places).toContain(missing);
        expect(decoded(film, run)).toEqual(places);
        expect(places.some((place) => has(place))).toBe(false);
      }),
    );
  });

  it("brings all of a path within as many runs as it has frames", () => {
    fc.assert(
      fc.property(films, fc.nat(), fc.constantFrom(1, -1), (film, any, way) => {
        const wanted = path(film, any % film.count, way, 30);
        const here = new Set<number>();
        for (let runs = 0; runs < wanted.length; runs += 1) {
          const run = nextRun(film, wanted, (place) => here.has(place), NONE, 10);
          if (run !== null) for (const place of decoded(film, run)) here.add(place);
        }
        expect(wanted.every((place) => here.has(place))).toBe(true);
      }),
    );
  });

  it("is nothing where no decoder can begin", () => {
    const film = readFilm(indexOf([{ leading: 0, runs: [4] }]));
    expect(nextRun(film, [2, 3], () => false, new Set([0]), 10)).toBeNull();
  });

  it("keeps a whole group backwards, but nothing that is too far away", () => {
    const film = readFilm(indexOf([{ leading: 0, runs: [4, 4, 4, 4] }]));
    expect(nextRun(film, [15, 14, 13], () => false, NONE, 100)).toEqual({ key: 0, first: 0, last: 15 });
    expect(nextRun(film, [15, 14, 13], (place) => place > 13, NONE, 6)).toEqual({ key: 0, first: 10, last: 13 });
  });
});
