// From a picture's values to those that are shown, by a table. Pure.

import { lookedUp } from "../cine/values";
import type { Grey } from "../cine/values";
import type { Values } from "../cine/source";
import { tableOf, windowOf } from "./look";
import type { Look, Window } from "./look";

/** Entries of a table: one for each difference of two values, -255 to 255; 0 is the one in the middle. */
export const TONES = 511;
export const ZERO = 255;

/** PS3.3 C.11.2.1.2 and C.11.2.1.3, to values from 0 to 1. */
export function throughWindow(value: number, { center, width, shape }: Window): number {
  if (shape === "SIGMOID") return 1 / (1 + Math.exp((-4 * (value - center)) / width));
  const [middle, range] = shape === "LINEAR" ? [center - 0.5, width - 1] : [center, width];
  if (value <= middle - range / 2) return 0;
  if (value > middle + range / 2) return 1;
  return (value - middle) / range + 0.5;
}

/** What is shown for each value, 0 to 255: by the window, the gamma, then inverted or not. */
export function toneTable(look: Look): Uint8Array {
  const window = windowOf(look);
  return Uint8Array.from({ length: TONES }, (_, entry) => {
    const shown = throughWindow(entry - ZERO, window) ** (1 / look.gamma);
    return Math.round(255 * (look.invert ? 1 - shown : shown));
  });
}

/** Words of a frame of values, and differences of two. */
export const WORDS = 1 << 16;
export const DIFFERENCES = 2 * WORDS - 1;

/** What is shown for each word of a frame; for each difference of two, from -65,535 on, where one is subtracted. */
export function valueTones(look: Look, { slope, intercept, inverse }: Grey): Uint8Array {
  const [window, table, power] = [windowOf(look), tableOf(look), 1 / look.gamma];
  const [length, first, zero] = look.mask === null ? [WORDS, 0, intercept] : [DIFFERENCES, 1 - WORDS, 0];
  const tones = new Uint8Array(length);
  for (let at = 0; at < length; at += 1) {
    const value = (at + first) * slope + zero;
    const voi = table === null ? throughWindow(value, window) : lookedUp(table, value) / (2 ** table.bits - 1);
    const shown = (inverse ? 1 - voi : voi) ** power;
    tones[at] = Math.round(255 * (look.invert ? 1 - shown : shown));
  }
  return tones;
}

/** A mask's values in the words of a frame that it is subtracted from, which may come by its values in another way. */
export function inWordsOf({ words, grey: own }: Values, { slope, intercept }: Grey): Int32Array {
  const [factor, more] = [own.slope / slope, (own.intercept - intercept) / slope];
  return Int32Array.from(words, (word) => Math.round(word * factor + more));
}

/** The place in a table of differences. */
export function differenceAt(word: number, less: number): number {
  return Math.min(Math.max(word - less + WORDS - 1, 0), DIFFERENCES - 1);
}

/** Changes pixels (red, green, blue, opacity) to what is shown for them, less those of `mask`. */
export function toned(pixels: Uint8ClampedArray, mask: Uint8ClampedArray | null, table: Uint8Array): void {
  for (let at = 0; at < pixels.length; at += 1) {
    if (at % 4 === 3) continue;
    pixels[at] = table[(pixels[at] ?? 0) - (mask?.[at] ?? 0) + ZERO] ?? 0;
  }
}
