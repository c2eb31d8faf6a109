// A video by the browser's own player: what there is where frames cannot be decoded one by one.

import { address, streamProblem } from "./api";
import type { Video } from "./answers";
import { button, el, isForControl } from "./dom";
import { clock, date, frameAt, framesPerSecond, frameStamped } from "./format";
import { fullScreen } from "./fullScreen";
import { imageCommand } from "./image/commands";
import { command, isFullScreen } from "./keys";
import type { Command } from "./keys";
import { keysHelp } from "./keysHelp";
import { plainMotion } from "./plainMotion";
import type { Plain, PlainMotion } from "./plainMotion";
import { problem, readOut } from "./stage";
import type { ReadOut, Stage } from "./stage";
import { words } from "./words";
import { words as image } from "./words/image";

// H.264 and HEVC hold back at most 16 pictures to bring them in order.
const MOST_REORDERED = 16;
/** Frames per second where the object does not say. */
const FPS = 25;

interface Followed extends Plain {
  end: () => void;
}

/** Keeps the time and frame number beside the video those of the picture on screen. `moved`: there is another one. */
function follow(video: HTMLVideoElement, about: Video, read: ReadOut, moved: () => void): Followed {
  const fps = framesPerSecond(about.rate, about.frameTime);
  // Until the video is played or moved the poster is on screen, which is some frame, not the first.
  let poster = true;
  let [seconds, number] = [0, 1];
  const draw = (): void => read.show(clock(seconds), poster || fps === 0 ? "–" : String(number));
  const show = (...now: [seconds: number, number: number]): void => {
    [seconds, number] = now;
    draw();
    moved();
  };
  // Streams with reordered pictures and no edit list do not start at zero. A browser shows their first frame when it
  // has loaded them, before anyone plays or seeks: that one's time is where counting starts.
  let origin: number | null = null;
  const timeOf = (place: number): number => (origin ?? 0) + (place + 0.5) / (fps || FPS);
  const followed = { place: () => number - 1, timeOf, count: about.frames };
  video.addEventListener("ended", moved);
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
    return { ...followed, end: () => events.forEach((name) => media.removeEventListener(name, update)) };
  }
  const onFrame: VideoFrameRequestCallback = (_now, { mediaTime }) => {
    origin ??= poster && video.paused && !video.seeking && mediaTime * fps <= MOST_REORDERED ? mediaTime : 0;
    show(mediaTime - origin, frameStamped(mediaTime - origin, fps, about.frames));
    handle = video.requestVideoFrameCallback(onFrame);
  };
  let handle = video.requestVideoFrameCallback(onFrame);
  return { ...followed, end: () => video.cancelVideoFrameCallback(handle) };
}

/** What there is of controls beside the browser's own. */
function controls(motion: PlainMotion, help: () => void, whole: HTMLElement | null): { element: HTMLElement; draw: () => void } {
  const act = (name: Command, sign: string, label: string): HTMLButtonElement =>
    button(sign, { class: "quiet", "aria-label": label, title: label, "data-test": name }, () => motion.acts[name]());
  const range = el("output", { "data-test": "range-of" });
  const keys = button("?", { class: "quiet", "aria-label": image.keys, title: image.keys, "data-test": "image-help" }, help);
  const element = el(
    "div",
    { class: "transport", role: "group", "aria-label": words.transport },
    act("stepBack", "‹", words.stepBack),
    act("stepOn", "›", words.stepOn),
    act("in", "[", words.markIn),
    act("out", "]", words.markOut),
    act("whole", "[ ]", words.wholeRange),
    range,
    whole,
    keys,
  );
  const draw = (): void => void (range.textContent = words.rangeOf(motion.range()[0] + 1, motion.range()[1] + 1));
  draw();
  return { element, draw };
}

/** `why` says what is lost; `exact`, if it can be had, goes back to exact frames. */
export function plainStage(about: Video, why: string, exact: (() => void) | null): Stage {
  const note = problem(about.remark);
  const video = el("video", {
    class: "screen",
    controls: true,
    playsinline: true,
    preload: "metadata",
    poster: address.thumbnail(about.id),
    src: address.stream(about.id),
    "aria-label": words.videoLabel(date(about.studyDate)),
  });
  let ended = false;
  video.addEventListener("error", () => {
    if (ended) return;
    const code = video.error?.code;
    void streamProblem(about.id).then((theirs) => {
      const here = code === MediaError.MEDIA_ERR_NETWORK ? words.playFailed : words.decodeFailed;
      note.tell(theirs?.message ?? here, theirs?.theirs);
    });
  });
  const read = readOut(about.frames);
  const followed = follow(video, about, read, () => motion.moved());
  const motion = plainMotion(video, followed, () => buttons.draw());
  const help = keysHelp(true);
  const back = exact === null ? null : button(words.exact, { class: "quiet", "data-test": "exact" }, exact);
  const lost = el("p", { class: "lost", "data-test": "plain-note" }, `${why} `, back);
  const element = el("div", { class: "stage" }, video);
  const whole = fullScreen(element);
  const buttons = controls(motion, help.open, whole.button);
  element.append(buttons.element, read.element, lost, note.element, help.element);
  const obey = (event: KeyboardEvent): void => {
    if (help.element.open || isForControl(event)) return;
    const wanted = command(event);
    if (isFullScreen(event)) whole.toggle();
    else if (imageCommand(event) === "help") help.open();
    else if (wanted !== null) motion.acts[wanted]();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  // Before the video hears of it, whose own keys are others.
  element.addEventListener("keydown", obey, { capture: true });
  return {
    element,
    focus: () => video.focus(),
    end: () => {
      ended = true;
      followed.end();
      // Without this a browser goes on loading a video that is no longer on the page.
      video.pause();
      video.removeAttribute("src");
      video.load();
    },
  };
}
