// A short sentence over whatever is open, seen for a while.

import { el } from "./dom";

const STAYS_MS = 8000;

/** `over` is what is open: all else is out of sight and, to screen readers, not there. */
export function notice(over: HTMLElement, sentence: string): void {
  const said = el("p", { class: "notice", role: "status", "data-test": "notice" });
  (document.fullscreenElement ?? over).append(said);
  // A status is read out as it changes, not as it comes.
  said.textContent = sentence;
  setTimeout(() => said.remove(), STAYS_MS);
}
