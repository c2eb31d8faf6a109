// The windows and VOI LUTs that a picture proposes itself: one to be chosen, by what it calls them.

import { el } from "./dom";
import { tableOf, tabled, windowed, windowOf } from "./image/look";
import type { Look, Window } from "./image/look";
import { words } from "./words/image";

export interface Windowed {
  look: () => Look;
  /** All of the values of the picture that is shown; null for one of eight bits. */
  whole: () => Window | null;
  change: (look: Look) => void;
}

const WHOLE = "whole";

/** Each with what chooses it. */
function proposed({ own }: Look): (readonly [key: string, label: string])[] {
  return [
    ...own.windows.map(({ name, window }, at) => [`window ${at}`, words.proposed(name, window.center, window.width)] as const),
    ...own.tables.map(({ name }, at) => [`table ${at}`, words.table(name, at + 1)] as const),
    [WHOLE, words.whole],
  ];
}

function same(one: Window, other: Window | null): boolean {
  return other !== null && one.center === other.center && one.width === other.width && one.shape === other.shape;
}

/** Which of them is in use; empty where it is another. */
export function chosen(look: Look, whole: Window | null): string {
  const { own, mask } = look;
  if (mask !== null) return "";
  const table = tableOf(look);
  if (table !== null) return `table ${own.tables.indexOf(table)}`;
  const window = windowOf(look);
  const at = own.windows.findIndex((one) => same(one.window, window));
  if (at >= 0) return `window ${at}`;
  return same(window, whole) || (look.window === null && !own.said) ? WHOLE : "";
}

export function choose(look: Look, key: string, whole: Window | null): Look {
  const { own } = look;
  const [kind, at] = [key.split(" ")[0], Number(key.split(" ")[1])];
  // What it opens with is each picture's own, should they differ.
  if (key === "window 0" || (kind === "table" && at === own.table) || (key === WHOLE && !own.said)) return tabled(look, null);
  if (kind === "table") return tabled(look, at);
  const window = key === WHOLE ? whole : own.windows[at]?.window;
  return window ? windowed(look, window.center, window.width, window.shape) : look;
}

export function windowMenu(on: Windowed): { element: HTMLElement; draw: () => void } {
  const menu = el("select", { "data-test": "windows" });
  const element = el("label", { hidden: true }, `${words.windows} `, menu);
  let shown = "";
  menu.addEventListener("change", () => on.change(choose(on.look(), menu.value, on.whole())));

  function draw(): void {
    const [look, whole] = [on.look(), on.whole()];
    element.hidden = whole === null;
    menu.disabled = look.mask !== null;
    if (whole === null) return;
    const there = proposed(look);
    // An open list stays as it is while pictures go by.
    if (shown !== String(there)) {
      menu.replaceChildren(el("option", { value: "" }, words.another), ...there.map(([value, label]) => el("option", { value }, label)));
      shown = String(there);
    }
    menu.value = chosen(look, whole);
  }

  return { element, draw };
}
