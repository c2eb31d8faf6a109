import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Clock, moment } from "../../src/cine/clock";
import type { AtEnd, Direction } from "../../src/cine/clock";

/** Ten frames of which each lasts a tenth of a second longer than the one before: 0.1, 0.2, … 1. */
const START = Float64Array.from({ length: 10 }, (_, place) => (place * (place + 1)) / 20);
const END = 5.5;

function clock(atEnd: AtEnd = "restart"): Clock {
  const made = new Clock(START, END);
  made.atEnd = atEnd;
  return made;
}

function places(one: Clock, from: number, to: number, step: number): number[] {
  const seen: number[] = [];
  for (let tick = 0; from + tick * step < to; tick += 1) {
    const place = one.at(from + tick * step);
    if (seen.at(-1) !== place) seen.push(place);
  }
  return seen;
}

describe("the clock", () => {
  it("shows each frame from its own time on, as long as it lasts", () => {
    const one = clock("stop");
    one.play(1, 100);
    const moments = [0, 0.05, 0.11, 0.29, 0.31, 0.59, 0.61, 4.49, 4.51, 5.49];
    expect(moments.map((moment) => one.at(100 + moment))).toEqual([0, 0, 1, 1, 2, 2, 3, 8, 9, 9]);
    expect(one.playing).toBe(true);
    expect(one.at(105.51)).toBe(9);
    expect(one.playing).toBe(false);
  });

  it("shows them backwards just as long", () => {
    const one = clock("stop");
    one.moveTo(9, 0);
    one.play(-1, 0);
    const moments = [0, 0.99, 1.01, 1.89, 1.91, 5.39, 5.41, 5.49];
    expect(moments.map((moment) => one.at(moment))).toEqual([9, 9, 8, 8, 7, 1, 0, 0]);
    one.at(5.51);
    expect([one.place, one.playing]).toEqual([0, false]);
  });

  it("plays at a rate, whatever the frames' own times are", () => {
    const one = clock();
    one.setRate(4, 0);
    one.play(1, 0);
    expect([0, 0.26, 0.51, 2.26, 2.51].map((moment) => one.at(moment))).toEqual([0, 1, 2, 9, 0]);
    one.setRate(1000, 3); // 300 is the most
    const place = one.place;
    expect(one.at(3 + 1.5 / 300)).toBe(place + 1);
  });

  it("begins anew at the range's end, or at its beginning backwards", () => {
    const one = clock();
    one.setRange(2, 4, 0);
    one.play(1, 0);
    expect(places(one, 0, 3, 0.05)).toEqual([2, 3, 4, 2, 3, 4, 2, 3]);
    one.play(-1, 10);
    expect(places(one, 10, 12, 0.05)[0]).toBe(3);
    expect(new Set(places(one, 12, 20, 0.05))).toEqual(new Set([2, 3, 4]));
  });

  it("swings back, and shows the frame at the end once", () => {
    const one = clock("swing");
    one.setRange(0, 3, 0);
    one.setRate(10, 0);
    one.play(1, 0);
    expect(places(one, 0.05, 1.3, 0.1)).toEqual([0, 1, 2, 3, 2, 1, 0, 1, 2, 3, 2, 1, 0]);
    expect(one.direction).toBe(-1);
    expect([one.at(1.35), one.direction]).toEqual([1, 1]);
  });

  it("goes on where it stands, and begins at the range when it stands at its end or outside", () => {
    const one = clock("stop");
    one.moveTo(9, 0);
    one.play(1, 0);
    expect(one.place).toBe(0);
    one.moveTo(5, 1);
    expect([one.at(1.1), one.playing]).toEqual([5, true]);
    one.setRange(6, 8, 2);
    expect(one.place).toBe(6);
    one.moveTo(2, 3);
    expect([one.place, one.playing]).toEqual([2, false]);
    expect([one.moveTo(-3, 4), one.moveTo(99, 4)]).toEqual([0, 9]);
  });

  it("goes through exactly the frames of its path", () => {
    const motion = fc.record({
      range: fc.tuple(fc.nat({ max: 9 }), fc.nat({ max: 9 })),
      begin: fc.nat({ max: 9 }),
      direction: fc.constantFrom<Direction>(1, -1),
      atEnd: fc.constantFrom<AtEnd>("restart", "swing", "stop"),
      rate: fc.constantFrom(1, 7, 25, 300),
    });
    fc.assert(
      fc.property(motion, ({ range, begin, direction, atEnd, rate }) => {
        const one = clock(atEnd);
        one.setRange(...range, 0);
        one.setRate(rate, 0);
        one.moveTo(begin, 0);
        one.play(direction, 0);
        const path = one.path(40);
        // In the middle of each frame's time.
        const seen = path.map((_, at) => one.at((at + 0.5) / rate));
        expect(seen).toEqual(path);
        expect(path.every((place) => one.first <= place && place <= one.last)).toBe(true);
      }),
    );
  });

  it("is in the range however long nobody looked", () => {
    const wait = fc.double({ min: 0, max: 1e6, noNaN: true });
    fc.assert(
      fc.property(wait, fc.constantFrom<AtEnd>("restart", "swing"), fc.constantFrom<Direction>(1, -1), (seconds, atEnd, way) => {
        const one = clock(atEnd);
        one.setRange(3, 7, 0);
        one.play(way, 0);
        const place = one.at(seconds);
        expect([3, 4, 5, 6, 7]).toContain(place);
        expect(one.playing).toBe(true);
      }),
    );
  });
});

