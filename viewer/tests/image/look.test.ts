import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { KEYS, asItIs, done, imageCommand, isAct } from "../../src/image/commands";
import { dragged, pinched } from "../../src/image/hands";
import { AS_IT_IS, inPicture, onScreen, panned, shuttered, subtracting, tableOf, tabled, turned, windowOf, windowed, zoomed } from "../../src/image/look";
import type { Look, Point } from "../../src/image/look";
import { ownOf } from "../../src/image/own";
import { fitted, placed } from "../../src/image/placing";

const part = fc.double({ min: 0, max: 1, noNaN: true });
const point = fc.tuple(part, part);
const look: fc.Arbitrary<Look> = fc
  .record({ turns: fc.integer({ min: 0, max: 3 }), flip: fc.boolean(), factor: fc.double({ min: 1, max: 40, noNaN: true }), at: point })
  .map(({ factor, at, ...more }) => zoomed({ ...AS_IT_IS, ...more }, factor, at));

function near(one: Point, other: Point): void {
  expect(one[0]).toBeCloseTo(other[0], 6);
  expect(one[1]).toBeCloseTo(other[1], 6);
}

describe("places", () => {
  it("on screen and in the picture are each other's", () => {
    fc.assert(fc.property(look, point, (one, at) => near(onScreen(one, inPicture(one, at)), at)));
  });

  it("are turned first, then flipped (PS3.3 C.10.6)", () => {
    // The upper left corner, turned clockwise, is the upper right one; flipped, the upper left one again.
    near(onScreen({ ...AS_IT_IS, turns: 1 }, [0, 0]), [1, 0]);
    near(onScreen({ ...AS_IT_IS, turns: 1, flip: true }, [0, 0]), [0, 0]);
    near(onScreen({ ...AS_IT_IS, turns: 1, flip: true }, [1, 0]), [0, 1]);
  });

  it("turn as one sees it, flipped or not", () => {
    fc.assert(
      fc.property(look, point, (one, at) => {
        const [u, v] = onScreen(one, at);
        near(onScreen(turned(one, 1), at), [1 - v, u]);
      }),
    );
  });

  it("never leave a part of the screen empty", () => {
    fc.assert(
      fc.property(look, point, point, (one, from, to) => {
        for (const corner of [[0, 0], [1, 1]] as const) {
          for (const value of inPicture(panned(one, from, to), corner)) {
            expect(value).toBeGreaterThan(-1e-9);
            expect(value).toBeLessThan(1 + 1e-9);
          }
        }
      }),
    );
  });

  it("stay under the hand that zooms in", () => {
    fc.assert(fc.property(look, point, fc.double({ min: 1, max: 3, noNaN: true }), (one, at, factor) => near(inPicture(zoomed(one, factor, at), at), inPicture(one, at))));
  });

  it("are those of pixels", () => {
    expect(placed(AS_IT_IS, { width: 192, height: 96 })).toEqual([1, 0, 0, 1, 0, 0]);
    // x' = 96 - y, y' = x
    expect(placed(turned(AS_IT_IS, 1), { width: 192, height: 96 })).toEqual([0, 1, -1, 0, 96, 0]);
  });

  it("are told of the canvas within its box", () => {
    // A canvas of 2:1 in a box of 1:1 has a quarter of it empty above and below.
    expect(fitted([50, 25], { width: 100, height: 100 }, { width: 400, height: 200 })).toEqual([0.5, 0]);
  });
});

describe("hands", () => {
  it("drag windows: wider to the right, brighter upwards", () => {
    const { center, width } = windowOf(dragged("window", AS_IT_IS, [0.5, 0.5], [0.6, 0.4], 2));
    expect(center).toBeCloseTo(128 - 51.2, 6);
    expect(width).toBeCloseTo(256 + 51.2, 6);
  });

  it("drag shutters, of the part that is seen", () => {
    const half = zoomed(AS_IT_IS, 2);
    expect(dragged("rectangle", half, [1, 1], [0, 0], 2).shutter).toEqual({ kind: "rectangle", from: [0.25, 0.25], to: [0.75, 0.75] });
    expect(dragged("circle", AS_IT_IS, [0.5, 0.5], [0.6, 0.5], 2).shutter).toEqual({ kind: "circle", center: [0.5, 0.5], radius: expect.closeTo(0.2, 9) });
    expect(shuttered(AS_IT_IS, "rectangle", [0.5, 0.5], [0.501, 0.9], 2).shutter).toBeNull();
  });

  it("pinch", () => {
    const larger = pinched(AS_IT_IS, [[0.4, 0.5], [0.6, 0.5]], [[0.3, 0.5], [0.7, 0.5]], 2);
    expect(larger.zoom).toBeCloseTo(2, 9);
    near(inPicture(larger, [0.3, 0.5]), [0.4, 0.5]);
  });
});

