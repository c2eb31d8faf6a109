// Work that goes on without this page having sent it: films uploaded elsewhere, or before the page was loaded anew.

import { getJobs } from "./api";
import { hasEnded } from "./answers";
import type { Job } from "./answers";
import { Panel } from "./panel";
import { Row } from "./row";
import { whileJob } from "./standing";
import { words } from "./words";

const FAILED_RECENTLY_MS = 3_600_000;

export interface Jobs {
  element: HTMLElement;
  refresh: () => Promise<void>;
}

/** A job that is worth a row: unfinished, a dead letter, or failed a short while ago. */
export function isShown(job: Job, now: number): boolean {
  // Hundreds may wait to be made for whoever plays a video some day; who plays one now sees it in the player.
  if (job.action === "render") return job.state === "Running";
  return !hasEnded(job) || job.state === "DeadLetter" || (job.state === "Failure" && now - job.created < FAILED_RECENTLY_MS);
}

/** The panel of jobs. `isOurs` are those that an upload's row shows; `onStored`: something new has been stored. */
export function jobs(isOurs: (job: string) => boolean, onStored: () => void): Jobs {
  const panel = new Panel<Row>("jobs", words.jobs);
  // What has been cleared away does not come back.
  const known = new Set<string>();

  function add(job: Job): void {
    const row: Row = new Row(words.jobOf(job), whileJob(job), "job", () => {
      if (row.standing.state === "stored") onStored();
      panel.draw();
    });
    known.add(job.id);
    panel.add(row);
    if (!hasEnded(job)) void row.follow(job.id);
    if (job.state === "DeadLetter") row.decide(job.id);
  }

  async function refresh(): Promise<void> {
    let found: Job[];
    try {
      found = await getJobs();
    } catch {
      return; // the list beside it says when the server is away; not everybody may see jobs
    }
    const now = Date.now();
    for (const job of found) {
      if (!known.has(job.id) && !isOurs(job.id) && isShown(job, now)) add(job);
    }
    panel.draw();
  }

  return { element: panel.element, refresh };
}
