import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { together } from "../../src/cine/together";
import type { Member, Step } from "../../src/cine/together";

function film(frames: number, fps: number, more: Partial<Member> = {}): Member {
  const start = Float64Array.from({ length: frames }, (_, place) => place / fps);
  return { start, seconds: frames / fps, offset: { time: 0, frame: 0, position: 0 }, correction: 0, ...more };
}

/** What is due, by the definition, without merging anything. */
function due(member: Member, lead: Member, step: Step, seconds: number): number {
  const { start, offset } = member;
  const rate = lead.start.length / lead.seconds;
  const own = {
    time: seconds - offset.time,
    position: (seconds / lead.seconds - offset.position) * member.seconds,
    frame: 0,
  }[step];
  const last = start.length - 1;
  if (step === "frame") return Math.max(0, Math.min(Math.floor(seconds * rate - offset.frame + 1e-4), last));
  return Math.max(0, start.filter((begin) => begin <= own + 1e-5).length - 1);
}

const members = fc.array(
  fc.record({
    frames: fc.integer({ min: 1, max: 40 }),
    fps: fc.constantFrom(10, 24, 25, 30, 50),
    offset: fc.integer({ min: 0, max: 20 }),
    correction: fc.integer({ min: -3, max: 3 }),
  }),
  { minLength: 1, maxLength: 4 },
);
const made = (all: { frames: number; fps: number; offset: number; correction: number }[]): Member[] =>
  all.map(({ frames, fps, offset, correction }, at) => {
    const shift = at === 0 ? 0 : offset;
    return film(frames, fps, { offset: { time: shift / 50, frame: shift, position: shift / 50 }, correction });
  });

describe("series together", () => {
  it("show at each moment what is due in each of them, by time, frame and position", () => {
    fc.assert(
      fc.property(members, fc.constantFrom<Step>("time", "frame", "position"), (all, step) => {
        const films = made(all);
        const [lead] = films as [Member];
        const score = together(films, step, false);
        films.forEach((one, at) => {
          const wanted = [...score.start].map((moment) => {
            return Math.max(0, Math.min(due(one, lead, step, moment) + one.correction, one.start.length - 1));
          });
          expect([...(score.places[at] ?? [])]).toEqual(wanted);
        });
      }),
    );
  });

  it("leave out no frame of any of them, and go through them in their order", () => {
    fc.assert(
      fc.property(members, fc.constantFrom<Step>("time", "frame", "position"), (all, step) => {
        const films = made(all).map((one) => ({ ...one, correction: 0 }));
        const score = together(films, step, false);
        films.forEach((one, at) => {
          const places = [...(score.places[at] ?? [])];
          expect([...new Set(places)]).toEqual([...one.start.keys()]);
        });
        const { start } = score;
        expect([...start].every((moment, at) => at === 0 || moment > (start[at - 1] ?? 0))).toBe(true);
        expect(start[0]).toBe(0);
        expect(score.seconds).toBeGreaterThan(start.at(-1) ?? 0);
      }),
    );
  });

  it("of one rate are within a frame of each other, whatever their offsets", () => {
    const offsets = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 2, maxLength: 4 });
    fc.assert(
      fc.property(offsets, (seconds) => {
        const films = seconds.map((time) => film(100, 25, { offset: { time, frame: 0, position: 0 } }));
        const { start, places } = together(films, "time", false);
        const zero = Math.min(...seconds);
        start.forEach((moment, at) => {
          places.forEach((own, which) => {
            const exact = (moment + zero - (seconds[which] ?? 0)) * 25;
            if (exact < 0 || exact > 99) return;
            expect(exact - (own[at] ?? 0)).toBeGreaterThan(-1e-3);
            expect(exact - (own[at] ?? 0)).toBeLessThan(1);
          });
        });
      }),
    );
  });

  it("stay at their end until all have finished, or begin anew by themselves", () => {
    const films = [film(6, 10), film(2, 10)];
    expect(together(films, "time", false).places.map((own) => [...own])).toEqual([
      [0, 1, 2, 3, 4, 5],
      [0, 1, 1, 1, 1, 1],
    ]);
    expect(together(films, "time", true).places.map((own) => [...own])).toEqual([
      [0, 1, 2, 3, 4, 5],
      [0, 1, 0, 1, 0, 1],
    ]);
  });

  it("are as long as the first one by position", () => {
    const { start, seconds, places } = together([film(4, 2), film(8, 25)], "position", false);
    expect(seconds).toBeCloseTo(2);
    start.forEach((moment, at) => expect(moment).toBeCloseTo(at / 4));
    expect(places.map((own) => [...own])).toEqual([
      [0, 0, 1, 1, 2, 2, 3, 3],
      [0, 1, 2, 3, 4, 5, 6, 7],
    ]);
  });
});
