// Several series of a study together, in step.

import { getSeriesOf, getVideosOf } from "./api";
import type { Video } from "./answers";
import { Group } from "./cine/group";
import { BUDGET } from "./cine/filmSource";
import type { Step } from "./cine/together";
import { button, el, isForControl } from "./dom";
import { clock, personName } from "./format";
import { fullScreen } from "./fullScreen";
import { command, isFullScreen } from "./keys";
import { groupHash, memberOfSeries, MOST_TOGETHER } from "./route";
import { cell, nameOf } from "./seat";
import type { Cell, Loaded } from "./seat";
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

/** What is seen while it is open, and what ends it. */
interface Shown {
  body: HTMLElement;
  end: () => void;
}

function chooser(name: string, options: Record<string, string>, test: string, onChange: (value: string) => void): HTMLElement {
  const field = el("select", { "data-test": test }, ...Object.entries(options).map(([value, text]) => el("option", { value }, text)));
  field.addEventListener("change", () => onChange(field.value));
  return el("label", {}, `${name} `, field);
}

/** As many columns as make the cells largest on a wide screen. */
function columns(cells: number): number {
  return Math.ceil(Math.sqrt(cells));
}

function show(ids: string[], titled: (video: Video) => void, go: (ids: string[]) => void): Shown {
  const ending = new AbortController();
  const { signal } = ending;
  let group: Group | null = null;
  let controls: Transport | null = null;
  let step: Step = "time";
  let study: string | null = null;

  const adding = el("select", { "data-test": "add", "aria-label": words.add });
  const known = (video: Video): void => {
    titled(video);
    if (study !== null || video.studyId === null) return;
    study = video.studyId;
    void Promise.all([getVideosOf(study, signal), getSeriesOf(study, signal)]).then(offer, () => undefined); // then there is nothing to add
  };
  const offer = ([videos, series]: [Video[], Series[]]): void => {
    const all = videos.map((video): [string, string] => [video.id, nameOf(video)]);
    all.push(...withoutVideos(series, videos).map(({ id, about }): [string, string] => [memberOfSeries(id), nameOf(about)]));
    const others = all.filter(([member]) => !ids.includes(member));
    const full = ids.length >= MOST_TOGETHER || others.length === 0;
    adding.replaceChildren(el("option", { value: "" }, others.length === 0 ? words.addNone : words.add));
    adding.append(...others.map(([value, name]) => el("option", { value }, name)));
    adding.disabled = full;
  };
  adding.disabled = true;
  adding.append(el("option", { value: "" }, words.add));
  adding.addEventListener("change", () => {
    if (adding.value !== "") go([...ids, adding.value]);
  });

  const cells = ids.map((id, at) => {
    const remove = ids.length === 1 ? null : () => go(ids.filter((other) => other !== id));
    return cell(id, at + 1, known, remove);
  });
  const grid = el("div", { class: "cells", "data-columns": columns(ids.length) }, ...cells.map(({ element }) => element));
  const foot = el("div", { class: "grid-controls" }, el("p", { role: "status" }, words.loading));
  const body = el("div", { class: "grid-body" }, grid, foot);
  const whole = fullScreen(body);

  function begin(members: { cell: Cell; loaded: Loaded }[]): void {
    const budget = Math.floor(BUDGET / members.length);
    const seats = members.map((one, number) => one.cell.sit(one.loaded, { group: () => group, number, budget }));
    const draw = (): void => {
      controls?.draw();
      for (const one of members) if (group !== null) one.cell.draw(group, step);
    };
    const playing = (group = new Group(seats, {
      changed: draw,
      onTick: (next) =>
        requestAnimationFrame((now) => {
          next(now);
          controls?.moved();
        }),
      now: () => performance.now(),
    }));
    const by = chooser(words.step, words.steps, "step", (value) => playing.inStepBy((step = value as Step)));
    const stall = chooser(words.stall, { goesOn: words.goesOn, waits: words.waits }, "stall", (value) => {
      playing.waits = value === "waits";
    });
    const time = (moment: number): string => clock(playing.timeOf(moment));
    controls = transport(playing, { ends: { hold: words.hold }, time, byTime: true }, by, stall, adding, whole.button);
    foot.replaceChildren(controls.element);
    playing.moveTo(0);
    if (!body.contains(document.activeElement)) members[0]?.cell.focus();
  }

  // Those that cannot be played say so in their cells; the others play.
  void Promise.allSettled(cells.map((one) => one.load(signal))).then((found) => {
    if (signal.aborted) return;
    const able = found.flatMap((one, at) => (one.status === "fulfilled" ? [{ loaded: one.value, cell: cells[at]! }] : []));
    if (able.length === 0) foot.replaceChildren(adding);
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

  return {
    element: dialog,
    open: (ids) => {
      if (current === groupHash(ids)) return;
      stop();
      current = groupHash(ids);
      title.textContent = words.title;
      if (!dialog.open) dialog.showModal();
      if (!canBeExact()) {
        place.replaceChildren(el("p", { class: "problem", role: "alert" }, words.insecure));
        return;
      }
      const titled = (video: Video): void => void (title.textContent = personName(video.patientName) || words.title);
      shown = show(ids, titled, (wanted) => location.replace(groupHash(wanted)));
      place.replaceChildren(shown.body);
    },
    close: () => {
      current = "";
      stop();
      if (dialog.open) dialog.close();
    },
  };
}
