// The worker that fetches and decodes: a run at a time, the newest one as soon as it is known.

import { Bytes } from "./bytes";
import { Decoding, RefusedKey } from "./decoding";
import type { Kept } from "./decoding";
import type { Film } from "./film";
import { Handing } from "./handing";
import { again, LineError, patiently, pause, refuse } from "./line";
import type { Line } from "./line";
import type { Order, Report } from "./messages";
import type { Run } from "./plan";
import { pictures, Stills, Unshowable } from "./stills";
import type { Get, Show } from "./stills";
import { Valuing } from "./valuing";
import type { Coded } from "./valuing";

/** Aborted where what waits is to be tried at once. */
let hurry = new AbortController();
const line: Line = {
  fetch: (to, init) => fetch(to, init),
  pause: (milliseconds, signal) => pause(milliseconds, AbortSignal.any([signal, hurry.signal])),
  now: () => performance.now(),
  down: () => tell({ kind: "down" }),
};
/** What the server says of a frame that it cannot draw. */
const UNDRAWABLE = 422;
/** As many times the patience that bytes have: drawing takes its time, and a picture comes at once. */
const DRAWING = 4;
const handing = new Handing();
type Follower = Decoding | Stills<Blob> | Stills<Coded>;
let following: Follower | null = null;
let current = new AbortController();
let before: Promise<void> = Promise.resolve();

function tell(report: Report, transfer: Transferable[] = []): void {
  self.postMessage(report, { transfer });
}

function hand(report: Report, what: Transferable): void {
  handing.sent();
  tell(report, [what]);
}

/** What is not wanted yet is not made yet. */
function paced<Coded>(show: Show<Coded>): Show<Coded> {
  return async (...asked) => {
    await handing.room();
    await show(...asked);
  };
}

function follower(film: Film, url: string): Follower {
  const kept: Kept = {
    keep: (place, frame) => hand({ kind: "frame", place, frame }, frame),
    room: () => handing.room(),
    lose: (places, cut) => tell({ kind: "lost", places, cut }),
  };
  const lose = (place: number): void => kept.lose([place], false);
  const bytes = new Bytes(url, film, line);
  if (film.how === "decoded") return new Decoding(film, bytes, kept);
  const stills = <Coded>(get: Get<Coded>, show: Show<Coded>): Stills<Coded> => new Stills(film, get, paced(show), lose);
  const show = pictures(film, kept.keep);
  if (film.how === "pictures") return stills(async (...asked) => new Blob([(await bytes.sample(...asked)).slice()]), show);
  const drawn: Get<Blob> = (sample, _, signal) => had(film.addresses[sample] ?? "", signal);
  if (film.valued.length === 0) return stills(drawn, show);
  const samples: Get<Uint8Array> = async (sample, until, signal) => {
    const address = film.valued[sample]?.samples ?? null;
    return address === null ? bytes.sample(sample, until, signal) : new Uint8Array(await (await had(address, signal)).arrayBuffer());
  };
  const valuing = new Valuing(film, { about, samples, drawn }, {
    grey: (name, grey) => tell({ kind: "grey", name, grey }),
    values: (place, values, grey) => hand({ kind: "values", place, values, grey }, values.words.buffer),
  });
  return stills(valuing.get, valuing.show(show));
}

function had(address: string, signal: AbortSignal): Promise<Blob> {
  const once = async (giving: AbortSignal): Promise<Blob | null> => {
    const response = await fetch(address, { signal: giving });
    if (response.status === UNDRAWABLE) throw new Unshowable();
    await refuse(response);
    return response.ok ? await response.blob() : null;
  };
  return again((patience) => patiently(DRAWING * patience, signal, once), line, signal);
}

/** Null where the server has nothing to tell. */
async function about(address: string, signal: AbortSignal): Promise<unknown> {
  const once = async (giving: AbortSignal): Promise<{ answer: unknown } | null> => {
    const response = await fetch(address, { signal: giving });
    if (response.ok) return { answer: await response.json() };
    return response.status < 500 ? { answer: null } : null;
  };
  return (await again((patience) => patiently(DRAWING * patience, signal, once), line, signal)).answer;
}

async function follow(id: number, run: Run, signal: AbortSignal): Promise<void> {
  try {
    if (!signal.aborted) await following?.follow(run, signal);
    tell({ kind: "done", id });
  } catch (error) {
    if (signal.aborted) tell({ kind: "done", id });
    else if (error instanceof RefusedKey) tell({ kind: "refused", id, key: error.key });
    else if (error instanceof LineError) tell({ kind: "trouble", id, trouble: error.trouble });
    else tell({ kind: "trouble", id, trouble: "undecodable" });
  }
}

function tryAtOnce(): void {
  hurry.abort();
  hurry = new AbortController();
}

self.addEventListener("message", ({ data: order }: MessageEvent<Order>) => {
  if (order.kind === "film") {
    following = follower(order.film, order.url);
    return;
  }
  if (order.kind === "hurry") {
    tryAtOnce();
    return;
  }
  if (order.kind === "taken") {
    handing.taken();
    return;
  }
  current.abort();
  const { signal } = (current = new AbortController());
  before = before.then(() => follow(order.id, order.run, signal));
});
