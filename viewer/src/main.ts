// The page: puts the parts together and keeps them in step with the address.

import { address } from "./api";
import { button, el } from "./dom";
import { jobs } from "./jobs";
import { list } from "./list";
import { player } from "./player";
import { readHash, readSeriesHash } from "./route";
import { takeDrops, uploadButton, uploads } from "./upload";
import { words } from "./words";

const STALE_MS = 15_000;

const up = uploads(() => void videos.refresh());
const work = jobs(up.follows, () => void videos.refresh());
const refresh = (): void => {
  void videos.refresh();
  void work.refresh();
};
const count = el("span", { class: "count", "data-test": "count" });
const take = (files: File[]): void => {
  closePlayer();
  up.add(files);
};
const videos = list((total) => (count.textContent = total === null ? "" : words.videoCount(total)), uploadButton(take));
const panel = player(closePlayer);

// Each entry of the browser's history remembers whether the list is the entry behind it: then closing is going back.
interface Entry {
  listBehind: boolean;
}

function markEntry(listBehind: boolean): void {
  if (history.state === null) history.replaceState({ listBehind } satisfies Entry, "");
}

const selected = (hash: string): string | null => readHash(hash) ?? readSeriesHash(hash);

function closePlayer(): void {
  if (selected(location.hash) === null) return;
  if ((history.state as Entry | null)?.listBehind) {
    history.back();
  } else {
    history.replaceState({ listBehind: false } satisfies Entry, "", location.pathname + location.search);
    follow();
  }
}

function follow(): void {
  const id = selected(location.hash);
  if (id === null) panel.close();
  else panel.open(id, videos.find(id), readSeriesHash(location.hash) !== null);
}

window.addEventListener("hashchange", (event) => {
  markEntry(selected(new URL(event.oldURL).hash) === null);
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

takeDrops(take);

document.body.append(
  el(
    "header",
    { class: "top" },
    el("h1", {}, words.title),
    count,
    el("span", { class: "space" }),
    el("a", { class: "button quiet", href: address.explorer, target: "_blank", rel: "noopener" }, words.explorer),
    button(words.refresh, { class: "quiet", "data-test": "refresh" }, refresh),
    uploadButton(take, "upload-input"),
  ),
  el("main", {}, up.element, work.element, videos.element),
  panel.element,
  el("div", { class: "drop-note", "aria-hidden": "true" }, words.dropHere),
);

markEntry(false);
refresh();
follow();
