// Several series of a study together, in step.

import { getSeriesOf, getVideosOf } from "./api";
import type { Video } from "./answers";
import { Group } from "./cine/group";
import type { Chosen } from "./cine/group";
import { BUDGET } from "./cine/filmSource";
import type { Direction } from "./cine/clock";
import type { Step } from "./cine/together";
import { button, el, isForControl } from "./dom";
import { clock, personName } from "./format";
import { fullScreen } from "./fullScreen";
import type { FullScreen } from "./fullScreen";
import { command, isFullScreen } from "./keys";
import { groupHash, memberOfSeries, MOST_TOGETHER } from "./route";
import { cell, nameOf } from "./seat";
import type { Cell, Kept, Loaded } from "./seat";
import { withoutVideos } from "./series";
import type { Series } from "./series";
import { canBeExact } from "./sources";
import { transport } from "./transport";
import type { Transport } from "./transport";
import { words } from "./words/grid";

export interface Grid {
  element: HTMLDialogElement;
  open: (ids: string[]) => void;
  close: () => void;
}

/** What stays when series come or go. */
interface Before {
  chosen: Chosen;
  /** Where they are, in seconds as everything is in step. */
  at: number;
  /** Likewise; null for the whole. */
  range: readonly [first: number, last: number] | null;
  playing: Direction | 0;
  members: ReadonlyMap<string, Kept>;
}

/** What is seen while it is open, and what ends it. */
interface Shown {
  body: HTMLElement;
  /** Null where nothing has played yet. */
  before: () => Before | null;
  end: () => void;
}

interface Around {
  whole: FullScreen;
  titled: (video: Video) => void;
  go: (ids: string[]) => void;
}

function chooser(name: string, options: Record<string, string>, value: string, test: string, onChange: (value: string) => void): HTMLElement {
  const field = el("select", { "data-test": test }, ...Object.entries(options).map(([one, text]) => el("option", { value: one }, text)));
  field.value = value;
  field.addEventListener("change", () => onChange(field.value));
  return el("label", {}, `${name} `, field);
}

/** As many columns as make the cells largest on a wide screen. */
function columns(cells: number): number {
  return Math.ceil(Math.sqrt(cells));
}

/** Offers what else there is in the study of the first series that is known. */
function adder(ids: string[], go: (ids: string[]) => void, signal: AbortSignal): { element: HTMLElement; known: (video: Video) => void } {
  const element = el("select", { "data-test": "add", "aria-label": words.add, disabled: true }, el("option", { value: "" }, words.add));
  element.addEventListener("change", () => {
    if (element.value !== "") go([...ids, element.value]);
  });
  const offer = ([videos, series]: [Video[], Series[]]): void => {
    const all = videos.map((video): [string, string] => [video.id, nameOf(video)]);
    all.push(...withoutVideos(series, videos).map(({ id, about }): [string, string] => [memberOfSeries(id), nameOf(about)]));
    const others = all.filter(([member]) => !ids.includes(member));
    element.replaceChildren(el("option", { value: "" }, others.length === 0 ? words.addNone : words.add));
    element.append(...others.map(([value, name]) => el("option", { value }, name)));
    element.disabled = ids.length >= MOST_TOGETHER || others.length === 0;
  };
  let study: string | null = null;
  const known = (video: Video): void => {
    if (study !== null || video.studyId === null) return;
    study = video.studyId;
    void Promise.all([getVideosOf(study, signal), getSeriesOf(study, signal)]).then(offer, () => undefined); // then there is nothing to add
  };
  return { element, known };
}

/** As it was before, as far as that is there still. */
function resume(group: Group, before: Before | null): void {
  if (before?.range) group.setRange(group.momentAt(before.range[0]), group.momentAt(before.range[1]));
  group.moveTo(before === null ? 0 : group.momentAt(before.at));
  if (before !== null && before.playing !== 0) group.play(before.playing);
}

function whereOf(group: Group): Pick<Before, "chosen" | "at" | "range" | "playing"> {
  const [first, last] = group.range;
  const whole = first === 0 && last === group.count - 1;
  return {
    chosen: group.chosen,
    at: group.timeOf(group.place),
    range: whole ? null : [group.timeOf(first), group.timeOf(last)],
    playing: group.playing,
  };
}

