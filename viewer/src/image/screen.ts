// Draws pictures on a canvas as a look says. The canvas is as large as the picture, once turned; where nothing is asked for
// it is the picture, pixel by pixel.

import { isValues } from "../cine/source";
import type { Frame, Values } from "../cine/source";
import type { Grey, Window } from "../cine/values";
import { darkroom, drawn } from "./darkroom";
import type { Darkroom, Picture } from "./darkroom";
import { AS_IT_IS, isPlain } from "./look";
import type { Look } from "./look";
import type { Overlays } from "./overlays";
import { between, EIGHT_BITS, ownOf } from "./own";
import { placed, turnedSize } from "./placing";
import type { Size } from "./placing";
import { toneTable, valueTones } from "./tones";
import { valueRoom } from "./valueRoom";
import type { ValueRoom } from "./valueRoom";

/** Of a picture as it was coded, which may be shown larger, or have pixels that are not square. */
function ownSize(picture: Picture, shown: Size): Size {
  return (picture instanceof VideoFrame ? picture.visibleRect : null) ?? shown;
}

export class Screen {
  /** What lies over the pictures; null for nothing. */
  overlays: Overlays | null = null;
  private now: Look = AS_IT_IS;
  private table: Uint8Array | null = null;
  private tones: { readonly table: Uint8Array; readonly grey: Grey; readonly masked: boolean } | null = null;
  private mask: OffscreenCanvas | Values | null = null;
  private room: Darkroom | null = null;
  private values: ValueRoom | null = null;
  private shown: Values | null = null;
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
    // What a picture says is the picture's, whoever sets the look.
    this.take({ ...look, own: this.now.own });
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

  /** All of the values that the picture has; null for one of eight bits. */
  get whole(): Window | null {
    return this.shown === null ? null : between(this.shown.range);
  }

  draw(picture: Frame, size: Size, place: number): void {
    const { pen, canvas } = this;
    this.shown = isValues(picture) ? picture : null;
    const own = isValues(picture) ? ownOf(picture.grey) : EIGHT_BITS;
    if (own !== this.now.own) this.take({ ...this.now, own });
    const { now } = this;
    if (this.lacksMask && place === now.mask) this.mask = isValues(picture) ? picture : drawn(picture, ownSize(picture, size));
    const { width, height } = turnedSize(size, now.turns);
    if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
    if (pen === null) return;
    pen.resetTransform();
    pen.fillRect(0, 0, width, height);
    pen.save();
    pen.setTransform(...placed(now, size));
    this.clip(pen, size);
    pen.drawImage(isValues(picture) ? this.exposed(picture) : this.developed(picture, size), 0, 0, size.width, size.height);
    this.overlays?.draw(pen, size, place);
    pen.restore();
  }

  private take(look: Look): void {
    [this.now, this.table, this.tones] = [look, null, null];
  }

  private developed(picture: Picture, size: Size): CanvasImageSource {
    if (isPlain(this.now) || this.lacksMask) return picture;
    this.table ??= toneTable(this.now);
    this.room ??= darkroom(this.slow);
    // Of a series whose pictures are not all of a kind.
    const mask = this.mask !== null && isValues(this.mask) ? null : this.mask;
    return this.room.develop(picture, ownSize(picture, size), mask, this.table);
  }

  private exposed(picture: Values): CanvasImageSource {
    const mask = this.mask !== null && isValues(this.mask) ? this.mask : null;
    this.values ??= valueRoom();
    return this.values.develop(picture, mask, this.tonesOf(picture.grey, mask !== null));
  }

  /** Until the frame that is subtracted has come, the picture is shown without. */
  private tonesOf(grey: Grey, masked: boolean): Uint8Array {
    if (this.tones?.grey !== grey || this.tones.masked !== masked) {
      const table = valueTones(masked ? this.now : { ...this.now, mask: null }, grey);
      this.tones = { table, grey, masked };
    }
    return this.tones.table;
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
