// The worker that fetches and decodes: a run at a time, the newest one as soon as it is known.

import { Bytes, BytesError } from "./bytes";
import { Decoding, RefusedKey } from "./decoding";
import type { Order, Report } from "./messages";
import type { Run } from "./plan";

let decoding: Decoding | null = null;
let current = new AbortController();
let before: Promise<void> = Promise.resolve();

function tell(report: Report, transfer: Transferable[] = []): void {
  self.postMessage(report, { transfer });
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

async function follow(id: number, run: Run, signal: AbortSignal): Promise<void> {
  try {
    if (!signal.aborted) await decoding?.follow(run, signal);
    tell({ kind: "done", id });
  } catch (error) {
    if (signal.aborted) tell({ kind: "done", id });
    else if (error instanceof RefusedKey) tell({ kind: "refused", id, key: error.key });
    else if (error instanceof BytesError) tell({ kind: "trouble", id, trouble: error.changed ? "changed" : "unreachable" });
    else tell({ kind: "trouble", id, trouble: "undecodable" });
  }
}

self.addEventListener("message", ({ data: order }: MessageEvent<Order>) => {
  if (order.kind === "film") {
    const { film, url } = order;
    const bytes = new Bytes(url, film, { fetch: (to, init) => fetch(to, init), pause });
    decoding = new Decoding(film, bytes, (place, frame) => tell({ kind: "frame", place, frame }, [frame]));
    return;
  }
  current.abort();
  const { signal } = (current = new AbortController());
  before = before.then(() => follow(order.id, order.run, signal));
});