function show(ids: string[], { whole, titled, go }: Around, before: Before | null): Shown {
  const ending = new AbortController();
  const { signal } = ending;
  let group: Group | null = null;
  let controls: Transport | null = null;

  const adding = adder(ids, go, signal);
  const known = (video: Video): void => {
    titled(video);
    adding.known(video);
  };
  const cells = ids.map((id, at) => {
    const remove = ids.length === 1 ? null : () => go(ids.filter((other) => other !== id));
    return cell(id, at + 1, known, remove);
  });
  const grid = el("div", { class: "cells", "data-columns": columns(ids.length) }, ...cells.map(({ element }) => element));
  const foot = el("div", { class: "grid-controls" }, el("p", { role: "status" }, words.loading));
  const body = el("div", { class: "grid-body" }, grid, foot);

  function begin(members: { cell: Cell; loaded: Loaded; kept: Kept | null }[]): void {
    const budget = Math.floor(BUDGET / members.length);
    const click = (): void => controls?.obey("toggle");
    const seats = members.map(({ cell: one, loaded, kept }, number) => {
      return one.sit(loaded, { group: () => group, number, click, budget, before: kept });
    });
    const draw = (): void => {
      controls?.draw();
      for (const one of members) if (group !== null) one.cell.draw(group);
    };
    const stand = {
      changed: draw,
      onTick: (next: (now: number) => void) =>
        requestAnimationFrame((now) => {
          next(now);
          controls?.moved();
        }),
      now: () => performance.now(),
    };
    const playing = (group = new Group(seats, stand, before?.chosen));
    const by = chooser(words.step, words.steps, playing.chosen.by, "step", (value) => playing.inStepBy(value as Step));
    const stalls = { goesOn: words.goesOn, waits: words.waits };
    const stall = chooser(words.stall, stalls, playing.waits ? "waits" : "goesOn", "stall", (value) => {
      playing.waits = value === "waits";
    });
    const time = (moment: number): string => clock(playing.timeOf(moment));
    const particular = { ends: { hold: words.hold }, rate: playing.chosen.rate, time, byTime: true };
    controls = transport(playing, particular, by, stall, adding.element, whole.button);
    foot.replaceChildren(controls.element);
    resume(playing, before);
    if (!body.contains(document.activeElement)) members[0]?.cell.focus();
  }

  // Those that cannot be played say so in their cells; the others play.
  void Promise.allSettled(cells.map((one) => one.load(signal))).then((found) => {
    if (signal.aborted) return;
    const able = found.flatMap((one, at) => {
      const kept = before?.members.get(ids[at] ?? "") ?? null;
      return one.status === "fulfilled" ? [{ loaded: one.value, cell: cells[at]!, kept }] : [];
    });
    if (able.length === 0) foot.replaceChildren(adding.element);
    else begin(able);
  });

  body.addEventListener("keydown", (event) => {
    if (isForControl(event) || controls === null) return;
    const wanted = command(event);
    if (isFullScreen(event)) whole.toggle();
    else if (wanted !== null) controls.obey(wanted);
    else return;
    event.preventDefault();
  });
  return {
    body,
    before: () => {
      if (group === null) return before;
      const members = new Map(before?.members);
      for (const [at, one] of cells.entries()) {
        const kept = one.kept(group);
        if (kept !== null) members.set(ids[at] ?? "", kept);
      }
      return { ...whereOf(group), members };
    },
    end: () => {
      ending.abort();
      for (const one of cells) one.end();
      group?.close();
    },
  };
}

/** `onClose` is called when the reader closes it (Escape, the button); not by `close()`. */
export function grid(onClose: () => void): Grid {
  const title = el("h2", { id: "grid-title" });
  const place = el("div", { class: "grid-place" });
  const whole = fullScreen(place);
  const closing = button(words.close, { class: "quiet", "data-test": "grid-close" }, onClose);
  const dialog = el("dialog", { class: "player", "aria-labelledby": "grid-title", "data-test": "grid" }, el("header", {}, title, closing), place);
  dialog.addEventListener("close", () => {
    if (current !== "") onClose();
  });
  let current = "";
  let shown: Shown | null = null;

  function stop(): void {
    shown?.end();
    shown = null;
    place.replaceChildren();
  }

  /** Whose they are: of several patients, all are named. */
  function titling(): (video: Video) => void {
    const names = new Set<string>();
    title.textContent = words.title;
    return (video) => {
      const name = personName(video.patientName);
      if (name !== "") title.textContent = [...names.add(name)].join(" / ");
    };
  }

  return {
    element: dialog,
    open: (ids) => {
      if (current === groupHash(ids)) return;
      const before = shown?.before() ?? null;
      stop();
      current = groupHash(ids);
      const titled = titling();
      if (!dialog.open) dialog.showModal();
      if (!canBeExact()) {
        place.replaceChildren(el("p", { class: "problem", role: "alert" }, words.insecure));
        return;
      }
      shown = show(ids, { whole, titled, go: (wanted) => location.replace(groupHash(wanted)) }, before);
      place.replaceChildren(shown.body);
    },
    close: () => {
      current = "";
      stop();
      if (dialog.open) dialog.close();
    },
  };
}
