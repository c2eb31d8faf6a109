// The worker that fetches and decodes: a run at a time, the newest one as soon as it is known.

import { Bytes } from "./bytes";
import { Decoding, RefusedKey } from "./decoding";
import type { Film } from "./film";
import { again, LineError, pause } from "./line";
import type { Line } from "./line";
import type { Order, Report } from "./messages";
import type { Run } from "./plan";
import { Stills } from "./stills";

const line: Line = { fetch: (to, init) => fetch(to, init), pause, now: () => performance.now() };
let following: Decoding | Stills | null = null;
let current = new AbortController();
let before: Promise<void> = Promise.resolve();

function tell(report: Report, transfer: Transferable[] = []): void {
  self.postMessage(report, { transfer });
}

function follower(film: Film, url: string): Decoding | Stills {
  const keep = (place: number, frame: VideoFrame): void => tell({ kind: "frame", place, frame }, [frame]);
  if (film.how === "drawn") return new Stills(film, (sample, _, signal) => drawn(film.addresses[sample] ?? "", signal), keep);
  const bytes = new Bytes(url, film, line);
  if (film.how === "decoded") return new Decoding(film, bytes, keep);
  return new Stills(film, async (sample, until, signal) => new Blob([(await bytes.sample(sample, until, signal)).slice()]), keep);
}

function drawn(address: string, signal: AbortSignal): Promise<Blob> {
  const once = async (): Promise<Blob | null> => {
    const response = await fetch(address, { signal });
    return response.ok ? await response.blob() : null;
  };
  return again(once, line, signal);
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
