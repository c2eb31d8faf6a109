import { beforeEach, describe, expect, it } from "vitest";
import { Cine } from "../../src/cine/cine";
import type { Screen } from "../../src/cine/cine";
import type { Frame, Source } from "../../src/cine/source";

const FPS = 25;
const COUNT = 100;

/** Frames that are there when the test says so. */
class Shelf implements Source {
  readonly start = Float64Array.from({ length: COUNT }, (_, place) => place / FPS);
  readonly seconds = COUNT / FPS;
  readonly room = 80;
  there: (place: number) => boolean = () => true;
  wanted: readonly number[] = [];
  closed = false;
  readonly trouble = null;
  lost: (place: number) => boolean = () => false;
  hurries = 0;

  isLost = (place: number): boolean => this.lost(place);
  hurry = (): void => void (this.hurries += 1);
  get = (place: number): VideoFrame | null => (this.there(place) ? ({} as VideoFrame) : null);
  want = (path: readonly number[]): void => void (this.wanted = path);
  /** Groups of ten. */
  keyBefore = (place: number): number => place - (place % 10);
  close = (): void => void (this.closed = true);
}

/** A display of 60 Hz that ticks when the test says so. */
class Display implements Screen {
  readonly drawn: number[] = [];
  ends = 0;
  private next: ((now: number) => void) | null = null;
  private milliseconds = 5000;

  draw = (_: Frame, place: number): void => void this.drawn.push(place);
  changed = (): void => undefined;
  ended = (): void => void (this.ends += 1);
  onTick = (next: (now: number) => void): void => void (this.next = next);
  now = (): number => this.milliseconds;

  /** `lag`: so many milliseconds pass before the page comes to the tick, and the next one is as much sooner. */
  tick(ticks = 1, every = 1000 / 60, lag = 0): void {
    for (let count = 0; count < ticks; count += 1) {
      this.milliseconds += every + lag;
      const { next } = this;
      this.next = null;
      next?.(this.milliseconds - lag);
      this.milliseconds -= lag;
    }
  }

  get idle(): boolean {
    return this.next === null;
  }
}

let shelf: Shelf;
let display: Display;
let cine: Cine;
beforeEach(() => {
  [shelf, display] = [new Shelf(), new Display()];
  cine = new Cine(shelf, display);
});

describe("the engine", () => {
  it("draws each frame once while it plays, each at the tick that is nearest to its time", () => {
    cine.play(1);
    display.tick(61);
    expect(display.drawn).toEqual([...Array(26).keys()]);
    expect(cine.timing.report()).toMatchObject({ shown: 26, dropped: 0, late: 0 });
    expect(shelf.wanted.slice(0, 3)).toEqual([25, 26, 27]);
    expect(shelf.wanted).toHaveLength(Math.min(2 * FPS, 40));
  });

  it("goes back to no frame before after a tick that the page came to late", () => {
    for (const [rate, direction] of [[60, 1], [60, -1], [120, 1], [300, 1]] as const) {
      display.drawn.length = 0;
      cine.setRate(rate);
      cine.moveTo(direction > 0 ? 0 : COUNT - 1);
      cine.play(direction);
      for (const lag of [0, 9, 16, 17, 20, 30, 0, 25]) display.tick(2, 1000 / 60, lag), display.tick(2);
      const steps = display.drawn.slice(1).map((place, at) => (place - (display.drawn[at] ?? 0)) * direction);
      // But where it begins anew.
      expect(steps.filter((step) => step < 0 && step > -COUNT / 2)).toEqual([]);
      cine.pause();
    }
  });

  it("begins only when the first frame is there", () => {
    shelf.there = () => false;
    cine.play(1);
    display.tick(120);
    expect(display.drawn).toEqual([]);
    shelf.there = () => true;
    display.tick(7);
    expect(display.drawn).toEqual([0, 1, 2]);
  });

  it("counts what was passed over, and keeps time", () => {
    cine.play(1);
    display.tick(1);
    display.tick(1, 400); // ten frames later
    expect(display.drawn).toEqual([0, 10]);
    expect(cine.timing.report()).toMatchObject({ shown: 2, dropped: 9, late: 0 });
  });

  it("draws the newest frame that is there where the one that is due is not", () => {
    cine.play(1);
    display.tick(1);
    shelf.there = (place) => place <= 7;
    display.tick(1, 400);
    expect(display.drawn).toEqual([0, 7]);
    expect(cine.timing.report()).toMatchObject({ shown: 2, dropped: 8, late: 1 });
    display.tick(3);
    expect(display.drawn).toEqual([0, 7]);
  });

  it("shows what it is asked for when it stands, as soon as it is there, and nothing else", () => {
    cine.moveTo(0);
    shelf.there = (place) => place !== 40;
    cine.moveTo(40);
    cine.arrived(39);
    expect(display.drawn).toEqual([0]);
    shelf.there = () => true;
    cine.arrived(40);
    cine.step(-1);
    expect(display.drawn).toEqual([0, 40, 39]);
    expect(shelf.wanted.slice(0, 3)).toEqual([39, 38, 37]);
    expect(display.idle).toBe(true);
  });

  it("stands at the frame on screen when it is stopped", () => {
    cine.play(1);
    display.tick(10);
    shelf.there = () => false;
    display.tick(30);
    cine.pause();
    expect(cine.place).toBe(display.drawn.at(-1));
    expect(cine.playing).toBe(0);
    display.tick(1);
    expect(display.idle).toBe(true);
  });

  it("stops at the range's end, where it is told to", () => {
    cine.setAtEnd("stop");
    cine.setRange(10, 14);
    cine.play(1);
    display.tick(40);
    expect(display.drawn).toEqual([0, 10, 11, 12, 13, 14]);
    expect([cine.playing, display.idle]).toEqual([0, true]);
    cine.play(-1);
    display.tick(40);
    expect(display.drawn.slice(5)).toEqual([14, 13, 12, 11, 10]);
  });

  it("does nothing any more once it is closed", () => {
    cine.play(1);
    display.tick(2);
    cine.close();
    display.tick(20);
    expect([shelf.closed, display.drawn]).toEqual([true, [0]]);
  });
});

