import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { Bytes, stretch } from "../../src/cine/bytes";
import type { Line } from "../../src/cine/line";
import type { Film } from "../../src/cine/film";
import { readFilm } from "../../src/cine/film";
import { films, indexOf } from "./films";

const FILM = readFilm(indexOf([{ leading: 0, runs: [4, 4, 4] }]));
const END = 48 + FILM.size.reduce((sum, size) => sum + size, 0);
const STREAM = Uint8Array.from({ length: END }, (_, at) => at % 251);
const SIGNAL = new AbortController().signal;

type Answer = (range: string, headers: Record<string, string>) => Response | Error;

/** A line of which each request is answered by the next of `answers`, and by what was asked for when there are none left. */
class Wire implements Line {
  readonly asked: Record<string, string>[] = [];
  readonly pauses: number[] = [];

  constructor(private readonly answers: (Answer | null)[] = []) {}

  fetch = async (_url: string, init: RequestInit): Promise<Response> => {
    const headers = init.headers as Record<string, string>;
    this.asked.push(headers);
    init.signal?.throwIfAborted();
    const answer = (this.answers.shift() ?? part)(headers["Range"] ?? "", headers);
    if (answer instanceof Error) throw answer;
    return answer;
  };

  clock = 0;
  downs = 0;
  now = (): number => this.clock;
  down = (): void => void (this.downs += 1);
  pause = async (milliseconds: number): Promise<void> => {
    if (this.pauses.push(milliseconds) > 50) throw new Error("asked for ever");
    this.clock += milliseconds;
  };
}

const part = (range: string): Response => {
  const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(range) ?? [];
  return new Response(STREAM.slice(Number(from), Number(to) + 1), { status: 206, headers: { ETag: '"one"' } });
};
const broken: Answer = () => new TypeError("Failed to fetch");
const short: Answer = () => new Response(new Uint8Array(3), { status: 206 });
const status =
  (code: number): Answer =>
  () =>
    new Response("", { status: code });

function expected(film: Film, sample: number): number[] {
  const begin = film.offset[sample] ?? 0;
  return [...STREAM.slice(begin, begin + (film.size[sample] ?? 0))];
}

