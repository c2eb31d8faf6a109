import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AS_IT_IS, subtracting, windowed } from "../../src/image/look";
import { ZERO, throughWindow, toneTable, toned } from "../../src/image/tones";

/** PS3.3 C.11.2.1.2.1 as it is written there, to an output of 0 to 255. */
function linear(x: number, c: number, w: number): number {
  if (x <= c - 0.5 - (w - 1) / 2) return 0;
  if (x > c - 0.5 + (w - 1) / 2) return 255;
  return ((x - (c - 0.5)) / (w - 1) + 0.5) * 255;
}

describe("windows", () => {
  it("are those of the standard", () => {
    // PS3.3 C.11.2.1.2.1, note: c=2048, w=4096 maps 0 to 0 and 4095 to the highest value.
    expect(throughWindow(0, { center: 2048, width: 4096, shape: "LINEAR" })).toBe(0);
    expect(throughWindow(4095, { center: 2048, width: 4096, shape: "LINEAR" })).toBe(1);
    // The same note: c=2048, w=1 is a step between 2047 and 2048.
    expect([2047, 2048].map((x) => throughWindow(x, { center: 2048, width: 1, shape: "LINEAR" }))).toEqual([0, 1]);
    // C.11.2.1.3.2: half of it at c - w/2 is the lowest, c + w/2 the highest.
    expect([24, 64, 104].map((x) => throughWindow(x, { center: 64, width: 80, shape: "LINEAR_EXACT" }))).toEqual([0, 0.5, 1]);
    // C.11.2.1.3.1
    expect(throughWindow(100, { center: 100, width: 50, shape: "SIGMOID" })).toBe(0.5);
    expect(throughWindow(150, { center: 100, width: 50, shape: "SIGMOID" })).toBeCloseTo(1 / (1 + Math.exp(-4)), 12);
  });

  it("give values of 8 bits, whatever they are", () => {
    fc.assert(
      fc.property(fc.integer({ min: -400, max: 400 }), fc.integer({ min: 1, max: 900 }), (center, width) => {
        const table = toneTable(windowed(AS_IT_IS, center, width));
        for (let x = 0; x < 256; x += 1) expect(table[x + ZERO]).toBe(Math.round(linear(x, center, width)));
      }),
    );
  });

  it("change nothing where none is asked for", () => {
    expect([...toneTable(AS_IT_IS).subarray(ZERO)]).toEqual([...Array(256).keys()]);
  });
});

describe("tables", () => {
  it("invert", () => {
    const table = toneTable({ ...AS_IT_IS, invert: true });
    expect([0, 1, 100, 255].map((x) => table[x + ZERO])).toEqual([255, 254, 155, 0]);
  });

  it("brighten by gamma, and leave black and white", () => {
    const table = toneTable({ ...AS_IT_IS, gamma: 2 });
    expect([0, 64, 255].map((x) => table[x + ZERO])).toEqual([0, Math.round(255 * Math.sqrt(64 / 255)), 255]);
  });

  it("show differences around the middle", () => {
    const table = toneTable(subtracting(AS_IT_IS, 3));
    expect([-255, -128, 0, 127, 255].map((d) => table[d + ZERO])).toEqual([0, 0, 128, 255, 255]);
  });

  it("are what the processor reads pixels by, opacity excepted", () => {
    const pixels = Uint8ClampedArray.from([10, 200, 30, 255, 0, 0, 0, 255]);
    toned(pixels, Uint8ClampedArray.from([10, 100, 130, 255, 255, 0, 1, 255]), toneTable(subtracting(AS_IT_IS, 0)));
    expect([...pixels]).toEqual([128, 228, 28, 255, 0, 128, 127, 255]);
  });
});
