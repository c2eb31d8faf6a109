// Where a piece of work stands, and what that is in words. Pure.

import type { Job, Posted } from "./answers";
import { bytes } from "./format";
import { readMade } from "./made";
import { words } from "./words";

/** Where an upload or a job stands. `percent` null: under way, nobody knows how far. */
export interface Standing {
  state: "waiting" | "sending" | "answering" | "processing" | "stored" | "failed" | "cancelled";
  percent: number | null;
  sentence: string;
  /** Whether the sentence is the server's. */
  theirs: boolean;
  /** The stored video's Orthanc ID, when there is one to play. */
  video: string | null;
}

export function isFinal(standing: Standing): boolean {
  return standing.state === "stored" || standing.state === "failed" || standing.state === "cancelled";
}

export const final = (
  state: "stored" | "failed" | "cancelled",
  sentence: string,
  video: string | null = null,
  theirs = false,
): Standing => ({
  state,
  percent: null,
  sentence,
  theirs,
  video,
});

export const waiting: Standing = { state: "waiting", percent: 0, sentence: words.waiting, theirs: false, video: null };

export const queued: Standing = { state: "processing", percent: null, sentence: words.queued(""), theirs: false, video: null };

/** `down`: nothing gets through just now, and it is tried again. */
export function whileSending(sent: number, size: number, down = false): Standing {
  const whole = sent >= size;
  const percent = whole ? 100 : Math.floor((100 * sent) / size);
  const sentence = (down ? words.lineDown : whole ? () => words.answering : words.sending)(percent, bytes(size));
  return { state: whole ? "answering" : "sending", percent: whole ? null : percent, sentence, theirs: false, video: null };
}

const storedAs = (action = ""): string => words.storedAs[action] ?? words.stored;

/** What the answer to a posted file means; null when a job goes on with it. */
export function afterAnswer(answer: Posted): Standing | null {
  switch (answer.kind) {
    case "job":
      return null;
    case "stored":
      // A DICOM file posted as such may be anything: only what came in as video is offered to be played.
      return final(
        "stored",
        answer.already ? words.already : storedAs(answer.plan?.action),
        answer.video ? answer.id : null,
      );
    case "archive":
      return final(
        answer.stored + answer.already > 0 ? "stored" : "failed",
        words.archive(answer.stored, answer.already, answer.refused),
      );
    case "refused":
      return final("failed", words.refused(answer.status));
  }
}

/** The same while its cancelling was asked for. */
export function whileCancelling(standing: Standing): Standing {
  if (standing.state === "stored") return { ...standing, sentence: words.storedBefore, theirs: false };
  return isFinal(standing) ? standing : { ...standing, sentence: words.cancelling, theirs: false };
}

/** Something that was made of a video: its `instance` is the video's where it is none of Orthanc's. */
function derived(job: Job): Standing {
  const made = readMade(job.results);
  const played = made.find(({ id, url }) => id !== null && url !== null)?.id ?? null;
  return final("stored", made.some(({ id }) => id !== null) ? storedAs(job.action) : words.readyToDownload, played);
}

export function whileJob(job: Job): Standing {
  switch (job.state) {
    case "Pending":
      return { ...queued, sentence: words.queued(job.action) };
    case "Running":
      return { state: "processing", percent: job.percent, sentence: words.converting(job), theirs: false, video: null };
    case "Success":
      return job.results === null ? final("stored", storedAs(job.action), job.instance) : derived(job);
    case "Failure":
    case "DeadLetter":
      return final("failed", job.sentence || words.failed, null, job.sentence !== "");
    case "Cancelled":
      return final("cancelled", words.cancelled);
  }
}
