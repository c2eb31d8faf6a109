// From a picture's values to those that are shown, by a table. Pure.

import { windowOf } from "./look";
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

/** Changes pixels (red, green, blue, opacity) to what is shown for them, less those of `mask`. */
export function toned(pixels: Uint8ClampedArray, mask: Uint8ClampedArray | null, table: Uint8Array): void {
  for (let at = 0; at < pixels.length; at += 1) {
    if (at % 4 === 3) continue;
    pixels[at] = table[(pixels[at] ?? 0) - (mask?.[at] ?? 0) + ZERO] ?? 0;
  }
}
