// One row of work under way: its name, where it stands, a bar, and what can be done about it.

import { ApiError, cancelJob, retryJob } from "./api";
import { button, el } from "./dom";
import type { Job } from "./answers";
import { follow } from "./follow";
import { videoHash } from "./route";
import { tell, tellError } from "./said";
import { final, isFinal, queued, whileCancelling, whileJob } from "./standing";
import type { Standing } from "./standing";
import { words } from "./words";

export class Row {
  readonly element: HTMLLIElement;
  /** What the button Cancel does now. */
  protected stop: () => void = () => this.show(final("cancelled", words.cancelled));
  private readonly message: HTMLElement;
  private readonly bar = el("progress", { max: 100 });
  private readonly actions = el("span", { class: "row-actions" });
  private readonly cancelButton: HTMLButtonElement;

  /** `kind` is what tests find it by; `changed` is called each time that it stands elsewhere. */
  constructor(
    readonly name: string,
    public standing: Standing,
    private readonly kind: "upload" | "job" | "made",
    private readonly changed: () => void,
  ) {
    this.bar.setAttribute("aria-label", words.progressOf(name));
    this.message = el("p", { class: "row-message", "data-test": `${kind}-message` });
    this.cancelButton = button(
      words.cancel,
      { class: "quiet", "aria-label": words.cancelOf(name), "data-test": `${kind}-cancel` },
      () => this.stop(),
    );
    this.element = el(
      "li",
      { class: "row", tabindex: -1, "data-test": `${kind}-row` },
      el("span", { class: "row-name", title: name, "data-test": `${kind}-name` }, name),
      this.message,
      this.bar,
      this.actions,
    );
    if (!isFinal(standing)) this.actions.append(this.cancelButton);
    this.paint();
  }

  protected show(standing: Standing): void {
    const turned = this.standing.state !== standing.state;
    this.standing = standing;
    this.paint();
    if (!turned) return;
    if (isFinal(standing)) this.offer();
    this.changed();
  }

  private paint(): void {
    const { state, sentence, theirs, percent } = this.standing;
    this.element.dataset["state"] = state;
    tell(this.message, sentence, theirs);
    this.bar.hidden = isFinal(this.standing);
    if (percent === null) this.bar.removeAttribute("value");
    else this.bar.value = percent;
  }

  /** Where it stands by what is told of its job. */
  protected standingOf(job: Job): Standing {
    return whileJob(job);
  }

  /** What can be done with what came of it. */
  protected links(): HTMLElement[] {
    const { video } = this.standing;
    if (video === null) return [];
    const named = { class: "button", "aria-label": words.playOf(this.name), "data-test": `${this.kind}-play` };
    return [el("a", { ...named, href: videoHash(video) }, words.play)];
  }

  /** Once it has ended, that takes the place of cancelling. */
  private offer(): void {
    const links = this.standing.state === "stored" ? this.links() : [];
    const focused = document.activeElement === this.cancelButton;
    this.actions.replaceChildren(...links);
    if (focused) (links[0] ?? this.element).focus();
  }

  /** A dead letter: somebody decides whether it is tried again or discarded. */
  decide(job: string): void {
    const choices = [
      button(words.retry, { class: "quiet", "aria-label": words.retryOf(this.name), "data-test": `${this.kind}-retry` }, () =>
        settle(retryJob(job), () => {
          this.actions.replaceChildren(this.cancelButton);
          this.cancelButton.disabled = false;
          this.show(queued);
          void this.follow(job);
        }),
      ),
      button(words.discard, { class: "quiet", "aria-label": words.discardOf(this.name), "data-test": `${this.kind}-discard` }, () =>
        settle(cancelJob(job), () => this.show(final("cancelled", words.discarded))),
      ),
    ];
    const settle = (asked: Promise<void>, then: () => void): void => {
      for (const choice of choices) choice.disabled = true;
      asked.then(then).catch((error: unknown) => {
        for (const choice of choices) choice.disabled = false;
        tellError(this.message, error);
      });
    };
    this.actions.replaceChildren(...choices);
  }

  /** What is shown until its cancelling has come to something. */
  protected sayCancelling(): void {
    this.cancelButton.disabled = true;
    tell(this.message, words.cancelling);
  }

  /** Shows the job until it has ended; a line that is down for a while does not end that. `unwanted`: it is cancelled. */
  async follow(job: string, unwanted = false): Promise<void> {
    let cancelling = false;
    this.stop = () => {
      cancelling = true;
      this.sayCancelling();
      cancelJob(job).catch(() => {
        // What became of the job is what is told of it next; if it goes on, cancelling can be tried again.
        cancelling = false;
        this.cancelButton.disabled = false;
      });
    };
    if (this.standing.state !== "processing") this.show(queued);
    if (unwanted) this.stop();
    await follow(
      job,
      (told) => {
        const standing = this.standingOf(told);
        this.show(cancelling ? whileCancelling(standing) : standing);
        if (told.state === "DeadLetter") this.decide(job);
      },
      (error) => {
        const status = error instanceof ApiError ? error.status : 0;
        if (status === 404 || status === 410) this.show(final("failed", words.jobGone));
        else if (error instanceof ApiError && (status === 401 || status === 403)) this.show(final("failed", error.message, null, error.theirs));
        else this.show({ ...this.standing, sentence: words.outOfTouch, theirs: false });
        return isFinal(this.standing);
      },
    );
  }
}
