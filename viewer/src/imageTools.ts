// The picture's tools on the page: a bar of buttons, what the look says in words, and texts in the picture's corners.

import type { Video } from "./answers";
import { button, el } from "./dom";
import { date, personName } from "./format";
import { TOOLS, asItIs, done, isAct, isShutter, isTool } from "./image/commands";
import type { Command, Tool } from "./image/commands";
import { hands } from "./image/hands";
import { LEAST_GAMMA, MOST_GAMMA, subtracting, tableOf, windowOf, windowed, withGamma } from "./image/look";
import type { Look, Shape, Window } from "./image/look";
import type { Overlays } from "./image/overlays";
import type { Beside } from "./image/saved";
import { placedShutter } from "./image/shutters";
import { keysHelp } from "./keysHelp";
import { windowMenu } from "./windows";
import { words } from "./words/image";

export interface ImageTools {
  bar: HTMLElement;
  /** What the look says in words. */
  said: HTMLElement;
  help: HTMLElement;
  corners: HTMLElement;
  obey: (command: Command) => void;
  beside: () => Beside;
  restore: (beside: Beside) => void;
  /** Brings the tools in step with the look. */
  draw: () => void;
  /** What is on screen now. */
  tell: (place: number, time: string) => void;
}

export interface Pictured {
  /** Width to height, before it is turned. */
  aspect: () => number;
  look: () => Look;
  /** All of the values of the picture that is shown; null for one of eight bits. */
  whole: () => Window | null;
  /** The frame that is subtracted is still to come. */
  lacksMask: () => boolean;
  /** Quarter turns that the film's container demands. */
  turns: () => number;
  change: (look: Look) => void;
  click: () => void;
  /** What lies over the pictures; null for nothing. */
  overlays: () => Overlays | null;
}

const SIGNS: readonly (readonly [Command, string])[] = [
  ["larger", "+"],
  ["smaller", "−"],
  ["turnLeft", "↺"],
  ["turnRight", "↻"],
  ["flip", "⇆"],
  ["flipOver", "⇅"],
  ["invert", "◑"],
  ["subtract", "Δ"],
  ["noShutter", "▣"],
  ["overlays", "✎"],
  ["texts", "T"],
  ["asItIs", "⌂"],
  ["help", "?"],
];
const TOOL_SIGNS: Record<Tool, string> = { window: "◐", zoom: "⌕", pan: "✥", rectangle: "▭", circle: "◯" };

function summary(look: Look, lacksMask: boolean): string {
  const [{ center, width }, table] = [windowOf(look), tableOf(look)];
  return [
    table === null ? words.window(center, width) : words.table(table.name, look.own.tables.indexOf(table) + 1),
    look.zoom > 1 ? words.zoomed(look.zoom) : "",
    look.gamma === 1 ? "" : words.gammaOf(look.gamma),
    look.invert ? words.inverted : "",
    look.mask === null ? "" : (lacksMask ? words.toSubtract : words.subtracted)(look.mask + 1),
  ]
    .filter(Boolean)
    .join(" · ");
}

function corners(about: Video): { element: HTMLElement; tell: (look: string, place: number, time: string) => void } {
  const [moment, seen] = [el("output", { "aria-live": "off" }), el("output", { "aria-live": "off", "data-test": "seen" })];
  const lines = (...texts: string[]): HTMLElement => el("p", {}, texts.filter(Boolean).join("\n"));
  const element = el(
    "div",
    { class: "corners", hidden: true, "data-test": "corners" },
    lines(personName(about.patientName), about.patientId),
    lines(date(about.studyDate), about.studyDescription),
    el("p", {}, moment),
    el("p", {}, seen),
  );
  const tell = (look: string, place: number, time: string): void => {
    moment.textContent = `${place + 1}\n${time}`;
    seen.textContent = look;
  };
  return { element, tell };
}

