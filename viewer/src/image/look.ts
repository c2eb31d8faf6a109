// How pictures are looked at, and what one does to that. Pure.
//
// A picture's point is told in parts of its width and height, before anything is turned; a point on screen in parts of the
// screen's, which is as wide as the picture is after it was turned.

import type { Shape, Table, Window } from "../cine/values";
import { EIGHT_BITS, spanOf } from "./own";
import type { Own } from "./own";

export type { Shape, Window };

export type Point = readonly [x: number, y: number];

/** What is to be seen: a rectangle by two corners, or a circle in parts of the picture's height (PS3.3 C.7.6.11). */
export type Shutter =
  | { readonly kind: "rectangle"; readonly from: Point; readonly to: Point }
  | { readonly kind: "circle"; readonly center: Point; readonly radius: number };

export interface Look {
  /** What the picture on screen says of its values. */
  readonly own: Own;
  /** In the modality's values, of eight bits 0 to 255; of differences about 0. Null for what the picture opens with. */
  readonly window: Window | null;
  /** Which of the picture's VOI LUTs takes a window's place. */
  readonly table: number | null;
  readonly gamma: number;
  readonly invert: boolean;
  readonly zoom: number;
  /** The picture's point in the middle of the screen. */
  readonly center: Point;
  /** Quarter turns clockwise, before flipping (PS3.3 C.10.6). */
  readonly turns: number;
  /** Left and right. */
  readonly flip: boolean;
  readonly shutter: Shutter | null;
  /** The place of the frame that is subtracted. */
  readonly mask: number | null;
}

export const AS_IT_IS: Look = {
  own: EIGHT_BITS,
  window: null,
  table: null,
  gamma: 1,
  invert: false,
  zoom: 1,
  center: [0.5, 0.5],
  turns: 0,
  flip: false,
  shutter: null,
  mask: null,
};

export const MOST_ZOOM = 32;
export const [LEAST_GAMMA, MOST_GAMMA] = [0.2, 5];
/** Into so many steps what a picture opens with is divided, for hands and keys. */
const STEPS = 256;
/** The smallest circle, and the smallest side of a rectangle, that a hand means. */
const LEAST_SHUTTER = 0.01;

const clamp = (value: number, least: number, most: number): number => Math.min(Math.max(value, least), most);

/** The VOI LUT that is in use; null where a window is. */
export function tableOf({ own, window, table, mask }: Look): Table | null {
  return window !== null || mask !== null ? null : (own.tables[table ?? own.table ?? -1] ?? null);
}

/** The window that is in use, said or not; what a table tells apart, where there is one. */
export function windowOf(look: Look): Window {
  const { own, window, mask } = look;
  if (window !== null) return window;
  const table = tableOf(look);
  if (mask === null) return table === null ? own.window : spanOf(table);
  return { center: 0, width: own.window.width, shape: own.window.width < 1 ? "LINEAR_EXACT" : "LINEAR" };
}

/** Whether values of eight bits are shown as they are. */
export function isPlain(look: Look): boolean {
  return look.window === null && look.gamma === 1 && !look.invert && look.mask === null;
}

export function windowed(look: Look, center: number, width: number, shape = windowOf(look).shape): Look {
  const { reach } = look.own;
  // PS3.3 C.11.2.1.2.1: at least 1 where it is linear.
  const least = shape === "LINEAR" ? 1 : stepOf(look) / STEPS;
  return { ...look, table: null, window: { center: clamp(center, -reach, reach), width: clamp(width, least, 2 * reach), shape } };
}

function stepOf({ own }: Look): number {
  return Math.max(own.window.width, Number.EPSILON) / STEPS;
}

/** By so many steps of value, of eight bits 1 each: more to the right is a wider window, more upwards a brighter picture. */
export function windowMoved(look: Look, wider: number, brighter: number): Look {
  const { center, width } = windowOf(look);
  const step = stepOf(look);
  return windowed(look, center - brighter * step, width + wider * step);
}

