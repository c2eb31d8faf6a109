// The form above the list: whose videos, of when, of what.

import { button, el } from "./dom";
import { everything, isEverything } from "./studies";
import type { Sought } from "./studies";
import { words } from "./words";

export interface Search {
  element: HTMLElement;
  sought: () => Sought;
}

/** A field with its name above it. What is typed is a patient's: no browser is to remember it. */
export function field(name: string, input: HTMLElement): HTMLLabelElement {
  return el("label", { class: "field" }, el("span", {}, name), input);
}

export function typed(attributes: Record<string, string | number | boolean>): HTMLInputElement {
  return el("input", { type: "text", maxlength: 64, autocomplete: "off", spellcheck: false, ...attributes });
}

/** `onSearch` is called when something else is looked for. */
export function search(onSearch: () => void): Search {
  const patient = typed({ type: "search", placeholder: words.patientHint, "data-test": "search-patient" });
  const from = typed({ type: "date", "data-test": "search-from" });
  const to = typed({ type: "date", "data-test": "search-to" });
  const description = typed({ type: "search", "data-test": "search-description" });
  let sought = everything;
  const all = button(words.everything, { class: "quiet", "data-test": "search-all", hidden: true }, () => {
    form.reset();
    take();
    patient.focus();
  });
  const form = el(
    "form",
    { class: "search", role: "search", "aria-label": words.searchFor, autocomplete: "off", "data-test": "search" },
    field(words.patient, patient),
    field(words.from, from),
    field(words.to, to),
    field(words.description, description),
    el("button", { type: "submit", "data-test": "search-go" }, words.search),
    all,
  );
  function take(): void {
    sought = { patient: patient.value, from: from.value, to: to.value, description: description.value };
    all.hidden = isEverything(sought);
    onSearch();
  }
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    take();
  });
  return { element: form, sought: () => sought };
}
