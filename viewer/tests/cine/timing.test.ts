import fc from "fast-check";
import { expect, it } from "vitest";
import { Timing } from "../../src/cine/timing";

it("tells what was shown, left out and late, and how well times were kept", () => {
  const timing = new Timing();
  expect(timing.report()).toEqual({ shown: 0, dropped: 0, late: 0, stood: 0, jitter: null, misses: [] });
  timing.show(0, 0.0004);
  expect(timing.miss).toBeNull();
  timing.pass(2);
  timing.show(3, -0.005);
  expect(timing.miss).toEqual({ place: 3, by: -0.005, late: false, dropped: 2, stood: 0 });
  timing.show(4, 0.0201);
  timing.show(5, 0.02);
  expect(timing.miss).toBeNull();
  const { misses, ...sums } = timing.report();
  expect(sums).toEqual({ shown: 4, dropped: 2, late: 1, stood: 0, jitter: expect.closeTo(0.0202, 6) as number });
  expect(misses.map(({ place }) => place)).toEqual([3, 4]);
});

it("forgets what was passed over and came after all", () => {
  const timing = new Timing();
  timing.pass(3);
  timing.pass(-1);
  timing.show(7, 0.1);
  expect(timing.miss).toMatchObject({ dropped: 2, late: true });
  expect(timing.report().dropped).toBe(2);
});

it("has 95 of 100 frames within its jitter, and no more than that far below it", () => {
  const times = fc.array(fc.double({ min: -0.4, max: 0.4, noNaN: true }), { minLength: 1, maxLength: 300 });
  fc.assert(
    fc.property(times, (all) => {
      const timing = new Timing();
      all.forEach((by, place) => timing.show(place, by));
      const sorted = all.map(Math.abs).sort((a, b) => a - b);
      const exact = sorted[Math.ceil(0.95 * all.length) - 1] ?? 0;
      const { jitter, late } = timing.report();
      expect(jitter).toBeGreaterThanOrEqual(exact - 1e-9);
      expect(jitter).toBeLessThanOrEqual(exact + 1.01e-4);
      expect(late).toBe(sorted.filter((off) => off > 0.02).length);
    }),
  );
});
