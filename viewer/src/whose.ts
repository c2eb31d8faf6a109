// Whose video it is: asked before an upload begins, filled from a search in Orthanc. Nothing need be said.

import { findStudies } from "./api";
import { button, el } from "./dom";
import { date, personName } from "./format";
import { tell, tellError } from "./said";
import { field, typed } from "./search";
import { everything } from "./studies";
import type { Found, Study } from "./studies";
import { words } from "./words";

/** What is told of a video with its upload: attributes by their DICOM keywords, and the study or patient it joins. */
export type Told = Readonly<Record<string, string>>;

export interface Whose {
  element: HTMLDialogElement;
  /** Resolves with what was said of the files, or null where they are not to be uploaded. */
  ask: (files: readonly File[]) => Promise<Told | null>;
}

/** What is typed in, as the server takes it; nothing of what is empty. */
export function typedIn(values: Record<string, string>): Told {
  const filled = Object.entries(values).map(([name, value]) => [name, name.endsWith("Date") ? value.replaceAll("-", "") : value.trim()]);
  return Object.fromEntries(filled.filter(([, value]) => value !== ""));
}

/** Of a study that was found: it, or a new one of its patient. */
export function ofStudy(study: Study, anew: boolean, description: string): Told {
  if (!anew) return { ParentStudy: study.id };
  return { ParentPatient: study.patient, ...typedIn({ StudyDescription: description }) };
}

/** DICOM and zip files say themselves whose they are. */
async function says(file: File): Promise<boolean> {
  const head = new Uint8Array(await file.slice(0, 132).arrayBuffer());
  const text = (from: number, to: number): string => String.fromCharCode(...head.subarray(from, to));
  return text(128, 132) === "DICM" || text(0, 4) === "PK\x03\x04";
}

export async function needsAsking(files: readonly File[]): Promise<boolean> {
  const told = await Promise.all(files.map((file) => says(file).catch(() => false)));
  return told.includes(false);
}

interface Chooser {
  element: HTMLElement;
  chosen: () => { study: Study; told: Told } | null;
  reset: () => void;
  focus: () => void;
}

/** Studies are looked for, and one of them is chosen. */
function chooser(changed: () => void): Chooser {
  const text = typed({ type: "search", placeholder: words.patientHint, "data-test": "whose-search" });
  const day = typed({ type: "date", "data-test": "whose-date" });
  const note = el("p", { class: "note", role: "status" });
  const results = el("div", { class: "choices", role: "radiogroup", "aria-label": words.studies, "data-test": "whose-found" });
  const anew = el("input", { type: "checkbox", "data-test": "whose-new" });
  const description = typed({ "data-test": "whose-description" });
  const described = field(words.told.StudyDescription, description);
  const more = el("p", { class: "choices-more" }, el("label", {}, anew, ` ${words.newStudy}`), described);
  let asking = new AbortController();
  let chosen: Study | null = null;

  const draw = (): void => {
    more.hidden = chosen === null;
    described.hidden = !anew.checked;
    changed();
  };

  function choice(study: Study): HTMLElement {
    const input = el("input", { type: "radio", name: "whose-study", value: study.id });
    input.addEventListener("change", () => {
      chosen = study;
      draw();
    });
    const born = study.birthDate === "" ? "" : words.born(date(study.birthDate));
    const who = [study.patientId === "" ? "" : words.idOf(study.patientId), born].filter(Boolean).join(", ");
    const what = [date(study.date) || words.noDate, study.description, study.accession].filter(Boolean).join(" · ");
    const shown = el("span", {}, el("strong", {}, personName(study.patientName) || words.noName), ` ${who}`, el("small", {}, what));
    return el("label", { class: "choice", "data-test": "whose-study" }, input, shown);
  }

  function show({ studies, more: cut }: Found): void {
    chosen = null;
    results.replaceChildren(...studies.map(choice));
    tell(note, studies.length === 0 ? words.noStudyFound : cut ? words.moreStudies : "");
    draw();
  }

  async function look(): Promise<void> {
    asking.abort();
    const mine = (asking = new AbortController());
    try {
      show(await findStudies({ ...everything, patient: text.value, from: day.value, to: day.value }, mine.signal));
    } catch (error) {
      if (!mine.signal.aborted) tellError(note, error);
    }
  }

  const form = el(
    "form",
    { class: "search", role: "search", "aria-label": words.findStudy, autocomplete: "off" },
    field(words.patient, text),
    field(words.fact.studyDate, day),
    el("button", { type: "submit", "data-test": "whose-go" }, words.find),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void look();
  });
  anew.addEventListener("change", draw);
  return {
    element: el("section", { class: "whose-part" }, form, note, results, more),
    chosen: () => chosen && { study: chosen, told: ofStudy(chosen, anew.checked, description.value) },
    reset: () => {
      asking.abort();
      form.reset();
      results.replaceChildren();
      [chosen, anew.checked, description.value] = [null, false, ""];
      tell(note, "");
      draw();
    },
    focus: () => text.focus(),
  };
}

/** The dialog. */
export function whose(): Whose {
  const files = el("p", { class: "note", "data-test": "whose-files" });
  const inputs = Object.entries(words.told).map(([name, label]) => {
    const input = typed({ name, type: name.endsWith("Date") ? "date" : "text", "data-test": `whose-${name}` });
    input.addEventListener("input", () => draw());
    return { name, input, element: field(label, input) };
  });
  const byHand = el("details", { class: "whose-part" }, el("summary", {}, words.byHand), ...inputs.map((one) => one.element));
  const found = chooser(() => draw());
  const said = (): Told => found.chosen()?.told ?? typedIn(Object.fromEntries(inputs.map(({ name, input }) => [name, input.value])));
  const withIt = button(words.uploadSaid, { class: "primary", "data-test": "whose-said" }, () => end(said()));
  const without = button(words.uploadUnsaid, { "data-test": "whose-unsaid" }, () => end({}));
  const cancel = button(words.cancel, { class: "quiet", "data-test": "whose-cancel" }, () => end(null));
  const dialog = el(
    "dialog",
    { class: "whose", "aria-labelledby": "whose-title", "data-test": "whose" },
    el("h2", { id: "whose-title" }, words.whose),
    files,
    found.element,
    byHand,
    el("p", { class: "note" }, words.unsaidHint),
    el("p", { class: "links" }, withIt, without, cancel),
  );
  // Files that are dropped while it is open are asked about together.
  let asked: { names: readonly string[]; answer: (told: Told | null) => void }[] = [];

  function draw(): void {
    const chosen = found.chosen();
    byHand.hidden = chosen !== null;
    withIt.textContent = chosen === null ? words.uploadSaid : words.uploadFor(personName(chosen.study.patientName) || words.noName);
    withIt.disabled = Object.keys(said()).length === 0;
  }

  function end(told: Told | null): void {
    for (const { answer } of asked) answer(told);
    asked = [];
    // What was typed stays nowhere, not even here.
    found.reset();
    for (const { input } of inputs) input.value = "";
    byHand.open = false;
    if (dialog.open) dialog.close();
  }

  dialog.addEventListener("close", () => end(null));
  draw();
  return {
    element: dialog,
    ask: (sent) => {
      const said = new Promise<Told | null>((answer) => asked.push({ names: sent.map((file) => file.name), answer }));
      const names = asked.flatMap((one) => one.names);
      files.textContent = `${words.filesToSend(names.length)}: ${names.slice(0, 5).join(", ")}${names.length > 5 ? "…" : ""}`;
      if (!dialog.open) {
        dialog.showModal();
        found.focus();
      }
      return said;
    },
  };
}
