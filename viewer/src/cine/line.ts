// A line that breaks now and then: what was asked for is asked for again.

/** How long to wait before each further try, in milliseconds. */
const PAUSES = [100, 300, 900, 2700];

/** What a request needs of the world; tests have their own. */
export interface Line {
  fetch: (url: string, init: RequestInit) => Promise<Response>;
  pause: (milliseconds: number, signal: AbortSignal) => Promise<void>;
  /** In milliseconds. */
  now: () => number;
}

export class LineError extends Error {
  constructor(readonly changed: boolean) {
    super(changed ? "changed" : "unreachable");
  }
}

/** What `once` brings, tried again where it rejects or brings null; rejects with a LineError when nothing helps. */
export async function again<T>(once: () => Promise<T | null>, line: Pick<Line, "pause">, signal: AbortSignal): Promise<T> {
  for (const pause of [...PAUSES, null]) {
    const found = await once().catch((error: unknown) => {
      if (signal.aborted || error instanceof LineError) throw error;
      return null;
    });
    if (found !== null) return found;
    if (pause !== null) await line.pause(pause, signal);
    signal.throwIfAborted();
  }
  throw new LineError(false);
}

export function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
