// One of several series that are shown together: its picture, its name, how far it is behind, what corrects it.

import { getSeries, getSeriesFacts, getVideo } from "./api";
import type { Video } from "./answers";
import { seriesName } from "./cards";
import type { Film } from "./cine/film";
import type { Group, Seat } from "./cine/group";
import type { Source } from "./cine/source";
import type { Step } from "./cine/together";
import { button, el } from "./dom";
import { clock, date, duration, instant } from "./format";
import { asItIs } from "./image/commands";
import { Screen } from "./image/screen";
import { prepare } from "./prepare";
import { readMember } from "./route";
import { choose, isShownAsStored, opened } from "./sources";
import type { Choice } from "./sources";
import { problem, readOut, troubleMark } from "./stage";
import { words } from "./words/grid";

/** An offset by position is typed as a percentage. */
const TYPED: Record<Step, number> = { time: 1, frame: 1, position: 100 };

export interface Cell {
  element: HTMLElement;
  /** Loads what it takes to play; rejects, having said why, where there is none. */
  load: (signal: AbortSignal) => Promise<Choice>;
  /** Its seat in a group, of which it will be the member of that number. `budget`: bytes for its frames. */
  sit: (choice: Choice, budget: number, group: () => Group | null, member: number) => Seat;
  /** Brings its controls in step with the group. */
  draw: (group: Group, member: number, step: Step) => void;
}

export function nameOf(video: Video): string {
  const when = instant(video.received) || date(video.studyDate);
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

/** `member`: a video's ID, or what a series is called here (route.ts). `remove` takes it out; null where it is the only one. */
export function cell(member: string, number: number, known: (video: Video) => void, remove: (() => void) | null): Cell {
  const name = words.cell(number);
  const title = el("span", { class: "cell-title" }, name);
  const canvas = el("canvas", { class: "screen", role: "application", "aria-label": name, tabindex: 0 });
  const screen = new Screen(canvas, () => undefined);
  const behind = el("output", { class: "behind", "data-test": "behind", "aria-live": "off", hidden: true });
  const note = problem("");
  const trouble = troubleMark();
  const picture = el("div", { class: "cell-picture" }, canvas, behind, trouble.element);
  const foot = el("div", { class: "cell-foot" });
  const removing = { class: "quiet", "aria-label": words.removeOf(name), "data-test": "remove" };
  const head = el("header", {}, title, el("span", { class: "space" }), remove === null ? null : button(words.remove, removing, remove));
  const element = el("section", { class: "cell", "aria-label": name, "data-test": "cell", "data-id": member }, head, picture, note.element, foot);
  const correction = el("output", { "data-test": "correction" });
  const offset = el("input", { type: "number", step: "any", value: 0, "data-test": "offset" });
  const offsetName = el("span", {});
  let told: Video | null = null;
  let empty = true;
  let ended = new AbortController().signal;

  async function load(signal: AbortSignal): Promise<Choice> {
    ended = signal;
    try {
      const { about, film } = await found(member, signal);
      told = about;
      title.textContent = `${name} · ${nameOf(about)}`;
      known(about);
      if (film !== null) return { film, url: "", drawn: null, smaller: null };
      if (await isShownAsStored(about)) return await choose(about, false, signal);
      if (!about.playable) {
        const waiting = prepare(about, signal);
        element.insertBefore(waiting.element, foot);
        await waiting.ready.finally(() => waiting.element.remove());
      }
      return await choose(about, true, signal);
    } catch (error) {
      if (!signal.aborted) note.tell(told === null ? words.failed : words.unable);
      throw error;
    }
  }

  function sit(choice: Choice, budget: number, group: () => Group | null, member: number): Seat {
    const { film } = choice;
    screen.look = asItIs(film.turns);
    const read = readOut(film.count);
    const nudge = (frames: number, sign: string, label: string, test: string): HTMLElement =>
      button(sign, { class: "quiet", "aria-label": label, title: label, "data-test": test }, () => group()?.correct(member, frames));
    offset.addEventListener("change", () => {
      const step = offset.dataset["step"] as Step;
      if (offset.value !== "" && offset.reportValidity()) group()?.setOffset(member, offset.valueAsNumber / TYPED[step]);
    });
    title.after(read.element);
    foot.replaceChildren(
      el(
        "p",
        { class: "cell-corrections" },
        nudge(-1, "‹", words.earlierOf(name), "earlier"),
        correction,
        nudge(1, "›", words.laterOf(name), "later"),
        el("label", {}, offsetName, " ", offset),
      ),
    );
    const source: Source = opened(choice, budget, {
      arrived: (place) => group()?.arrived(member, place),
      troubled: () => trouble.tell(source.trouble),
    });
    globalThis.addEventListener("online", () => source.hurry(), { signal: ended });
    return {
      source,
      draw: (frame, place) => {
        screen.draw(frame, { width: frame.displayWidth, height: frame.displayHeight }, place);
        read.show(clock(film.start[place] ?? 0), String(place + 1));
        trouble.tell(source.trouble);
        empty = false;
      },
      behind: (frames) => {
        behind.hidden = frames === 0;
        behind.textContent = empty ? words.notYet : words.behind(frames);
      },
    };
  }

  return {
    element,
    load,
    sit,
    draw: (group, member, step) => {
      correction.textContent = words.correction(group.correctionOf(member));
      offsetName.textContent = words.offset(words.units[step]);
      offset.dataset["step"] = step;
      if (document.activeElement !== offset) offset.value = String(group.offsetOf(member) * TYPED[step]);
    },
  };
}
