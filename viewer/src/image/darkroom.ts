// Shows a picture's values through a table, less those of another picture: by WebGL2 in one pass, or without it by the
// processor, which is slower.

import { toned } from "./tones";
import type { Size } from "./placing";

export type Picture = VideoFrame | ImageBitmap | OffscreenCanvas;

export interface Darkroom {
  /** `mask` and `table` are taken in anew where they are not those of before. */
  develop: (picture: Picture, size: Size, mask: OffscreenCanvas | null, table: Uint8Array) => CanvasImageSource;
}

const VERTICES = `#version 300 es
void main() {
  gl_Position = vec4(gl_VertexID == 1 ? 3.0 : -1.0, gl_VertexID == 2 ? 3.0 : -1.0, 0.0, 1.0);
}`;

// Textures are read texel by texel: nothing between two of them is made up, and a value is an entry of the table exactly.
const FRAGMENTS = `#version 300 es
precision highp float;
precision highp int;
uniform sampler2D picture, mask, table;
uniform vec2 size;
uniform bool masked;
out vec4 color;
ivec3 values(sampler2D from) {
  vec2 part = vec2(gl_FragCoord.x, size.y - gl_FragCoord.y) / size;
  return ivec3(round(255.0 * texelFetch(from, ivec2(part * vec2(textureSize(from, 0))), 0).rgb));
}
float shown(int value) {
  return texelFetch(table, ivec2(value + 255, 0), 0).r;
}
void main() {
  ivec3 value = values(picture) - (masked ? values(mask) : ivec3(0));
  color = vec4(shown(value.r), shown(value.g), shown(value.b), 1.0);
}`;

const [PICTURE, MASK, TABLE] = [0, 1, 2];

/** Something that draws the three corners of a triangle over all of the canvas. */
export function program(gl: WebGL2RenderingContext, fragments: string): WebGLProgram {
  const made = gl.createProgram();
  for (const [kind, source] of [[gl.VERTEX_SHADER, VERTICES], [gl.FRAGMENT_SHADER, fragments]] as const) {
    const shader = gl.createShader(kind);
    if (shader === null) throw new Error("WebGL has no shader to give");
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(made, shader);
  }
  gl.linkProgram(made);
  if (!gl.getProgramParameter(made, gl.LINK_STATUS)) throw new Error(gl.getProgramInfoLog(made) ?? "");
  return made;
}

/** Uses the program, with textures by these names, the first being of unit 0. */
export function textures(gl: WebGL2RenderingContext, made: WebGLProgram, names: readonly string[]): void {
  gl.useProgram(made);
  for (const [unit, name] of names.entries()) {
    gl.uniform1i(gl.getUniformLocation(made, name), unit);
    gl.activeTexture(gl.TEXTURE0 + unit);
    gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
    for (const filter of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) gl.texParameteri(gl.TEXTURE_2D, filter, gl.NEAREST);
    for (const wrap of [gl.TEXTURE_WRAP_S, gl.TEXTURE_WRAP_T]) gl.texParameteri(gl.TEXTURE_2D, wrap, gl.CLAMP_TO_EDGE);
  }
  gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
}

class ByWebGl implements Darkroom {
  private mask: OffscreenCanvas | null = null;
  private table: Uint8Array | null = null;
  private readonly size: WebGLUniformLocation | null;
  private readonly masked: WebGLUniformLocation | null;

  constructor(
    private readonly canvas: OffscreenCanvas,
    private readonly gl: WebGL2RenderingContext,
  ) {
    const made = program(gl, FRAGMENTS);
    textures(gl, made, ["picture", "mask", "table"]);
    this.size = gl.getUniformLocation(made, "size");
    this.masked = gl.getUniformLocation(made, "masked");
  }

  develop(picture: Picture, { width, height }: Size, mask: OffscreenCanvas | null, table: Uint8Array): OffscreenCanvas {
    const { gl, canvas } = this;
    if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
    this.take(PICTURE, picture);
    if (mask !== null && mask !== this.mask) this.take(MASK, mask);
    if (table !== this.table) {
      gl.activeTexture(gl.TEXTURE0 + TABLE);
      gl.texImage2D(gl.TEXTURE_2D, 0, gl.R8, table.length, 1, 0, gl.RED, gl.UNSIGNED_BYTE, table);
    }
    [this.mask, this.table] = [mask, table];
    gl.viewport(0, 0, width, height);
    gl.uniform2f(this.size, width, height);
    gl.uniform1i(this.masked, mask === null ? 0 : 1);
    gl.drawArrays(gl.TRIANGLES, 0, 3);
    return canvas;
  }

  private take(unit: number, picture: Picture): void {
    const { gl } = this;
    gl.activeTexture(gl.TEXTURE0 + unit);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA8, gl.RGBA, gl.UNSIGNED_BYTE, picture);
  }
}

export function drawn(picture: Picture, { width, height }: Size): OffscreenCanvas {
  const canvas = new OffscreenCanvas(width, height);
  canvas.getContext("2d", { alpha: false, willReadFrequently: true })?.drawImage(picture, 0, 0, width, height);
  return canvas;
}

function pixels(canvas: OffscreenCanvas): ImageData | undefined {
  return canvas.getContext("2d", { willReadFrequently: true })?.getImageData(0, 0, canvas.width, canvas.height);
}

const byProcessor: Darkroom = {
  develop: (picture, size, mask, table) => {
    const canvas = drawn(picture, size);
    // A film may come in several sizes.
    const [data, less] = [pixels(canvas), mask === null ? null : pixels(drawn(mask, size))];
    if (data === undefined) return canvas;
    toned(data.data, less?.data ?? null, table);
    canvas.getContext("2d")?.putImageData(data, 0, 0);
    return canvas;
  },
};

/** `slow` is called where this machine has no WebGL2, or has lost it. */
export function darkroom(slow: () => void): Darkroom {
  return byWebGlOr((canvas, gl) => new ByWebGl(canvas, gl), byProcessor, slow);
}

interface Room<Asked extends unknown[]> {
  develop: (...asked: Asked) => CanvasImageSource;
}

/** `fast` while there is WebGL2, and it is `good` enough, else `otherwise`. */
export function byWebGlOr<Asked extends unknown[]>(
  fast: (canvas: OffscreenCanvas, gl: WebGL2RenderingContext) => Room<Asked>,
  otherwise: Room<Asked>,
  slow: () => void,
  good: (gl: WebGL2RenderingContext) => boolean = () => true,
): Room<Asked> {
  const canvas = new OffscreenCanvas(1, 1);
  const gl = canvas.getContext("webgl2", { alpha: false, antialias: false, depth: false });
  const room = gl === null || !good(gl) ? null : fast(canvas, gl);
  let told = false;
  return {
    develop: (...asked) => {
      if (gl !== null && room !== null && !gl.isContextLost()) return room.develop(...asked);
      if (!told) slow();
      told = true;
      return otherwise.develop(...asked);
    },
  };
}
