// A video frame by frame: the engine on a canvas, with its controls and keys.

import type { Video } from "./answers";
import { bench } from "./bench";
import { Cine } from "./cine/cine";
import { BUDGET } from "./cine/filmSource";
import { button, el, isForControl } from "./dom";
import { clock, date } from "./format";
import { fullScreen } from "./fullScreen";
import { command, isFullScreen } from "./keys";
import { looking } from "./looking";
import { opened } from "./sources";
import type { Choice } from "./sources";
import { isFinal, problem, readOut, troubleMark } from "./stage";
import type { Stage } from "./stage";
import { timekeeping } from "./timekeeping";
import { transport } from "./transport";
import type { Transport } from "./transport";
import { words } from "./words";
import { words as timingWords } from "./words/timing";

export interface Ways {
  /** Where its frames are had. */
  choose: (signal: AbortSignal) => Promise<Choice>;
  /** It cannot be played so after all. */
  unable: (error: unknown) => void;
  /** The reader wants the browser's own player; null where that has nothing to play. */
  plain: (() => void) | null;
  /** On with what comes after it, at the rate that was chosen. */
  next: (rate: number | null) => void;
}

/** What a film goes on with that follows another one. */
export interface Continued {
  rate: number | null;
}

/** `continued`: it plays at once, and goes on with the next one in turn. */
export function exactStage(about: Video, ways: Ways, continued: Continued | null): Stage {
  const seen = looking(about, {
    motion: () => cine,
    turns: () => turns,
    click: () => controls?.obey("toggle"),
    label: words.videoLabel(date(about.studyDate)),
    alone: true,
    look: null,
  });
  const note = problem(about.remark);
  const dropped = el("output", { "data-test": "dropped", "aria-live": "off" });
  const timed = timekeeping(about.id);
  const trouble = troubleMark();
  seen.picture.append(timed.mark, trouble.element);
  const element = el("div", { class: "stage" }, seen.picture, timed.report, note.element);
  const whole = fullScreen(element);
  const ending = new AbortController();
  let turns = 0;
  let cine: Cine | null = null;
  let controls: Transport | null = null;

  function begin(choice: Choice): void {
    const { film } = choice;
    turns = film.turns;
    // As many frames as there are, which an object of another writer may not tell rightly.
    const read = readOut(film.count, dropped);
    const source = opened(choice, BUDGET, {
      arrived: (place) => cine?.arrived(place),
      troubled: () => {
        trouble.tell(source.trouble);
        if (isFinal(source.trouble)) cine?.pause();
      },
    });
    globalThis.addEventListener("online", () => source.hurry(), { signal: ending.signal });
    const player = (cine = new Cine(source, {
      draw: (frame, place) => {
        const time = clock(film.start[place] ?? 0);
        seen.draw(frame, { width: frame.displayWidth, height: frame.displayHeight }, place, time);
        read.show(time, String(place + 1));
        trouble.tell(source.trouble);
        controls?.moved();
        timed.drawn(player.timing);
        const left = player.timing.dropped;
        dropped.textContent = left > 0 ? words.leftOut(left) : "";
      },
      changed: () => {
        controls?.draw();
        timed.changed(player.timing);
      },
      ended: () => {
        if (player.atEnd === "next") ways.next(player.rate);
      },
      onTick: (next) => requestAnimationFrame(next),
      now: () => performance.now(),
    }));
    if (continued) {
      player.setAtEnd("next");
      player.setRate(continued.rate);
    }
    // Films of single pictures have no sound.
    const title = about.stream ? words.plainTitle : words.plainSilentTitle;
    const plain = ways.plain && button(words.plain, { class: "quiet", title, "data-test": "plain" }, ways.plain);
    // A series is no object that anything could be made of.
    const work = about.sopInstanceUid === "" ? null : bench(about, player);
    const particular = { ends: { next: timingWords.next }, rate: player.rate, time: (place: number) => clock(film.start[place] ?? 0) };
    const buttons = transport(player, particular, timed.toggle, plain, whole.button);
    controls = work?.beside(buttons) ?? buttons;
    timed.report.before(...(work ? [work.timeline] : []), controls.element, read.element, seen.tools);
    if (work) element.append(work.element);
    player.moveTo(0);
    if (continued) player.play(1);
  }

  element.addEventListener("keydown", (event) => {
    if (isForControl(event) || controls === null) return;
    if (isFullScreen(event)) whole.toggle();
    else if (!seen.obey(event)) {
      const wanted = command(event);
      if (wanted === null) return;
      controls.obey(wanted);
    }
    event.preventDefault();
  });
  ways.choose(ending.signal).then(
    (choice) => {
      if (!ending.signal.aborted) begin(choice);
    },
    (error: unknown) => {
      if (!ending.signal.aborted) ways.unable(error);
    },
  );
  return {
    element,
    focus: () => seen.canvas.focus(),
    end: () => {
      ending.abort();
      seen.end();
      cine?.close();
    },
  };
}