export function withGamma(look: Look, gamma: number): Look {
  return { ...look, gamma: clamp(gamma, LEAST_GAMMA, MOST_GAMMA) };
}

/** By one of the picture's VOI LUTs, or by what it opens with. */
export function tabled(look: Look, table: number | null): Look {
  return { ...look, window: null, table };
}

/** Another frame's subtraction is of other values: it begins with its own window. */
export function subtracting(look: Look, mask: number | null): Look {
  return (mask === null) === (look.mask === null) ? { ...look, mask } : { ...tabled(look, null), mask };
}

/** Turned as it is seen, whether it is flipped or not. */
export function turned(look: Look, quarters: number): Look {
  return { ...look, turns: (((look.turns + (look.flip ? -quarters : quarters)) % 4) + 4) % 4 };
}

export function flipped(look: Look): Look {
  return { ...look, flip: !look.flip };
}

/** Upside down, without left and right changing places. */
export function flippedOver(look: Look): Look {
  return { ...look, flip: !look.flip, turns: (look.turns + 2) % 4 };
}

/** Where a picture's point is on screen. */
export function onScreen(look: Look, [x, y]: Point): Point {
  let [u, v] = [(x - look.center[0]) * look.zoom + 0.5, (y - look.center[1]) * look.zoom + 0.5];
  for (let turn = 0; turn < look.turns; turn += 1) [u, v] = [1 - v, u];
  return [look.flip ? 1 - u : u, v];
}

/** Which of a picture's points is there on screen. */
export function inPicture(look: Look, [u, v]: Point): Point {
  let [x, y] = [look.flip ? 1 - u : u, v];
  for (let turn = 0; turn < look.turns; turn += 1) [x, y] = [y, 1 - x];
  return [(x - 0.5) / look.zoom + look.center[0], (y - 0.5) / look.zoom + look.center[1]];
}

/** No part of the screen is empty. */
export function within(look: Look): Look {
  const margin = 0.5 / look.zoom;
  const [x, y] = look.center;
  return { ...look, center: [clamp(x, margin, 1 - margin), clamp(y, margin, 1 - margin)] };
}

/** Larger by a factor; the picture's point at `at` on screen stays there. */
export function zoomed(look: Look, factor: number, at: Point = [0.5, 0.5]): Look {
  const larger = { ...look, zoom: clamp(look.zoom * factor, 1, MOST_ZOOM) };
  return carried(larger, inPicture(look, at), at);
}

/** The picture's point is brought to `at` on screen. */
function carried(look: Look, point: Point, at: Point): Look {
  const there = inPicture(look, at);
  return within({ ...look, center: [look.center[0] + point[0] - there[0], look.center[1] + point[1] - there[1]] });
}

/** The picture follows a hand from one point on screen to another. */
export function panned(look: Look, from: Point, to: Point): Look {
  return carried(look, inPicture(look, from), to);
}

/** A rectangle, or a circle about the first point, between two points on screen; none where they are too near. `aspect` is
 * the picture's width to its height. */
export function shuttered(look: Look, kind: Shutter["kind"], from: Point, to: Point, aspect: number): Look {
  const inside = ([x, y]: Point): Point => [clamp(x, 0, 1), clamp(y, 0, 1)];
  const [first, last] = [inside(inPicture(look, from)), inside(inPicture(look, to))];
  if (kind === "circle") {
    const radius = Math.hypot((last[0] - first[0]) * aspect, last[1] - first[1]);
    return { ...look, shutter: radius < LEAST_SHUTTER ? null : { kind, center: first, radius } };
  }
  const [left, right] = [Math.min(first[0], last[0]), Math.max(first[0], last[0])];
  const [top, bottom] = [Math.min(first[1], last[1]), Math.max(first[1], last[1])];
  const seen = right - left >= LEAST_SHUTTER && bottom - top >= LEAST_SHUTTER;
  return { ...look, shutter: seen ? { kind, from: [left, top], to: [right, bottom] } : null };
}
