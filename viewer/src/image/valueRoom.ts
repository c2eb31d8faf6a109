// Shows frames of values through a table of tones, less those of another frame: by WebGL2, or without it by the processor.

import type { Values } from "../cine/source";
import type { Grey } from "../cine/values";
import { byWebGlOr, program, textures } from "./darkroom";
import { DIFFERENCES, differenceAt, inWordsOf, WORDS } from "./tones";

export interface ValueRoom {
  /** As large as the frame; `tones` are of differences where there is a mask. */
  develop: (picture: Values, mask: Values | null, tones: Uint8Array) => CanvasImageSource;
}

/** Of a texture that has the tones in rows. */
const ROW = 512;

// Words and tones are whole numbers, which nothing rounds or brings to other colours on their way.
const FRAGMENTS = `#version 300 es
precision highp float;
precision highp int;
uniform highp usampler2D picture;
uniform highp isampler2D mask;
uniform highp usampler2D tones;
uniform bool masked;
out vec4 color;
void main() {
  ivec2 size = textureSize(picture, 0);
  ivec2 at = ivec2(gl_FragCoord.x, float(size.y) - gl_FragCoord.y);
  int word = int(texelFetch(picture, at, 0).r);
  if (masked) {
    int less = texelFetch(mask, ivec2(vec2(at) / vec2(size) * vec2(textureSize(mask, 0))), 0).r;
    word = clamp(word - less + ${WORDS - 1}, 0, ${DIFFERENCES - 1});
  }
  float tone = float(texelFetch(tones, ivec2(word % ${ROW}, word / ${ROW}), 0).r) / 255.0;
  color = vec4(tone, tone, tone, 1.0);
}`;

const [PICTURE, MASK, TONES] = [0, 1, 2];

/** A mask in the words of the frame that it is subtracted from: made anew where either is another. */
class Masks {
  private made: { readonly of: Values; readonly grey: Grey; readonly words: Int32Array } | null = null;

  wordsOf(mask: Values, grey: Grey): Int32Array {
    if (this.made?.of !== mask || this.made.grey !== grey) this.made = { of: mask, grey, words: inWordsOf(mask, grey) };
    return this.made.words;
  }
}

class ByWebGl implements ValueRoom {
  private readonly masks = new Masks();
  private mask: Int32Array | null = null;
  private tones: Uint8Array | null = null;
  private readonly masked: WebGLUniformLocation | null;

  constructor(
    private readonly canvas: OffscreenCanvas,
    private readonly gl: WebGL2RenderingContext,
  ) {
    const made = program(gl, FRAGMENTS);
    textures(gl, made, ["picture", "mask", "tones"]);
    this.masked = gl.getUniformLocation(made, "masked");
    // A texture of signed numbers has to be there, read or not.
    this.load(MASK, gl.R32I, 1, 1, gl.INT, new Int32Array(1));
  }

  develop(picture: Values, mask: Values | null, tones: Uint8Array): OffscreenCanvas {
    const { gl, canvas } = this;
    const { width, height, words, grey } = picture;
    if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
    this.load(PICTURE, gl.R16UI, width, height, gl.UNSIGNED_SHORT, words);
    const less = mask === null ? null : this.masks.wordsOf(mask, grey);
    if (mask !== null && less !== null && less !== this.mask) this.load(MASK, gl.R32I, mask.width, mask.height, gl.INT, less);
    if (tones !== this.tones) this.loadTones(tones);
    [this.mask, this.tones] = [less ?? this.mask, tones];
    gl.viewport(0, 0, width, height);
    gl.uniform1i(this.masked, mask === null ? 0 : 1);
    gl.drawArrays(gl.TRIANGLES, 0, 3);
    return canvas;
  }

  private loadTones(tones: Uint8Array): void {
    const rows = Math.ceil(tones.length / ROW);
    const whole = new Uint8Array(rows * ROW);
    whole.set(tones);
    this.load(TONES, this.gl.R8UI, ROW, rows, this.gl.UNSIGNED_BYTE, whole);
  }

  private load(unit: number, as: number, width: number, height: number, kind: number, data: ArrayBufferView): void {
    const { gl } = this;
    gl.activeTexture(gl.TEXTURE0 + unit);
    gl.texImage2D(gl.TEXTURE_2D, 0, as, width, height, 0, gl.RED_INTEGER, kind, data);
  }
}

/** Of a pixel in a word: its opacity, and its three colours. */
const [OPAQUE, GREY] = [0xff000000, 0x00010101];

class ByProcessor implements ValueRoom {
  private readonly masks = new Masks();
  private readonly canvas = new OffscreenCanvas(1, 1);
  private readonly pen = this.canvas.getContext("2d", { alpha: false });
  private shown = new ImageData(1, 1);

  develop(picture: Values, mask: Values | null, tones: Uint8Array): OffscreenCanvas {
    const { canvas } = this;
    const { width, height, words, grey } = picture;
    if (canvas.width !== width || canvas.height !== height) {
      [canvas.width, canvas.height] = [width, height];
      this.shown = new ImageData(width, height);
    }
    const pixels = new Uint32Array(this.shown.data.buffer);
    const less = mask === null ? null : this.masks.wordsOf(mask, grey);
    for (let at = 0; at < words.length; at += 1) {
      const word = words[at] ?? 0;
      const tone = tones[mask === null || less === null ? word : differenceAt(word, less[placeIn(mask, picture, at)] ?? 0)] ?? 0;
      pixels[at] = OPAQUE + tone * GREY;
    }
    this.pen?.putImageData(this.shown, 0, 0);
    return canvas;
  }
}

/** Where in a mask a frame's pixel is: they may be of different sizes in a series. */
function placeIn(mask: Values, { width, height }: Values, at: number): number {
  if (mask.width === width && mask.height === height) return at;
  const [x, y] = [at % width, Math.floor(at / width)];
  return Math.floor((y * mask.height) / height) * mask.width + Math.floor((x * mask.width) / width);
}

const COMPUTED = /swiftshader|llvmpipe|software|basic render/i;

/** Whether there is a graphics card, as far as the browser tells. */
function isByHardware(gl: WebGL2RenderingContext): boolean {
  const more = gl.getExtension("WEBGL_debug_renderer_info");
  return !COMPUTED.test(String(gl.getParameter(more === null ? gl.RENDERER : more.UNMASKED_RENDERER_WEBGL)));
}

/** WebGL2 that is itself computed is slower than the processor alone, which is fast enough for most: nothing is said of it. */
export function valueRoom(): ValueRoom {
  return byWebGlOr((canvas, gl) => new ByWebGl(canvas, gl), new ByProcessor(), () => undefined, isByHardware);
}
