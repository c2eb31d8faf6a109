// Regions of the picture that are to be masked: drawn on the frame that is on the screen, or typed.

import { address } from "./api";
import type { Video } from "./answers";
import type { Cine } from "./cine/cine";
import { button, el } from "./dom";
import { between, mask } from "./made";
import type { Order, Range, Region } from "./made";
import { field } from "./search";
import { words } from "./words";

const SVG = "http://www.w3.org/2000/svg";
const SIDES = ["x", "y", "width", "height"] as const;

function shape<K extends keyof SVGElementTagNameMap>(tag: K, attributes: Record<string, string | number>): SVGElementTagNameMap[K] {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  return element;
}

export interface Masking {
  element: HTMLDialogElement;
  open: () => void;
}

/** The dialog; `onOrder` is called with what is wanted of it. */
export function masking(
  { id, columns, rows }: Video,
  film: Pick<Cine, "place" | "count" | "range">,
  onOrder: (order: Order, regions: number) => void,
): Masking {
  let regions: Region[] = [];
  let range: Range = [0, 0];
  const picture = shape("svg", { viewBox: `0 0 ${columns} ${rows}`, class: "mask-picture", "data-test": "mask-picture" });
  const drawn = shape("g", {});
  const list = el("ol", { class: "mask-regions" });
  const inRange = el("option", { value: "range" });
  const where = el("select", { "data-test": "mask-where" }, el("option", { value: "whole" }, words.maskWhole), inRange);
  const clean = el("input", { type: "checkbox", "data-test": "mask-clean" });
  const make = button(words.maskIt, { class: "primary", "data-test": "mask-it" }, () => {
    onOrder(mask(regions, where.value === "range" ? range : null, clean.checked), regions.length);
    dialog.close();
  });

  function paint(): void {
    drawn.replaceChildren(...regions.map((region) => shape("rect", { ...region })));
    make.disabled = regions.length === 0;
  }

  function side(region: Region, name: (typeof SIDES)[number]): HTMLElement {
    const most = name === "x" || name === "width" ? columns : rows;
    const least = name === "x" || name === "y" ? 0 : 1;
    const input = el("input", { type: "number", min: least, max: most, step: 1, value: region[name], "data-test": `mask-${name}` });
    input.addEventListener("change", () => {
      if (!input.reportValidity() || Number.isNaN(input.valueAsNumber)) return;
      region[name] = input.valueAsNumber;
      paint();
    });
    return field(words.sides[name], input);
  }

  function draw(): void {
    const items = regions.map((region, at) => {
      const remove = button("✕", { class: "quiet", "aria-label": words.maskRemove(at + 1) }, () => {
        regions = regions.filter((one) => one !== region);
        draw();
        add.focus();
      });
      const label = words.region(at + 1);
      return el("li", { role: "group", "aria-label": label }, ...SIDES.map((name) => side(region, name)), remove);
    });
    list.replaceChildren(...items);
    paint();
  }

  const add = button(words.maskAdd, { "data-test": "mask-add" }, () => {
    regions.push({ x: 0, y: 0, width: Math.ceil(columns / 4), height: Math.ceil(rows / 10) });
    draw();
    list.lastElementChild?.querySelector("input")?.focus();
  });

  /** Where in the picture, in its pixels, a pointer is. */
  function at(event: PointerEvent): { x: number; y: number } {
    return new DOMPoint(event.clientX, event.clientY).matrixTransform(picture.getScreenCTM()?.inverse());
  }

  picture.addEventListener("pointerdown", (down) => {
    if (!down.isPrimary || down.button !== 0) return;
    down.preventDefault();
    picture.setPointerCapture(down.pointerId);
    const from = at(down);
    const others = regions;
    const stretch = (event: PointerEvent): void => {
      const region = between(from, at(event), columns, rows);
      regions = region === null ? others : [...others, region];
      paint();
    };
    const ending = new AbortController();
    const { signal } = ending;
    picture.addEventListener("pointermove", stretch, { signal });
    for (const name of ["pointerup", "pointercancel"]) {
      picture.addEventListener(
        name,
        () => {
          ending.abort();
          draw();
        },
        { signal },
      );
    }
  });

  const dialog = el(
    "dialog",
    { class: "masking", "aria-labelledby": "mask-title", "data-test": "masking" },
    el("h2", { id: "mask-title" }, words.maskTitle),
    el("p", { class: "note" }, words.maskHint),
    list,
    el("p", { class: "mask-choices" }, add, field(words.maskWhere, where), el("label", {}, clean, ` ${words.maskClean}`)),
    el("p", { class: "links" }, make, button(words.cancel, { class: "quiet", "data-test": "mask-cancel" }, () => dialog.close())),
  );
  dialog.querySelector("p")?.after(picture);
  // Its Escape and its keys are its own.
  for (const name of ["keydown", "close", "cancel"]) dialog.addEventListener(name, (event) => event.stopPropagation());
  return {
    element: dialog,
    open: () => {
      [regions, range] = [[], film.range];
      inRange.textContent = words.maskRange(range[0] + 1, range[1] + 1);
      where.value = range[0] === 0 && range[1] === film.count - 1 ? "whole" : "range";
      clean.checked = false;
      const frame = shape("image", { href: address.frame(id, film.place + 1, "image/jpeg"), width: columns, height: rows });
      picture.replaceChildren(frame, drawn);
      draw();
      dialog.showModal();
    },
  };
}
