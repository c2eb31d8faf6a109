// The player panel: the video, by exact frames where the browser can, and what is known of it.

import { address, getSeries, getSeriesFacts, getSeriesOf, getVideo, getVideosOf } from "./api";
import type { Video } from "./answers";
import { prepareWorker } from "./cineWorker";
import { deliveries } from "./deliveries";
import { button, el } from "./dom";
import { exactStage } from "./exact";
import type { Continued, Ways } from "./exact";
import { bytes, clock, codec, date, frameRate, framesPerSecond, instant, personName, pictureSize, timeOfDay } from "./format";
import { plainStage } from "./plain";
import { prepare } from "./prepare";
import { ENGLISH, because, tellError } from "./said";
import { groupHash, memberOfSeries, seriesHash, videoHash } from "./route";
import { withoutVideos } from "./series";
import { canBeExact, choose, isShownAsStored } from "./sources";
import type { Stage } from "./stage";
import { words } from "./words";
import { words as groupWords } from "./words/grid";
import { words as spoken } from "./words/sources";

export interface Player {
  element: HTMLDialogElement;
  /** `series`: it is one whose pictures are shown one after the other. */
  open: (id: string, known: Video | null, series?: boolean) => void;
  close: () => void;
}

// What is longer gets a line of its own.
const LONG_FACT = 18;

/** `images`: of how many a series is made. */
function facts(video: Video, images = 0): HTMLElement {
  const fps = framesPerSecond(video.rate, video.frameTime);
  const fraction = video.rate.includes("/") && !video.rate.endsWith("/1") ? ` (${video.rate})` : "";
  const w = words.fact;
  const rows: [name: string, value: string, more?: string][] = [
    [w.patientId, video.patientId],
    [w.studyDate, date(video.studyDate)],
    [w.study, video.studyDescription],
    [w.series, [video.seriesNumber, video.seriesDescription].filter(Boolean).join(" · ")],
    [w.modality, video.modality],
    [w.taken, timeOfDay(video.contentTime)],
    [w.images, images > 0 ? String(images) : ""],
    [w.received, instant(video.received)],
    [w.duration, video.seconds > 0 ? clock(video.seconds) : ""],
    [w.frames, video.frames > 0 ? String(video.frames) : ""],
    [w.rate, fps > 0 ? frameRate(fps) + fraction : ""],
    [w.size, pictureSize(video.columns, video.rows)],
    [w.codec, codec(video.codec)],
    [w.bytes, video.bytes > 0 ? bytes(video.bytes) : ""],
    [w.sopClass, video.sopClass],
    [w.transferSyntax, video.transferSyntax, video.transferSyntaxUid === video.transferSyntax ? "" : video.transferSyntaxUid],
    [w.uid, video.sopInstanceUid],
  ];
  const standards = new Set([w.sopClass, w.transferSyntax]);
  const table = el("dl", { class: "facts" });
  for (const [name, value, more] of rows) {
    if (value === "") continue;
    const long = value.length > LONG_FACT || more;
    table.append(
      el("div", { class: long ? "long" : null }, el("dt", {}, name), el("dd", standards.has(name) ? ENGLISH : {}, value, more ? el("small", {}, more) : null)),
    );
  }
  return table;
}

function plan(video: Video): HTMLElement | null {
  if (!video.plan) return null;
  const { action, reasons } = video.plan;
  return el(
    "section",
    { class: "plan", "data-test": "plan" },
    el("h3", {}, words.planTitle),
    action === "" ? null : el("p", {}, words.plan[action] ?? action),
    video.quality ? el("p", { "data-test": "quality" }, words.quality(video.quality)) : null,
    video.complete === false ? el("p", {}, words.incomplete) : null,
    video.unchanged === "" ? null : el("p", { "data-test": "proof" }, words.proof, el("small", {}, video.unchanged)),
    reasons.length === 0 ? null : el("ul", {}, ...reasons.map(because)),
  );
}

