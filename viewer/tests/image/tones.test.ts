import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AS_IT_IS, subtracting, windowed } from "../../src/image/look";
import { WORDS, ZERO, differenceAt, inWordsOf, throughWindow, toneTable, toned, valueTones } from "../../src/image/tones";
import { ownOf } from "../../src/image/own";
import type { Values } from "../../src/cine/source";
import type { Grey } from "../../src/cine/values";

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

describe("tables of values", () => {
  const CT: Grey = { slope: 1, intercept: -1024, inverse: false, windows: [], tables: [], range: null };

  it("are by the modality's values", () => {
    fc.assert(
      fc.property(fc.integer({ min: -1000, max: 3000 }), fc.integer({ min: 1, max: 4000 }), fc.constantFrom(0.5, 1, 3), (center, width, slope) => {
        const tones = valueTones({ ...AS_IT_IS, window: { center, width, shape: "LINEAR" } }, { ...CT, slope });
        for (let word = 0; word < WORDS; word += 97) expect(tones[word]).toBe(Math.round(linear(word * slope - 1024, center, width)));
      }),
      { numRuns: 20 },
    );
  });

  it("are inverted by the object, before the gamma, and by the look", () => {
    const window = { center: 0, width: 200, shape: "LINEAR_EXACT" } as const;
    const tone = (grey: Grey, more: object): number | undefined => valueTones({ ...AS_IT_IS, window, ...more }, grey)[1024 - 50];
    expect(tone(CT, {})).toBe(Math.round(255 / 4));
    expect(tone({ ...CT, inverse: true }, {})).toBe(Math.round((255 * 3) / 4));
    expect(tone({ ...CT, inverse: true }, { gamma: 2 })).toBe(Math.round(255 * Math.sqrt(3 / 4)));
    expect(tone({ ...CT, inverse: true }, { invert: true })).toBe(Math.round(255 / 4));
  });

  it("may be the object's own", () => {
    const own = ownOf({ ...CT, tables: [{ name: "", first: 10, bits: 10, entries: Uint16Array.from([0, 1023, 512]) }] });
    const tones = valueTones({ ...AS_IT_IS, own }, CT);
    expect([-1000, 10, 11, 12, 4000].map((value) => tones[value + 1024])).toEqual([0, 0, 255, 128, 128]);
  });

  it("of differences are by those of the modality's values, should their slopes differ", () => {
    const [frame, mask] = [CT, { ...CT, slope: 2, intercept: 0 }];
    const words = inWordsOf({ words: Uint16Array.from([0, 500, 3000]), grey: mask } as unknown as Values, frame);
    const tones = valueTones({ ...subtracting(AS_IT_IS, 0), window: { center: 0, width: 512, shape: "LINEAR_EXACT" } }, frame);
    // A word of 2124 is 1100; less 1000 that is 100.
    expect(tones[differenceAt(2124, words[1] ?? 0)]).toBe(Math.round(255 * (100 / 512 + 0.5)));
    expect(tones[differenceAt(0, 70000)]).toBe(0);
  });
});
