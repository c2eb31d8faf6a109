// A panel of rows, seen while there are any; those that have ended can be cleared away.

import { arrange, button, el } from "./dom";
import type { Row } from "./row";
import { isFinal } from "./standing";
import { words } from "./words";

export class Panel<R extends Row> {
  readonly element: HTMLElement;
  private shown: R[] = [];
  private readonly list = el("ul", { class: "rows-list" });
  private readonly clear: HTMLButtonElement;

  /** `name` is what tests find it by. */
  constructor(name: "uploads" | "jobs" | "made", title: string) {
    this.clear = button(words.clear, { class: "quiet", "data-test": `${name}-clear` }, () => {
      this.shown = this.shown.filter((row) => !isFinal(row.standing));
      this.draw();
    });
    this.element = el(
      "section",
      { class: "rows", "aria-labelledby": `${name}-title`, "data-test": name, hidden: true },
      el("header", {}, el("h2", { id: `${name}-title` }, title), this.clear),
      this.list,
    );
  }

  get rows(): readonly R[] {
    return this.shown;
  }

  add(row: R): void {
    this.shown.push(row);
  }

  /** To be called whenever a row stands elsewhere. */
  draw(): void {
    this.element.hidden = this.shown.length === 0;
    this.clear.hidden = !this.shown.some((row) => isFinal(row.standing));
    arrange(this.list, this.shown.map((row) => row.element));
  }
}