describe("the bytes of samples", () => {
  it("are had a stretch at a time, each once", async () => {
    const wire = new Wire();
    const bytes = new Bytes("stream", FILM, wire);
    for (let sample = 0; sample < FILM.count; sample += 1) {
      expect([...(await bytes.sample(sample, 7, SIGNAL))]).toEqual(expected(FILM, sample));
    }
    const end = (FILM.offset[7] ?? 0) + (FILM.size[7] ?? 0);
    expect(wire.asked[0]).toEqual({ Range: `bytes=48-${end - 1}` });
    expect(wire.asked[1]).toEqual({ Range: expect.stringMatching(`^bytes=${end}-`) as string, "If-Match": '"one"' });
    expect(wire.asked).toHaveLength(1 + FILM.count - 8);
  });

  it("are asked for again where the line breaks, the answer is short, or the server is not ready", async () => {
    const wire = new Wire([broken, short, status(503), status(429)]);
    const bytes = new Bytes("stream", FILM, wire);
    expect([...(await bytes.sample(2, 4, SIGNAL))]).toEqual(expected(FILM, 2));
    expect(wire.pauses).toEqual([100, 300, 900, 2000]);
  });

  it("are asked for as long as they are wanted, ever more seldom; it is said that they do not come", async () => {
    const wire = new Wire(Array<Answer>(20).fill(broken));
    const bytes = new Bytes("stream", FILM, wire);
    expect([...(await bytes.sample(0, 0, SIGNAL))]).toEqual(expected(FILM, 0));
    expect(wire.pauses).toEqual([...wire.pauses].sort((a, b) => a - b));
    expect(wire.pauses.at(-1)).toBe(3000);
    expect(wire.downs).toBe(17); // not before a second has gone by
  });

  it("are no longer asked for when nobody wants them", async () => {
    const gone = new AbortController();
    const wire = new Wire(Array<Answer>(20).fill(broken));
    wire.pause = async () => gone.abort();
    await expect(new Bytes("stream", FILM, wire).sample(0, 0, gone.signal)).rejects.toThrow();
    expect(wire.asked).toHaveLength(1);
  });

  it("are asked for once where the server refuses them, and can be asked for once more", async () => {
    for (const code of [401, 403, 404, 410]) {
      const wire = new Wire([status(code)]);
      const bytes = new Bytes("stream", FILM, wire);
      await expect(bytes.sample(0, 0, SIGNAL)).rejects.toMatchObject({ trouble: { status: code, body: "" } });
      expect(wire.asked).toHaveLength(1);
      expect([...(await bytes.sample(0, 0, SIGNAL))]).toEqual(expected(FILM, 0));
    }
  });

  it("are gone on with where the line broke", async () => {
    const half: Answer = (range) => {
      const whole = part(range);
      const first = new ReadableStream<Uint8Array>({
        start: async (wire) => {
          wire.enqueue(new Uint8Array(await whole.arrayBuffer()).subarray(0, 5));
          wire.close();
        },
      });
      return new Response(first, { status: 206, headers: whole.headers });
    };
    const wire = new Wire([half]);
    expect([...(await new Bytes("stream", FILM, wire).sample(0, 0, SIGNAL))]).toEqual(expected(FILM, 0));
    expect(wire.asked[1]).toEqual({ Range: `bytes=53-${(FILM.size[0] ?? 0) + 47}`, "If-Match": '"one"' });
  });

  it("are not waited for where no byte comes, and are where they come slowly", async () => {
    vi.useFakeTimers();
    const silent = (init: RequestInit): Promise<Response> =>
      new Promise((_, fail) => init.signal?.addEventListener("abort", () => fail(new DOMException("given up", "AbortError"))));
    const slowly = async (init: RequestInit): Promise<Response> => {
      const data = new Uint8Array(await (part((init.headers as Record<string, string>)["Range"] ?? "").arrayBuffer()));
      let at = 0;
      const drip = new ReadableStream<Uint8Array>({
        pull: async (wire) => {
          await new Promise((done) => setTimeout(done, 4000));
          if (init.signal?.aborted) return wire.error(new DOMException("given up", "AbortError"));
          if (at < data.length) wire.enqueue(data.slice(at, (at += 2)));
          else wire.close();
        },
      });
      return new Response(drip, { status: 206, headers: { ETag: '"one"' } });
    };
    const wire = new Wire();
    const answers = [silent, slowly];
    wire.fetch = async (_, init) => {
      wire.asked.push(init.headers as Record<string, string>);
      return (answers.shift() ?? silent)(init);
    };
    const sample = new Bytes("stream", FILM, wire).sample(0, 0, SIGNAL);
    await vi.advanceTimersByTimeAsync(4900);
    expect(wire.asked).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(60_000);
    expect([...(await sample)]).toEqual(expected(FILM, 0));
    expect(wire.asked).toHaveLength(2);
    vi.useRealTimers();
  });

  it("are not mixed with those of another stream", async () => {
    const bytes = new Bytes("stream", FILM, new Wire([null, status(412)]));
    await bytes.sample(0, 0, SIGNAL);
    await expect(bytes.sample(1, 1, SIGNAL)).rejects.toMatchObject({ trouble: "changed" });
  });

  it("are asked for anew when they were given up half-way", async () => {
    const gone = new AbortController();
    const wire = new Wire();
    const bytes = new Bytes("stream", FILM, wire);
    const first = bytes.sample(0, 3, gone.signal);
    gone.abort();
    const second = bytes.sample(0, 3, SIGNAL);
    expect([...(await second)]).toEqual(expected(FILM, 0));
    await first.catch(() => undefined);
    expect(wire.asked).toHaveLength(2);
  });
});

describe("a stretch", () => {
  it("has the samples from the first on, without large gaps, and no more than asked for", () => {
    fc.assert(
      fc.property(films, fc.nat(), fc.nat(), (film, any, more) => {
        const first = any % film.count;
        const until = Math.min(first + (more % 10), film.count - 1);
        const { begin, end, last } = stretch(film, first, until);
        expect(last).toBe(until);
        expect([begin, end]).toEqual([film.offset[first], (film.offset[last] ?? 0) + (film.size[last] ?? 0)]);
      }),
    );
  });

  it("ends before a gap, before what lies elsewhere, and before it grows large", () => {
    const at = (offset: number[], size: number[]): Film => ({ ...FILM, offset: Float64Array.from(offset), size: Uint32Array.from(size) });
    expect(stretch(at([0, 10, 70_000, 80_000], [10, 10, 10, 10]), 0, 3).last).toBe(1);
    expect(stretch(at([5000, 5010, 0, 10], [10, 10, 10, 10]), 0, 3).last).toBe(1);
    expect(stretch(at([0, 1 << 20, 2 << 20], [1 << 20, 1 << 20, 1]), 0, 2).last).toBe(1);
    expect(stretch(at([0, 5 << 20], [5 << 20, 1]), 0, 1)).toEqual({ first: 0, last: 0, begin: 0, end: 5 << 20 });
  });
});
