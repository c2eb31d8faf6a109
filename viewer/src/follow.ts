// Following a job to its end: the server tells of a running one as it goes, the others are asked after.

import { address, getJob } from "./api";
import { hasEnded, readJob } from "./answers";
import type { Job } from "./answers";

const POLL_MS = 1000;
const POLL_SLOWEST_MS = 8000;
// Each keeps a connection, of which a browser has six per server.
const WATCHED_AT_ONCE = 2;

let watched = 0;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Resolves once the job has ended and `onJob` was told so, or when `isFinal` says that a failed question is the end. */
export async function follow(id: string, onJob: (job: Job) => void, isFinal: (error: unknown) => boolean): Promise<void> {
  let wait = POLL_MS;
  for (;;) {
    try {
      const job = await getJob(id);
      onJob(job);
      if (hasEnded(job) || (job.state === "Running" && (await watch(id, onJob)))) return;
      wait = POLL_MS;
    } catch (error) {
      if (isFinal(error)) return;
      wait = Math.min(wait * 2, POLL_SLOWEST_MS);
    }
    await pause(wait);
  }
}

/** Listens to the job's events. True once it has ended; false when they broke off, or too many are listened to. */
async function watch(id: string, onJob: (job: Job) => void): Promise<boolean> {
  if (watched >= WATCHED_AT_ONCE) return false;
  watched += 1;
  const source = new EventSource(address.events(id));
  try {
    return await new Promise<boolean>((resolve, reject) => {
      const told = (event: MessageEvent<string>): void => {
        try {
          const job = readJob(JSON.parse(event.data));
          onJob(job);
          if (hasEnded(job)) resolve(true);
        } catch (error) {
          reject(error);
        }
      };
      source.addEventListener("progress", told);
      source.addEventListener("end", told);
      source.addEventListener("error", () => resolve(false));
    });
  } finally {
    source.close();
    watched -= 1;
  }
}
