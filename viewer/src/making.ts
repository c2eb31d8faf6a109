// Work that makes something of a video: a row each, from the order to what came of it.

import { address, order } from "./api";
import type { Job } from "./answers";
import { el } from "./dom";
import { readMade } from "./made";
import type { Made, Order } from "./made";
import { videoHash } from "./route";
import { Row } from "./row";
import { Said } from "./said";
import { final, whileJob } from "./standing";
import type { Standing } from "./standing";
import { words } from "./words";

export class Making extends Row {
  private made: Made[] = [];

  constructor(
    name: string,
    private readonly video: string,
    private readonly study: string | null,
    changed: () => void,
  ) {
    super(name, { state: "processing", percent: null, sentence: words.making, theirs: false, video: null }, "made", changed);
  }

  async run(asked: Order): Promise<void> {
    let cancelled = false;
    this.stop = () => (cancelled = true);
    try {
      const { job, made } = await order(this.video, asked);
      if (made === null) {
        const followed = this.follow(job);
        if (cancelled) this.stop();
        return await followed;
      }
      this.made = made;
      this.show(final("stored", this.sentence(asked.path, made)));
    } catch (error) {
      const sentence = error instanceof Error ? error.message : String(error);
      this.show(final("failed", sentence, null, error instanceof Said && error.theirs));
    }
  }

  protected override standingOf(job: Job): Standing {
    this.made = readMade(job.results);
    return whileJob(job);
  }

  protected override links(): HTMLElement[] {
    const { id, url } = this.made[0] ?? { id: null, url: null };
    const named = (label: string, test: string): Record<string, string> => ({ class: "button", "aria-label": label, "data-test": `made-${test}` });
    const study = id !== null && url === null ? this.study : null;
    return [
      id !== null && url !== null ? el("a", { ...named(words.playOf(this.name), "play"), href: videoHash(id) }, words.play) : null,
      url === null ? null : el("a", { ...named(words.saveOf(this.name), "download"), href: url, download: true }, words.save),
      study === null
        ? null
        : el("a", { ...named(words.inStudyOf(this.name), "study"), href: address.study(study), target: "_blank", rel: "noopener" }, words.inStudy),
    ].filter((link) => link !== null);
  }

  private sentence(path: Order["path"], made: Made[]): string {
    const action = { clips: "clip", stills: "stills", marks: "marks", edits: "edit" }[path];
    return (made.some(({ id }) => id !== null) ? words.storedAs[action] : words.readyToDownload) ?? words.stored;
  }
}
