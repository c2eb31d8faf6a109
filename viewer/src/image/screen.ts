// Draws pictures on a canvas as a look says. The canvas is as large as the picture, once turned; where nothing is asked for
// it is the picture, pixel by pixel.

import { darkroom, drawn } from "./darkroom";
import type { Darkroom, Picture } from "./darkroom";
import { AS_IT_IS, isPlain } from "./look";
import type { Look } from "./look";
import type { Overlays } from "./overlays";
import { placed, turnedSize } from "./placing";
import type { Size } from "./placing";
import { toneTable } from "./tones";

/** Of a picture as it was coded, which may be shown larger, or have pixels that are not square. */
function ownSize(picture: Picture, shown: Size): Size {
  return (picture instanceof VideoFrame ? picture.visibleRect : null) ?? shown;
}

export class Screen {
  /** What lies over the pictures; null for nothing. */
  overlays: Overlays | null = null;
  private now: Look = AS_IT_IS;
  private table: Uint8Array | null = null;
  private mask: OffscreenCanvas | null = null;
  private room: Darkroom | null = null;
  private readonly pen: CanvasRenderingContext2D | null;

  /** `slow` is called where there is no WebGL2 and it is needed. */
  constructor(
    private readonly canvas: HTMLCanvasElement,
    private readonly slow: () => void,
  ) {
    this.pen = canvas.getContext("2d", { alpha: false });
  }

  get look(): Look {
    return this.now;
  }

  set look(look: Look) {
    if (look.mask !== this.now.mask) this.mask = null;
    [this.now, this.table] = [look, isPlain(look) ? null : toneTable(look)];
  }

  /** Width to height of a picture before it is turned. */
  get aspect(): number {
    const { width, height } = turnedSize(this.canvas, this.now.turns);
    return width / height;
  }

  /** The frame that is subtracted is still to come. */
  get lacksMask(): boolean {
    return this.now.mask !== null && this.mask === null;
  }

  draw(picture: Picture, size: Size, place: number): void {
    const { pen, canvas, now } = this;
    if (this.lacksMask && place === now.mask) this.mask = drawn(picture, ownSize(picture, size));
    const { width, height } = turnedSize(size, now.turns);
    if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
    if (pen === null) return;
    pen.resetTransform();
    pen.fillRect(0, 0, width, height);
    pen.save();
    pen.setTransform(...placed(now, size));
    this.clip(pen, size);
    pen.drawImage(this.developed(picture, size), 0, 0, size.width, size.height);
    this.overlays?.draw(pen, size, place);
    pen.restore();
  }

  private developed(picture: Picture, size: Size): CanvasImageSource {
    if (this.table === null || this.lacksMask) return picture;
    this.room ??= darkroom(this.slow);
    return this.room.develop(picture, ownSize(picture, size), this.mask, this.table);
  }

  private clip(pen: CanvasRenderingContext2D, { width, height }: Size): void {
    const { shutter } = this.now;
    if (shutter === null) return;
    pen.beginPath();
    if (shutter.kind === "circle") pen.arc(shutter.center[0] * width, shutter.center[1] * height, shutter.radius * height, 0, 2 * Math.PI);
    else {
      const [[left, top], [right, bottom]] = [shutter.from, shutter.to];
      pen.rect(left * width, top * height, (right - left) * width, (bottom - top) * height);
    }
    pen.clip();
  }
}
