// What is asked to be made of a video, and what is told of it. Pure.

import { fields, text } from "./answers";
import { isOrthancId } from "./route";

/** One thing that was made: `id` of what Orthanc holds, `url` of what can be played or downloaded. */
export interface Made {
  id: string | null;
  url: string | null;
}

/** A part of the picture, in its pixels. */
export interface Region {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** Places count from 0, as the engine's do; frames from 1. */
export type Range = readonly [first: number, last: number];

export interface Order {
  /** Where it is posted to, below the video. */
  path: "clips" | "stills" | "marks" | "edits";
  body: Record<string, unknown>;
}

const moments = ([first, last]: Range): Record<string, unknown> => ({ start: { frame: first + 1 }, end: { frame: last + 1 } });

export function clip(range: Range, as: string): Order {
  return { path: "clips", body: { ...moments(range), as } };
}

/** `as` empty: what the video is. */
export function still(place: number, as: string): Order {
  return { path: "stills", body: { frames: [place + 1], ...(as === "" ? {} : { as }) } };
}

export function mark(place: number, title: string, said: string): Order {
  return { path: "marks", body: { moments: [{ frame: place + 1 }], title, ...(said.trim() === "" ? {} : { text: said.trim() }) } };
}

/** `range` null: throughout. `clean`: somebody has seen that no names are left. */
export function mask(regions: readonly Region[], range: Range | null, clean: boolean): Order {
  const where = range === null ? {} : { ranges: [moments(range)] };
  return { path: "edits", body: { mask: { regions, ...where }, ...(clean ? { burnedInAnnotation: "NO" } : {}) } };
}

/** The region between two corners, in whole pixels within the picture; null where there is none. */
export function between(a: { x: number; y: number }, b: { x: number; y: number }, columns: number, rows: number): Region | null {
  const within = (value: number, most: number): number => Math.min(Math.max(value, 0), most);
  const [left, right] = [Math.min(a.x, b.x), Math.max(a.x, b.x)];
  const [top, bottom] = [Math.min(a.y, b.y), Math.max(a.y, b.y)];
  const [x, y] = [within(Math.floor(left), columns), within(Math.floor(top), rows)];
  const [width, height] = [within(Math.ceil(right), columns) - x, within(Math.ceil(bottom), rows) - y];
  return width > 0 && height > 0 ? { x, y, width, height } : null;
}

/** What was made, of an answer or a job. Addresses are made relative, as all of the page's are. */
export function readMade(value: unknown): Made[] {
  if (!Array.isArray(value)) return [];
  return value.map((one) => {
    const [id, url] = [text(fields(one)["ID"]), text(fields(one)["Url"])];
    return { id: isOrthancId(id) ? id : null, url: /^\/video\/[\w./-]+$/.test(url) ? url.slice(1) : null };
  });
}

/** The answer to an order: the job, and what it came to, or null while it is under way. */
export function readOrdered(value: unknown): { job: string; made: Made[] | null } {
  const answer = fields(value);
  const done = text(answer["Status"]) !== "Processing";
  return { job: text(answer["Job"]), made: done ? readMade(answer["Results"]) : null };
}
