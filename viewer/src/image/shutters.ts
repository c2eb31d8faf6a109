// Shutters without a pointer: placed in the middle of the screen, moved and sized by steps. Pure.

import { inPicture, shuttered } from "./look";
import type { Look, Point, Shutter } from "./look";

/** Parts of the picture: the smallest that is left of a side, or of a radius. */
const LEAST = 0.02;
const MIDDLE: Point = [0.5, 0.5];

const clamp = (value: number, least: number, most: number): number => Math.min(Math.max(value, least), most);

/** Half as wide and as high as the screen. */
export function placedShutter(look: Look, kind: Shutter["kind"], aspect: number): Look {
  return shuttered(look, kind, kind === "circle" ? MIDDLE : [0.25, 0.25], [kind === "circle" ? 0.5 : 0.75, 0.75], aspect);
}

/** By parts of the screen; it stays within the picture. */
export function movedShutter(look: Look, right: number, down: number): Look {
  const { shutter } = look;
  if (shutter === null) return look;
  const [from, to] = [inPicture(look, MIDDLE), inPicture(look, [0.5 + right, 0.5 + down])];
  const [x, y] = [to[0] - from[0], to[1] - from[1]];
  if (shutter.kind === "circle") {
    const center: Point = [clamp(shutter.center[0] + x, 0, 1), clamp(shutter.center[1] + y, 0, 1)];
    return { ...look, shutter: { ...shutter, center } };
  }
  const within = (by: number, axis: 0 | 1): number => clamp(by, -shutter.from[axis], 1 - shutter.to[axis]);
  const by: Point = [within(x, 0), within(y, 1)];
  const shifted = (point: Point): Point => [point[0] + by[0], point[1] + by[1]];
  return { ...look, shutter: { ...shutter, from: shifted(shutter.from), to: shifted(shutter.to) } };
}

/** By parts of the screen on each side; a circle by either. */
export function sizedShutter(look: Look, wider: number, taller: number): Look {
  const { shutter } = look;
  if (shutter === null) return look;
  if (shutter.kind === "circle") {
    const radius = clamp(shutter.radius + (wider + taller) / look.zoom, LEAST, 1);
    return { ...look, shutter: { ...shutter, radius } };
  }
  const by = (look.turns % 2 === 0 ? [wider, taller] : [taller, wider]).map((one) => one / look.zoom);
  const side = (axis: 0 | 1): [from: number, to: number] => {
    const [from, to] = [clamp(shutter.from[axis] - by[axis]!, 0, 1), clamp(shutter.to[axis] + by[axis]!, 0, 1)];
    return to - from < LEAST ? [shutter.from[axis], shutter.to[axis]] : [from, to];
  };
  const [[left, right], [top, bottom]] = [side(0), side(1)];
  return { ...look, shutter: { ...shutter, from: [left, top], to: [right, bottom] } };
}
