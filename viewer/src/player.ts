// The player panel: the video with the browser's own controls, its time and frame number, and what is known of it.

import { address, getVideo, streamProblem } from "./api";
import type { Video } from "./answers";
import { deliveries } from "./deliveries";
import { button, el } from "./dom";
import {
  bytes,
  clock,
  codec,
  date,
  frameAt,
  frameRate,
  framesPerSecond,
  frameStamped,
  instant,
  personName,
  pictureSize,
} from "./format";
import { prepare } from "./prepare";
import { words } from "./words";

export interface Player {
  element: HTMLDialogElement;
  open: (id: string, known: Video | null) => void;
  close: () => void;
}

// What is longer gets a line of its own.
const LONG_FACT = 18;

function facts(video: Video): HTMLElement {
  const fps = framesPerSecond(video.rate, video.frameTime);
  const fraction = video.rate.includes("/") && !video.rate.endsWith("/1") ? ` (${video.rate})` : "";
  const w = words.fact;
  const rows: [name: string, value: string, more?: string][] = [
    [w.patientId, video.patientId],
    [w.studyDate, date(video.studyDate)],
    [w.study, video.studyDescription],
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
  const table = el("dl", { class: "facts" });
  for (const [name, value, more] of rows) {
    if (value === "") continue;
    const long = value.length > LONG_FACT || more;
    table.append(
      el("div", { class: long ? "long" : null }, el("dt", {}, name), el("dd", {}, value, more ? el("small", {}, more) : null)),
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
    reasons.length === 0 ? null : el("ul", {}, ...reasons.map((reason) => el("li", {}, reason))),
  );
}

// H.264 and HEVC hold back at most 16 pictures to bring them in order.
const MOST_REORDERED = 16;

/** Keeps the time and frame number beside the video those of the picture on screen. Returns what ends it. */
function readOut(video: HTMLVideoElement, about: Video, time: HTMLElement, frame: HTMLElement): () => void {
  const fps = framesPerSecond(about.rate, about.frameTime);
  // Until the video is played or moved the poster is on screen, which is some frame, not the first.
  let poster = true;
  let [seconds, number] = [0, 1];
  const draw = (): void => {
    time.textContent = clock(seconds);
    frame.textContent = poster || fps === 0 ? "–" : String(number);
  };
  const show = (...now: [seconds: number, number: number]): void => {
    [seconds, number] = now;
    draw();
  };
  const reveal = (): void => {
    poster = false;
    draw();
  };
  video.addEventListener("playing", reveal, { once: true });
  video.addEventListener("seeked", reveal, { once: true });
  draw();
  if (!("requestVideoFrameCallback" in video)) {
    const media = video as HTMLVideoElement;
    const update = (): void => show(media.currentTime, frameAt(media.currentTime, fps, about.frames));
    const events = ["timeupdate", "seeking", "seeked", "pause", "loadeddata"];
    for (const name of events) media.addEventListener(name, update);
    return () => events.forEach((name) => media.removeEventListener(name, update));
  }
  // Streams with reordered pictures and no edit list do not start at zero. A browser shows their first frame when it
  // has loaded them, before anyone plays or seeks: that one's time is where counting starts.
  let origin: number | null = null;
  const onFrame: VideoFrameRequestCallback = (_now, { mediaTime }) => {
    origin ??= poster && video.paused && !video.seeking && mediaTime * fps <= MOST_REORDERED ? mediaTime : 0;
    show(mediaTime - origin, frameStamped(mediaTime - origin, fps, about.frames));
    handle = video.requestVideoFrameCallback(onFrame);
  };
  let handle = video.requestVideoFrameCallback(onFrame);
  return () => video.cancelVideoFrameCallback(handle);
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
  let media: HTMLVideoElement | null = null;
  let endReadOut: () => void = () => undefined;
  let endDeliveries: () => void = () => undefined;

  function stop(): void {
    asking?.abort();
    endDeliveries();
    endDeliveries = () => undefined;
    endReadOut();
    endReadOut = () => undefined;
    if (media) {
      // Without this a browser goes on loading a video that is no longer on the page.
      media.pause();
      media.removeAttribute("src");
      media.load();
      media = null;
    }
    body.replaceChildren();
  }

  function fail(sentence: string): void {
    title.textContent = words.title;
    body.replaceChildren(el("p", { class: "problem", role: "alert", "data-test": "player-problem" }, sentence));
  }

  function stage(about: Video): HTMLElement {
    const note = el("p", { class: "problem", role: "alert", "data-test": "player-problem", hidden: about.remark === "" }, about.remark);
    const poster = address.thumbnail(about.id);
    const label = words.videoLabel(date(about.studyDate));
    const video = el("video", {
      class: "screen",
      controls: true,
      playsinline: true,
      preload: "metadata",
      poster,
      src: address.stream(about.id),
      "aria-label": label,
    });
    media = video;
    video.addEventListener("error", () => {
      if (media !== video) return;
      const code = video.error?.code;
      void streamProblem(about.id).then((sentence) => {
        const here = code === MediaError.MEDIA_ERR_NETWORK ? words.playFailed : words.decodeFailed;
        note.textContent = sentence === null ? here : `${words.playFailed} ${sentence}`;
        note.hidden = false;
      });
    });
    const time = el("output", { class: "number", "data-test": "time" });
    const frame = el("output", { class: "number", "data-test": "frame" });
    // Not announced while it runs: a screen reader would never fall silent.
    for (const output of [time, frame]) output.setAttribute("aria-live", "off");
    endReadOut = readOut(video, about, time, frame);
    const read = el(
      "p",
      { class: "read-out" },
      el("span", {}, el("span", { class: "unseen" }, `${words.time} `), time),
      el("span", {}, `${words.frame} `, frame, about.frames > 0 ? ` ${words.ofFrames(about.frames)}` : null),
    );
    return el("div", { class: "stage" }, video, read, note);
  }

  function links(about: Video): HTMLElement {
    // What is stored need not be an MP4: then the server names it.
    const stored = el("a", { class: "button", href: address.asStored(about.id), download: true, "data-test": "stored" }, words.downloadStored);
    const mp4 = { class: "button", href: address.stream(about.id), download: `video-${about.id.slice(0, 8)}.mp4`, "data-test": "download" };
    const study = { class: "button", target: "_blank", rel: "noopener", "data-test": "study" };
    return el(
      "p",
      { class: "links" },
      el("a", mp4, words.download),
      about.playable || !about.stream ? null : stored,
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
    const { element, ready } = prepare(about, mine.signal);
    body.replaceChildren(element, side);
    ready.then(
      (remark) => {
        if (!mine.signal.aborted) play({ ...about, remark: remark || about.remark }, side);
      },
      () => undefined, // it shows why by itself
    );
  }

  function play(about: Video, side: HTMLElement): void {
    body.replaceChildren(stage(about), side);
    media?.focus();
  }

  return {
    element: dialog,
    open: (id, known) => {
      if (current === id) return;
      stop();
      current = id;
      if (!dialog.open) dialog.showModal();
      if (known?.playable) {
        show(known);
        return;
      }
      title.textContent = words.loading;
      const mine = (asking = new AbortController());
      getVideo(id, mine.signal).then(show, (error: unknown) => {
        if (!mine.signal.aborted) fail(error instanceof Error ? error.message : words.playFailed);
      });
    },
    close: () => {
      current = null;
      stop();
      if (dialog.open) dialog.close();
    },
  };
}
