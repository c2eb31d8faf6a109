// Beside the picture: the timeline, and what can be made of a video: clips, stills, marks, masked copies.

import { address } from "./api";
import type { Video } from "./answers";
import type { Cine } from "./cine/cine";
import { button, el } from "./dom";
import { clip, mark, still } from "./made";
import type { Order } from "./made";
import { Making } from "./making";
import { masking } from "./masking";
import { Panel } from "./panel";
import { field, typed } from "./search";
import { timeline } from "./timeline";
import type { Transport } from "./transport";
import { words } from "./words";

/** What it needs of what is played. */
export type Film = Pick<Cine, "place" | "count" | "range" | "moveTo" | "pause">;

export interface Bench {
  timeline: HTMLElement;
  element: HTMLElement;
  /** The same controls, with which it is brought in step, too. */
  beside: (controls: Transport) => Transport;
}

function choice(name: string, test: string, kinds: Record<string, string>): { select: HTMLSelectElement; element: HTMLElement } {
  const options = Object.entries(kinds).map(([value, text]) => el("option", { value }, text));
  const select = el("select", { "data-test": test }, ...options);
  return { select, element: field(name, select) };
}

function part(name: string, ...children: HTMLElement[]): HTMLElement {
  return el("fieldset", {}, el("legend", {}, name), ...children);
}

/** It says "made" on its element when something new has been stored. */
export function bench(about: Video, film: Film): Bench {
  const panel = new Panel<Making>("made", words.results);
  const strip = timeline(about.id, film);

  function begin(name: string, order: Order): void {
    film.pause();
    const row = new Making(name, about.id, about.studyId, () => {
      panel.draw();
      if (row.standing.state === "stored") element.dispatchEvent(new Event("made", { bubbles: true }));
    });
    panel.add(row);
    panel.draw();
    // It may lie below the edge.
    row.element.scrollIntoView({ block: "nearest" });
    void row.run(order);
  }

  const kind = choice(words.clipAs, "clip-as", words.clipKinds);
  const cut = button(words.cutClip, { "data-test": "clip" }, () => {
    const [first, last] = film.range;
    begin(words.clipOf(first + 1, last + 1), clip(film.range, kind.select.value));
  });
  const pictures = ["png", "jpeg"].map((type) => {
    const link = el("a", { class: "button", "data-test": `still-${type}` }, words.stillDownload(type.toUpperCase()));
    return { type, link };
  });
  const stillAs = choice(words.stillAs, "still-as", words.stillKinds);
  const keep = button(words.storeStill, { "data-test": "still" }, () =>
    begin(words.stillOf(film.place + 1), still(film.place, stillAs.select.value)),
  );
  const title = choice(words.markTitle, "mark-title", words.markTitles);
  const said = typed({ maxlength: 1024, "data-test": "mark-text" });
  const moment = button(words.markMoment, { "data-test": "mark" }, () => {
    begin(words.markOf(film.place + 1), mark(film.place, title.select.value, said.value));
    said.value = "";
  });
  const masks = masking(about, film, (order, regions) => begin(words.maskOf(regions), order));
  const open = button(words.maskOpen, { "data-test": "mask" }, () => {
    film.pause();
    masks.open();
  });
  const tools = el(
    "details",
    { class: "tools", "data-test": "tools" },
    el("summary", {}, words.bench),
    el(
      "div",
      { class: "tools-parts" },
      part(words.clip, kind.element, cut),
      part(words.still, ...pictures.map(({ link }) => link), stillAs.element, keep),
      part(words.mark, title.element, field(words.markText, said), moment),
      part(words.mask, open),
    ),
  );
  tools.addEventListener("toggle", point);
  // Letters that are typed are no commands.
  tools.addEventListener("keydown", (event) => event.stopPropagation());
  const element = el("div", { class: "bench" }, tools, panel.element, masks.element);

  function draw(): void {
    strip.draw();
    const [first, last] = film.range;
    cut.setAttribute("aria-label", words.cutClipOf(first + 1, last + 1));
    cut.title = words.cutClipOf(first + 1, last + 1);
    point();
  }

  /** The links to the frame that is seen. */
  function point(): void {
    for (const { type, link } of pictures) {
      link.setAttribute("href", address.frame(about.id, film.place + 1, `image/${type}`));
      link.setAttribute("download", `video-${about.id.slice(0, 8)}-${film.place + 1}.${type}`);
    }
  }

  return {
    timeline: strip.element,
    element,
    beside: (controls) => ({
      ...controls,
      draw: () => {
        controls.draw();
        draw();
      },
      moved: () => {
        controls.moved();
        strip.moved();
        if (tools.open) point();
      },
    }),
  };
}
