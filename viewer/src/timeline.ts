// The whole film in small pictures, with the range and the place in it. A pointer's way to get about: keys have the slider.

import { address } from "./api";
import type { Cine } from "./cine/cine";
import { el } from "./dom";

const PICTURES = 10;
const SVG = "http://www.w3.org/2000/svg";

export interface Timeline {
  element: HTMLElement;
  draw: () => void;
  /** The place alone. */
  moved: () => void;
}

/** The place, of so many, that lies at this part of the whole, from 0 to 1. */
export function placeAt(part: number, count: number): number {
  return Math.min(Math.max(Math.floor(part * count), 0), count - 1);
}

/** How many pictures there are room for: no more than frames. */
export function picturesOf(count: number): number {
  return Math.max(1, Math.min(PICTURES, count));
}

export function timeline(id: string, film: Pick<Cine, "place" | "count" | "range" | "moveTo">): Timeline {
  const { count } = film;
  const pictures = el("img", { alt: "", decoding: "async", draggable: "false", "data-test": "timeline-pictures" });
  pictures.addEventListener("error", () => pictures.remove());
  const overlay = document.createElementNS(SVG, "svg");
  overlay.setAttribute("viewBox", `0 0 ${count} 1`);
  overlay.setAttribute("preserveAspectRatio", "none");
  const bar = (name: string): SVGRectElement => {
    const rect = document.createElementNS(SVG, "rect");
    rect.setAttribute("class", name);
    rect.setAttribute("height", "1");
    overlay.append(rect);
    return rect;
  };
  const [before, after, here] = [bar("outside"), bar("outside"), bar("here")];
  const element = el("div", { class: "timeline", "aria-hidden": "true", "data-test": "timeline" }, pictures, overlay);

  const go = (event: PointerEvent): void => {
    const { left, width } = element.getBoundingClientRect();
    film.moveTo(placeAt((event.clientX - left) / width, count));
  };
  element.addEventListener("pointerdown", (event) => {
    if (!event.isPrimary || event.button !== 0) return;
    element.setPointerCapture(event.pointerId);
    go(event);
  });
  element.addEventListener("pointermove", (event) => {
    if (element.hasPointerCapture(event.pointerId)) go(event);
  });

  // Seen among a hundred thousand frames, too.
  const width = Math.max(1, count / 400);
  here.setAttribute("width", String(width));
  const moved = (): void => here.setAttribute("x", String(Math.min(film.place, count - width)));

  function draw(): void {
    const [first, last] = film.range;
    before.setAttribute("width", String(first));
    after.setAttribute("x", String(last + 1));
    after.setAttribute("width", String(count - last - 1));
    moved();
    // The first frame is on the screen by now: these may take their time.
    if (!pictures.hasAttribute("src")) pictures.setAttribute("src", address.sheet(id, picturesOf(count)));
  }

  return { element, draw, moved };
}
