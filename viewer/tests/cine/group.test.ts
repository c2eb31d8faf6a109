import { beforeEach, describe, expect, it } from "vitest";
import { Group } from "../../src/cine/group";
import type { Seat, Stand } from "../../src/cine/group";
import type { Frame, Source } from "../../src/cine/source";

/** A series whose frames are there when the test says so. */
class Series implements Seat {
  there: (place: number) => boolean = () => true;
  readonly drawn: number[] = [];
  said = 0;
  wanted: readonly number[] = [];
  closed = false;
  lost: (place: number) => boolean = () => false;
  hurries = 0;
  readonly source: Source;

  constructor(frames: number, fps: number) {
    this.source = {
      start: Float64Array.from({ length: frames }, (_, place) => place / fps),
      seconds: frames / fps,
      room: 80,
      get: (place) => (this.there(place) ? ({} as VideoFrame) : null),
      want: (path) => void (this.wanted = path),
      isLost: (place) => this.lost(place),
      trouble: null,
      hurry: () => void (this.hurries += 1),
      keyBefore: (place) => place,
      close: () => void (this.closed = true),
    };
  }

  draw = (_: Frame, place: number): void => void this.drawn.push(place);
  behind = (frames: number): void => void (this.said = frames);

  get shown(): number {
    return this.drawn.at(-1) ?? -1;
  }
}

/** A display of 60 Hz that ticks when the test says so. */
class Display implements Stand {
  private next: ((now: number) => void) | null = null;
  private milliseconds = 5000;

  changed = (): void => undefined;
  onTick = (next: (now: number) => void): void => void (this.next = next);
  now = (): number => this.milliseconds;

  tick(ticks: number, after: () => void = () => undefined): void {
    for (let count = 0; count < ticks; count += 1) {
      this.milliseconds += 1000 / 60;
      const { next } = this;
      this.next = null;
      next?.(this.milliseconds);
      after();
    }
  }

  get idle(): boolean {
    return this.next === null;
  }
}

let display: Display;
let all: [Series, Series, Series];
let group: Group;
beforeEach(() => {
  display = new Display();
  all = [new Series(100, 25), new Series(100, 25), new Series(40, 10)];
  group = new Group(all, display);
});

const shown = (): number[] => all.map((one) => one.shown);

