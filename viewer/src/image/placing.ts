// Where on a canvas a picture is drawn. Pure.

import { onScreen } from "./look";
import type { Look, Point } from "./look";

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** From a picture's pixels to a canvas's, as `CanvasRenderingContext2D.setTransform` takes it. */
export type Matrix = readonly [a: number, b: number, c: number, d: number, e: number, f: number];

/** A picture's size as it is after `turns`. */
export function turnedSize({ width, height }: Size, turns: number): Size {
  return turns % 2 === 0 ? { width, height } : { width: height, height: width };
}

export function placed(look: Look, picture: Size): Matrix {
  const canvas = turnedSize(picture, look.turns);
  const at = (point: Point): Point => {
    const [u, v] = onScreen(look, point);
    return [u * canvas.width, v * canvas.height];
  };
  const [origin, right, down] = [at([0, 0]), at([1, 0]), at([0, 1])];
  return [
    (right[0] - origin[0]) / picture.width,
    (right[1] - origin[1]) / picture.width,
    (down[0] - origin[0]) / picture.height,
    (down[1] - origin[1]) / picture.height,
    ...origin,
  ];
}

/** The part of an element's box that a canvas fills, which is fitted into it: a point in the box as a part of the canvas. */
export function fitted([x, y]: Point, box: Size, canvas: Size): Point {
  const scale = Math.min(box.width / canvas.width, box.height / canvas.height);
  const [width, height] = [canvas.width * scale, canvas.height * scale];
  return [(x - (box.width - width) / 2) / width, (y - (box.height - height) / 2) / height];
}
