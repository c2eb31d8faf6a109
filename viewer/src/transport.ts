// The controls of a film that is played frame by frame.

import type { Cine } from "./cine/cine";
import { FASTEST, SLOWEST } from "./cine/clock";
import type { AtEnd, Direction } from "./cine/clock";
import { button, el } from "./dom";
import type { Command } from "./keys";
import { words } from "./words";

/** What is played, be it one film or several in step. */
export type Playing = Pick<
  Cine,
  "playing" | "place" | "count" | "range" | "play" | "pause" | "moveTo" | "scrub" | "step" | "setRange" | "setRate" | "atEnd" | "setAtEnd"
>;
/** Milliseconds after which a slider that is held still rests. */
const REST = 120;

export interface Transport {
  element: HTMLElement;
  obey: (command: Command) => void;
  /** Brings the controls in step with the film. */
  draw: () => void;
  /** The same while nothing changes but the place, many times in a second: what is read rather than seen waits. */
  moved: () => void;
}

function commands(cine: Playing): Record<Command, () => void> {
  const range = (first: number, last: number): void => cine.setRange(first, last);
  return {
    back: () => cine.play(-1),
    pause: () => cine.pause(),
    on: () => cine.play(1),
    toggle: () => (cine.playing === 0 ? cine.play(1) : cine.pause()),
    stepBack: () => cine.step(-1),
    stepOn: () => cine.step(1),
    first: () => cine.moveTo(cine.range[0]),
    last: () => cine.moveTo(cine.range[1]),
    in: () => range(cine.place, Math.max(cine.place, cine.range[1])),
    out: () => range(Math.min(cine.place, cine.range[0]), cine.place),
    whole: () => range(0, cine.count - 1),
  };
}

function rateField(cine: Playing, rate: number | null): HTMLElement {
  const limits = { min: SLOWEST, max: FASTEST, step: "any" };
  const field = el("input", { type: "number", ...limits, value: rate, placeholder: words.realTime, "data-test": "rate" });
  field.addEventListener("change", () => {
    if (field.reportValidity()) cine.setRate(field.value === "" ? null : field.valueAsNumber);
  });
  return el("label", {}, `${words.rate} `, field);
}

function endField(cine: Playing, more: Partial<Record<AtEnd, string>>): HTMLElement {
  const options = Object.entries({ ...words.atEnds, ...more }).map(([value, name]) => el("option", { value }, name));
  const field = el("select", { "data-test": "at-end" }, ...options);
  field.value = cine.atEnd;
  field.addEventListener("change", () => cine.setAtEnd(field.value as AtEnd));
  return el("label", {}, `${words.atEnd} `, field);
}

/** While it is dragged the slider shows key frames, the exact one where it rests. */
function scrubs(cine: Playing, position: HTMLInputElement): void {
  let resting = 0;
  const rest = (): void => {
    clearTimeout(resting);
    cine.moveTo(position.valueAsNumber - 1);
  };
  position.addEventListener("input", () => {
    cine.scrub(position.valueAsNumber - 1);
    clearTimeout(resting);
    resting = setTimeout(rest, REST);
  });
  position.addEventListener("change", rest);
}

export interface Particular {
  /** What it may do at its end beside what all films do. */
  ends: Partial<Record<AtEnd, string>>;
  /** The rate that it begins with; null for each frame's own time. */
  rate?: number | null;
  /** When a frame is shown, in words. */
  time?: (place: number) => string;
  /** Places are no frames: they are told by their times alone. */
  byTime?: boolean;
}

/** `others`: further controls. */
export function transport(cine: Playing, { ends, rate = null, time = () => "", byTime = false }: Particular, ...others: (HTMLElement | null)[]): Transport {
  const acts = commands(cine);
  const turn = (direction: Direction) => () => (cine.playing === direction ? cine.pause() : cine.play(direction));
  // Pressed once more they let go; their keys play, whatever was before.
  const buttons: Partial<typeof acts> = { back: turn(-1), on: turn(1) };
  const act = (name: Command, sign: string, label: string): HTMLButtonElement =>
    button(sign, { class: "quiet", "aria-label": label, title: label, "data-test": name }, buttons[name] ?? acts[name]);
  const position = el("input", { type: "range", min: 1, max: cine.count, value: 1, "aria-label": words.position, "data-test": "position" });
  scrubs(cine, position);
  const range = el("output", { "data-test": "range-of" });
  const [back, on] = [act("back", "◀", words.playBack), act("on", "▶", words.playOn)];
  const element = el(
    "div",
    { class: "transport", role: "group", "aria-label": words.transport },
    position,
    act("first", "|◀", words.firstFrame),
    back,
    act("stepBack", "‹", words.stepBack),
    act("pause", "▮▮", words.pauseNow),
    act("stepOn", "›", words.stepOn),
    on,
    act("last", "▶|", words.lastFrame),
    act("in", "[", words.markIn),
    act("out", "]", words.markOut),
    act("whole", "[ ]", words.wholeRange),
    range,
    rateField(cine, rate),
    endField(cine, ends),
    ...others,
  );
  const moved = (): void => {
    position.valueAsNumber = cine.place + 1;
  };
  const draw = (): void => {
    position.max = String(cine.count);
    moved();
    // While it plays the number alone is right at any time.
    if (cine.playing !== 0) position.removeAttribute("aria-valuetext");
    else position.setAttribute("aria-valuetext", byTime ? time(cine.place) : words.positionOf(cine.place + 1, cine.count, time(cine.place)));
    back.setAttribute("aria-pressed", String(cine.playing === -1));
    on.setAttribute("aria-pressed", String(cine.playing === 1));
    const [first, last] = cine.range;
    range.textContent = byTime ? words.rangeOf(time(first), time(last)) : words.rangeOf(first + 1, last + 1);
  };
  draw();
  return { element, obey: (command) => acts[command](), draw, moved };
}
