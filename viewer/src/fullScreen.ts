// A part of the page over all of the screen.

import { button } from "./dom";
import { words } from "./words";

/** Whether the browser lets a page do that: a phone's may not. */
export const hasFullScreen = (): boolean => document.fullscreenEnabled === true;

export interface FullScreen {
  /** Null where the browser has none. */
  button: HTMLButtonElement | null;
  toggle: () => void;
}

export function fullScreen(element: HTMLElement): FullScreen {
  if (!hasFullScreen()) return { button: null, toggle: () => undefined };
  const toggle = (): void => {
    // What is refused, as without a hand on key or button, stays as it is.
    void (document.fullscreenElement === element ? document.exitFullscreen() : element.requestFullscreen()).catch(() => undefined);
  };
  const attributes = { class: "quiet", "aria-label": words.fullScreen, title: words.fullScreen, "aria-pressed": "false", "data-test": "full-screen" };
  const made = button("⤢", attributes, toggle);
  element.addEventListener("fullscreenchange", () => made.setAttribute("aria-pressed", String(document.fullscreenElement === element)));
  return { button: made, toggle };
}
