// A video that browsers cannot play: waiting for what the server makes of it, with its progress.

import { address, ApiError, getPlayable } from "./api";
import type { Job, Video } from "./answers";
import { el } from "./dom";
import { follow } from "./follow";
import { date } from "./format";
import { Said, tellError } from "./said";
import { words } from "./words";

const REFUSED = [401, 403, 404];

export interface Preparation {
  element: HTMLElement;
  /** Resolves once it can be played, with what there is to say of it; rejects when it cannot, or `signal` was aborted. */
  ready: Promise<string>;
}

/** Has it made, unless it is there already. */
export function prepare(about: Video, signal: AbortSignal): Preparation {
  const label = words.videoLabel(date(about.studyDate));
  const screen = el("img", { class: "screen", src: address.thumbnail(about.id), alt: label });
  const note = el("p", { class: "preparing", "data-test": "preparing" });
  const bar = el("progress", { max: 100, "aria-label": words.progressOf(label), hidden: true });
  const element = el("div", { class: "stage" }, screen, note, bar);

  let last = null as Job | null;
  const told = (job: Job): void => {
    signal.throwIfAborted();
    last = job;
    note.textContent = words.preparing(job);
    if (job.state === "Running") bar.value = job.percent;
    bar.hidden = false;
  };
  const isFinal = (error: unknown): boolean => {
    if (!signal.aborted) note.textContent = words.preparingOutOfTouch;
    return signal.aborted || (error instanceof ApiError && REFUSED.includes(error.status));
  };

  async function ready(): Promise<string> {
    const job = await getPlayable(about.id, signal);
    if (job === null) return "";
    await follow(job, told, isFinal);
    signal.throwIfAborted();
    if (last?.state === "Success") return last.sentence;
    if (last?.state === "Cancelled") throw new Said(words.preparingCancelled, false);
    throw new Said(last?.sentence || words.playFailed, Boolean(last?.sentence));
  }

  const made = ready().catch((error: unknown) => {
    const problem = el("p", { class: "problem", role: "alert", "data-test": "player-problem" });
    tellError(problem, error, words.playFailed);
    element.replaceChildren(screen, problem);
    throw error;
  });
  return { element, ready: made };
}
