import { describe, expect, it } from "vitest";
import { AS_IT_IS, subtracting, windowed } from "../src/image/look";
import type { Window } from "../src/image/look";
import { ownOf } from "../src/image/own";
import { choose, chosen } from "../src/windows";

const WHOLE: Window = { center: 50, width: 100, shape: "LINEAR_EXACT" };
const named = (name: string, center: number, width: number) => ({ name, window: { center, width, shape: "LINEAR" as const } });
const table = (name: string) => ({ name, first: 0, bits: 8, entries: new Uint16Array(9) });
const GREY = { slope: 1, intercept: 0, inverse: false, windows: [named("Full", 50, 90), named("Narrow", 40, 9)], tables: [table("bone")], range: null };
const both = { ...AS_IT_IS, own: ownOf(GREY) };

describe("what a picture proposes", () => {
  it("is in use once it was chosen, until another window is set", () => {
    expect(chosen(both, WHOLE)).toBe("window 0");
    for (const key of ["window 1", "table 0", "whole", "window 0"]) {
      const look = choose(both, key, WHOLE);
      expect(chosen(look, WHOLE)).toBe(key);
      expect(chosen(windowed(look, 33, 22), WHOLE)).toBe("");
      expect(chosen(subtracting(look, 1), WHOLE)).toBe("");
    }
  });

  it("is each picture's own where it is what it opens with", () => {
    expect(choose(windowed(both, 1, 2), "window 0", WHOLE).window).toBeNull();
    const tables = { ...AS_IT_IS, own: ownOf({ ...GREY, windows: [] }) };
    expect(chosen(tables, WHOLE)).toBe("table 0");
    expect(choose(windowed(tables, 1, 2), "table 0", WHOLE)).toMatchObject({ window: null, table: null });
    const none = { ...AS_IT_IS, own: ownOf({ ...GREY, windows: [], tables: [], range: [3, 9] }) };
    expect(chosen(none, WHOLE)).toBe("whole");
    expect(choose(windowed(none, 1, 2), "whole", WHOLE).window).toBeNull();
  });
});
