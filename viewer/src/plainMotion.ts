// What the keys do to a film that the browser's own player plays: as much of it as `<video>` can.

import type { Command } from "./keys";

export interface Plain {
  /** The place of the frame on screen, as far as is known. */
  place: () => number;
  /** Seconds at which a browser shows a frame. */
  timeOf: (place: number) => number;
  count: number;
}

export interface PlainMotion {
  acts: Record<Command, () => void>;
  range: () => readonly [first: number, last: number];
  /** Another frame is on screen, or it has come to its end. */
  moved: () => void;
}

/** Seconds within which a browser keeps the time that it is given. */
const SLIGHTLY = 0.001;

/** `changed`: the range is another. */
export function plainMotion(video: HTMLVideoElement, film: Plain, changed: () => void): PlainMotion {
  let range: readonly [first: number, last: number] = [0, film.count - 1];
  /** Where it is going, until that is on screen: keys are faster than pictures come. */
  let aim = -1;
  const forget = (): void => void (aim = -1);
  video.addEventListener("playing", forget);
  video.addEventListener("seeking", () => {
    // By the browser's own slider.
    if (aim >= 0 && Math.abs(video.currentTime - film.timeOf(aim)) > SLIGHTLY) forget();
  });

  const place = (): number => (aim >= 0 ? aim : film.place());
  const moveTo = (wanted: number): void => {
    aim = Math.max(0, Math.min(wanted, film.count - 1));
    video.currentTime = film.timeOf(aim);
  };
  const step = (frames: number): void => {
    video.pause();
    moveTo(place() + frames);
  };
  const on = (): void => {
    if (place() < range[0] || place() >= range[1]) moveTo(range[0]);
    // What cannot be played says so by itself.
    void video.play().catch(() => undefined);
  };
  const setRange = (first: number, last: number): void => {
    range = [first, last];
    changed();
  };
  return {
    acts: {
      back: () => step(-1),
      pause: () => video.pause(),
      on,
      toggle: () => (video.paused ? on() : video.pause()),
      stepBack: () => step(-1),
      stepOn: () => step(1),
      first: () => moveTo(range[0]),
      last: () => moveTo(range[1]),
      in: () => setRange(place(), Math.max(place(), range[1])),
      out: () => setRange(Math.min(place(), range[0]), place()),
      whole: () => setRange(0, film.count - 1),
    },
    range: () => range,
    moved: () => {
      if (film.place() === aim) forget();
      const isPart = range[0] > 0 || range[1] < film.count - 1;
      if (!isPart || video.seeking || (video.paused && !video.ended) || place() < range[1]) return;
      on();
    },
  };
}
