// Uploads: a button, files dropped anywhere on the page, and one row per file from "waiting" to its result.

import { ApiError, cancelJob, getJob } from "./api";
import type { Job, Posted } from "./answers";
import { arrange, button, el } from "./dom";
import { bytes } from "./format";
import { videoHash } from "./route";
import { sendFile } from "./sending";
import { words } from "./words";

// Two files share the line. Those that wait for their answer keep a connection, of which a browser has six per server.
const SENDING_AT_ONCE = 2;
const OPEN_AT_ONCE = 4;
const POLL_MS = 1000;
const POLL_SLOWEST_MS = 8000;

/** Where an upload stands. `percent` null: under way, nobody knows how far. */
export interface Standing {
  state: "waiting" | "sending" | "answering" | "processing" | "stored" | "failed" | "cancelled";
  percent: number | null;
  sentence: string;
  /** The stored video's Orthanc ID, when there is one to play. */
  video: string | null;
}

export function isFinal(standing: Standing): boolean {
  return standing.state === "stored" || standing.state === "failed" || standing.state === "cancelled";
}

const final = (state: "stored" | "failed" | "cancelled", sentence: string, video: string | null = null): Standing => ({
  state,
  percent: null,
  sentence,
  video,
});

export const waiting: Standing = { state: "waiting", percent: 0, sentence: words.waiting, video: null };

export function whileSending(sent: number, size: number): Standing {
  if (sent >= size) return { state: "answering", percent: null, sentence: words.answering, video: null };
  const percent = Math.floor((100 * sent) / size);
  return { state: "sending", percent, sentence: words.sending(percent, bytes(size)), video: null };
}

