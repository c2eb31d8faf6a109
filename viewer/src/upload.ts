// Uploads: a button, files dropped anywhere on the page, and one row per file from "waiting" to its result.

import { ApiError } from "./api";
import { button, el } from "./dom";
import { Panel } from "./panel";
import { Row } from "./row";
import { Said, tell } from "./said";
import { sendFile } from "./sending";
import { afterAnswer, final, isFinal, waiting, whileCancelling, whileSending } from "./standing";
import type { Standing } from "./standing";
import type { Told } from "./whose";
import { words } from "./words";

// Two files share the line. Those that wait for their answer keep a connection, of which a browser has six per server;
// the jobs that are watched (follow.ts) have two of them.
const SENDING_AT_ONCE = 2;
const OPEN_AT_ONCE = 3;

/** Whether the server has said that it takes no such file. */
const refused = (error: unknown): boolean => error instanceof ApiError && error.status >= 400 && error.status < 500;

class Upload extends Row {
  /** The job that goes on with it, once there is one. */
  job: string | null = null;

  constructor(
    private readonly file: File,
    private readonly told: Told,
    changed: () => void,
  ) {
    super(file.name, waiting, "upload", changed);
  }

  async run(): Promise<void> {
    let unwanted = false;
    const sending = sendFile(this.file, this.told, (sent, down) => {
      if (isFinal(this.standing)) return;
      const standing = whileSending(sent, this.file.size, down);
      this.show(unwanted ? whileCancelling(standing) : standing);
    });
    this.show(whileSending(0, this.file.size));
    this.stop = () => {
      // What has all of it goes on by itself: its job is cancelled as soon as the answer names it.
      unwanted = this.standing.state === "answering";
      if (unwanted) return this.sayCancelling();
      sending.abort();
      this.show(final("cancelled", words.cancelled));
    };
    try {
      const answer = await sending.answer;
      const standing = afterAnswer(answer);
      if (standing !== null) this.show(unwanted ? whileCancelling(standing) : standing);
      else if (answer.kind === "job") {
        this.job = answer.job;
        void this.follow(answer.job, unwanted);
      }
    } catch (error) {
      if (!isFinal(this.standing)) this.show(unwanted && !refused(error) ? final("cancelled", words.cancelledLate) : this.failed(error));
    }
  }

  private failed(error: unknown): Standing {
    const said = error instanceof Error ? error.message : String(error);
    // The row has its name already.
    const sentence = said.startsWith(`${this.name}: `) ? said.slice(this.name.length + 2) : said;
    return final("failed", sentence, null, error instanceof Said && error.theirs);
  }
}

export interface Uploads {
  element: HTMLElement;
  add: (files: Iterable<File>, told: Told) => void;
  /** Whether leaving the page now would break an upload off. */
  busy: () => boolean;
  /** Whether one of the rows shows this job. */
  follows: (job: string) => boolean;
}

/** The panel of uploads. `onStored` is called each time something new has been stored. */
export function uploads(onStored: () => void): Uploads {
  const panel = new Panel<Upload>("uploads", words.uploads);
  const said = el("p", { class: "unseen", role: "status" });

  function pump(): void {
    for (;;) {
      const count = (state: Standing["state"]): number => panel.rows.filter((row) => row.standing.state === state).length;
      const sending = count("sending");
      if (sending >= SENDING_AT_ONCE || sending + count("answering") >= OPEN_AT_ONCE) return;
      const next = panel.rows.find((row) => row.standing.state === "waiting");
      if (!next) return;
      void next.run();
    }
  }

  return {
    element: el("div", {}, panel.element, said),
    add: (files, told) => {
      for (const file of files) {
        const row: Upload = new Upload(file, told, () => {
          if (isFinal(row.standing)) {
            tell(said, `${row.name}: ${row.standing.sentence}`, row.standing.theirs);
            if (row.standing.state === "stored") onStored();
          }
          panel.draw();
          pump();
        });
        panel.add(row);
      }
      panel.draw();
      pump();
    },
    follows: (job) => panel.rows.some((row) => row.job === job),
    busy: () => panel.rows.some((row) => ["waiting", "sending"].includes(row.standing.state)),
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
