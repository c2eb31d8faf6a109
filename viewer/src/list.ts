// The list of videos: cards, page by page, as the server orders them (newest first).

import { address, getPage } from "./api";
import type { Page, Video } from "./answers";
import { arrange, button, el } from "./dom";
import { bytes, codec, date, duration, frameRate, framesPerSecond, personName, pictureSize } from "./format";
import { videoHash } from "./route";
import { ENGLISH, tellError } from "./said";
import { words } from "./words";

const PAGE = 50;

export interface List {
  element: HTMLElement;
  refresh: () => Promise<void>;
  find: (id: string) => Video | null;
}

function picture(video: Video): HTMLElement {
  const image = el("img", { src: address.thumbnail(video.id), alt: "", loading: "lazy", decoding: "async" });
  const frame = el("span", { class: "thumbnail" }, image);
  image.addEventListener("error", () => {
    image.remove();
    frame.classList.add("missing");
  });
  if (video.seconds > 0) frame.append(el("span", { class: "length" }, duration(video.seconds)));
  return frame;
}

function card(video: Video): HTMLLIElement {
  const facts = [
    pictureSize(video.columns, video.rows),
    frameRate(framesPerSecond(video.rate, video.frameTime)),
    codec(video.codec),
    video.bytes > 0 ? bytes(video.bytes) : "",
  ].filter(Boolean);
  return el(
    "li",
    {},
    el(
      "a",
      { class: "card", href: videoHash(video.id), "data-test": "card", "data-id": video.id },
      picture(video),
      el(
        "span",
        { class: "card-text" },
        el("strong", { class: "card-name" }, personName(video.patientName) || words.noName),
        el(
          "span",
          { class: "card-line" },
          el("span", {}, date(video.studyDate) || words.noDate),
          video.patientId === "" ? null : el("span", { class: "card-id" }, words.idOf(video.patientId)),
        ),
        el("span", { class: "card-facts" }, ...facts.map((fact) => el("span", {}, fact))),
        el("span", { ...ENGLISH, class: "card-syntax" }, video.transferSyntax),
      ),
    ),
  );
}

export function list(onCount: (total: number | null) => void, chooser: HTMLElement): List {
  const cards = el("ul", { class: "cards", "aria-label": words.title });
  const empty = el(
    "div",
    { class: "empty", "data-test": "empty", hidden: true },
    el("p", { class: "empty-title" }, words.empty),
    el("p", {}, words.emptyHint),
    chooser,
  );
  const loading = el("p", { class: "note", role: "status" }, words.loading);
  const trouble = el("span", {});
  const problem = el(
    "div",
    { class: "problem", role: "alert", "data-test": "list-problem", hidden: true },
    el("p", {}, `${words.listFailed} `, trouble),
    button(words.again, {}, () => void refresh()),
  );
  const range = el("span", { "data-test": "range" });
  const previous = button(words.previous, { "data-test": "previous" }, () => void turn(since - PAGE));
  const next = button(words.next, { "data-test": "next" }, () => void turn(since + PAGE));
  const pages = el("nav", { class: "pages", "aria-label": words.pages, hidden: true }, previous, range, next);

  let since = 0;
  let shown: Page | null = null;
  let asking: AbortController | null = null;
  let made = new Map<string, { told: string; element: HTMLLIElement }>();

  function draw(page: Page): void {
    const kept: typeof made = new Map();
    for (const video of page.videos) {
      const told = JSON.stringify(video);
      const before = made.get(video.id);
      kept.set(video.id, before?.told === told ? before : { told, element: card(video) });
    }
    made = kept;
    arrange(cards, [...kept.values()].map((one) => one.element));
    empty.hidden = page.total > 0;
    pages.hidden = page.total <= PAGE && since === 0;
    range.textContent = words.range(since + 1, since + page.videos.length, page.total);
    previous.disabled = since === 0;
    next.disabled = since + page.videos.length >= page.total;
    onCount(page.total);
  }

  async function refresh(): Promise<void> {
    asking?.abort();
    const mine = (asking = new AbortController());
    try {
      const page = await getPage(since, PAGE, mine.signal);
      if (mine.signal.aborted) return;
      if (page.videos.length === 0 && since > 0) {
        // The page has emptied meanwhile.
        since = Math.max(0, Math.min(since - PAGE, Math.floor((page.total - 1) / PAGE) * PAGE));
        return await refresh();
      }
      shown = page;
      problem.hidden = true;
      draw(page);
    } catch (error) {
      if (mine.signal.aborted) return;
      tellError(trouble, error);
      problem.hidden = false;
    } finally {
      if (!mine.signal.aborted) loading.hidden = true;
    }
  }

  async function turn(to: number): Promise<void> {
    since = Math.max(0, to);
    await refresh();
    window.scrollTo({ top: 0 });
  }

  return {
    element: el("div", { class: "list" }, problem, loading, empty, cards, pages),
    refresh,
    find: (id) => shown?.videos.find((video) => video.id === id) ?? null,
  };
}
