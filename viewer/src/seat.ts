// One of several series that are shown together: its picture, its name, how far it is behind, what corrects it.

import { getSeries, getSeriesFacts, getVideo } from "./api";
import type { Video } from "./answers";
import { seriesName } from "./cards";
import type { Film } from "./cine/film";
import type { Group, Seat, Shift } from "./cine/group";
import type { Source } from "./cine/source";
import type { Step } from "./cine/together";
import { button, el, isForControl } from "./dom";
import { clock, date, duration, instant } from "./format";
import type { Look } from "./image/look";
import { looking } from "./looking";
import type { Looking } from "./looking";
import { prepare } from "./prepare";
import { readMember } from "./route";
import { choose, isShownAsStored, opened } from "./sources";
import type { Choice } from "./sources";
import { problem, readOut, troubleMark } from "./stage";
import { words } from "./words/grid";

/** An offset by position is typed as a percentage. */
const TYPED: Record<Step, number> = { time: 1, frame: 1, position: 100 };

/** What it shows, and where its frames are had. */
export interface Loaded {
  about: Video;
  choice: Choice;
}

/** Where it is in a group. */
export interface Membership {
  /** Null while there is none yet. */
  group: () => Group | null;
  number: number;
  /** A click on its picture that drags nothing. */
  click: () => void;
  /** Bytes for its frames. */
  budget: number;
  /** As it was before; null where it was not there. */
  before: Kept | null;
}

/** What stays of a cell when others come or go. */
export interface Kept {
  shift: Shift;
  look: Look;
}

export interface Cell {
  element: HTMLElement;
  /** Loads what it takes to play; rejects, having said why, where there is none. */
  load: (signal: AbortSignal) => Promise<Loaded>;
  /** Its seat in a group. */
  sit: (loaded: Loaded, membership: Membership) => Seat;
  /** Brings its controls in step with the group. */
  draw: (group: Group) => void;
  kept: (group: Group) => Kept | null;
  /** Its picture has the keys now. */
  focus: () => void;
  end: () => void;
}

export function nameOf(video: Video): string {
  // When it was taken, or else when it came: what its name tells of time already is not said twice.
  const when = date(video.studyDate) || instant(video.received);
  return words.named(seriesName(video) || video.modality, when, video.seconds > 0 ? duration(video.seconds) : "");
}

/** What it is about, and of single pictures the frames; an object that is all of its series is shown as itself. */
async function found(member: string, signal: AbortSignal): Promise<{ about: Video; film: Film | null }> {
  const series = readMember(member);
  if (series === null) return { about: await getVideo(member, signal), film: null };
  const pictures = await getSeries(series, signal);
  if ("object" in pictures) return { about: await getVideo(pictures.object, signal), film: null };
  return { about: (await getSeriesFacts(series, signal)).about, film: pictures.film };
}

interface Corrections {
  element: HTMLElement;
  draw: (group: Group) => void;
}

/** What moves a series against the others: frames of its own, and when it begins. */
function corrections(name: string, { group, number }: Membership): Corrections {
  const correction = el("output", { "data-test": "correction" });
  const offset = el("input", { type: "number", step: "any", value: 0, "data-test": "offset" });
  const offsetName = el("span", {});
  const nudge = (frames: number, sign: string, label: string, test: string): HTMLElement =>
    button(sign, { class: "quiet", "aria-label": label, title: label, "data-test": test }, () => group()?.correct(number, frames));
  offset.addEventListener("change", () => {
    const step = offset.dataset["step"] as Step;
    if (offset.value !== "" && offset.reportValidity()) group()?.setOffset(number, offset.valueAsNumber / TYPED[step]);
  });
  const element = el(
    "p",
    { class: "cell-corrections" },
    nudge(-1, "‹", words.earlierOf(name), "earlier"),
    correction,
    nudge(1, "›", words.laterOf(name), "later"),
    el("label", {}, offsetName, " ", offset),
  );
  return {
    element,
    draw: (now) => {
      const step = now.chosen.by;
      correction.textContent = words.correction(now.correctionOf(number));
      offsetName.textContent = words.offset(words.units[step]);
      offset.dataset["step"] = step;
      if (document.activeElement !== offset) offset.value = String(now.offsetOf(number) * TYPED[step]);
    },
  };
}

