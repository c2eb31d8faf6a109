// Sentences on the page. Those of the server are in English, whatever the page speaks, and marked as such, but for reasons
// that are known in its language.

import { el } from "./dom";
import { told } from "./words/reasons";

/** What an element has whose text is the server's. */
export const ENGLISH = { lang: "en" };

/** A failure that is told as it is; `theirs`: the sentence is the server's. */
export class Said extends Error {
  constructor(
    sentence: string,
    readonly theirs: boolean,
  ) {
    super(sentence);
  }
}

export function tell(element: HTMLElement, sentence: string, theirs = false): void {
  element.textContent = sentence;
  if (theirs) element.lang = "en";
  else element.removeAttribute("lang");
}

/** A reason of the server's, in a list of them. */
export function because(reason: string): HTMLElement {
  const translated = told(reason);
  return el("li", translated === null ? ENGLISH : {}, translated ?? reason);
}

/** What went wrong; `otherwise` where nobody put it into words. */
export function tellError(element: HTMLElement, error: unknown, otherwise = String(error)): void {
  tell(element, error instanceof Error ? error.message : otherwise, error instanceof Said && error.theirs);
}