export function imageTools(canvas: HTMLCanvasElement, about: Video, on: Pictured): ImageTools {
  let tool: Tool = "window";
  let [place, time] = [0, ""];
  const help = keysHelp();
  const corner = corners(about);
  const said = el("output", { class: "number", "aria-live": "off", "data-test": "look" });

  const change = (look: Look): void => {
    on.change(look);
    draw();
  };
  function obey(command: Command): void {
    if (isAct(command)) change(done(on.look(), command, tool));
    else if (isTool(command)) tool = command;
    else if (command === "placeShutter") placeShutter();
    else if (command === "subtract") change(subtracting(on.look(), on.look().mask === null ? place : null));
    else if (command === "asItIs") change(asItIs(on.turns()));
    else if (command === "overlays") toggleOverlays();
    else if (command === "texts") corner.element.hidden = !corner.element.hidden;
    else help.open();
    draw();
  }

  function placeShutter(): void {
    if (isShutter(tool)) change(placedShutter(on.look(), tool, on.aspect()));
  }

  function toggleOverlays(): void {
    const over = on.overlays();
    if (over === null) return;
    over.shown = !over.shown;
    on.change(on.look());
  }

  function restore({ overlays, texts }: Beside): void {
    const over = on.overlays();
    if (over !== null && overlays !== null) over.shown = overlays;
    if (texts !== null) corner.element.hidden = !texts;
    draw();
  }

  const buttons = new Map<Command, HTMLButtonElement>();
  const act = (command: Command, sign: string): HTMLButtonElement => {
    const label = words.commands[command];
    const made = button(sign, { class: "quiet", "aria-label": label, title: label, "data-test": `image-${command}` }, () => obey(command));
    buttons.set(command, made);
    return made;
  };
  const limits = { min: LEAST_GAMMA, max: MOST_GAMMA, step: "any" };
  const gamma = el("input", { type: "number", ...limits, "data-test": "gamma" });
  gamma.addEventListener("change", () => {
    if (gamma.reportValidity() && gamma.value !== "") change(withGamma(on.look(), gamma.valueAsNumber));
  });
  const shape = el("select", { "data-test": "shape" }, ...Object.entries(words.shapes).map(([value, name]) => el("option", { value }, name)));
  shape.addEventListener("change", () => {
    const { center, width } = windowOf(on.look());
    change(windowed(on.look(), center, width, shape.value as Shape));
  });

  const menu = windowMenu({ look: on.look, whole: on.whole, change });
  /** What is on the page of the look, and whether it lacked its mask. */
  let drawn: readonly [Look | null, boolean] = [null, false];
  let summed = "";
  function draw(): void {
    const [look, lacks] = [on.look(), on.lacksMask()];
    drawn = [look, lacks];
    summed = summary(look, lacks);
    menu.draw();
    const pressed: Partial<Record<Command, boolean>> = {
      flip: look.flip,
      invert: look.invert,
      subtract: look.mask !== null,
      overlays: on.overlays()?.shown ?? false,
      texts: !corner.element.hidden,
    };
    const drawings = buttons.get("overlays");
    if (drawings) drawings.hidden = on.overlays() === null;
    for (const one of TOOLS) pressed[one] = one === tool;
    for (const [command, is] of Object.entries(pressed)) buttons.get(command as Command)?.setAttribute("aria-pressed", String(is));
    said.textContent = summed;
    if (document.activeElement !== gamma) gamma.value = look.gamma.toFixed(2);
    shape.value = windowOf(look).shape;
    corner.tell(summed, place, time);
  }

  const bar = el(
    "div",
    { class: "image-tools", role: "group", "aria-label": words.tools },
    ...TOOLS.map((one) => act(one, TOOL_SIGNS[one])),
    ...SIGNS.map(([command, sign]) => act(command, sign)),
    menu.element,
    el("label", {}, `${words.shape} `, shape),
    el("label", {}, `${words.gamma} `, gamma),
  );
  hands(canvas, { tool: () => tool, look: on.look, aspect: on.aspect, change, click: on.click });
  draw();
  return {
    bar,
    said,
    help: help.element,
    corners: corner.element,
    obey,
    beside: () => ({ overlays: on.overlays()?.shown ?? null, texts: !corner.element.hidden }),
    restore,
    draw,
    tell: (...now) => {
      [place, time] = now;
      // Many times in a second: the look is another one only where the picture says so itself.
      if (drawn[0] === on.look() && drawn[1] === on.lacksMask()) corner.tell(summed, place, time);
      else draw();
    },
  };
}
