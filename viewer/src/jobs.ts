// Work that goes on without this page having sent it: films uploaded elsewhere, or before the page was loaded anew.

import { getJobs } from "./api";
import { hasEnded } from "./answers";
import type { Job } from "./answers";
import { arrange, button, el } from "./dom";
import { instant } from "./format";
import { Row } from "./row";
import { isFinal, whileJob } from "./standing";
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
  const rows = new Map<string, Row>();
  const cleared = new Set<string>();
  const list = el("ul", { class: "rows-list" });
  const clear = button(words.clear, { class: "quiet", "data-test": "jobs-clear" }, () => {
    for (const [id, row] of rows) if (isFinal(row.standing) && rows.delete(id)) cleared.add(id);
    draw();
  });
  const panel = el(
    "section",
    { class: "rows", "aria-labelledby": "jobs-title", "data-test": "jobs", hidden: true },
    el("header", {}, el("h2", { id: "jobs-title" }, words.jobs), clear),
    list,
  );

  function draw(): void {
    panel.hidden = rows.size === 0;
    clear.hidden = ![...rows.values()].some((row) => isFinal(row.standing));
    arrange(list, [...rows.values()].map((row) => row.element));
  }

  function add(job: Job): void {
    const row: Row = new Row(words.jobOf(instant(new Date(job.created).toISOString())), whileJob(job), "job", () => {
      if (row.standing.state === "stored") onStored();
      draw();
    });
    rows.set(job.id, row);
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
      if (!rows.has(job.id) && !cleared.has(job.id) && !isOurs(job.id) && isShown(job, now)) add(job);
    }
    draw();
  }

  return { element: panel, refresh };
}