/** `onClose` is called when the reader closes the panel (Escape, the button); not by `close()`. */
export function player(onClose: () => void): Player {
  const title = el("h2", { id: "player-title" });
  const body = el("div", { class: "player-body" });
  const dialog = el(
    "dialog",
    { class: "player", "aria-labelledby": "player-title", "data-test": "player" },
    el("header", {}, title, button(words.close, { class: "quiet", "data-test": "player-close" }, onClose)),
    body,
  );
  // Escape, or a phone's back gesture: the browser has closed the dialog by itself.
  dialog.addEventListener("close", () => {
    if (current !== null) onClose();
  });

  let current: string | null = null;
  let asking: AbortController | null = null;
  let stage: Stage | null = null;
  /** The video that is opened because the one before it has come to its end. */
  let continued: (Continued & { id: string }) | null = null;
  let endDeliveries: () => void = () => undefined;

  function stop(): void {
    asking?.abort();
    endDeliveries();
    endDeliveries = () => undefined;
    stage?.end();
    stage = null;
    body.replaceChildren();
  }

  function fail(error: unknown): void {
    title.textContent = words.title;
    const problem = el("p", { class: "problem", role: "alert", "data-test": "player-problem" });
    tellError(problem, error, words.playFailed);
    body.replaceChildren(problem);
  }

  function links(about: Video): HTMLElement {
    // What is stored need not be an MP4: then the server names it.
    const stored = el("a", { class: "button", href: address.asStored(about.id), download: true, "data-test": "stored" }, words.downloadStored);
    const mp4 = { class: "button", href: address.stream(about.id), download: `video-${about.id.slice(0, 8)}.mp4`, "data-test": "download" };
    return around(about, about.id, el("a", mp4, words.download), about.playable || !about.stream ? null : stored);
  }

  /** To what is around it in its study; `member`: what it is called among those that are shown together. */
  function around(about: Video, member: string, ...before: (HTMLElement | null)[]): HTMLElement {
    const study = { class: "button", target: "_blank", rel: "noopener", "data-test": "study" };
    return el(
      "p",
      { class: "links" },
      ...before,
      el("a", { class: "button", href: groupHash([member]), "data-test": "together" }, groupWords.open),
      about.studyId === null ? null : el("a", { ...study, href: address.study(about.studyId) }, words.study),
    );
  }

  function show(about: Video): void {
    title.textContent = personName(about.patientName) || words.noName;
    const sent = deliveries(about.id);
    endDeliveries = sent.end;
    const label = { class: "about", "aria-label": words.about };
    const side = el("aside", label, links(about), plan(about), sent.element, facts(about));
    if (about.playable) {
      play(about, side);
      return;
    }
    const mine = (asking = new AbortController());
    void isShownAsStored(about).then((is) => {
      if (mine.signal.aborted) return;
      if (is) play(about, side, () => prepared(about, side));
      else prepared(about, side);
    });
  }

  function put(now: Stage, side: HTMLElement | null): void {
    stage?.end();
    stage = now;
    body.replaceChildren(...[now.element, side].filter((part) => part !== null));
    now.focus();
  }

  /** By what the server makes of it. */
  function prepared(about: Video, side: HTMLElement): void {
    const mine = (asking = new AbortController());
    stage?.end();
    stage = null;
    const { element, ready } = prepare(about, mine.signal);
    body.replaceChildren(element, side);
    ready.then(
      (remark) => {
        if (!mine.signal.aborted) play({ ...about, remark: remark || about.remark }, side);
      },
      () => undefined, // it shows why by itself
    );
  }

  /** On with what comes after it in its study: first the videos, then the series of single pictures. */
  async function goOn(about: Video, rate: number | null): Promise<void> {
    const { signal } = (asking = new AbortController());
    if (about.studyId === null) return;
    const [videos, held] = await Promise.all([getVideosOf(about.studyId, signal), getSeriesOf(about.studyId, signal)]);
    const pictures = withoutVideos(held, videos).filter(({ count }) => count > 1);
    const all = [...videos.map(({ id }) => ({ id, hash: videoHash(id) })), ...pictures.map(({ id }) => ({ id, hash: seriesHash(id) }))];
    const following = all[all.findIndex(({ id }) => id === about.id) + 1];
    if (following === undefined || signal.aborted) return;
    continued = { id: following.id, rate };
    location.replace(following.hash);
  }

  /** `otherwise`: what is done where what is stored cannot be shown after all; without it a rendition is played. */
  function play(about: Video, side: HTMLElement, otherwise: (() => void) | null = null): void {
    const plain = (why: string, back: (() => void) | null): void => put(plainStage(about, why, back), side);
    const ways: Ways = {
      choose: (signal) => choose(about, otherwise === null, signal),
      unable: otherwise ?? (() => plain(words.plainUnable, null)),
      plain: () => plain(words.plainChosen, exact),
      // Where the list cannot be had it stands at its end.
      next: (rate) => void goOn(about, rate).catch(() => undefined),
    };
    const exact = (): void => put(exactStage(about, ways, continued?.id === about.id ? continued : null), side);
    if (canBeExact()) exact();
    else plain(isSecureContext ? words.plainUnable : words.plainInsecure, null);
  }

  /** All pictures of a series, one after the other; one object that moves is opened by itself. */
  async function showSeries(id: string, signal: AbortSignal): Promise<void> {
    title.textContent = spoken.series;
    const [pictures, series] = await Promise.all([getSeries(id, signal), getSeriesFacts(id, signal)]);
    if (signal.aborted) return;
    if ("object" in pictures) {
      if (continued?.id === id) continued = { ...continued, id: pictures.object };
      location.replace(videoHash(pictures.object));
      return;
    }
    if (!canBeExact()) throw new Error(spoken.seriesUnable);
    const { about } = series;
    title.textContent = personName(about.patientName) || words.noName;
    const choice = { film: pictures.film, url: "", drawn: null, smaller: null };
    const next: Ways["next"] = (rate) => void goOn(about, rate).catch(() => undefined);
    const ways: Ways = { choose: () => Promise.resolve(choice), unable: fail, plain: null, next };
    const label = { class: "about", "aria-label": spoken.about };
    const side = el("aside", label, around(about, memberOfSeries(id)), facts(about, series.count));
    put(exactStage(about, ways, continued?.id === id ? continued : null), side);
  }

  return {
    element: dialog,
    open: (id, known, series = false) => {
      if (current === id) return;
      stop();
      current = id;
      if (!dialog.open) dialog.showModal();
      const mine = (asking = new AbortController());
      const failed = (error: unknown): void => {
        if (!mine.signal.aborted) fail(error);
      };
      if (series) {
        showSeries(id, mine.signal).catch(failed);
        return;
      }
      if (known?.playable) {
        show(known);
        return;
      }
      title.textContent = words.loading;
      if (canBeExact()) prepareWorker();
      getVideo(id, mine.signal).then(show, failed);
    },
    close: () => {
      current = null;
      stop();
      if (dialog.open) dialog.close();
    },
  };
}
