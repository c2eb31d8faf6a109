// Which source of frames there is of what: by what the server says of the object, and by what the browser can.

import type { Video } from "./answers";
import { address, drawnAt, getFilm, getPictures, getSmaller, STORED, within } from "./api";
import { drawnFilm } from "./cine/film";
import type { Film } from "./cine/film";
import { Fitted } from "./cine/fitted";
import { FilmSource } from "./cine/filmSource";
import type { Told } from "./cine/filmSource";
import { pause } from "./cine/line";
import { Mended } from "./cine/mended";
import type { Source } from "./cine/source";
import { cineWorker } from "./cineWorker";

/** Frames, where their bytes are, and how a smaller version is had, if any is made. */
export interface Choice {
  film: Film;
  url: string;
  /** Where the server draws the frame of a number; null where it does not, or not as the film is shown. */
  drawn: ((number: number) => string) | null;
  smaller: ((scale: number, signal: AbortSignal) => Promise<Choice>) | null;
}

/** Any HEVC that DICOM stores is of this profile and level at most. */
const HEVC = "hvc1.1.6.L153.B0";

/** Whether this browser has, on this page, what it takes: WebCodecs asks for a secure context. */
export function canBeExact(): boolean {
  return "VideoDecoder" in globalThis;
}

async function decodes(film: Pick<Film, "codec" | "description">): Promise<boolean> {
  const { codec, description } = film;
  if (codec === "") return false;
  const { supported } = await VideoDecoder.isConfigSupported(description.length > 0 ? { codec, description } : { codec });
  return supported === true;
}

/** What needs no rendition, though it is no stream that browsers play: single pictures, and HEVC where there is a decoder. */
export async function isShownAsStored(about: Video): Promise<boolean> {
  if (!canBeExact() || about.playable) return false;
  if (!about.stream) return true;
  return about.codec === "hevc" && (await decodes({ codec: HEVC, description: new Uint8Array() }));
}

const streamed = (id: string, question = ""): string => new URL(address.stream(id) + question, document.baseURI).href;

/** `rendition`: not what is stored, but what the server has made of it. Rejects where this browser cannot show it. */
export async function choose(about: Video, rendition: boolean, signal: AbortSignal): Promise<Choice> {
  const { id } = about;
  const stored = !about.playable && !rendition;
  if (stored && !about.stream) {
    const film = await getPictures(id, signal);
    // A smaller version has eight bits.
    return { film, url: streamed(id, STORED), drawn: null, smaller: film.valued.length > 0 ? null : smaller(about) };
  }
  const question = stored ? STORED : "";
  const film = await getFilm(id, signal, question);
  if (!(await decodes(film))) throw new Error(`not decodable: ${film.codec}`);
  // What the server draws, or makes smaller, would have been turned already.
  const upright = film.turns === 0;
  return { film, url: streamed(id, question), drawn: upright ? drawnAt(id) : null, smaller: upright ? smaller(about) : null };
}

/** H.264 of a part of the size, which the server makes now; waited for as long as it takes. */
function smaller(about: Video): Choice["smaller"] {
  const { id, columns, rows } = about;
  if (columns === 0 || rows === 0) return null;
  return async (scale, signal) => {
    const even = (side: number): number => Math.max(16, 2 * Math.round((side * scale) / 2));
    const question = within(even(columns), even(rows));
    let film = await getSmaller(id, question, signal);
    while (film === null) {
      await pause(1000, signal);
      signal.throwIfAborted();
      film = await getSmaller(id, question, signal);
    }
    return { film, url: streamed(id, question), drawn: null, smaller: null };
  };
}

/** What frames that the server draws may have beside the others, as a share of their budget: they are those of one group. */
const DRAWN = 1 / 8;

/** With its first frames as the server draws them, where the film was cut out of another and the browser's decoder refuses them. */
function mended({ film, drawn }: Choice, first: FilmSource, source: (film: Film) => Source): Source {
  if (drawn === null) return first;
  return new Mended(first, () => source(drawnFilm(film, drawn)), film.placeOf[film.keys[1] ?? -1] ?? film.count);
}

/** The frames of a choice, of fewer pixels where line or machine do not keep up; `budget`: bytes for decoded ones. */
export function opened(choice: Choice, budget: number, told: Told): Source {
  const source = (film: Film, url: string, bytes = budget): FilmSource => new FilmSource(film, url, cineWorker(), told, bytes);
  const first = mended(choice, source(choice.film, choice.url), (film) => source(film, "", Math.floor(budget * DRAWN)));
  if (choice.smaller === null) return first;
  const { smaller: made } = choice;
  return new Fitted(
    first,
    async (scale, size, signal) => {
      const { film, url } = await made(scale, signal);
      return film.count === choice.film.count && (await decodes(film)) ? source({ ...film, shownAs: size }, url) : null;
    },
    () => performance.now(),
  );
}
