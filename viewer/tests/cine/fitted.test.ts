import { beforeEach, describe, expect, it } from "vitest";
import { Fitted } from "../../src/cine/fitted";
import type { Size } from "../../src/cine/fitted";
import type { Trouble } from "../../src/cine/messages";
import type { Source } from "../../src/cine/source";

const COUNT = 1000;

class Shelf implements Source {
  readonly start = Float64Array.from({ length: COUNT }, (_, place) => place / 25);
  readonly seconds = COUNT / 25;
  readonly room = 80;
  closed = false;
  wanted: readonly number[] = [];
  trouble: Trouble | null = null;
  hurries = 0;
  there: (place: number) => boolean;
  readonly frame: VideoFrame;

  constructor(there: (place: number) => boolean, width: number) {
    this.there = there;
    this.frame = { displayWidth: width, displayHeight: width / 2 } as VideoFrame;
  }

  isLost = (): boolean => this.trouble === "undecodable";
  hurry = (): void => void (this.hurries += 1);
  get = (place: number): VideoFrame | null => (this.there(place) ? this.frame : null);
  want = (path: readonly number[]): void => void (this.wanted = path);
  keyBefore = (place: number): number => place;
  close = (): void => void (this.closed = true);
}

let now: number;
let first: Shelf;
let made: Shelf[];
let asked: [scale: number, size: Size][];
let fitted: Fitted;
let none: boolean;
beforeEach(() => {
  [now, first, made, asked, none] = [0, new Shelf((place) => place < 10, 1920), [], [], false];
  const smaller = (scale: number, size: Size): Promise<Source | null> => {
    asked.push([scale, size]);
    if (none) return Promise.reject(new Error("none"));
    const shelf = new Shelf((place) => place >= 20, 1920);
    made.push(shelf);
    return Promise.resolve(shelf);
  };
  fitted = new Fitted(first, smaller, () => now);
});

/** As the engine asks, sixty times a second, while it plays or stands. */
async function look(place: number, seconds: number, ahead = 50, hurried = false): Promise<void> {
  for (const end = now + seconds * 1000; now < end; now += 1000 / 60) fitted.want(Array.from({ length: ahead }, (_, at) => place + at), hurried);
  await Promise.resolve();
  await Promise.resolve();
}

describe("frames that do not come in time", () => {
  it("are had of fewer pixels, shown at the same size", async () => {
    expect(fitted.get(3)).toBe(first.frame);
    await look(15, 1.4);
    expect(asked).toEqual([]);
    await look(15, 0.3);
    expect(asked).toEqual([[0.5, [1920, 960]]]);
    fitted.want([15]);
    expect([made[0]?.wanted, fitted.get(15), fitted.get(3)]).toEqual([[15], null, first.frame]);
    fitted.want([25]);
    expect([fitted.get(25), first.closed]).toEqual([made[0]?.frame, true]);
  });

  it("are had smaller still where that does not suffice, down to a quarter", async () => {
    fitted.get(3);
    for (let times = 0; times < 4; times += 1) await look(15, 2.5);
    expect(asked.map(([scale]) => scale)).toEqual([0.5, 0.25]);
    expect(first.closed).toBe(true);
  });

  it("cost nothing while it stands, nor where most come", async () => {
    fitted.get(3);
    await look(15, 5, 8);
    for (let times = 0; times < 10; times += 1) {
      await look(5, 1);
      await look(15, 0.4);
    }
    expect(asked).toEqual([]);
  });

  it("cost nothing while one goes through them at speed", async () => {
    fitted.get(3);
    await look(15, 20, 50, true);
    expect(asked).toEqual([]);
  });

  it("go on as they are where there are no smaller ones", async () => {
    none = true;
    fitted.get(3);
    await look(15, 2);
    await look(5, 1);
    expect([asked.length, first.closed, fitted.get(5)]).toEqual([1, false, first.frame]);
  });

  it("are closed with what is made too late", async () => {
    fitted.get(3);
    await look(15, 1.6);
    fitted.close();
    await look(15, 0.1);
    expect([first.closed, ...made.map((one) => one.closed)]).not.toContain(false);
  });

  it("are not had of fewer pixels where the server is out of reach, or they cannot be decoded", async () => {
    expect(fitted.get(3)).toBe(first.frame);
    for (const trouble of ["unreachable", "undecodable"] as const) {
      first.trouble = trouble;
      await look(15, 5);
      expect([asked, fitted.trouble, fitted.isLost(15)]).toEqual([[], trouble, trouble === "undecodable"]);
    }
    fitted.want([3]);
    expect(fitted.trouble).toBeNull();
    fitted.hurry();
    expect(first.hurries).toBe(1);
  });
});