/** `member`: a video's ID, or what a series is called here (route.ts). `remove` takes it out; null where it is the only one. */
export function cell(member: string, number: number, known: (video: Video) => void, remove: (() => void) | null): Cell {
  const name = words.cell(number);
  const title = el("span", { class: "cell-title", title: name }, name);
  const behind = el("output", { class: "behind", "data-test": "behind", "aria-live": "off", hidden: true });
  const note = problem("");
  const trouble = troubleMark();
  const picture = el("div", { class: "picture" }, behind, trouble.element);
  const foot = el("div", { class: "cell-foot" });
  const removing = { class: "quiet", "aria-label": words.removeOf(name), title: words.removeOf(name), "data-test": "remove" };
  const head = el("header", {}, title, el("span", { class: "space" }), remove === null ? null : button("✕", removing, remove));
  const element = el("section", { class: "cell", "aria-label": name, "data-test": "cell", "data-id": member }, head, picture, note.element, foot);
  let seen: Looking | null = null;
  let moved: Corrections | null = null;
  let mine = -1;
  let empty = true;
  let ended = new AbortController().signal;

  async function load(signal: AbortSignal): Promise<Loaded> {
    ended = signal;
    let about: Video | null = null;
    try {
      const is = await found(member, signal);
      about = is.about;
      title.textContent = title.title = `${number} · ${nameOf(about)}`;
      known(about);
      return { about, choice: is.film === null ? await chosen(about, signal) : { film: is.film, url: "", drawn: null, smaller: null } };
    } catch (error) {
      if (!signal.aborted) note.tell(about === null ? words.failed : words.unable);
      throw error;
    }
  }

  async function chosen(about: Video, signal: AbortSignal): Promise<Choice> {
    if (await isShownAsStored(about)) return choose(about, false, signal);
    if (!about.playable) {
      const waiting = prepare(about, signal);
      element.insertBefore(waiting.element, foot);
      await waiting.ready.finally(() => waiting.element.remove());
    }
    return choose(about, true, signal);
  }

  function look(about: Video, turns: number, { group, number: at, click, before }: Membership): Looking {
    const motion = {
      pause: () => group()?.pause(),
      moveTo: (place: number) => group()?.bring(at, place),
      redraw: () => group()?.redraw(at),
    };
    const made = looking(about, { motion: () => motion, turns: () => turns, click, label: name, alone: false, look: before?.look ?? null });
    picture.prepend(...made.picture.children);
    return made;
  }

  function sit({ about, choice }: Loaded, membership: Membership): Seat {
    const { film } = choice;
    const { group, number: at, budget, before } = membership;
    mine = at;
    const read = readOut(film.count);
    const shown = (seen = look(about, film.turns, membership));
    moved = corrections(name, membership);
    title.after(read.element);
    foot.replaceChildren(moved.element, shown.tools);
    const source: Source = opened(choice, budget, {
      arrived: (place) => group()?.arrived(at, place),
      troubled: () => trouble.tell(source.trouble),
    });
    globalThis.addEventListener("online", () => source.hurry(), { signal: ended });
    return {
      source,
      shift: before?.shift,
      draw: (frame, place) => {
        const time = clock(film.start[place] ?? 0);
        shown.draw(frame, { width: frame.displayWidth, height: frame.displayHeight }, place, time);
        read.show(time, String(place + 1));
        trouble.tell(source.trouble);
        empty = false;
      },
      behind: (frames) => {
        behind.hidden = frames === 0;
        behind.textContent = empty ? words.notYet : words.behind(frames);
      },
    };
  }

  element.addEventListener("keydown", (event) => {
    if (isForControl(event) || seen?.obey(event) !== true) return;
    event.preventDefault();
    event.stopPropagation();
  });
  return {
    element,
    load,
    sit,
    draw: (group) => moved?.draw(group),
    kept: (group) => (seen === null || empty ? null : { shift: group.shiftOf(mine), look: seen.look() }),
    focus: () => seen?.canvas.focus(),
    end: () => seen?.end(),
  };
}