describe("a slider that is dragged", () => {
  let here: Set<number>;
  const arrive = (place: number): void => {
    here.add(place);
    cine.arrived(place);
  };
  beforeEach(() => {
    here = new Set([0]);
    shelf.there = (place) => here.has(place);
    cine.moveTo(0);
  });

  it("shows the key frame before it at once, and the exact one when it rests", () => {
    cine.scrub(57);
    expect(shelf.wanted).toEqual([50]);
    arrive(50);
    expect([display.drawn.at(-1), cine.place]).toEqual([50, 57]);
    cine.moveTo(57);
    expect(shelf.wanted[0]).toBe(57);
    arrive(57);
    expect(display.drawn).toEqual([0, 50, 57]);
  });

  it("gives up none for the next, and then has the one where the slider is by then", () => {
    for (const place of [12, 24, 36, 48]) cine.scrub(place);
    expect(shelf.wanted).toEqual([10]);
    arrive(10);
    expect(shelf.wanted).toEqual([40]);
    arrive(40);
    expect(display.drawn).toEqual([0, 10, 40]);
  });

  it("shows the very frame where that is there", () => {
    here.add(33);
    cine.scrub(33);
    expect(display.drawn).toEqual([0, 33]);
  });

  it("draws no key frame that comes after it rested", () => {
    cine.scrub(57);
    cine.moveTo(58);
    arrive(58);
    arrive(50);
    expect(display.drawn).toEqual([0, 58]);
  });
});

describe("frames that do not come", () => {
  it("have time wait for them, so that none is passed over", () => {
    let come = 30;
    shelf.there = (place) => place < come;
    cine.play(1);
    display.tick(60 * 5);
    expect(display.drawn.at(-1)).toBe(29);
    const due = cine.place;
    expect(due).toBeLessThan(30 + FPS);
    come = COUNT;
    display.tick();
    expect(display.drawn.at(-1)).toBe(due);
    // It came at its time, but that had stood still.
    const { late, stood, misses } = cine.timing.report();
    expect([late, misses.length]).toEqual([0, 1]);
    expect(misses[0]).toMatchObject({ place: due, stood });
    // Five seconds without the 1.2 of the first 30 frames, and the half second before it is stopped.
    expect(stood).toBeGreaterThan(3);
    expect(stood).toBeLessThan(3.5);
  });

  it("are passed on from where no decoder gives them, and count as left out", () => {
    shelf.lost = (place) => place >= 10 && place < 40;
    shelf.there = (place) => !shelf.lost(place);
    cine.play(1);
    display.tick(61 * 2);
    expect(display.drawn.slice(0, 10)).toEqual([...Array(10).keys()]);
    expect(display.drawn.slice(10)).toEqual([40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50]);
    expect(cine.timing.report()).toMatchObject({ dropped: 30, stood: 0 });
    cine.moveTo(20);
    cine.play(1);
    display.tick(60);
    expect(display.drawn.at(-1)).toBe(44);
  });

  it("are tried at once by whatever one does", () => {
    for (const act of [() => cine.play(1), () => cine.play(1), () => cine.moveTo(5), () => cine.step(1), () => cine.play(-1)]) {
      const before = shelf.hurries;
      act();
      expect(shelf.hurries).toBeGreaterThan(before);
    }
  });
});
