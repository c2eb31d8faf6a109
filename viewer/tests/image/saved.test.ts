import { describe, expect, it } from "vitest";
import { AS_IT_IS } from "../../src/image/look";
import type { Look } from "../../src/image/look";
import { EIGHT_BITS, ownOf } from "../../src/image/own";
import { readView, readViews, written } from "../../src/image/saved";

const everything: Look = {
  own: EIGHT_BITS,
  table: null,
  window: { center: 100, width: 50, shape: "SIGMOID" },
  gamma: 1.5,
  invert: true,
  zoom: 4,
  center: [0.25, 0.75],
  turns: 3,
  flip: true,
  shutter: { kind: "circle", center: [0.5, 0.25], radius: 0.125 },
  mask: 6,
};

const NOTHING = { overlays: null, texts: null };

describe("views", () => {
  it("come back as they were saved", () => {
    const rectangle: Look = { ...AS_IT_IS, shutter: { kind: "rectangle", from: [0, 0.25], to: [0.5, 1] } };
    for (const look of [AS_IT_IS, everything, rectangle]) {
      const beside = { overlays: look.flip, texts: null };
      const kept = { ...(written(" Größe \\\n", 41, look, beside) as object), ID: "a" };
      expect(readView(JSON.parse(JSON.stringify(kept)))).toEqual({ id: "a", name: "Größe", place: 41, look, ...beside });
    }
  });

  it("are asked for as docs/http.md has them", () => {
    expect(written("", 0, everything, { overlays: true, texts: false })).toEqual({
      name: "",
      frame: 1,
      window: { center: 100, width: 50, function: "SIGMOID" },
      table: null,
      gamma: 1.5,
      invert: true,
      zoom: 4,
      center: { x: 0.25, y: 0.75 },
      rotation: 270,
      flip: true,
      shutter: { kind: "circle", x: 0.5, y: 0.25, radius: 0.125 },
      subtract: 7,
      overlays: true,
      texts: false,
    });
  });

  it("that older versions have saved say nothing of what is beside the picture", () => {
    const { overlays, texts, ...old } = written("", 0, everything, NOTHING) as Record<string, unknown>;
    expect([overlays, texts]).toEqual([null, null]);
    expect(readView({ ...old, ID: "a" })).toMatchObject({ overlays: null, texts: null });
  });

  it("keep the window of differences, and of what the object does not say", () => {
    const kept = (range: [number, number] | null, look: Partial<Look>): unknown => {
      const table = { name: "", first: 0, bits: 8, entries: new Uint16Array(4) };
      const own = ownOf({ slope: 1, intercept: 0, inverse: false, windows: [], tables: range === null ? [table] : [], range });
      const { window, table: number } = written("", 0, { ...AS_IT_IS, own, ...look }, NOTHING) as Record<string, unknown>;
      return [window, number];
    };
    expect(kept([10, 30], {})).toEqual([{ center: 20, width: 20, function: "LINEAR_EXACT" }, null]);
    expect(kept([10, 30], { mask: 1 })).toEqual([{ center: 0, width: 20, function: "LINEAR" }, null]);
    expect(kept(null, {})).toEqual([null, null]);
    expect(kept(null, { table: 0 })).toEqual([null, 1]);
  });

  it("that cannot be read are said", () => {
    for (const wrong of [{}, { Views: [{}] }, { Views: [{ ...(written("", 0, AS_IT_IS, NOTHING) as object), shutter: { kind: "star" } }] }]) {
      expect(() => readViews(wrong)).toThrow("could not be read");
    }
  });
});
