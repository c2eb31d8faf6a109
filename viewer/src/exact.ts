// A video frame by frame: the engine on a canvas, with its controls and keys.

import type { Video } from "./answers";
import { Cine } from "./cine/cine";
import { BUDGET } from "./cine/filmSource";
import { button, el } from "./dom";
import { clock, date } from "./format";
import { imageCommand } from "./image/commands";
import type { Look } from "./image/look";
import { Screen } from "./image/screen";
import { imageTools } from "./imageTools";
import { command } from "./keys";
import { opened } from "./sources";
import type { Choice } from "./sources";
import { problem, readOut } from "./stage";
import type { Stage } from "./stage";
import { timekeeping } from "./timekeeping";
import { transport } from "./transport";
import type { Transport } from "./transport";
import { views } from "./views";
import { words } from "./words";
import { words as image } from "./words/image";
import { words as timingWords } from "./words/timing";

export interface Ways {
  /** Where its frames are had. */
  choose: (signal: AbortSignal) => Promise<Choice>;
  /** It cannot be played so after all. */
  unable: (error: unknown) => void;
  /** The reader wants the browser's own player; null where that has nothing to play. */
  plain: (() => void) | null;
  /** On with what comes after it. */
  next: () => void;
}

/** `continued`: it plays at once, and goes on with the next one in turn. */
export function exactStage(about: Video, ways: Ways, continued: boolean): Stage {
  const canvas = el("canvas", { class: "screen", tabindex: 0, role: "img", "aria-label": words.videoLabel(date(about.studyDate)) });
  const note = problem(about.remark);
  const dropped = el("output", { "data-test": "dropped" });
  const slow = el("p", { class: "lost", hidden: true, "data-test": "slow" }, image.slow);
  const screen = new Screen(canvas, () => (slow.hidden = false));
  const tools = imageTools(canvas, about, {
    turns: 0,
    look: () => screen.look,
    aspect: () => screen.aspect,
    change: see,
    click: () => controls?.obey("toggle"),
  });
  // A series has none of its own: a view is of one object.
  const saved = about.sopInstanceUid === "" ? null : views(about.id, {
    place: () => shown,
    look: () => screen.look,
    restore: ({ place, look }) => {
      cine?.pause();
      see(look);
      tools.draw();
      // The frame that is subtracted is seen first, if it has to be had.
      if (back === null) cine?.moveTo(place);
      else back = place;
    },
  });
  const timed = timekeeping(about.id);
  const picture = el("div", { class: "picture" }, canvas, tools.corners);
  const element = el("div", { class: "stage" }, picture, timed.mark, timed.report, tools.bar, saved?.element ?? null, slow, note.element);
  const ending = new AbortController();
  let cine: Cine | null = null;
  let controls: Transport | null = null;
  let shown = 0;
  /** Where to go back to, once the frame that is subtracted was seen. */
  let back: number | null = null;

  function see(look: Look): void {
    screen.look = look;
    if (screen.lacksMask && look.mask !== shown && look.mask !== null) {
      back = shown;
      cine?.pause();
      cine?.moveTo(look.mask);
    } else cine?.redraw();
  }

  function goBack(place: number): void {
    back = null;
    cine?.moveTo(place);
  }

  function begin(choice: Choice): void {
    const { film } = choice;
    // As many frames as there are, which an object of another writer may not tell rightly.
    const read = readOut(film.count, dropped);
    const source = opened(choice, BUDGET, {
      arrived: (place) => cine?.arrived(place),
      failed: (trouble) => note.tell(words.cineTrouble[trouble]),
    });
    const player = (cine = new Cine(source, {
      draw: (frame, place) => {
        const [width, height] = [frame.displayWidth, frame.displayHeight];
        shown = place;
        screen.draw(frame, { width, height }, place);
        const time = clock(film.start[place] ?? 0);
        read.show(time, String(place + 1));
        tools.tell(place, time);
        if (back !== null && !screen.lacksMask) goBack(back);
        note.tell(about.remark);
        controls?.draw();
        timed.drawn(player.timing);
        const left = player.timing.dropped;
        dropped.textContent = left > 0 ? words.leftOut(left) : "";
      },
      changed: () => {
        controls?.draw();
        timed.changed(player.timing);
      },
      ended: () => {
        if (player.atEnd === "next") ways.next();
      },
      onTick: (next) => requestAnimationFrame(next),
      now: () => performance.now(),
    }));
    if (continued) player.setAtEnd("next");
    const plain = ways.plain && button(words.plain, { class: "quiet", title: words.plainTitle, "data-test": "plain" }, ways.plain);
    controls = transport(player, { next: timingWords.next }, timed.toggle, plain);
    timed.report.before(controls.element, read.element);
    player.moveTo(0);
    if (continued) player.play(1);
  }

  element.addEventListener("keydown", (event) => {
    const typed = event.target instanceof HTMLSelectElement || (event.target instanceof HTMLInputElement && event.target.type !== "range");
    const pressed = event.key === " " && event.target instanceof HTMLButtonElement;
    const [looked, wanted] = [imageCommand(event), command(event)];
    if ((looked ?? wanted) === null || typed || pressed || controls === null) return;
    event.preventDefault();
    if (looked !== null) tools.obey(looked);
    else if (wanted !== null) controls.obey(wanted);
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
    focus: () => canvas.focus(),
    end: () => {
      ending.abort();
      saved?.end();
      cine?.close();
    },
  };
}
