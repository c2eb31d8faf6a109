// A video by the browser's own player: what there is where frames cannot be decoded one by one.

import { address, streamProblem } from "./api";
import type { Video } from "./answers";
import { button, el } from "./dom";
import { clock, date, frameAt, framesPerSecond, frameStamped } from "./format";
import { problem, readOut } from "./stage";
import type { ReadOut, Stage } from "./stage";
import { words } from "./words";

// H.264 and HEVC hold back at most 16 pictures to bring them in order.
const MOST_REORDERED = 16;

/** Keeps the time and frame number beside the video those of the picture on screen. Returns what ends it. */
function follow(video: HTMLVideoElement, about: Video, read: ReadOut): () => void {
  const fps = framesPerSecond(about.rate, about.frameTime);
  // Until the video is played or moved the poster is on screen, which is some frame, not the first.
  let poster = true;
  let [seconds, number] = [0, 1];
  const draw = (): void => read.show(clock(seconds), poster || fps === 0 ? "–" : String(number));
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
  const endFollowing = follow(video, about, read);
  const back = exact === null ? null : button(words.exact, { class: "quiet", "data-test": "exact" }, exact);
  const lost = el("p", { class: "lost", "data-test": "plain-note" }, `${why} `, back);
  return {
    element: el("div", { class: "stage" }, video, read.element, lost, note.element),
    focus: () => video.focus(),
    end: () => {
      ended = true;
      endFollowing();
      // Without this a browser goes on loading a video that is no longer on the page.
      video.pause();
      video.removeAttribute("src");
      video.load();
    },
  };
}
