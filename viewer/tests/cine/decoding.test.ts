import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Bytes } from "../../src/cine/bytes";
import { Decoding, RefusedKey, Undecodable } from "../../src/cine/decoding";
import { readFilm } from "../../src/cine/film";
import type { Film } from "../../src/cine/film";
import { keyFor } from "../../src/cine/plan";
import { films, indexOf } from "./films";

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

function decodingOf(film: Film): { decoding: Decoding; kept: number[] } {
  const kept: number[] = [];
  const bytes = { sample: () => Promise.resolve(new Uint8Array()) } as unknown as Bytes;
  return { decoding: new Decoding(film, bytes, (place) => void kept.push(place)), kept };
}

const run = (film: Film, first: number, last: number): { key: number; first: number; last: number } => ({
  key: keyFor(film, first, new Set()) ?? NaN,
  first,
  last,
});

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

  it("says which key frame is refused, and what breaks behind one", async () => {
    const { decoding } = decodingOf(LONG);
    takes = () => false;
    await expect(decoding.follow(run(LONG, 3, 4), never)).rejects.toEqual(new RefusedKey(0));
    takes = (place) => place !== 80;
    await expect(decoding.follow(run(LONG, 70, 90), never)).rejects.toThrow(Undecodable);
    takes = () => true;
    await expect(decoding.follow(run(LONG, 70, 90), never)).resolves.toBeUndefined();
  });

  it("stops when its frames are no longer wanted", async () => {
    const { decoding } = decodingOf(LONG);
    const gone = new AbortController();
    gone.abort();
    await decoding.follow(run(LONG, 3, 100), gone.signal);
    expect(given).toEqual([]);
  });
});