/** What the answer to a posted file means; null when a job goes on with it. */
export function afterAnswer(answer: Posted): Standing | null {
  switch (answer.kind) {
    case "job":
      return null;
    case "stored":
      // A DICOM file posted as such may be anything: only what came in as video is offered to be played.
      return final(
        "stored",
        answer.already ? words.already : words.stored(answer.plan?.action ?? ""),
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

export function whileJob(job: Job, action: string): Standing {
  switch (job.state) {
    case "Pending":
      return { state: "processing", percent: null, sentence: words.queued, video: null };
    case "Running":
      return { state: "processing", percent: job.percent, sentence: words.converting(job.percent, job.stage), video: null };
    case "Success":
      return final("stored", words.stored(action), job.instance);
    case "Failure":
      return final("failed", job.sentence || words.failed);
    case "Cancelled":
      return final("cancelled", words.cancelled);
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

class Upload {
  standing: Standing = waiting;
  readonly element: HTMLLIElement;
  private readonly message = el("p", { class: "upload-message", "data-test": "upload-message" });
  private readonly bar = el("progress", { max: 100 });
  private readonly actions = el("span", { class: "upload-actions" });
  private readonly cancelButton: HTMLButtonElement;
  private stop: () => void = () => this.show(final("cancelled", words.cancelled));

  constructor(
    readonly file: File,
    private readonly changed: () => void,
  ) {
    this.bar.setAttribute("aria-label", words.uploadsOf(file.name));
    this.cancelButton = button(
      words.cancel,
      { class: "quiet", "aria-label": words.cancelOf(file.name), "data-test": "upload-cancel" },
      () => this.stop(),
    );
    this.element = el(
      "li",
      { class: "upload", tabindex: -1, "data-test": "upload-row" },
      el("span", { class: "upload-name", title: file.name }, file.name),
      this.message,
      this.bar,
      this.actions,
    );
    this.actions.append(this.cancelButton);
    this.show(waiting);
  }

  private show(standing: Standing): void {
    const turned = this.standing.state !== standing.state;
    this.standing = standing;
    this.element.dataset["state"] = standing.state;
    this.message.textContent = standing.sentence;
    this.bar.hidden = isFinal(standing);
    if (standing.percent === null) this.bar.removeAttribute("value");
    else this.bar.value = standing.percent;
    if (!turned) return;
    if (isFinal(standing)) {
      const play =
        standing.video === null
          ? null
          : el(
              "a",
              {
                class: "button",
                href: videoHash(standing.video),
                "aria-label": words.playOf(this.file.name),
                "data-test": "upload-play",
              },
              words.play,
            );
      const focused = document.activeElement === this.cancelButton;
      this.actions.replaceChildren(...(play === null ? [] : [play]));
      if (focused) (play ?? this.element).focus();
    }
    this.changed();
  }

  async run(): Promise<void> {
    const sending = sendFile(this.file, (sent) => {
      if (!isFinal(this.standing)) this.show(whileSending(sent, this.file.size));
    });
    this.show(whileSending(0, this.file.size));
    this.stop = () => {
      const late = this.standing.state === "answering";
      sending.abort();
      this.show(final("cancelled", late ? words.cancelledLate : words.cancelled));
    };
    try {
      const answer = await sending.answer;
      const standing = afterAnswer(answer);
      if (standing !== null) this.show(standing);
      else if (answer.kind === "job") void this.follow(answer.job, answer.plan?.action ?? "");
    } catch (error) {
      if (!isFinal(this.standing)) this.show(final("failed", error instanceof Error ? error.message : String(error)));
    }
  }

  /** Asks after the job until it has ended; a line that is down for a while does not end the asking. */
  private async follow(job: string, action: string): Promise<void> {
    let cancelling = false;
    this.show({ state: "processing", percent: null, sentence: words.queued, video: null });
    this.stop = () => {
      cancelling = true;
      this.cancelButton.disabled = true;
      this.message.textContent = words.cancelling;
      cancelJob(job).catch(() => {
        // What became of the job is what its next answer says; if it goes on, cancelling can be tried again.
        cancelling = false;
        this.cancelButton.disabled = false;
      });
    };
    let wait = POLL_MS;
    while (!isFinal(this.standing)) {
      try {
        const standing = whileJob(await getJob(job), action);
        this.show(cancelling && !isFinal(standing) ? { ...standing, sentence: words.cancelling } : standing);
        wait = POLL_MS;
      } catch (error) {
        if (error instanceof ApiError && (error.status === 404 || error.status === 410)) {
          this.show(final("failed", words.jobGone));
        } else if (error instanceof ApiError && (error.status === 401 || error.status === 403)) {
          this.show(final("failed", error.message));
        } else {
          this.show({ ...this.standing, sentence: words.outOfTouch });
          wait = Math.min(wait * 2, POLL_SLOWEST_MS);
        }
      }
      if (!isFinal(this.standing)) await pause(wait);
    }
  }
}

export interface Uploads {
  element: HTMLElement;
  add: (files: Iterable<File>) => void;
  /** Whether leaving the page now would break an upload off. */
  busy: () => boolean;
}

/** The panel of uploads. `onStored` is called each time something new has been stored. */
export function uploads(onStored: () => void): Uploads {
  const rows: Upload[] = [];
  const list = el("ul", { class: "upload-list" });
  const said = el("p", { class: "unseen", role: "status" });
  const clear = button(words.clear, { class: "quiet", "data-test": "upload-clear" }, () => {
    const left = rows.filter((row) => !isFinal(row.standing));
    rows.splice(0, rows.length, ...left);
    draw();
  });
  const panel = el(
    "section",
    { class: "uploads", "aria-labelledby": "uploads-title", "data-test": "uploads", hidden: true },
    el("header", {}, el("h2", { id: "uploads-title" }, words.uploads), clear),
    list,
  );

  function draw(): void {
    panel.hidden = rows.length === 0;
    clear.hidden = !rows.some((row) => isFinal(row.standing));
    arrange(list, rows.map((row) => row.element));
  }

  function pump(): void {
    for (;;) {
      const count = (state: Standing["state"]): number => rows.filter((row) => row.standing.state === state).length;
      const sending = count("sending");
      if (sending >= SENDING_AT_ONCE || sending + count("answering") >= OPEN_AT_ONCE) return;
      const next = rows.find((row) => row.standing.state === "waiting");
      if (!next) return;
      void next.run();
    }
  }

  return {
    element: el("div", {}, panel, said),
    add: (files) => {
      for (const file of files) {
        const row: Upload = new Upload(file, () => {
          if (isFinal(row.standing)) {
            said.textContent = `${file.name}: ${row.standing.sentence}`;
            if (row.standing.state === "stored") onStored();
          }
          draw();
          pump();
        });
        rows.push(row);
      }
      draw();
      pump();
    },
    busy: () => rows.some((row) => ["waiting", "sending"].includes(row.standing.state)),
  };
}

// ---- files dropped anywhere -------------------------------------------------------------------------------------

function hasFiles(event: DragEvent): boolean {
  return event.dataTransfer?.types.includes("Files") ?? false;
}

async function readEntry(entry: FileSystemEntry): Promise<File[]> {
  if (entry.isFile) {
    return [await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject))];
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const files: File[] = [];
  for (;;) {
    const batch = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (batch.length === 0) return files;
    for (const child of batch) if (!child.name.startsWith(".")) files.push(...(await readEntry(child)));
  }
}

/** The files of a drop, those inside dropped folders included. */
async function filesOf(transfer: DataTransfer): Promise<File[]> {
  const plain = [...transfer.files];
  // The entries must be taken at once: after the event the list is empty.
  const entries = [...transfer.items].filter((item) => item.kind === "file").map((item) => item.webkitGetAsEntry?.() ?? null);
  if (!entries.some((entry) => entry?.isDirectory)) return plain;
  const found = await Promise.all(entries.map((entry) => (entry ? readEntry(entry).catch(() => []) : [])));
  return found.flat();
}

/** Takes files dropped anywhere on the page; `html.dropping` while some hover over it. */
export function takeDrops(onFiles: (files: File[]) => void): void {
  const mark = (on: boolean): void => void document.documentElement.classList.toggle("dropping", on);
  window.addEventListener("dragover", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    if (event.dataTransfer) event.dataTransfer.dropEffect = "copy";
    mark(true);
  });
  window.addEventListener("dragleave", (event) => {
    if (event.relatedTarget === null) mark(false);
  });
  window.addEventListener("drop", (event) => {
    if (!hasFiles(event) || !event.dataTransfer) return;
    event.preventDefault();
    mark(false);
    void filesOf(event.dataTransfer).then((files) => {
      if (files.length > 0) onFiles(files);
    });
  });
}

/** The button with its file chooser. */
export function uploadButton(onFiles: (files: File[]) => void, id: string | null = null): HTMLElement {
  const input = el("input", { type: "file", multiple: true, hidden: true, "aria-label": words.uploadLabel, "data-test": id });
  input.addEventListener("change", () => {
    onFiles([...(input.files ?? [])]);
    input.value = "";
  });
  return el("span", {}, button(words.upload, { class: "primary", "aria-label": words.uploadLabel }, () => input.click()), input);
}
