import { beforeEach, describe, expect, it } from "vitest";
import { Mended } from "../../src/cine/mended";
import type { Trouble } from "../../src/cine/messages";
import type { Source } from "../../src/cine/source";

/** A source that has its frames when the test says so. */
class Shelf implements Source {
  readonly start = Float64Array.of(0, 1, 2, 3, 4, 5);
  readonly seconds = 6;
  readonly room = 6;
  readonly frame = {} as VideoFrame;
  wanted: readonly number[] = [];
  trouble: Trouble | null = null;
  isCut = false;
  closed = false;
  hurries = 0;
  has: number[] = [];
  lost: number[] = [];

  get = (place: number): VideoFrame | null => (this.has.includes(place) ? this.frame : null);
  want = (path: readonly number[]): void => void (this.wanted = path);
  isLost = (place: number): boolean => this.lost.includes(place);
  hurry = (): void => void (this.hurries += 1);
  keyBefore = (): number => 0;
  close = (): void => void (this.closed = true);
}

let film: Shelf;
let drawn: Shelf[];
let mended: Mended;
beforeEach(() => {
  [film, drawn] = [new Shelf(), []];
  mended = new Mended(film, () => (drawn.push(new Shelf()), drawn[0]!), 4);
  [film.has, film.lost, film.trouble] = [[0, 5], [1, 2, 3, 4], "undecodable"];
});

describe("a film that was cut out of another", () => {
  it("has those frames of its first group drawn that the decoder refuses, and no others", () => {
    film.isCut = true;
    mended.want([1, 2, 3, 4, 5]);
    expect([film.wanted, drawn[0]?.wanted]).toEqual([[1, 2, 3, 4, 5], [1, 2, 3]]);
    expect([mended.trouble, mended.isLost(1), mended.isLost(4), mended.get(1)]).toEqual([null, false, true, null]);
    drawn[0]!.has = [1];
    expect([mended.get(1), mended.get(5)]).toEqual([drawn[0]!.frame, film.frame]);
    mended.want([4, 5]);
    expect([mended.trouble, drawn]).toEqual(["undecodable", [expect.objectContaining({ wanted: [] })]]);
    mended.hurry();
    mended.close();
    expect([film.hurries, drawn[0]?.hurries, film.closed, drawn[0]?.closed]).toEqual([1, 1, true, true]);
  });

  it("is another one than a film that is damaged, of which nothing is made up", () => {
    mended.want([1, 2, 3]);
    expect([drawn, mended.trouble, mended.isLost(1)]).toEqual([[], "undecodable", true]);
  });
});
