// Which key does what, in a dialog of its own.

import { button, el } from "./dom";
import { KEYS } from "./image/commands";
import { COMMANDS } from "./keys";
import type { Command } from "./keys";
import { words } from "./words";
import { words as image } from "./words/image";

const PLAYING: Record<Command, string> = {
  back: words.playBack,
  pause: words.pauseNow,
  on: words.playOn,
  toggle: image.toggle,
  stepBack: words.stepBack,
  stepOn: words.stepOn,
  first: words.firstFrame,
  last: words.lastFrame,
  in: words.markIn,
  out: words.markOut,
  whole: words.wholeRange,
};
const ARROWS: Record<string, string> = { ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓", " ": "␣" };

function sign(key: string): string {
  const arrows = key.replace(/Arrow\w+|^ $/i, (name) => ARROWS[name] ?? name);
  return arrows.length === 1 ? arrows.toUpperCase() : arrows;
}

function table(title: string, rows: readonly (readonly [key: string, does: string])[]): HTMLElement {
  const lines = rows.map(([key, does]) => el("div", {}, el("dt", {}, el("kbd", {}, sign(key))), el("dd", {}, does)));
  return el("section", {}, el("h3", {}, title), el("dl", {}, ...lines));
}

/** What the labels of buttons say of their keys is the first column here. */
const unkeyed = (label: string): string => label.replace(/ \([^)]*\)$/, "");

export function keysHelp(): { element: HTMLDialogElement; open: () => void } {
  const playing = Object.entries(COMMANDS).map(([key, command]) => [key, unkeyed(PLAYING[command])] as const);
  const picture = KEYS.map(([key, command]) => [key, image.commands[command]] as const);
  const close = button(image.close, { class: "quiet", "data-test": "keys-close" }, () => element.close());
  const element = el(
    "dialog",
    { class: "keys", "aria-label": image.keys, "data-test": "keys" },
    el("header", {}, el("h2", {}, image.keys), close),
    el("div", {}, table(image.playing, playing), table(image.picture, picture)),
  );
  // Its keys are not the film's, which it is a part of.
  element.addEventListener("keydown", (event) => event.stopPropagation());
  return { element, open: () => element.showModal() };
}
