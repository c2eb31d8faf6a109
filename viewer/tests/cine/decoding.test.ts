import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Bytes } from "../../src/cine/bytes";
import { Decoding, RefusedKey } from "../../src/cine/decoding";
import { isKey, readFilm } from "../../src/cine/film";
import type { Film } from "../../src/cine/film";
import { keyFor } from "../../src/cine/plan";
import { Handing } from "../../src/cine/handing";
import { films, idle, indexOf } from "./films";

interface Chunk {
  type: string;
  timestamp: number;
}

/** How many frames a decoder holds back, and what it was given; whether it takes a chunk is the test's to say. */
let held = 3;
let given: number[] = [];
let takes: (place: number) => boolean = () => true;
/** Frames that came out and were not closed. */
let open: number[] = [];

async function soon(): Promise<void> {
  for (let turn = 0; turn < 12; turn += 1) await Promise.resolve();
}

/** A decoder that works on one chunk after the other, later, and gives frames in the order of presentation. */
class Decoder extends EventTarget {
  state = "unconfigured";
  decodeQueueSize = 0;
  private waiting: number[] = [];
  private begun: number | null = null;
  private work: Promise<void> = Promise.resolve();
  private generation = 0;

  constructor(private readonly told: { output: (frame: unknown) => void; error: (error: unknown) => void }) {
    super();
  }

  configure(): void {
    this.state = "configured";
  }

  reset(): void {
    [this.state, this.waiting, this.begun, this.decodeQueueSize] = ["unconfigured", [], null, 0];
    this.generation += 1;
  }

  decode({ type, timestamp }: Chunk): void {
    if (this.begun === null && type !== "key") throw new DOMException("no key frame", "DataError");
    const place = timestamp / 1000;
    this.begun ??= place;
    given.push(place);
    this.decodeQueueSize += 1;
    this.later(() => this.take(place));
  }

  async flush(): Promise<void> {
    this.later(() => this.give(0));
    await this.work;
    this.begun = null;
  }

  private later(act: () => void): void {
    const { generation } = this;
    this.work = this.work.then(() => {
      if (generation === this.generation && this.state === "configured") act();
    });
  }

  private take(place: number): void {
    // What is shown before the key frame leans on what this decoder never had.
    if (!takes(place) || place < (this.begun ?? 0)) {
      this.state = "closed";
      this.told.error(new DOMException("Decoding error", "EncodingError"));
      return;
    }
    this.waiting.push(place);
    // Frames come some time after their samples were taken.
    const { generation } = this;
    void soon().then(() => generation === this.generation && this.give(held));
    this.decodeQueueSize -= 1;
    this.dispatchEvent(new Event("dequeue"));
  }

  private give(most: number): void {
    this.waiting.sort((a, b) => a - b);
    for (const place of this.waiting.splice(0, Math.max(0, this.waiting.length - most))) {
      open.push(place);
      this.told.output({ format: null, timestamp: place * 1000, close: () => open.splice(open.indexOf(place), 1) });
    }
  }
}

const never = new AbortController().signal;

interface Work {
  decoding: Decoding;
  kept: number[];
  lost: Set<number>;
  cut: boolean;
  handing: Handing;
}

/** `busy`: its page takes nothing. */
function decodingOf(film: Film, sample: Uint8Array = new Uint8Array(), busy = false): Work {
  const bytes = { sample: () => Promise.resolve(sample) } as unknown as Bytes;
  const work = { kept: [] as number[], lost: new Set<number>(), cut: false, handing: new Handing() };
  const keep = (place: number): void => {
    work.kept.push(place);
    work.handing.sent();
    if (!busy) work.handing.taken();
  };
  const lose = (places: readonly number[], cut: boolean): void => {
    places.forEach((place) => work.lost.add(place));
    work.cut ||= cut;
  };
  return Object.assign(work, { decoding: new Decoding(film, bytes, { keep, lose, room: () => work.handing.room() }) });
}

const run = (film: Film, first: number, last: number): { key: number; first: number; last: number } => ({
  key: keyFor(film, first, new Set()) ?? NaN,
  first,
  last,
});

/** As the page does: one key frame earlier where one is refused. */
async function retried(decoding: Decoding, film: Film, first: number, last: number): Promise<void> {
  const refused = new Set<number>();
  for (let key = keyFor(film, first, refused); key !== null; key = keyFor(film, first, refused)) {
    const over = await decoding.follow({ key, first, last }, never).then(() => true, (error: unknown) => {
      if (!(error instanceof RefusedKey)) throw error;
      refused.add(error.key);
      return false;
    });
    if (over) return;
  }
}

beforeEach(() => {
  [held, given, takes, open] = [3, [], () => true, []];
  vi.stubGlobal("VideoDecoder", Decoder);
  vi.stubGlobal("EncodedVideoChunk", class {
    constructor(chunk: Chunk) {
      Object.assign(this, chunk);
    }
  });
});
afterEach(() => vi.unstubAllGlobals());

const LONG = readFilm(indexOf([{ leading: 0, runs: Array<number>(30).fill(4) }]));

