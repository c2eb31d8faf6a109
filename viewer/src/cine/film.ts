// A film's frames: their exact times, and where their coded bytes lie. Pure.
//
// A frame's place is its number in the order in which frames are shown, from 0. A sample's number is that in the order in
// which they are decoded and stored; with B-frames the two differ.

import { AnswerError, fields, text } from "../answers";

export interface Film {
  readonly codec: string;
  /** The decoder's configuration: avcC. */
  readonly description: Uint8Array;
  readonly count: number;
  /** By place: seconds since the first frame. */
  readonly start: Float64Array;
  readonly seconds: number;
  /** By place: the sample. */
  readonly sampleOf: Uint32Array;
  /** By sample: the place, where it lies, and which of them decoding may begin at, ascending. */
  readonly placeOf: Uint32Array;
  readonly offset: Float64Array;
  readonly size: Uint32Array;
  readonly keys: Uint32Array;
}

const UNREADABLE = "The server's index of the video could not be read.";

function column(value: unknown, count: number): number[] {
  const good = Array.isArray(value) && value.length === count && value.every((one) => Number.isSafeInteger(one));
  if (!good) throw new AnswerError(UNREADABLE);
  return value as number[];
}

function bytesOf(base64: string): Uint8Array {
  try {
    return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  } catch {
    throw new AnswerError(UNREADABLE);
  }
}

/** "avc1.64001f" of a sample entry and its avcC (ISO/IEC 14496-15 5.3.3.1): profile, compatibility, level. */
function h264(entry: string, description: Uint8Array): string {
  const parts = [...description.subarray(1, 4)].map((byte) => byte.toString(16).padStart(2, "0"));
  return `${entry}.${parts.join("")}`;
}

/** The answer of `/index`, in the order of presentation. */
export function readFilm(value: unknown): Film {
  const index = fields(value);
  const [count, timescale] = [Number(index["NumberOfFrames"]), Number(index["Timescale"])];
  if (!(Number.isSafeInteger(count) && count > 0 && timescale > 0)) throw new AnswerError(UNREADABLE);
  const times = column(index["Time"], count);
  const durations = column(index["Duration"], count);
  const flags = index["Key"];
  if (!Array.isArray(flags) || flags.length !== count) throw new AnswerError(UNREADABLE);
  const description = bytesOf(text(index["Description"]));
  const sampleOf = Uint32Array.from(times.keys()).sort((a, b) => (times[a] ?? 0) - (times[b] ?? 0) || a - b);
  const placeOf = new Uint32Array(count);
  sampleOf.forEach((sample, place) => (placeOf[sample] = place));
  const first = times[sampleOf[0] ?? 0] ?? 0;
  const start = Float64Array.from(sampleOf, (sample) => ((times[sample] ?? 0) - first) / timescale);
  const last = sampleOf[count - 1] ?? 0;
  return {
    codec: h264(text(index["Codec"]), description),
    description,
    count,
    start,
    seconds: ((times[last] ?? 0) - first + (durations[last] ?? 0)) / timescale,
    sampleOf,
    placeOf,
    offset: Float64Array.from(column(index["Offset"], count)),
    size: Uint32Array.from(column(index["Size"], count)),
    keys: Uint32Array.from([...times.keys()].filter((sample) => flags[sample] === true)),
  };
}

/** Whether decoding may begin at a sample. */
export function isKey(film: Film, sample: number): boolean {
  return film.keys[lastAtMost(film.keys, sample)] === sample;
}

/** The greatest position in ascending `values` whose value is at most `wanted`; -1 where there is none. */
export function lastAtMost(values: Float64Array | Uint32Array, wanted: number): number {
  let [low, high] = [0, values.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((values[middle] ?? Infinity) <= wanted) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
