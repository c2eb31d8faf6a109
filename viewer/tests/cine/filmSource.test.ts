import { beforeEach, describe, expect, it } from "vitest";
import { readFilm } from "../../src/cine/film";
import { FilmSource } from "../../src/cine/filmSource";
import type { Order, Report, Trouble } from "../../src/cine/messages";
import type { Run } from "../../src/cine/plan";
import { indexOf } from "./films";

const FILM = readFilm(indexOf(Array.from({ length: 8 }, () => ({ leading: 1, runs: [4, 4] }))));
const BYTES = 100;

/** A worker that does what the test has it do. */
class Hands extends EventTarget {
  readonly runs: { id: number; run: Run }[] = [];
  ended = false;
  hurries = 0;
  taken = 0;
  open = 0;

  postMessage(order: Order): void {
    if (order.kind === "hurry") this.hurries += 1;
    if (order.kind === "taken") this.taken += 1;
    if (order.kind === "run") this.runs.push({ id: order.id, run: order.run });
  }

  terminate(): void {
    this.ended = true;
  }

  tell(data: Report): void {
    this.dispatchEvent(new MessageEvent("message", { data }));
  }

  /** The newest run, brought whole but for `without`. */
  bring(without: readonly number[] = []): Run {
    const { id, run } = this.newest;
    for (let place = run.first; place <= run.last; place += 1) if (!without.includes(place)) this.frame(place);
    this.tell({ kind: "done", id });
    return run;
  }

  frame(place: number): void {
    this.open += 1;
    const frame = { format: "I420", allocationSize: () => BYTES, close: () => (this.open -= 1) };
    this.tell({ kind: "frame", place, frame: frame as unknown as VideoFrame });
  }

  get newest(): { id: number; run: Run } {
    const newest = this.runs.at(-1);
    if (newest === undefined) throw new Error("no run was asked for");
    return newest;
  }
}

let hands: Hands;
let source: FilmSource;
let arrived: number[];
let told: (Trouble | null)[];
beforeEach(() => {
  [hands, arrived, told] = [new Hands(), [], []];
  const page = { arrived: (place: number) => void arrived.push(place), troubled: () => void told.push(source.trouble) };
  source = new FilmSource(FILM, "stream", hands as unknown as Worker, page, 20 * BYTES);
});

const forward = (from: number, length = 10): number[] => Array.from({ length }, (_, at) => from + at);

describe("a source of a film", () => {
  it("asks for nothing before something is wanted, then for what is missing", () => {
    expect(hands.runs).toEqual([]);
    source.want(forward(3));
    expect(hands.bring()).toMatchObject({ key: 0, first: 3 });
    expect(source.get(3)).not.toBeNull();
    expect(source.get(2)).toBeNull();
  });

  it("asks for more only when half of what is ahead is used up", () => {
    source.want(forward(0));
    while (hands.newest.run.last < 9) hands.bring();
    hands.bring();
    const before = hands.runs.length;
    for (const from of [1, 2, 3, 4]) source.want(forward(from));
    expect(hands.runs).toHaveLength(before);
    source.want(forward(5));
    expect(hands.newest.run).toMatchObject({ first: 10, last: 14 });
  });

  it("gives up a run for a frame that it would not bring, and hears no more of it", () => {
    source.want(forward(0));
    const { id } = hands.newest;
    source.want(forward(50));
    expect(hands.newest.run.first).toBe(50);
    hands.tell({ kind: "trouble", id, trouble: "changed" });
    expect(told).toEqual([]);
    hands.bring();
    expect(source.get(50)).not.toBeNull();
  });

  it("stays within its budget", () => {
    for (const from of [0, 10, 20, 30, 40, 30, 20, 10]) {
      source.want(forward(from));
      for (let runs = 0; runs < 5 && source.get(from) === null; runs += 1) hands.bring();
      expect(source.get(from)).not.toBeNull();
      expect(hands.open).toBeLessThanOrEqual(20);
    }
    source.close();
    hands.frame(0); // it was on its way
    expect([hands.open, hands.ended]).toEqual([0, true]);
  });

  it("says of each frame that it has come, whatever becomes of it", () => {
    source.want(forward(3));
    hands.frame(3);
    hands.tell({ kind: "values", place: 4, values: { words: new Uint16Array(1), width: 1, height: 1, displayWidth: 1, displayHeight: 1, range: [0, 0] }, grey: 99 });
    source.close();
    hands.frame(5);
    expect(hands.taken).toBe(3);
  });

  it("begins one key frame earlier where the decoder refuses one", () => {
    source.want(forward(20));
    const { id, run } = hands.newest;
    hands.tell({ kind: "refused", id, key: run.key });
    expect(hands.newest.run.key).toBeLessThan(run.key);
    hands.bring();
    expect([source.get(20) !== null, told]).toEqual([true, []]);
  });

  it("says so where no key frame is left", () => {
    source.want(forward(1));
    hands.tell({ kind: "refused", id: hands.newest.id, key: 0 });
    expect(told).toEqual(["undecodable"]);
  });

  it("goes on without frames that the decoder never gives, says so while they are wanted, and asks for them once", () => {
    source.want([5, 6, 7, 8]);
    hands.frame(5);
    hands.tell({ kind: "lost", places: [6, 7], cut: false });
    hands.bring([6, 7]);
    expect([source.isLost(5), source.isLost(6), source.isLost(8), source.isCut]).toEqual([false, true, false, false]);
    expect(told).toEqual([]);
    source.want([6, 7, 8]);
    source.want([7, 8, 9]);
    expect(told).toEqual(["undecodable"]);
    source.want([8, 9]);
    expect(told).toEqual(["undecodable", null]);
    expect(hands.runs.filter(({ run }) => run.first <= 7 && run.last >= 6)).toHaveLength(1);
  });

  it("asks for none twice in vain, though those behind it come", () => {
    source.want([5, 6]);
    for (let runs = hands.runs.length; runs < 5; runs += 1) {
      hands.frame(9);
      hands.tell({ kind: "done", id: hands.newest.id });
    }
    expect(hands.runs).toHaveLength(2);
    expect(told).toEqual(["undecodable"]);
  });

  it("says that the server is out of reach while the frame that is wanted does not come, and until one does", () => {
    source.want(forward(0));
    hands.frame(0);
    hands.tell({ kind: "down" });
    expect(told).toEqual([]);
    source.want(forward(1));
    source.want(forward(2));
    expect(told).toEqual(["unreachable"]);
    // The worker goes on by itself.
    expect(hands.runs).toHaveLength(1);
    hands.frame(1);
    expect(told).toEqual(["unreachable", null]);
  });

  it("asks no more after an answer that is final, but when somebody wants it to", () => {
    const refusal = { status: 404, body: "{}" };
    source.want(forward(0));
    hands.tell({ kind: "trouble", id: hands.newest.id, trouble: refusal });
    source.want(forward(1));
    source.want(forward(2));
    expect([told, hands.runs.length]).toEqual([[refusal], 1]);
    source.hurry();
    source.want(forward(2));
    expect([hands.hurries, hands.runs.length, source.trouble]).toEqual([1, 2, null]);
  });
});
