import { describe, expect, it } from "vitest";
import { readValues, wordsOf } from "../../src/cine/values";
import type { Samples, Words } from "../../src/cine/values";

const data = (...entries: number[]): string => btoa(String.fromCharCode(...entries.flatMap((entry) => [entry & 255, entry >> 8])));
const FRAME = { Slope: 1, Intercept: 0, Windows: [] };
const SAID = { Rows: 1, Columns: 4, PixelAspect: 1, BitsStored: 12, HighBit: 11, Signed: false, Inverse: false, Padding: null, ModalityLUT: null, VOILUTs: [], Frames: [FRAME] };

function said(more: object): Samples {
  const samples = readValues({ Values: { ...SAID, ...more } });
  if (samples === null) throw new Error("there should be values");
  return samples;
}

function words(samples: Samples, ...stored: number[]): Words {
  const [grey] = samples.frames;
  const found = grey && wordsOf(samples, grey, new Uint8Array(Uint16Array.from(stored).buffer));
  if (!found) throw new Error("there should be words");
  return found;
}

/** The modality's values. */
function values(samples: Samples, ...stored: number[]): number[] {
  const [grey] = samples.frames;
  return Array.from(words(samples, ...stored).words, (word) => word * (grey?.slope ?? 0) + (grey?.intercept ?? 0));
}

describe("samples", () => {
  it("are their stored bits, whatever lies beside them (PS3.5 8.1.1)", () => {
    expect(values(said({}), 0, 1, 0xf005, 0xffff)).toEqual([0, 1, 5, 4095]);
    expect(values(said({ HighBit: 15 }), 0x0010, 0x001f, 0xffff, 0x000f)).toEqual([1, 1, 4095, 0]);
  });

  it("may be signed, and are the modality's by slope and intercept", () => {
    const samples = said({ Signed: true, Frames: [{ ...FRAME, Slope: 0.5, Intercept: -10 }] });
    expect(values(samples, 0, 0x0fff, 0x0800, 0x07ff)).toEqual([-10, -10.5, -1034, 1013.5]);
    expect(values(said({ Signed: true, BitsStored: 16, HighBit: 15 }), 0x8000, 0xffff, 0, 0x7fff)).toEqual([-32768, -1, 0, 32767]);
  });

  it("may be the modality's by a table", () => {
    const table = { First: 2, Bits: 16, Explanation: "", Data: data(7, 5000, 65535) };
    expect(values(said({ ModalityLUT: table, Frames: [{ ...FRAME, Slope: 9, Intercept: 9 }] }), 0, 2, 3, 4000)).toEqual([7, 7, 5000, 65535]);
    expect(values(said({ Signed: true, ModalityLUT: { ...table, First: -1 } }), 0x0fff, 0, 1, 0x0800)).toEqual([7, 5000, 65535, 7]);
  });

  it("have a range, of which padding is none", () => {
    expect(words(said({}), 2000, 3, 40, 40).range).toEqual([3, 2000]);
    expect(words(said({ Padding: [1990, 2010], Frames: [{ ...FRAME, Slope: -2 }] }), 2000, 3, 40, 40).range).toEqual([-80, -6]);
    expect(words(said({ Padding: [-2048, -2048], Signed: true }), 0x0800, 3, 0x0fff, 40).range).toEqual([-1, 40]);
  });

  it("that are too few are none", () => {
    const [grey] = said({}).frames;
    expect(grey && wordsOf(said({}), grey, new Uint8Array(7))).toBeNull();
  });

  it("of pixels that are not square are shown as large as loses nothing", () => {
    expect([said({ PixelAspect: 1.5 }).shown, said({ PixelAspect: 0.25 }).shown]).toEqual([[6, 1], [4, 4]]);
  });
});

describe("what an object says", () => {
  it("are windows and tables by their names", () => {
    const windows = [{ Center: 40, Width: 400, Function: "SIGMOID", Explanation: "Lung" }];
    const [grey] = said({ Frames: [{ ...FRAME, Windows: windows }], VOILUTs: [{ First: 1, Bits: 8, Explanation: "T", Data: data(1, 2) }] }).frames;
    expect(grey?.windows).toEqual([{ name: "Lung", window: { center: 40, width: 400, shape: "SIGMOID" } }]);
    expect(grey?.tables).toEqual([{ name: "T", first: 1, bits: 8, entries: Uint16Array.from([1, 2]) }]);
  });

  it("may be nothing beyond what is drawn", () => {
    expect(readValues({ Values: null })).toBeNull();
    for (const wrong of [{}, { Values: { ...SAID, Frames: [] } }, { Values: { ...SAID, Frames: [{ Slope: "1" }] } }]) {
      expect(() => readValues(wrong)).toThrow("could not be read");
    }
  });
});
