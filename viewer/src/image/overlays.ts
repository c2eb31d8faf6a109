// The drawings that lie over an object's frames, its overlay planes (PS3.3 C.9.2), as the gateway tells them.

import { AnswerError, amount, binary, fields, text } from "../answers";
import type { Size } from "./placing";

export interface Plane {
  readonly label: string;
  readonly rows: number;
  readonly columns: number;
  /** Row and column of the picture at which its upper left point lies, from 1. */
  readonly origin: readonly [row: number, column: number];
  /** The place of the picture's frame that its first one lies over, and how many it has; 0: one, which lies over all. */
  readonly first: number;
  readonly frames: number;
  /** A bit for each point, the first in the lowest. */
  readonly bits: Uint8Array;
}

const UNREADABLE = "The picture's overlays could not be read.";
/** Seen on what is dark and on what is bright. */
const COLOUR = [255, 196, 0, 255] as const;

function readPlane(value: unknown): Plane {
  const plane = fields(value);
  const [rows, columns, frames] = [amount(plane["Rows"]), amount(plane["Columns"]), amount(plane["NumberOfFrames"])];
  const origin = plane["Origin"];
  if (!Array.isArray(origin) || origin.length !== 2 || !origin.every(Number.isSafeInteger)) throw new AnswerError(UNREADABLE);
  const bits = binary(plane["Data"], UNREADABLE);
  if (rows * columns === 0 || bits.length * 8 < rows * columns * Math.max(1, frames)) throw new AnswerError(UNREADABLE);
  const [row, column] = origin as [number, number];
  return { label: text(plane["Label"]), rows, columns, origin: [row, column], first: Math.max(0, amount(plane["Frame"]) - 1), frames, bits };
}

export function readOverlays(value: unknown): Plane[] {
  const found = fields(value)["Overlays"];
  if (!Array.isArray(found)) throw new AnswerError(UNREADABLE);
  return found.map(readPlane);
}

/** Which of a plane's frames lies over the picture's; null for none. */
export function frameOver({ first, frames }: Plane, place: number): number | null {
  if (frames === 0) return 0;
  return place >= first && place < first + frames ? place - first : null;
}

/** A plane's frame in RGBA: what is drawn is opaque, all else is not there. */
export function drawn({ rows, columns, bits }: Plane, frame: number): Uint8ClampedArray<ArrayBuffer> {
  const pixels = new Uint8ClampedArray(4 * rows * columns);
  const from = frame * rows * columns;
  for (let point = 0; point < rows * columns; point += 1) {
    const at = from + point;
    if (((bits[at >> 3] ?? 0) >> (at & 7)) & 1) pixels.set(COLOUR, 4 * point);
  }
  return pixels;
}

/** All planes over one object's frames, of `size` as it is coded. */
export class Overlays {
  shown = true;
  private readonly last = new Map<Plane, { frame: number; canvas: OffscreenCanvas }>();

  constructor(
    private readonly planes: readonly Plane[],
    private readonly size: Size,
  ) {}

  /** On a pen for which a picture's points are as many as it is shown with. */
  draw(pen: CanvasRenderingContext2D, shown: Size, place: number): void {
    if (!this.shown) return;
    const [across, down] = [shown.width / this.size.width, shown.height / this.size.height];
    for (const plane of this.planes) {
      const frame = frameOver(plane, place);
      if (frame === null) continue;
      const [row, column] = plane.origin;
      pen.drawImage(this.canvasOf(plane, frame), (column - 1) * across, (row - 1) * down, plane.columns * across, plane.rows * down);
    }
  }

  private canvasOf(plane: Plane, frame: number): OffscreenCanvas {
    const last = this.last.get(plane);
    if (last?.frame === frame) return last.canvas;
    const canvas = last?.canvas ?? new OffscreenCanvas(plane.columns, plane.rows);
    canvas.getContext("2d")?.putImageData(new ImageData(drawn(plane, frame), plane.columns, plane.rows), 0, 0);
    this.last.set(plane, { frame, canvas });
    return canvas;
  }
}
