// The list of videos: cards by study, page by page, as the server orders them (newest first).

import { findStudies, findVideos, getPage } from "./api";
import type { Page, Video } from "./answers";
import { button, el } from "./dom";
import { tellError } from "./said";
import { search } from "./search";
import { isEverything } from "./studies";
import type { Study } from "./studies";
import { studyGroups } from "./studyGroups";
import { words } from "./words";

const PAGE = 50;

export interface List {
  element: HTMLElement;
  refresh: () => Promise<void>;
  find: (id: string) => Video | null;
}

export function list(onCount: (total: number | null) => void, chooser: HTMLElement): List {
  const studies = studyGroups();
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

  function draw(page: Page, others: Study[]): void {
    studies.draw(page.videos, others);
    const all = isEverything(looked.sought());
    empty.hidden = page.total > 0 || !all;
    none.hidden = page.total > 0 || others.length > 0 || all;
    pages.hidden = page.total <= PAGE && since === 0;
    range.textContent = words.range(since + 1, since + page.videos.length, page.total);
    previous.disabled = since === 0;
    next.disabled = since + page.videos.length >= page.total;
    onCount(page.total);
  }

  /** What is looked for: a page of videos, and on the first one the studies that hold other pictures, too. */
  async function found(signal: AbortSignal): Promise<[Page, Study[]]> {
    const sought = looked.sought();
    if (isEverything(sought)) return [await getPage(since, PAGE, signal), []];
    const others = since === 0 ? findStudies(sought, signal).then(({ studies }) => studies) : [];
    return Promise.all([findVideos(sought, since, PAGE, signal), others]);
  }

  async function refresh(): Promise<void> {
    asking?.abort();
    const mine = (asking = new AbortController());
    try {
      const [page, others] = await found(mine.signal);
      if (mine.signal.aborted) return;
      if (page.videos.length === 0 && since > 0) {
        // The page has emptied meanwhile.
        since = Math.max(0, Math.min(since - PAGE, Math.floor((page.total - 1) / PAGE) * PAGE));
        return await refresh();
      }
      shown = page;
      problem.hidden = true;
      draw(page, others);
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
    element: el("div", { class: "list" }, looked.element, problem, loading, empty, none, studies.element, pages),
    refresh,
    find: (id) => shown?.videos.find((video) => video.id === id) ?? null,
  };
}