describe("series by one clock", () => {
  it("are at the same time in each of them, at every tick", () => {
    group.play(1);
    display.tick(200, () => {
      const [a, b, c] = shown() as [number, number, number];
      expect(a).toBe(b);
      // Its frame of a tenth of a second, in which the others' frame begins or ends.
      expect([Math.floor(a / 2.5), Math.ceil((a + 1) / 2.5) - 1]).toContain(c);
    });
    expect(shown()[0]).toBeGreaterThan(75);
    expect(all[0].drawn).toEqual([...all[0].drawn.keys()]);
  });

  it("go on without one that stalls, which says how far behind it is, and comes back", () => {
    group.play(1);
    display.tick(30);
    const stalled = shown()[1];
    all[1].there = (place) => place <= 14;
    display.tick(60);
    expect(shown()[0]).toBeGreaterThan(35);
    expect(shown()[1]).toBe(14);
    expect(stalled).toBeLessThan(15);
    expect(all[1].said).toBe((shown()[0] ?? 0) - 14);
    expect([all[0].said, all[2].said]).toEqual([0, 0]);
    all[1].there = () => true;
    display.tick(2);
    expect(shown()[1]).toBe(shown()[0]);
    expect(all[1].said).toBe(0);
  });

  it("wait for one that stalls, where that is chosen: none is ahead of another", () => {
    group.waits = true;
    group.play(1);
    display.tick(30);
    all[1].there = (place) => place <= 14;
    display.tick(120, () => expect(shown()[0]).toBe(shown()[1]));
    expect(shown()).toEqual([14, 14, 5]);
    expect(all[1].said).toBe(1);
    all[1].there = () => true;
    display.tick(4, () => expect(shown()[0]).toBe(shown()[1]));
    // From where it stood, not from where it would be.
    expect(shown()[0]).toBe(16);
    expect(all[1].said).toBe(0);
  });

  it("do not wait for ever with what never comes", () => {
    all[2].there = () => false;
    group.play(1);
    display.tick(50);
    expect(shown()).toEqual([-1, -1, -1]);
    display.tick(30);
    expect(shown()[0]).toBeGreaterThan(5);
    expect(shown()[2]).toBe(-1);
    expect(all[2].said).toBeGreaterThan(0);
  });

  it("draw one of them once more, if its frame is still there, and the others not", () => {
    group.bring(0, 7);
    const drawn = all.map((one) => one.drawn.length);
    group.redraw(1);
    expect(all.map((one, at) => one.drawn.length - (drawn[at] ?? 0))).toEqual([0, 1, 0]);
    expect(shown()).toEqual([7, 7, 2]);
    all[1].there = () => false;
    group.redraw(1);
    expect(all[1].drawn).toHaveLength((drawn[1] ?? 0) + 1);
  });

  it("go to where one of them shows a frame, and nowhere where it shows it never", () => {
    group.bring(2, 20);
    expect(shown()).toEqual([50, 50, 20]);
    group.bring(2, 4000);
    expect(shown()).toEqual([50, 50, 20]);
  });

  it("step by the frames of the first one", () => {
    group.moveTo(0);
    for (const place of [1, 2, 3, 4]) {
      group.step(1);
      expect(shown()).toEqual([place, place, Math.floor(place / 2.5)]);
    }
    group.step(-1);
    expect(shown()).toEqual([3, 3, 1]);
    group.step(-3);
    expect(shown()).toEqual([0, 0, 0]);
    group.step(-1);
    expect(group.place).toBe(0);
  });

  it("have offsets and corrections of their own, that are seen at once", () => {
    group.moveTo(0);
    group.step(50);
    group.correct(1, 3);
    group.setOffset(2, 1);
    expect(shown()).toEqual([50, 53, 10]);
    expect([group.correctionOf(1), group.offsetOf(2)]).toEqual([3, 1]);
    group.inStepBy("frame");
    expect(group.offsetOf(2)).toBe(0);
    // It has 40, and has begun anew.
    expect(shown()).toEqual([50, 53, 10]);
    group.inStepBy("position");
    expect(shown()).toEqual([50, 53, 20]);
  });

  it("are held until all have finished, and begin anew together", () => {
    all = [new Series(50, 25), new Series(10, 25), new Series(20, 10)];
    group = new Group(all, display);
    group.setAtEnd("hold");
    group.play(1);
    display.tick(100);
    expect(shown().slice(1)).toEqual([9, 16]);
    display.tick(30);
    expect([...new Set(all[1].drawn)]).toEqual([...Array(10).keys()]);
    expect(all[1].drawn.filter((place) => place === 0)).toHaveLength(2);
    expect(all[1].shown).toBe(all[0].shown);
  });

  it("begin anew each by itself, or stop", () => {
    all = [new Series(50, 25), new Series(10, 25), new Series(20, 10)];
    group = new Group(all, display);
    group.play(1);
    display.tick(100, () => expect(all[1].shown).toBe(all[0].shown % 10));
    group.setAtEnd("stop");
    display.tick(60);
    expect([group.playing, display.idle]).toEqual([0, true]);
    expect(shown()).toEqual([49, 9, 19]);
  });

  it("play at a rate of the first one", () => {
    group.setRate(50);
    group.play(1);
    display.tick(61);
    expect(shown()).toEqual([50, 50, 20]);
  });

  it("ask for what comes next in each of them, once", () => {
    group.play(1);
    expect(all[2].wanted.slice(0, 3)).toEqual([]);
    display.tick(2);
    expect(all[0].wanted.slice(0, 3)).toEqual([0, 1, 2]);
    expect(all[2].wanted.slice(0, 4)).toEqual([0, 1, 2, 3]);
    expect(all[0].wanted).toHaveLength(40);
    group.close();
    expect(all.every((one) => one.closed)).toBe(true);
  });

  it("wait for none that no decoder gives, and try at once what one does", () => {
    group.waits = true;
    all[1].lost = (place) => place >= 10 && place < 20;
    all[1].there = (place) => !all[1].lost(place);
    group.play(1);
    display.tick(60);
    expect([all[0].shown, all[1].shown]).toEqual([24, 24]);
    const before = all[2].hurries;
    group.play(1);
    group.moveTo(3);
    expect(all[2].hurries).toBe(before + 2);
  });
});
