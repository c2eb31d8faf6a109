// What to decode so that frames can be shown. Pure.

import { lastAtMost } from "./film";
import type { Film } from "./film";

/** To decode from the sample `key` on, and to keep the frames from the place `first` on; done when the one in the place `last` is there. */
export interface Run {
  key: number;
  first: number;
  last: number;
  /** Of frames that need no others: the last of them is wanted first. */
  back?: true;
}

/** So many frames that need no others are a run backwards. */
const BACK = 16;

/**
 * The sample at which decoding begins for the frame at a place; null where there is none.
 *
 * In an open group frames that are shown before its key frame are stored behind it, and lean on the group before: a
 * decoder that begins at the key frame cannot have them. So the key frame has to come first in both orders.
 */
export function keyFor(film: Film, place: number, refused: ReadonlySet<number>): number | null {
  const sample = film.sampleOf[place] ?? 0;
  for (let at = lastAtMost(film.keys, sample); at >= 0; at -= 1) {
    const key = film.keys[at] ?? 0;
    if ((film.placeOf[key] ?? 0) <= place && !refused.has(key)) return key;
  }
  return null;
}

/** Whether a decoder that began at `key` can have a sample behind it. */
export function decodable(film: Film, key: number, sample: number): boolean {
  return (film.placeOf[sample] ?? 0) >= (film.placeOf[key] ?? 0);
}

/**
 * The places whose frames cannot be had where the decoder fails with a sample: all up to the next key frame that are stored
 * from it on, and those behind that key frame that are shown before it.
 */
export function lostFrom(film: Film, sample: number): number[] {
  const next = film.keys.find((key) => key > sample);
  const end = next === undefined ? film.count : (film.placeOf[next] ?? 0);
  const places: number[] = [];
  // Of a key frame also those before it that lean on it.
  const first = film.placeOf[film.keys[lastAtMost(film.keys, sample - 1)] ?? 0] ?? 0;
  for (let place = first; place < end; place += 1) if ((film.sampleOf[place] ?? 0) >= sample) places.push(place);
  return places;
}

/** The last of the samples that hold the frames of a run. */
export function lastSample(film: Film, { first, last }: Run): number {
  let sample = 0;
  for (let place = first; place <= last; place += 1) sample = Math.max(sample, film.sampleOf[place] ?? 0);
  return sample;
}

/**
 * The next run for the frames of `path`, which are wanted in this order; null when all are there. Backwards the whole
 * group up to the first missing frame is kept, since all of it has to be decoded anyway, but nothing that is farther than
 * `room` frames from the frame that is wanted now.
 */
export function nextRun(
  film: Film,
  path: readonly number[],
  has: (place: number) => boolean,
  refused: ReadonlySet<number>,
  room: number,
): Run | null {
  const at = path.findIndex((place) => !has(place) && keyFor(film, place, refused) !== null);
  const begin = path[at];
  if (begin === undefined) return null;
  const key = keyFor(film, begin, refused) ?? 0;
  const backwards = path[at + 1] === begin - 1 || (at === path.length - 1 && path[at - 1] === begin + 1);
  if (backwards && film.how !== "decoded") {
    let first = begin;
    for (let more = at + 1; path[more] === first - 1 && !has(first - 1) && begin - first + 1 < Math.min(room, BACK); more += 1) first -= 1;
    return { key: film.sampleOf[first] ?? 0, first, last: begin, back: true };
  }
  if (backwards) {
    const low = Math.max(film.placeOf[key] ?? 0, (path[0] ?? 0) - room + 1);
    let first = begin;
    while (first - 1 >= low && !has(first - 1)) first -= 1;
    return { key, first, last: begin };
  }
  let last = begin;
  for (let more = at + 1; path[more] === last + 1 && !has(last + 1) && last - begin + 1 < room; more += 1) last += 1;
  return { key, first: begin, last };
}
