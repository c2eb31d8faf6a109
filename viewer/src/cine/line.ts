// A line that breaks now and then, or falls silent: what was asked for is asked for again.

import type { Refusal } from "./messages";

/** How long to wait before each further try, in milliseconds; the last one for as long as it is wanted. */
const PAUSES = [100, 300, 900, 2000, 3000];
/** A request that brings no byte for so long, in milliseconds, is given up; each further one has twice the time, up to the most. */
const [PATIENCE, MOST_PATIENCE] = [5000, 40_000];
/** What was asked for in vain for so long, in milliseconds, is said to be out of reach. */
const SAID = 1000;

/** What a request needs of the world; tests have their own. */
export interface Line {
  fetch: (url: string, init: RequestInit) => Promise<Response>;
  pause: (milliseconds: number, signal: AbortSignal) => Promise<void>;
  /** In milliseconds. */
  now: () => number;
  /** Nothing comes; it is tried again. */
  down: () => void;
}

/** No further try would do better. */
export class InVain extends Error {}

/** The server says so. */
export class LineError extends InVain {
  constructor(readonly trouble: "changed" | Refusal) {
    super(trouble === "changed" ? trouble : `refused: ${trouble.status}`);
  }
}

/** What `once` brings, tried again where it rejects or brings null; rejects with a LineError, or when `signal` is aborted. */
export async function again<T>(
  once: (patience: number) => Promise<T | null>,
  line: Pick<Line, "pause" | "now" | "down">,
  signal: AbortSignal,
): Promise<T> {
  const began = line.now();
  for (let tries = 0; ; tries += 1) {
    const found = await once(Math.min(PATIENCE * 2 ** tries, MOST_PATIENCE)).catch((error: unknown) => {
      if (signal.aborted || error instanceof InVain) throw error;
      return null;
    });
    if (found !== null) return found;
    if (line.now() - began >= SAID) line.down();
    await line.pause(PAUSES[Math.min(tries, PAUSES.length - 1)] ?? 0, signal);
    signal.throwIfAborted();
  }
}

/** Statuses that pass by themselves, though they blame who asks. */
const PASSING = [408, 425, 429];

/** Rejects with a LineError where the answer will be no other next time. */
export async function refuse(response: Response): Promise<void> {
  const { status } = response;
  if (status === 412 || status === 416) throw new LineError("changed");
  if (status >= 400 && status < 500 && !PASSING.includes(status)) throw new LineError({ status, body: await response.text() });
}

/** Gives `act` a signal that is aborted with `signal`, or when `alive` has not been called for so many milliseconds. */
export async function patiently<T>(
  milliseconds: number,
  signal: AbortSignal,
  act: (signal: AbortSignal, alive: () => void) => Promise<T>,
): Promise<T> {
  const giving = new AbortController();
  const giveUp = (): void => giving.abort();
  let timer = setTimeout(giveUp, milliseconds);
  signal.addEventListener("abort", giveUp);
  if (signal.aborted) giveUp();
  try {
    return await act(giving.signal, () => {
      clearTimeout(timer);
      timer = setTimeout(giveUp, milliseconds);
    });
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", giveUp);
    // What was not read to its end is no longer wanted.
    giveUp();
  }
}

/** An answer's bytes, as they come. */
export async function* chunks(response: Response): AsyncGenerator<Uint8Array> {
  const reader = response.body?.getReader();
  for (let part = await reader?.read(); part?.value !== undefined; part = await reader?.read()) yield part.value;
}

export function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const wake = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", wake);
      resolve();
    };
    const timer = setTimeout(wake, milliseconds);
    signal.addEventListener("abort", wake);
    if (signal.aborted) wake();
  });
}
