import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { done } from "../../src/image/commands";
import { AS_IT_IS, onScreen, zoomed } from "../../src/image/look";
import type { Look, Point } from "../../src/image/look";
import { movedShutter, placedShutter, sizedShutter } from "../../src/image/shutters";

const look: fc.Arbitrary<Look> = fc
  .record({ turns: fc.integer({ min: 0, max: 3 }), flip: fc.boolean(), factor: fc.double({ min: 1, max: 4, noNaN: true }) })
  .map(({ factor, ...more }) => zoomed({ ...AS_IT_IS, ...more }, factor));
const ASPECT = 4 / 3;

/** Left, top, right and bottom of a rectangle as it is seen. */
function seen(one: Look): number[] {
  if (one.shutter?.kind !== "rectangle") throw new Error("there is none");
  const [from, to]: Point[] = [onScreen(one, one.shutter.from), onScreen(one, one.shutter.to)] as [Point, Point];
  return [Math.min(from[0], to[0]), Math.min(from[1], to[1]), Math.max(from[0], to[0]), Math.max(from[1], to[1])];
}

function near(found: number[], expected: number[]): void {
  found.forEach((one, at) => expect(one).toBeCloseTo(expected[at]!, 6));
}

describe("shutters without a pointer", () => {
  it("begin in the middle of what is seen, and are moved and sized as seen", () => {
    fc.assert(
      fc.property(look, (one) => {
        const there = placedShutter(one, "rectangle", ASPECT);
        near(seen(there), [0.25, 0.25, 0.75, 0.75]);
        near(seen(movedShutter(there, 0.1, -0.05)), [0.35, 0.2, 0.85, 0.7]);
        near(seen(sizedShutter(there, 0.1, 0)), [0.15, 0.25, 0.85, 0.75]);
        near(seen(sizedShutter(there, 0, -0.1)), [0.25, 0.35, 0.75, 0.65]);
      }),
    );
  });

  it("stay within the picture, and something is seen", () => {
    let there = placedShutter(AS_IT_IS, "rectangle", ASPECT);
    near(seen(movedShutter(there, 3, -3)), [0.5, 0, 1, 0.5]);
    near(seen(sizedShutter(there, 3, 0)), [0, 0.25, 1, 0.75]);
    for (let step = 0; step < 50; step += 1) there = sizedShutter(there, -0.02, -0.02);
    expect(seen(there)[2]! - seen(there)[0]!).toBeGreaterThan(0.015);
  });

  it("are circles, too", () => {
    const there = placedShutter(AS_IT_IS, "circle", ASPECT);
    expect(there.shutter).toEqual({ kind: "circle", center: [0.5, 0.5], radius: 0.25 });
    expect(sizedShutter(there, 0.1, 0).shutter).toMatchObject({ radius: 0.35 });
    expect(sizedShutter(there, 0, -3).shutter).toMatchObject({ radius: 0.02 });
    expect(movedShutter(there, 0.75, 0.125).shutter).toMatchObject({ center: [1, 0.625] });
  });

  it("are moved by the arrows that move the picture, while their tool is chosen", () => {
    const there = placedShutter(AS_IT_IS, "rectangle", ASPECT);
    near(seen(done(there, "lookRight", "rectangle")), [0.27, 0.25, 0.77, 0.75]);
    expect(done(there, "lookRight", "window").shutter).toEqual(there.shutter);
    expect(done(zoomed(AS_IT_IS, 2), "lookRight", "circle").center[0]).toBeGreaterThan(0.5);
    expect(done(AS_IT_IS, "shutterWider")).toEqual(AS_IT_IS);
  });
});
