// Which key does what, in a dialog of its own.

import { button, el } from "./dom";
import { hasFullScreen } from "./fullScreen";
import { KEYS } from "./image/commands";
import { COMMANDS, FULL_SCREEN } from "./keys";
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

/** As it is written on keyboards. */
export function keyName(key: string): string {
  const parts = key === "+" ? [key] : key.split("+");
  return parts.map((part) => image.keyNames[part.toLowerCase()] ?? (part.length === 1 ? part.toUpperCase() : part)).join("+");
}

function table(title: string, rows: readonly (readonly [key: string, does: string])[]): HTMLElement {
  const lines = rows.map(([key, does]) => el("div", {}, el("dt", {}, el("kbd", {}, keyName(key))), el("dd", {}, does)));
  return el("section", {}, el("h3", {}, title), el("dl", {}, ...lines));
}

/** What the labels of buttons say of their keys is the first column here. */
const unkeyed = (label: string): string => label.replace(/ \([^)]*\)$/, "");

/** `plain`: of a film that the browser plays alone, which goes back by steps, and whose picture has no tools. */
export function keysHelp(plain = false): { element: HTMLDialogElement; open: () => void } {
  const does = plain ? { ...PLAYING, back: words.stepBack } : PLAYING;
  const playing = Object.entries(COMMANDS).map(([key, command]) => [key, unkeyed(does[command])] as const);
  const whole = hasFullScreen() ? [[FULL_SCREEN, unkeyed(words.fullScreen)] as const] : [];
  const picture = plain ? KEYS.filter(([, command]) => command === "help") : KEYS;
  const close = button(image.close, { class: "quiet", "data-test": "keys-close" }, () => element.close());
  const element = el(
    "dialog",
    { class: "keys", "aria-label": image.keys, "data-test": "keys" },
    el("header", {}, el("h2", {}, image.keys), close),
    el(
      "div",
      {},
      table(image.playing, [...playing, ...whole]),
      table(image.picture, picture.map(([key, command]) => [key, image.commands[command]] as const)),
    ),
  );
  // Its keys are not the film's, which it is a part of.
  element.addEventListener("keydown", (event) => event.stopPropagation());
  return { element, open: () => element.showModal() };
}
