import { describe, expect, it } from "vitest";
import { drawn, frameOver, readOverlays } from "../../src/image/overlays";

const told = {
  Group: "6000",
  Type: "Graphics",
  Label: "caliper",
  Rows: 2,
  Columns: 3,
  Origin: [5, 7],
  Frame: 4,
  NumberOfFrames: 2,
  // Of the first frame the points 0 and 4, of the second (from bit 6 on) 0 and 5.
  Data: btoa(String.fromCharCode(0b01010001, 0b00001000)),
};

describe("overlays", () => {
  it("are read as docs/http.md has them", () => {
    const [plane] = readOverlays({ Overlays: [told], NotShown: [] });
    expect(plane).toMatchObject({ label: "caliper", rows: 2, columns: 3, origin: [5, 7], first: 3, frames: 2 });
  });

  it("that cannot be read are refused with a sentence", () => {
    for (const wrong of [{ Rows: 0 }, { Origin: [1] }, { Origin: ["a", 1] }, { NumberOfFrames: 3 }, { Data: "AA==" }]) {
      expect(() => readOverlays({ Overlays: [{ ...told, ...wrong }] })).toThrow("overlays could not be read");
    }
    expect(() => readOverlays({})).toThrow("overlays could not be read");
  });

  it("lie over their own frames, or over all", () => {
    const [some] = readOverlays({ Overlays: [told] });
    expect([2, 3, 4, 5].map((place) => frameOver(some!, place))).toEqual([null, 0, 1, null]);
    const [all] = readOverlays({ Overlays: [{ ...told, Frame: null, NumberOfFrames: null }] });
    expect([0, 99].map((place) => frameOver(all!, place))).toEqual([0, 0]);
  });

  it("have a point for each bit, the lowest first", () => {
    const [plane] = readOverlays({ Overlays: [told] });
    const opaque = (frame: number): number[] => [...drawn(plane!, frame).filter((_, at) => at % 4 === 3).entries()].flatMap(([at, alpha]) => (alpha ? [at] : []));
    expect(opaque(0)).toEqual([0, 4]);
    expect(opaque(1)).toEqual([0, 5]);
  });
});