describe("decoding", () => {
  it("brings every frame of every run, in whatever order runs come and however many frames a decoder holds back", async () => {
    const spans = fc.array(fc.tuple(fc.nat(), fc.nat({ max: 8 })), { minLength: 1, maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(films, spans, fc.integer({ min: 4, max: 20 }), async (film, all, depth) => {
        held = depth;
        const { decoding, kept } = decodingOf(film);
        for (const [any, more] of all) {
          const first = any % film.count;
          const last = Math.min(first + more, film.count - 1);
          kept.length = 0;
          await decoding.follow(run(film, first, last), never);
          const wanted = Array.from({ length: last - first + 1 }, (_, at) => first + at);
          expect(kept.filter((place) => wanted.includes(place))).toEqual(wanted);
        }
      }),
    );
  });

  it("goes on where it stands: no frame of a group is decoded twice", async () => {
    const { decoding, kept } = decodingOf(LONG);
    while ((kept.at(-1) ?? 0) < 90) {
      const next = (kept.at(-1) ?? -1) + 1;
      await decoding.follow(run(LONG, next, next + 9), never);
    }
    expect(new Set(given).size).toBe(given.length);
    expect(kept).toEqual([...kept.keys()]);
  });

  it("begins at the key frame again for what was passed", async () => {
    const { decoding, kept } = decodingOf(LONG);
    await decoding.follow(run(LONG, 50, 60), never);
    await decoding.follow(run(LONG, 20, 22), never);
    expect(kept).toEqual(expect.arrayContaining([20, 21, 22, 50, 60]));
    expect(given.filter((place) => place === 0)).toHaveLength(2);
    // Whatever was not kept is closed.
    expect([...open].sort()).toEqual([...kept].sort());
  });

  it("goes no farther than the page takes what it is given", async () => {
    const { decoding, kept, handing } = decodingOf(LONG, new Uint8Array(), true);
    const over = decoding.follow(run(LONG, 0, 90), never);
    await idle();
    // What the decoder had before it by then comes, too.
    expect(kept.length).toBeGreaterThanOrEqual(8);
    expect(kept.length).toBeLessThan(20);
    for (let taken = 0; !kept.includes(90); ) {
      for (; taken < kept.length; taken += 1) handing.taken();
      await idle();
    }
    await over;
  });

  it("says which key frame is refused", async () => {
    const { decoding } = decodingOf(LONG);
    takes = () => false;
    await expect(decoding.follow(run(LONG, 3, 4), never)).rejects.toEqual(new RefusedKey(0));
  });

  it("brings every frame that is decoded before a sample that breaks, and tells of all others of the group", async () => {
    await fc.assert(
      fc.asyncProperty(films, fc.nat(), fc.integer({ min: 4, max: 20 }), async (film, any, depth) => {
        held = depth;
        const sample = any % film.count;
        const next = film.keys.find((key) => key > sample);
        const end = next === undefined ? film.count : (film.placeOf[next] ?? 0);
        if (isKey(film, sample)) return;
        takes = (place) => place !== film.placeOf[sample];
        const { decoding, kept, lost } = decodingOf(film);
        const all = Array.from({ length: end }, (_, place) => place);
        for (let at = 0; at < end; at += 5) {
          const last = Math.min(at + 4, end - 1);
          await retried(decoding, film, at, last);
        }
        const broken = all.filter((place) => (film.sampleOf[place] ?? 0) >= sample);
        expect([...lost].sort((a, b) => a - b)).toEqual(broken);
        expect([...new Set(kept)].filter((place) => place < end).sort((a, b) => a - b)).toEqual(all.filter((place) => !broken.includes(place)));
        // And goes on behind it.
        if (next === undefined) return;
        await decoding.follow(run(film, end, film.count - 1), never);
        expect(kept).toEqual(expect.arrayContaining(Array.from({ length: film.count - end }, (_, at) => end + at)));
      }),
    );
  });

  it("begins earlier where a group fails that it began with, for that may lack only what is before", async () => {
    takes = (place) => place !== 20;
    const two = readFilm(indexOf(Array.from({ length: 3 }, () => ({ leading: 2, runs: [4, 4, 4] }))));
    const { decoding, lost } = decodingOf(two);
    const key = keyFor(two, 22, new Set()) ?? 0;
    expect(key).toBeGreaterThan(0);
    await expect(decoding.follow({ key, first: 17, last: 24 }, never)).rejects.toEqual(new RefusedKey(key));
    expect(lost.size).toBe(0);
  });

  it("loses nothing where the machine was at fault", async () => {
    let faults = 1;
    takes = (place) => place !== 20 || faults-- <= 0;
    const { decoding, kept, lost } = decodingOf(LONG);
    await decoding.follow(run(LONG, 10, 30), never);
    expect([[...new Set(kept)].filter((place) => place <= 30).length, lost.size]).toEqual([21, 0]);
  });

  it("tells of a film that was cut out of another, which begins with no picture of a group of its own", async () => {
    const key = (type: number): Uint8Array => Uint8Array.of(0, 0, 0, 2, 9, 0, 0, 0, 0, 2, type, 0);
    for (const [type, cut] of [[1, true], [5, false]] as const) {
      takes = (place) => place !== LONG.placeOf[2];
      const first = decodingOf({ ...LONG, codec: "avc1.64001f" }, key(type));
      await first.decoding.follow(run(LONG, 0, 8), never);
      expect([first.cut, first.kept]).toEqual([cut, [0, 4]]);
      // Nothing is missing but what its first group leans on.
      const two = readFilm(indexOf(Array.from({ length: 2 }, () => ({ leading: 0, runs: [4, 4] }))));
      takes = (place) => place !== two.placeOf[11];
      const later = decodingOf({ ...two, codec: "avc1.64001f" }, key(type));
      await retried(later.decoding, two, 9, 17);
      expect([later.cut, later.lost.size > 0]).toEqual([false, true]);
    }
  });

  it("stops when its frames are no longer wanted", async () => {
    const { decoding } = decodingOf(LONG);
    const gone = new AbortController();
    gone.abort();
    await decoding.follow(run(LONG, 3, 100), gone.signal);
    expect(given).toEqual([]);
  });
});
