// The list of videos: cards by study, page by page, as the server orders them (newest first).

import { address, findVideos, getPage } from "./api";
import type { Page, Video } from "./answers";
import { arrange, button, el } from "./dom";
import { bytes, codec, date, duration, frameRate, framesPerSecond, personName, pictureSize } from "./format";
import { videoHash } from "./route";
import { ENGLISH, tellError } from "./said";
import { search } from "./search";
import { byStudy, isEverything } from "./studies";
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
        // The study's head shows it; a link is to have a name of its own all the same.
        el("span", { class: "unseen" }, personName(video.patientName) || words.noName),
        el("span", { class: "card-facts" }, ...facts.map((fact) => el("span", {}, fact))),
        el("span", { ...ENGLISH, class: "card-syntax" }, video.transferSyntax),
      ),
    ),
  );
}

interface Group {
  told: string;
  element: HTMLElement;
  cards: HTMLElement;
}

function group(video: Video): Omit<Group, "told"> {
  const cards = el("ul", { class: "cards" });
  const id = `study-${video.studyId ?? video.id}`;
  const element = el(
    "section",
    { class: "study", "aria-labelledby": id, "data-test": "study-group" },
    el(
      "header",
      {},
      el("h2", { id }, personName(video.patientName) || words.noName),
      el("span", {}, date(video.studyDate) || words.noDate),
      video.studyDescription === "" ? null : el("span", {}, video.studyDescription),
      video.patientId === "" ? null : el("span", { class: "card-id" }, words.idOf(video.patientId)),
    ),
    cards,
  );
  return { element, cards };
}

export function list(onCount: (total: number | null) => void, chooser: HTMLElement): List {
  const studies = el("div", { class: "studies" });
  const looked = search(() => void turn(0));
  const empty = el(
    "div",
    { class: "empty", "data-test": "empty", hidden: true },
    el("p", { class: "empty-title" }, words.empty),
    el("p", {}, words.emptyHint),
    chooser,
  );
  const none = el("p", { class: "note", role: "status", "data-test": "nothing-found", hidden: true }, words.nothingFound);
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
  let groups = new Map<string, Group>();

  /** The groups of a page, those that are there already kept where they still tell the same. */
  function grouped(videos: Video[]): HTMLElement[] {
    const kept: typeof groups = new Map();
    for (const [first, ...more] of byStudy(videos)) {
      if (first === undefined) continue;
      const { patientName, patientId, studyDate, studyDescription } = first;
      const [name, told] = [first.studyId ?? first.id, JSON.stringify([patientName, patientId, studyDate, studyDescription])];
      const before = groups.get(name);
      const one = before?.told === told ? before : { told, ...group(first) };
      arrange(one.cards, [first, ...more].flatMap((video) => made.get(video.id)?.element ?? []));
      kept.set(name, one);
    }
    groups = kept;
    return [...kept.values()].map((one) => one.element);
  }

  function draw(page: Page): void {
    const kept: typeof made = new Map();
    for (const video of page.videos) {
      const told = JSON.stringify(video);
      const before = made.get(video.id);
      kept.set(video.id, before?.told === told ? before : { told, element: card(video) });
    }
    made = kept;
    arrange(studies, grouped(page.videos));
    const all = isEverything(looked.sought());
    empty.hidden = page.total > 0 || !all;
    none.hidden = page.total > 0 || all;
    looked.element.hidden = page.total === 0 && all;
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
      const sought = looked.sought();
      const page = await (isEverything(sought) ? getPage(since, PAGE, mine.signal) : findVideos(sought, since, PAGE, mine.signal));
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
    element: el("div", { class: "list" }, looked.element, problem, loading, empty, none, studies, pages),
    refresh,
    find: (id) => shown?.videos.find((video) => video.id === id) ?? null,
  };
}
