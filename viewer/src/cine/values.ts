// Grey values of more than eight bits: what an object says of them, and how its samples become them. Pure.
//
// A frame's words are numbers from 0 to 65,535; the modality's values (Hounsfield units, say) are slope and intercept away.

import { AnswerError, amount, binary, fields, text } from "../answers";

/** PS3.3 C.11.2.1.3. */
export type Shape = "LINEAR" | "LINEAR_EXACT" | "SIGMOID";

export interface Window {
  readonly center: number;
  readonly width: number;
  readonly shape: Shape;
}

export interface Named {
  /** Empty where the object gives it none. */
  readonly name: string;
  readonly window: Window;
}

/** PS3.3 C.11.1.1.1: what is below `first`, or behind the last entry, is taken for the one at that end. */
export interface Table {
  readonly name: string;
  readonly first: number;
  readonly bits: number;
  readonly entries: Uint16Array;
}

/** What an object says of a frame's values, all of whose frames may share it. */
export interface Grey {
  readonly slope: number;
  readonly intercept: number;
  /** The lowest value is the brightest. */
  readonly inverse: boolean;
  readonly windows: readonly Named[];
  readonly tables: readonly Table[];
  /** The lowest and highest value that there is, where the object does not say which are to be seen. */
  readonly range: readonly [number, number] | null;
}

/** A frame's words, as the worker hands them over. */
export interface Words {
  readonly words: Uint16Array;
  readonly width: number;
  readonly height: number;
  readonly displayWidth: number;
  readonly displayHeight: number;
  /** The lowest and highest of the modality's values in it, padding excepted. */
  readonly range: readonly [number, number];
}

/** What an object's samples are. */
export interface Samples {
  readonly width: number;
  readonly height: number;
  readonly shown: readonly [number, number];
  /** For each word as it is stored, that of a frame. */
  readonly words: Uint16Array;
  /** Of those, the ones that are no measurement. */
  readonly padding: ReadonlySet<number>;
  /** One for each frame, or one for all; a range is still to be found. */
  readonly frames: readonly Grey[];
}

const ALL = 1 << 16;
const UNREADABLE = "What the server tells of the picture's values could not be read.";
const SHAPES: readonly string[] = ["LINEAR", "LINEAR_EXACT", "SIGMOID"] satisfies Shape[];

function number(value: unknown): number {
  if (typeof value !== "number" || !Number.isFinite(value)) throw new AnswerError(UNREADABLE);
  return value;
}

function list(value: unknown): unknown[] {
  if (!Array.isArray(value)) throw new AnswerError(UNREADABLE);
  return value;
}

function readTable(value: unknown): Table {
  const table = fields(value);
  const data = binary(table["Data"], UNREADABLE);
  const entries = Uint16Array.from({ length: data.length >> 1 }, (_, at) => (data[2 * at] ?? 0) | ((data[2 * at + 1] ?? 0) << 8));
  if (entries.length === 0) throw new AnswerError(UNREADABLE);
  return { name: text(table["Explanation"]), first: number(table["First"]), bits: number(table["Bits"]), entries };
}

function readWindow(value: unknown): Named {
  const window = fields(value);
  const shape = text(window["Function"]);
  if (!SHAPES.includes(shape)) throw new AnswerError(UNREADABLE);
  return { name: text(window["Explanation"]), window: { center: number(window["Center"]), width: number(window["Width"]), shape: shape as Shape } };
}

/** By a table, as the object has it. */
export function lookedUp({ first, entries }: Table, value: number): number {
  return entries[Math.min(Math.max(Math.round(value - first), 0), entries.length - 1)] ?? 0;
}

function tableOfWords(bits: number, high: number, signed: boolean, word: (stored: number) => number): Uint16Array {
  const half = 1 << (bits - 1);
  return Uint16Array.from({ length: ALL }, (_, at) => {
    const stored = (at >> (high + 1 - bits)) & (2 * half - 1);
    return word(signed && stored >= half ? stored - 2 * half : stored);
  });
}

const plain = new Map<string, Uint16Array>();

/** One for all slices of a series. */
function plainWords(bits: number, high: number, signed: boolean): Uint16Array {
  const key = `${bits} ${high} ${signed}`;
  const found = plain.get(key) ?? tableOfWords(bits, high, signed, (stored) => stored + (signed ? 1 << (bits - 1) : 0));
  plain.set(key, found);
  return found;
}

/** The answer of `/values`; null where the eight bits that the server draws are all there is. */
export function readValues(answer: unknown): Samples | null {
  const said = fields(answer)["Values"];
  if (said === null) return null;
  const of = fields(said);
  const [bits, high, signed] = [amount(of["BitsStored"]), amount(of["HighBit"]), of["Signed"] === true];
  const modality = of["ModalityLUT"] === null ? null : readTable(of["ModalityLUT"]);
  // What is signed is counted from its lowest value; what a table has made of it is not.
  const zero = signed ? 1 << (bits - 1) : 0;
  const word = (stored: number): number => (modality === null ? stored + zero : lookedUp(modality, stored));
  const words = modality === null ? plainWords(bits, high, signed) : tableOfWords(bits, high, signed, word);
  const tables = list(of["VOILUTs"]).map(readTable);
  const frames = list(of["Frames"]).map((one): Grey => {
    const frame = fields(one);
    const slope = modality === null ? number(frame["Slope"]) : 1;
    const intercept = modality === null ? number(frame["Intercept"]) - slope * zero : 0;
    return { slope, intercept, inverse: of["Inverse"] === true, windows: list(frame["Windows"]).map(readWindow), tables, range: null };
  });
  if (frames.length === 0) throw new AnswerError(UNREADABLE);
  const [width, height, aspect] = [amount(of["Columns"]), amount(of["Rows"]), number(of["PixelAspect"])];
  const padding = new Set<number>();
  if (of["Padding"] !== null) {
    const [least, most] = list(of["Padding"]).map(number) as [number, number];
    for (let stored = least; stored <= most && padding.size < ALL; stored += 1) padding.add(word(stored));
  }
  // Pixels that are not square lose nothing.
  const shown = aspect >= 1 ? ([Math.round(width * aspect), height] as const) : ([width, Math.round(height / aspect)] as const);
  return { width, height, shown, words, padding, frames };
}

/** A frame's words, of its samples' bytes as they lie in Explicit VR Little Endian; null where these are too few. */
export function wordsOf(samples: Samples, grey: Grey, bytes: Uint8Array): Words | null {
  const { width, height, shown } = samples;
  if (bytes.length < 2 * width * height) return null;
  const words = new Uint16Array(width * height);
  const seen = new Uint8Array(ALL);
  for (let at = 0; at < words.length; at += 1) {
    const word = samples.words[(bytes[2 * at] ?? 0) | ((bytes[2 * at + 1] ?? 0) << 8)] ?? 0;
    words[at] = word;
    seen[word] = 1;
  }
  for (const none of samples.padding) seen[none] = 0;
  const ends = [seen.indexOf(1), seen.lastIndexOf(1)].map((word) => Math.max(word, 0) * grey.slope + grey.intercept) as [number, number];
  const range = grey.slope < 0 ? ([ends[1], ends[0]] as const) : ends;
  return { words, width, height, displayWidth: shown[0], displayHeight: shown[1], range };
}
