// A video frame by frame: the engine on a canvas, with its controls and keys.

import { address, getFilm } from "./api";
import type { Video } from "./answers";
import { bench } from "./bench";
import { Cine } from "./cine/cine";
import type { Film } from "./cine/film";
import { H264Source } from "./cine/h264";
import { cineWorker } from "./cineWorker";
import { el } from "./dom";
import { clock, date } from "./format";
import { command } from "./keys";
import { problem, readOut } from "./stage";
import type { Stage } from "./stage";
import { transport } from "./transport";
import type { Transport } from "./transport";
import { words } from "./words";

/** Whether this browser has, on this page, what it takes: WebCodecs asks for a secure context. */
export function canBeExact(): boolean {
  return "VideoDecoder" in globalThis;
}

async function load(id: string, signal: AbortSignal): Promise<Film> {
  const film = await getFilm(id, signal);
  const { codec, description } = film;
  const { supported } = await VideoDecoder.isConfigSupported({ codec, description });
  if (supported !== true) throw new Error(`not decodable: ${codec}`);
  return film;
}

/** `unable` is called where it cannot be played so after all, `plain` where the reader wants the browser's own player. */
export function exactStage(about: Video, unable: () => void, plain: () => void): Stage {
  const canvas = el("canvas", { class: "screen", tabindex: 0, role: "img", "aria-label": words.videoLabel(date(about.studyDate)) });
  const pen = canvas.getContext("2d", { alpha: false });
  const note = problem(about.remark);
  const dropped = el("output", { "data-test": "dropped" });
  const element = el("div", { class: "stage" }, canvas, note.element);
  const ending = new AbortController();
  let cine: Cine | null = null;
  let controls: Transport | null = null;

  function begin(film: Film): void {
    // As many frames as there are, which an object of another writer may not tell rightly.
    const read = readOut(film.count, dropped);
    const source = new H264Source(film, new URL(address.stream(about.id), document.baseURI).href, cineWorker(), {
      arrived: (place) => cine?.arrived(place),
      failed: (trouble) => note.tell(words.cineTrouble[trouble]),
    });
    const player = (cine = new Cine(source, {
      draw: (frame, place) => {
        const [width, height] = [frame.displayWidth, frame.displayHeight];
        if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
        pen?.drawImage(frame, 0, 0, width, height);
        read.show(clock(film.start[place] ?? 0), String(place + 1));
        note.tell(about.remark);
        controls?.draw();
        dropped.textContent = player.tally.dropped > 0 ? words.leftOut(player.tally.dropped) : "";
      },
      changed: () => controls?.draw(),
      onTick: (next) => requestAnimationFrame(next),
      now: () => performance.now(),
    }));
    controls = transport(player, film.count, plain);
    note.element.before(controls.element, read.element);
    const beside = bench(about, player, film.count);
    controls = beside.beside(controls);
    element.append(beside.element);
    player.moveTo(0);
  }

  element.addEventListener("keydown", (event) => {
    const wanted = command(event);
    const typed = event.target instanceof HTMLSelectElement || (event.target instanceof HTMLInputElement && event.target.type === "number");
    const pressed = event.key === " " && event.target instanceof HTMLButtonElement;
    if (wanted === null || typed || pressed || controls === null) return;
    event.preventDefault();
    controls.obey(wanted);
  });
  canvas.addEventListener("click", () => controls?.obey("toggle"));
  load(about.id, ending.signal).then(
    (film) => {
      if (!ending.signal.aborted) begin(film);
    },
    () => {
      if (!ending.signal.aborted) unable();
    },
  );
  return {
    element,
    focus: () => canvas.focus(),
    end: () => {
      ending.abort();
      cine?.close();
    },
  };
}
