// The page: puts the parts together and keeps them in step with the address.

import { address } from "./api";
import { button, el } from "./dom";
import { grid } from "./grid";
import { jobs } from "./jobs";
import { language } from "./language";
import { list } from "./list";
import { notice } from "./notice";
import { player } from "./player";
import { readGroup, readHash, readSeriesHash } from "./route";
import { takeDrops, uploadButton, uploads } from "./upload";
import { needsAsking, whose } from "./whose";
import { words } from "./words";

const STALE_MS = 15_000;
/** What lies behind a video that is opened by its address waits for its first frame. */
const BEHIND_MS = 1000;

const up = uploads(() => void videos.refresh());
const work = jobs(up.follows, () => void videos.refresh());
const refresh = (): void => {
  void videos.refresh();
  void work.refresh();
};
const count = el("span", { class: "count", "data-test": "count" });
const asked = whose();
const take = async (files: File[]): Promise<void> => {
  const told = (await needsAsking(files)) ? await asked.ask(files) : {};
  if (told === null) return;
  up.add(files, told);
  // The rows are in the list, behind what is looked at.
  const open = [panel, together].find(({ element }) => element.open);
  if (open) notice(open.element, words.uploadRuns(files.length));
};
const videos = list((total) => (count.textContent = total === null ? "" : words.videoCount(total)), uploadButton((files) => void take(files)));
const panel = player(closePlayer);
const together = grid(closePlayer);
/** The video or series that an address names. */
const selected = (hash: string): string | null => readHash(hash) ?? readSeriesHash(hash);
const isList = (hash: string): boolean => selected(hash) === null && readGroup(hash) === null;

// Each entry of the browser's history remembers whether the list is the entry behind it: then closing is going back.
interface Entry {
  listBehind: boolean;
}

function markEntry(listBehind: boolean): void {
  if (history.state === null) history.replaceState({ listBehind } satisfies Entry, "");
}

function closePlayer(): void {
  if (isList(location.hash)) return;
  if ((history.state as Entry | null)?.listBehind) {
    history.back();
  } else {
    history.replaceState({ listBehind: false } satisfies Entry, "", location.pathname + location.search);
    follow();
  }
}

function follow(): void {
  const [id, ids] = [selected(location.hash), readGroup(location.hash)];
  if (ids === null) together.close();
  if (id === null) panel.close();
  else panel.open(id, videos.find(id), readSeriesHash(location.hash) !== null);
  if (ids !== null) together.open(ids);
}

window.addEventListener("hashchange", (event) => {
  markEntry(isList(new URL(event.oldURL).hash));
  follow();
});

let seen = Date.now();
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible" && Date.now() - seen > STALE_MS) refresh();
  seen = Date.now();
});

window.addEventListener("beforeunload", (event) => {
  if (up.busy()) event.preventDefault();
});

panel.element.addEventListener("made", () => void videos.refresh());

takeDrops((files) => void take(files));

document.body.append(
  el(
    "header",
    { class: "top" },
    el("h1", {}, words.title),
    count,
    el("span", { class: "space" }),
    el("a", { class: "button quiet", href: address.explorer, target: "_blank", rel: "noopener" }, words.explorer),
    button(words.refresh, { class: "quiet", "data-test": "refresh" }, refresh),
    uploadButton((files) => void take(files), "upload-input"),
  ),
  el("main", {}, up.element, work.element, videos.element),
  panel.element,
  asked.element,
  together.element,
  el("div", { class: "drop-note", "aria-hidden": "true" }, words.dropHere),
);

document.documentElement.lang = language;
markEntry(false);
follow();
setTimeout(refresh, isList(location.hash) ? 0 : BEHIND_MS);