describe("what goes by", () => {
  const motion = fc.record({
    range: fc.tuple(fc.nat({ max: 9 }), fc.nat({ max: 9 })),
    direction: fc.constantFrom<Direction>(1, -1),
    atEnd: fc.constantFrom<AtEnd>("restart", "swing", "stop"),
    rate: fc.constantFrom(1, 7, 25, 300),
    looks: fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 8 }),
  });

  /** Frames between two looks, and the time at which each is due, as its path tells them. */
  it("is counted whether anybody looks or not, and each frame is due at its time", () => {
    fc.assert(
      fc.property(motion, ({ range, direction, atEnd, rate, looks }) => {
        const one = clock(atEnd);
        one.setRange(...range, 0);
        one.setRate(rate, 0);
        one.play(direction, 0);
        const path = one.path(600);
        if (path.length === 1) return; // nothing goes by
        const begun = one.gone;
        let steps = 0;
        for (const look of looks) {
          steps = Math.min(steps + look, path.length - 1);
          expect(one.at((steps + 0.5) / rate)).toBe(path[steps]);
          expect(one.gone - begun).toBe(steps);
          expect(one.due(one.place)).toBeCloseTo(steps / rate, 6);
        }
      }),
    );
  });

  it("keeps the last frame's time when it stops there", () => {
    const one = clock("stop");
    one.play(1, 100);
    one.at(104.6);
    one.at(106);
    expect([one.playing, one.place]).toEqual([false, 9]);
    expect(one.due(9)).toBeCloseTo(104.5);
  });

  it.each(["hold", "next"] as const)("where it is to %s, stops", (atEnd) => {
    const one = clock(atEnd);
    one.play(1, 0);
    one.at(9);
    expect([one.playing, one.place, one.gone]).toEqual([false, 9, 9]);
  });
});

it.each([
  [null, false],
  [1, false],
  [4, true],
])("at %s frames a second is hurried: %s", (rate, hurried) => {
  const one = clock();
  one.setRate(rate, 0);
  expect(one.isHurried).toBe(hurried);
});

describe("a tick", () => {
  it("is at its own time, or now where the page was busy, and never goes back", () => {
    expect(moment(1, 1.004, 0.99)).toBe(1);
    expect(moment(1, 1.05, 0.99)).toBe(1.05);
    expect(moment(1.06, 1.061, 1.062)).toBe(1.062);
  });
});
