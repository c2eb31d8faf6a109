// Indexes as the server answers them, for the tests: of coded groups in which pictures come before those they lean on.

import fc from "fast-check";
import { readFilm } from "../../src/cine/film";
import type { Film } from "../../src/cine/film";

interface Group {
  /** Frames that are shown before the key frame, stored behind it: an open group. */
  leading: number;
  /** Frames behind the key frame, in runs: the last of each is stored first, as B-frames have it. */
  runs: number[];
}

export interface Index {
  Timescale: number;
  NumberOfFrames: number;
  Codec: string;
  Description: string;
  Time: number[];
  Duration: number[];
  Offset: number[];
  Size: number[];
  Key: boolean[];
}

/** The places of a group's frames in the order in which they are stored. */
function stored({ leading, runs }: Group, begin: number): number[] {
  const key = begin + leading;
  const places = [key, ...Array.from({ length: leading }, (_, at) => begin + at)];
  let next = key + 1;
  for (const length of runs) {
    places.push(next + length - 1, ...Array.from({ length: length - 1 }, (_, at) => next + at));
    next += length;
  }
  return places;
}

export function indexOf(groups: Group[], step = 1001): Index {
  const [places, keys]: [number[], boolean[]] = [[], []];
  for (const [number, group] of groups.entries()) {
    // A film begins with its first key frame.
    const mine = stored(number === 0 ? { ...group, leading: 0 } : group, places.length);
    places.push(...mine);
    keys.push(...mine.map((_, at) => at === 0));
  }
  const sizes = places.map((place) => 10 + (place % 7));
  let end = 48;
  return {
    Timescale: 30000,
    NumberOfFrames: places.length,
    Codec: "avc1",
    Description: "AWQAHv/hAA==",
    Time: places.map((place) => 2002 + place * step),
    Duration: places.map(() => step),
    Offset: sizes.map((size) => (end += size) - size),
    Size: sizes,
    Key: keys,
  };
}

const group = fc.record({
  leading: fc.integer({ min: 0, max: 3 }),
  runs: fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 6 }),
});

export const films: fc.Arbitrary<Film> = fc
  .array(group, { minLength: 1, maxLength: 6 })
  .map((groups) => readFilm(indexOf(groups)));

/** When all has been done that waits for no time to pass. */
export function idle(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
