// A film's coded bytes: by ranges of the stream, a stretch of samples at a time, tried again where the line breaks.

import type { Film } from "./film";
import { again, chunks, patiently, refuse } from "./line";
import type { Line } from "./line";

/** The most in one request, and the most between two samples (sound lies there) that is read rather than asked for anew. */
const [MOST, GAP] = [2 << 20, 64 << 10];
/** The least in one request, what the first one has, and how long one may take, in seconds: who waits for more sees nothing. */
const [LEAST, FIRST, SECONDS] = [64 << 10, 256 << 10, 0.4];
const STRETCHES = 4;

/** Samples `first` to `last` at once: the bytes of the stream from `begin` up to `end`. */
export interface Stretch {
  first: number;
  last: number;
  begin: number;
  end: number;
}

/** As many samples from `first` up to `until` as one request should have: at least one. */
export function stretch(film: Film, first: number, until: number, most = MOST): Stretch {
  const begin = film.offset[first] ?? 0;
  let [last, end] = [first, begin + (film.size[first] ?? 0)];
  for (let next = first + 1; next <= until; next += 1) {
    const at = film.offset[next] ?? 0;
    const over = at + (film.size[next] ?? 0);
    if (at < end || at - end > GAP || over - begin > most) break;
    [last, end] = [next, over];
  }
  return { first, last, begin, end };
}

/** What has come of a stretch so far. */
interface Partial {
  readonly data: Uint8Array;
  length: number;
}

interface Held {
  at: Stretch;
  data: Promise<Uint8Array>;
  signal: AbortSignal;
  whole: boolean;
}

export class Bytes {
  private readonly held = new Set<Held>();
  /** Names the very stream that the first answer was of. */
  private tag: string | null = null;
  private most = FIRST;

  constructor(
    private readonly url: string,
    private readonly film: Film,
    private readonly line: Line,
  ) {}

  /** A sample's bytes. What is asked for at the same time goes up to the sample `until`. */
  async sample(sample: number, until: number, signal: AbortSignal): Promise<Uint8Array> {
    const held = this.stretchWith(sample, until, signal);
    const { last } = held.at;
    if (last < until) this.stretchWith(last + 1, until, signal);
    const data = await held.data;
    const begin = (this.film.offset[sample] ?? 0) - held.at.begin;
    return data.subarray(begin, begin + (this.film.size[sample] ?? 0));
  }

  private stretchWith(sample: number, until: number, signal: AbortSignal): Held {
    for (const one of this.held) {
      const { at, whole } = one;
      if (at.first <= sample && sample <= at.last && (whole || !one.signal.aborted)) return one;
    }
    const at = stretch(this.film, sample, until, this.most);
    const one: Held = { at, data: this.ask(at, signal), signal, whole: false };
    this.held.add(one);
    for (const oldest of this.held) if (this.held.size > STRETCHES) this.held.delete(oldest);
    // What failed is asked for again; who awaits it hears of it.
    one.data.then(
      () => (one.whole = true),
      () => this.held.delete(one),
    );
    return one;
  }

  private async ask(at: Stretch, signal: AbortSignal): Promise<Uint8Array> {
    const began = this.line.now();
    const come: Partial = { data: new Uint8Array(at.end - at.begin), length: 0 };
    const data = await again((patience) => patiently(patience, signal, (giving, alive) => this.tryOnce(at, come, giving, alive)), this.line, signal);
    const seconds = Math.max(this.line.now() - began, 1) / 1000;
    this.most = Math.max(LEAST, Math.min((data.length / seconds) * SECONDS, MOST));
    return data;
  }

  /** Goes on where the try before has come to; null where another one may do better. */
  private async tryOnce({ begin, end }: Stretch, come: Partial, signal: AbortSignal, alive: () => void): Promise<Uint8Array | null> {
    // What has no name may be another stream by now.
    if (this.tag === null) come.length = 0;
    const headers: Record<string, string> = { Range: `bytes=${begin + come.length}-${end - 1}` };
    if (this.tag !== null) headers["If-Match"] = this.tag;
    const response = await this.line.fetch(this.url, { headers, cache: "no-store", signal });
    await refuse(response);
    if (response.status !== 206) return null;
    this.tag ??= response.headers.get("ETag");
    for await (const chunk of chunks(response)) {
      alive();
      if (come.length + chunk.length > come.data.length) return null;
      come.data.set(chunk, come.length);
      come.length += chunk.length;
    }
    return come.length === come.data.length ? come.data : null;
  }
}
