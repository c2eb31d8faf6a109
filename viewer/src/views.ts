// The views that were saved of a video: one to be chosen, and this one to be saved.

import { ApiError, deleteView, getViews, saveView } from "./api";
import { button, el } from "./dom";
import type { Look } from "./image/look";
import { written } from "./image/saved";
import type { Beside, View } from "./image/saved";
import { words } from "./words/image";

export interface Looked {
  place: () => number;
  look: () => Look;
  beside: () => Beside;
  restore: (view: View) => void;
}

const titled = ({ name, place }: View): string => words.viewOf(name, place + 1);

export function views(video: string, on: Looked): { element: HTMLElement; end: () => void } {
  const ending = new AbortController();
  let known: View[] = [];
  /** The one that was chosen last. */
  let seen: View | null = null;
  const choice = el("select", { "aria-label": words.views, "data-test": "views" });
  const name = el("input", { type: "text", maxlength: 64, placeholder: words.viewName, "aria-label": words.viewName, "data-test": "view-name" });
  const said = el("output", { "aria-live": "polite", "data-test": "view-said" });

  choice.addEventListener("change", () => {
    seen = known.find((view) => view.id === choice.value) ?? null;
    if (seen) on.restore(seen);
    drop.hidden = seen === null;
    // The same one can be chosen again.
    choice.value = "";
  });

  function show(found: View[]): void {
    known = found;
    const none = el("option", { value: "" }, found.length === 0 ? words.noViews : words.chooseView);
    choice.replaceChildren(none, ...found.map((view) => el("option", { value: view.id }, titled(view))));
    choice.disabled = found.length === 0;
  }

  function tell(error: unknown): void {
    if (!ending.signal.aborted) said.textContent = error instanceof ApiError ? error.message : words.viewsFailed;
  }

  async function save(): Promise<void> {
    keep.disabled = true;
    try {
      const status = await saveView(video, written(name.value, on.place(), on.look(), on.beside()));
      show(await getViews(video, ending.signal));
      said.textContent = words.saved[status] ?? status;
      name.value = "";
    } catch (error) {
      tell(error);
    }
    keep.disabled = false;
  }

  async function remove(view: View): Promise<void> {
    if (!confirm(words.deleteSure(titled(view)))) return;
    try {
      await deleteView(video, view.id);
      drop.hidden = true;
      show(await getViews(video, ending.signal));
      said.textContent = words.deleted;
    } catch (error) {
      tell(error);
    }
  }

  const drop = button(words.deleteView, { class: "quiet", hidden: true, "data-test": "view-delete" }, () => void (seen && remove(seen)));
  const keep = button(words.save, { class: "quiet", "data-test": "view-save" }, () => void save());
  name.addEventListener("keydown", (event) => {
    if (event.key === "Enter") void save();
  });
  show([]);
  getViews(video, ending.signal).then(show, tell);
  return { element: el("div", { class: "views", role: "group", "aria-label": words.views }, choice, drop, name, keep, said), end: () => ending.abort() };
}
