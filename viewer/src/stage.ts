// What a stage is: where a video is seen, by whatever plays it; and its line with time and frame number.

import { failure } from "./api";
import type { Trouble } from "./cine/messages";
import { el } from "./dom";
import { tell, tellError } from "./said";
import { words } from "./words";

export interface Stage {
  element: HTMLElement;
  focus: () => void;
  /** Stops it, and gives back what it holds. */
  end: () => void;
}

export interface ReadOut {
  element: HTMLElement;
  show: (time: string, frame: string) => void;
}

export function readOut(frames: number, ...more: HTMLElement[]): ReadOut {
  const time = el("output", { class: "number", "data-test": "time" });
  const frame = el("output", { class: "number", "data-test": "frame" });
  // Not announced while it runs: a screen reader would never fall silent.
  for (const output of [time, frame]) output.setAttribute("aria-live", "off");
  const element = el(
    "p",
    { class: "read-out" },
    el("span", {}, el("span", { class: "unseen" }, `${words.time} `), time),
    el("span", {}, `${words.frame} `, frame, frames > 0 ? ` ${words.ofFrames(frames)}` : null),
    ...more,
  );
  const show = (now: string, number: string): void => {
    time.textContent = now;
    frame.textContent = number;
  };
  return { element, show };
}

/** A sentence about what goes wrong, hidden while it is empty; at first the server's `remark` on the video. */
export function problem(remark: string): { element: HTMLElement; tell: (sentence: string, theirs?: boolean) => void } {
  const element = el("p", { class: "problem", role: "alert", "data-test": "player-problem" });
  const show = (now: string, theirs = now === remark): void => {
    tell(element, now, theirs);
    element.hidden = now === "";
  };
  show(remark);
  return { element, tell: show };
}

/** Why the frame that is wanted does not come, on the picture: nobody looks below it. */
export function troubleMark(): { element: HTMLElement; tell: (trouble: Trouble | null) => void } {
  const element = el("p", { class: "trouble", role: "alert", "data-test": "trouble", hidden: true });
  let told: Trouble | null = null;
  const show = (trouble: Trouble | null): void => {
    if (trouble === told) return;
    told = trouble;
    element.hidden = trouble === null;
    if (trouble === null) tell(element, "");
    else if (typeof trouble === "string") tell(element, words.cineTrouble[trouble]);
    else tellError(element, failure(trouble.status, trouble.body));
  };
  return { element, tell: show };
}

/** Whether a frame will not come unless somebody asks for it again. */
export function isFinal(trouble: Trouble | null): boolean {
  return trouble === "changed" || (trouble !== null && typeof trouble === "object");
}
