// The worker that fetches and decodes: a run at a time, the newest one as soon as it is known.

import { Bytes } from "./bytes";
import { Decoding, RefusedKey } from "./decoding";
import type { Film } from "./film";
import { again, LineError, pause } from "./line";
import type { Line } from "./line";
import type { Order, Report } from "./messages";
import type { Run } from "./plan";
import { pictures, Stills } from "./stills";
import type { Get } from "./stills";
import { Valuing } from "./valuing";
import type { Coded } from "./valuing";

const line: Line = { fetch: (to, init) => fetch(to, init), pause, now: () => performance.now() };
type Follower = Decoding | Stills<Blob> | Stills<Coded>;
let following: Follower | null = null;
let current = new AbortController();
let before: Promise<void> = Promise.resolve();

function tell(report: Report, transfer: Transferable[] = []): void {
  self.postMessage(report, { transfer });
}

function follower(film: Film, url: string): Follower {
  const keep = (place: number, frame: VideoFrame): void => tell({ kind: "frame", place, frame }, [frame]);
  const bytes = new Bytes(url, film, line);
  if (film.how === "decoded") return new Decoding(film, bytes, keep);
  const show = pictures(film, keep);
  if (film.how === "pictures") return new Stills(film, async (...asked) => new Blob([(await bytes.sample(...asked)).slice()]), show);
  const drawn: Get<Blob> = (sample, _, signal) => had(film.addresses[sample] ?? "", signal);
  if (film.valued.length === 0) return new Stills(film, drawn, show);
  const samples: Get<Uint8Array> = async (sample, until, signal) => {
    const address = film.valued[sample]?.samples ?? null;
    return address === null ? bytes.sample(sample, until, signal) : new Uint8Array(await (await had(address, signal)).arrayBuffer());
  };
  const valuing = new Valuing(film, { about, samples, drawn }, {
    grey: (name, grey) => tell({ kind: "grey", name, grey }),
    values: (place, values, grey) => tell({ kind: "values", place, values, grey }, [values.words.buffer]),
  });
  return new Stills(film, valuing.get, valuing.show(show));
}

function had(address: string, signal: AbortSignal): Promise<Blob> {
  const once = async (): Promise<Blob | null> => {
    const response = await fetch(address, { signal });
    return response.ok ? await response.blob() : null;
  };
  return again(once, line, signal);
}

/** Null where the server has nothing to tell. */
async function about(address: string, signal: AbortSignal): Promise<unknown> {
  const once = async (): Promise<{ answer: unknown } | null> => {
    const response = await fetch(address, { signal });
    if (response.ok) return { answer: await response.json() };
    return response.status < 500 ? { answer: null } : null;
  };
  return (await again(once, line, signal)).answer;
}

async function follow(id: number, run: Run, signal: AbortSignal): Promise<void> {
  try {
    if (!signal.aborted) await following?.follow(run, signal);
    tell({ kind: "done", id });
  } catch (error) {
    if (signal.aborted) tell({ kind: "done", id });
    else if (error instanceof RefusedKey) tell({ kind: "refused", id, key: error.key });
    else if (error instanceof LineError) tell({ kind: "trouble", id, trouble: error.changed ? "changed" : "unreachable" });
    else tell({ kind: "trouble", id, trouble: "undecodable" });
  }
}

self.addEventListener("message", ({ data: order }: MessageEvent<Order>) => {
  if (order.kind === "film") {
    following = follower(order.film, order.url);
    return;
  }
  current.abort();
  const { signal } = (current = new AbortController());
  before = before.then(() => follow(order.id, order.run, signal));
});
