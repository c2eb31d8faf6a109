// A film's frames: their exact times, and where their coded bytes lie. Pure.
//
// A frame's place is its number in the order in which frames are shown, from 0. A sample's number is that in the order in
// which they are decoded and stored; with B-frames the two differ.

import { AnswerError, amount, binary, fields, text } from "../answers";
import { codecOf } from "./codecs";

/** By a decoder of video; each by itself from the stored object's bytes; each as the server draws it. */
export type How = "decoded" | "pictures" | "drawn";

/** Where a frame's values are told of, which frame of its object it is (from 0), and the address of its samples; null
 * where these are the stored object's bytes. */
export interface Valued {
  readonly about: string;
  readonly number: number;
  readonly samples: string | null;
}

export interface Film {
  readonly how: How;
  readonly codec: string;
  /** The decoder's configuration: avcC, hvcC. */
  readonly description: Uint8Array;
  /** Of what the server draws: each frame's address, by sample. */
  readonly addresses: readonly string[];
  /** Likewise where its grey values are had, should it have some beyond what is drawn; empty where none has. */
  readonly valued: readonly Valued[];
  /** Width and height at which frames are shown, where that is not their own: of a smaller one in place of another. */
  readonly shownAs: readonly [number, number] | null;
  /** Quarter turns clockwise that the container demands. */
  readonly turns: number;
  /** Of a decoded picture; 0 where that is not known. */
  readonly rows: number;
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

/** A film in the order of presentation, from what its index says in the order of decoding. */
function ordered(index: Record<string, unknown>, keys: (count: number) => Uint32Array): Omit<Film, "how" | "codec" | "description" | "addresses" | "valued"> {
  const [count, timescale] = [Number(index["NumberOfFrames"]), Number(index["Timescale"])];
  if (!(Number.isSafeInteger(count) && count > 0 && timescale > 0)) throw new AnswerError(UNREADABLE);
  const times = column(index["Time"], count);
  const durations = column(index["Duration"], count);
  const sampleOf = Uint32Array.from(times.keys()).sort((a, b) => (times[a] ?? 0) - (times[b] ?? 0) || a - b);
  const placeOf = new Uint32Array(count);
  sampleOf.forEach((sample, place) => (placeOf[sample] = place));
  const first = times[sampleOf[0] ?? 0] ?? 0;
  const start = Float64Array.from(sampleOf, (sample) => ((times[sample] ?? 0) - first) / timescale);
  const last = sampleOf[count - 1] ?? 0;
  const seconds = ((times[last] ?? 0) - first + (durations[last] ?? 0)) / timescale;
  const none = new Array<number>(count).fill(0);
  return {
    shownAs: null,
    rows: amount(index["Rows"]),
    turns: (amount(index["Rotation"]) / 90) % 4,
    count,
    start,
    seconds,
    sampleOf,
    placeOf,
    offset: Float64Array.from("Offset" in index ? column(index["Offset"], count) : none),
    size: Uint32Array.from("Size" in index ? column(index["Size"], count) : none),
    keys: keys(count),
  };
}

const each = (count: number): Uint32Array => Uint32Array.from({ length: count }, (_, sample) => sample);

/** The answer of `/index`, of a stream. */
export function readFilm(value: unknown): Film {
  const index = fields(value);
  const flags = index["Key"];
  const description = binary(index["Description"], UNREADABLE);
  const keys = (count: number): Uint32Array => {
    if (!Array.isArray(flags) || flags.length !== count) throw new AnswerError(UNREADABLE);
    return each(count).filter((sample) => flags[sample] === true);
  };
  const film = ordered(index, keys);
  return { ...film, how: "decoded", codec: codecOf(text(index["Codec"]), description), description, addresses: [], valued: [] };
}

const STILL = { codec: "", description: new Uint8Array(), valued: [] };

/** The same frames as the server draws them; `drawn` is where it does so, by their numbers in the order in which they are shown. */
export function drawnFilm(film: Film, drawn: (number: number) => string): Film {
  const addresses = Array.from(film.placeOf, (place) => drawn(place + 1));
  return { ...film, ...STILL, how: "drawn", keys: each(film.count), addresses };
}

/** Addresses of what the server has of an instance's frames. */
export interface Served {
  drawn: (instance: string, number: number) => string;
  samples: (instance: string, number: number) => string;
  about: (instance: string) => string;
}

/** The answer of `/index`, of an instance of single pictures. */
export function readPictures(value: unknown, instance: string, served: Served): Film {
  const index = fields(value);
  const film = ordered(index, each);
  if (index["ShownAsCoded"] === true) return { ...film, ...STILL, how: "pictures", addresses: [] };
  const numbers = Array.from(each(film.count), (sample) => sample + 1);
  const valued = index["Values"] !== true ? [] : numbers.map((number) => valuedOf(served, instance, number, index["Codec"] === "raw"));
  return { ...film, ...STILL, how: "drawn", addresses: numbers.map((number) => served.drawn(instance, number)), valued };
}

function valuedOf(served: Served, instance: string, number: number, raw = false): Valued {
  return { about: served.about(instance), number: number - 1, samples: raw ? null : served.samples(instance, number) };
}

/** Of a series: the object that has all of its frames, where it is one that moves; else they are drawn one by one. */
export type Series = { readonly object: string } | { readonly film: Film };

/** The answer of a series' `/index`. */
export function readSeries(value: unknown, served: Served): Series {
  const index = fields(value);
  const film = ordered(index, each);
  const instances = index["Instance"];
  const numbers = column(index["Frame"], film.count);
  if (!Array.isArray(instances) || instances.length !== film.count) throw new AnswerError(UNREADABLE);
  const names = instances.map(text);
  const [object = ""] = names;
  if (names.length > 1 && names.every((name) => name === object)) return { object };
  const addresses = numbers.map((number, at) => served.drawn(names[at] ?? "", number));
  const valued = numbers.map((number, at) => valuedOf(served, names[at] ?? "", number));
  return { film: { ...film, ...STILL, how: "drawn", addresses, valued } };
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
