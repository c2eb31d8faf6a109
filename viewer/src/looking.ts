// A film's picture on the page, with its tools and views: what is on it stays on in motion.

import type { Video } from "./answers";
import { getOverlays } from "./api";
import type { Frame } from "./cine/source";
import { el } from "./dom";
import { asItIs, imageCommand } from "./image/commands";
import type { Look } from "./image/look";
import { Overlays } from "./image/overlays";
import type { Size } from "./image/placing";
import type { View } from "./image/saved";
import { Screen } from "./image/screen";
import { imageTools } from "./imageTools";
import { tellError } from "./said";
import { views } from "./views";
import { words } from "./words/image";

/** Where the picture is. */
export interface Place {
  /** Null while there is none yet. */
  motion: () => Motion | null;
  /** Quarter turns that the film's container demands. */
  turns: () => number;
  /** A click on the picture that drags nothing. */
  click: () => void;
  label: string;
  /** It has the page to itself: its tools are there from the beginning. */
  alone: boolean;
  /** How it is looked at from the beginning; null for as it is. */
  look: Look | null;
}

/** What brings frames to the picture. */
export interface Motion {
  pause: () => void;
  moveTo: (place: number) => void;
  /** Draws what is on screen once more. */
  redraw: () => void;
}

export interface Looking {
  canvas: HTMLCanvasElement;
  picture: HTMLElement;
  tools: HTMLElement;
  draw: (picture: Frame, size: Size, place: number, time: string) => void;
  look: () => Look;
  /** Whether a key was one of the picture's. */
  obey: (event: KeyboardEvent) => boolean;
  end: () => void;
}

export function looking(about: Video, { motion, turns, click, label, alone, look: first }: Place): Looking {
  const canvas = el("canvas", { class: "screen", tabindex: 0, role: "application", "aria-label": label });
  const slow = el("p", { class: "lost", hidden: true, "data-test": "slow" }, words.slow);
  const lost = el("p", { class: "lost", hidden: true, "data-test": "overlays-lost" });
  const ending = new AbortController();
  const screen = new Screen(canvas, () => (slow.hidden = false));
  let shown = -1;
  /** Where to go back to, once the frame that is subtracted was seen. */
  let back: number | null = null;

  function change(look: Look): void {
    screen.look = look;
    back = null;
    if (!screen.lacksMask || look.mask === null || look.mask === shown) {
      motion()?.redraw();
      return;
    }
    motion()?.pause();
    back = shown;
    motion()?.moveTo(look.mask);
  }

  function goBack(): void {
    const there = back;
    back = null;
    if (there !== null) motion()?.moveTo(there);
  }

  async function lay(): Promise<void> {
    try {
      const planes = await getOverlays(about.id, ending.signal);
      if (planes.length === 0) return;
      screen.overlays = new Overlays(planes, { width: about.columns, height: about.rows });
    } catch (error) {
      if (ending.signal.aborted) return;
      tellError(lost, error, words.overlaysFailed);
      lost.hidden = false;
      return;
    }
    motion()?.redraw();
    tools.draw();
  }

  function restore({ place, look, ...beside }: View): void {
    motion()?.pause();
    tools.restore(beside);
    change(look);
    tools.draw();
    if (back === null) motion()?.moveTo(place);
    else back = place;
  }

  const overlays = (): Overlays | null => screen.overlays;
  const tools = imageTools(canvas, about, { turns, look: () => screen.look, aspect: () => screen.aspect, whole: () => screen.whole, lacksMask: () => screen.lacksMask, change, click, overlays });
  // Those of a series are of no object, which a view would name.
  const saved = about.sopInstanceUid === "" ? null : views(about.id, { place: () => shown, look: () => screen.look, beside: tools.beside, restore });
  // On a phone the picture needs the room more than its tools do.
  const open = alone && globalThis.matchMedia("(min-width: 52rem)").matches;
  const folded = el("details", { class: "looking", open, "data-test": "image-tools" }, el("summary", {}, `${words.picture} `, tools.said), tools.bar, saved && saved.element);
  return {
    canvas,
    picture: el("div", { class: "picture" }, canvas, tools.corners),
    tools: el("div", {}, folded, tools.help, slow, lost),
    draw: (picture, size, place, time) => {
      const before = shown;
      const isFirst = before < 0;
      if (isFirst) screen.look = first ?? asItIs(turns());
      shown = place;
      screen.draw(picture, size, place);
      tools.tell(place, time);
      // Of films of single pictures: videos are spared the request, and a series has no overlays of its own.
      if (isFirst && !about.stream && about.sopInstanceUid !== "") void lay();
      if (back === null) return;
      // Who has this frame drawn has not done with it yet.
      if (!screen.lacksMask) queueMicrotask(goBack);
      // Somebody has gone elsewhere before the frame came that is subtracted.
      else if (place !== before) back = null;
    },
    look: () => screen.look,
    obey: (event) => {
      const wanted = imageCommand(event);
      if (wanted !== null) tools.obey(wanted);
      return wanted !== null;
    },
    end: () => {
      ending.abort();
      saved?.end();
    },
  };
}