describe("commands", () => {
  it("undo each other", () => {
    const zoomedIn = zoomed(AS_IT_IS, 4);
    for (const [there, back] of [["turnLeft", "turnRight"], ["flip", "flip"], ["flipOver", "flipOver"], ["invert", "invert"], ["lookLeft", "lookRight"], ["lookUp", "lookDown"], ["larger", "smaller"]] as const) {
      const [before, after] = [zoomedIn, done(done(zoomedIn, there), back)];
      near(onScreen(after, [0.1, 0.7]), onScreen(before, [0.1, 0.7]));
      expect(after.invert).toBe(before.invert);
    }
    expect(done(AS_IT_IS, "flipOver")).toMatchObject({ flip: true, turns: 2 });
  });

  it("make a picture brighter or darker, of more contrast or less", () => {
    const changes = (["brighter", "darker", "narrower", "wider"] as const).map((act) => windowOf(done(AS_IT_IS, act)));
    expect(changes.map(({ center, width }) => [center, width])).toEqual([[120, 256], [136, 256], [128, 248], [128, 264]]);
  });

  it("of subtraction begin with a window of their own", () => {
    const look = windowed(AS_IT_IS, 40, 80);
    expect(windowOf(subtracting(look, 7))).toMatchObject({ center: 0, width: 256 });
    expect(subtracting(look, null).window).toEqual(look.window);
  });

  it("of values are by what the picture opens with", () => {
    const own = ownOf({ slope: 1, intercept: -1024, inverse: false, windows: [{ name: "", window: { center: 40, width: 512, shape: "LINEAR" } }], tables: [], range: null });
    const look = { ...AS_IT_IS, own };
    expect(windowOf(look)).toMatchObject({ center: 40, width: 512 });
    expect(windowOf(done(done(look, "wider"), "brighter"))).toMatchObject({ center: 24, width: 528 });
    expect(windowOf(windowed(look, -600, 1500))).toMatchObject({ center: -600, width: 1500 });
    expect(windowOf(windowed(look, 40, 0.25, "LINEAR"))).toMatchObject({ width: 1 });
    expect(windowOf(subtracting(windowed(look, -600, 1500), 7))).toMatchObject({ center: 0, width: 512 });
  });

  it("by a table that the picture has, until a window is moved", () => {
    const entries = Uint16Array.from({ length: 101 }, (_, at) => at);
    const own = ownOf({ slope: 1, intercept: 0, inverse: false, windows: [], tables: [{ name: "a", first: 50, bits: 8, entries }, { name: "b", first: 0, bits: 8, entries }], range: null });
    const look = { ...AS_IT_IS, own };
    expect(tableOf(look)?.name).toBe("a");
    expect(windowOf(look)).toMatchObject({ center: 100, width: 100 });
    expect(tableOf(tabled(look, 1))?.name).toBe("b");
    expect(tableOf(done(tabled(look, 1), "brighter"))).toBeNull();
    expect(tableOf(subtracting(look, 3))).toBeNull();
  });

  it("go back to what the container says", () => {
    expect(asItIs(3)).toEqual({ ...AS_IT_IS, turns: 3 });
  });
});

describe("keys", () => {
  const plain = { altKey: false, ctrlKey: false, metaKey: false, shiftKey: false };

  it("are each other's shifted", () => {
    expect(imageCommand({ ...plain, key: "r" })).toBe("turnRight");
    expect(imageCommand({ ...plain, key: "R", shiftKey: true })).toBe("turnLeft");
    expect(imageCommand({ ...plain, key: "ArrowLeft", shiftKey: true })).toBe("lookLeft");
    expect(imageCommand({ ...plain, key: "ArrowLeft" })).toBeNull();
    expect(imageCommand({ ...plain, key: "?", shiftKey: true })).toBe("help");
    expect(imageCommand({ ...plain, key: "=" })).toBe("larger");
    expect(imageCommand({ ...plain, key: "c", ctrlKey: true })).toBeNull();
  });

  it("are known once each", () => {
    expect(new Set(KEYS.map(([key]) => key)).size).toBe(KEYS.length);
    expect(KEYS.filter(([, command]) => isAct(command)).length).toBe(22);
  });
});
