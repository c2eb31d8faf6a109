// Talking to the gateway. Every address is relative to the page, so that it works behind a path prefix.

import { fields, readJob, readJobs, readPage, readPosted, readPreparing, readProblem, readVideo, text } from "./answers";
import type { Job, Page, Posted, Video } from "./answers";
import { readFilm, readPictures, readSeries } from "./cine/film";
import type { Film, Series, Served } from "./cine/film";
import { pause } from "./cine/line";
import { readDeliveries, readDestinations } from "./delivery";
import type { Delivery, Destination } from "./delivery";
import { readOverlays } from "./image/overlays";
import type { Plane } from "./image/overlays";
import { readViews } from "./image/saved";
import type { View } from "./image/saved";
import { readOrdered } from "./made";
import type { Made, Order } from "./made";
import { Said } from "./said";
import { readSeries as readSeriesFacts, readSeriesList } from "./series";
import type { Series as SeriesFacts } from "./series";
import { asked, readStudies } from "./studies";
import type { Found, Sought } from "./studies";
import { words } from "./words";

/** Videos of a study that are asked for at once. */
const AT_ONCE = 200;

/** An answer that is not a success; the message is its sentence. Status 0: there was no answer. */
export class ApiError extends Said {
  constructor(
    readonly status: number,
    sentence: string,
    theirs = false,
  ) {
    super(sentence, theirs);
  }
}

/** The answer of a request that failed. */
export function failure(status: number, body: string): ApiError {
  const { sentence, theirs } = readProblem(status, body);
  return new ApiError(status, sentence, theirs);
}

export const address = {
  stream: (id: string) => `video/instances/${encodeURIComponent(id)}/stream`,
  index: (id: string) => `video/instances/${encodeURIComponent(id)}/index`,
  asStored: (id: string) => `video/instances/${encodeURIComponent(id)}/stream?accept=application/octet-stream`,
  thumbnail: (id: string) => `video/instances/${encodeURIComponent(id)}/thumbnail`,
  /** What the server draws of a frame; as image/png without loss. */
  frame: (id: string, number: number, type: string) => `video/instances/${encodeURIComponent(id)}/frames/${number}?accept=${type}`,
  /** A small picture of any instance that has pictures. */
  small: (id: string) => `video/instances/${encodeURIComponent(id)}/frames/1?accept=image/jpeg&viewport=320,320`,
  sheet: (id: string, columns: number) => `video/instances/${encodeURIComponent(id)}/sheet?columns=${columns}&rows=1&width=1600`,
  study: (id: string) => `app/explorer.html#study?uuid=${encodeURIComponent(id)}`,
  events: (job: string) => `video/jobs/${encodeURIComponent(job)}/events`,
  explorer: "app/explorer.html",
};

async function ask(path: string, init: RequestInit = {}): Promise<unknown> {
  let response: Response;
  try {
    response = await fetch(path, { cache: "no-cache", headers: { Accept: "application/json" }, ...init });
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw new ApiError(0, words.lineLost);
  }
  const body = await response.text();
  if (!response.ok) throw failure(response.status, body);
  return body === "" ? null : JSON.parse(body);
}

export async function getPage(since: number, limit: number, signal: AbortSignal): Promise<Page> {
  return readPage(await ask(`video/instances?since=${since}&limit=${limit}`, { signal }));
}

const JSON_HEADERS = { Accept: "application/json", "Content-Type": "application/json" };

/** Something that is asked by a JSON body: what tells of people is in no address. */
function post(path: string, body: unknown, signal: AbortSignal | null = null): Promise<unknown> {
  return ask(path, { method: "POST", headers: JSON_HEADERS, body: JSON.stringify(body), signal });
}

/** As `getPage`, of the studies that are looked for. */
export async function findVideos(sought: Sought, since: number, limit: number, signal: AbortSignal): Promise<Page> {
  return readPage(await post("video/instances/find", { ...asked(sought), Since: since, Limit: limit }, signal));
}

/** Studies of any kind. */
export async function findStudies(sought: Sought, signal: AbortSignal): Promise<Found> {
  return readStudies(await post("video/studies/find", asked(sought), signal));
}

/** The videos of a study, the one that was received first in front. */
export async function getVideosOf(study: string, signal: AbortSignal): Promise<Video[]> {
  const found: Video[] = [];
  for (let [since, total] = [0, 1]; since < total; since += AT_ONCE) {
    const page = readPage(await post("video/instances/find", { ParentStudy: study, Since: since, Limit: AT_ONCE }, signal));
    total = page.total;
    found.unshift(...page.videos.reverse());
  }
  return found;
}

/** All series of a study that hold pictures. */
export async function getSeriesOf(study: string, signal: AbortSignal): Promise<SeriesFacts[]> {
  return readSeriesList(await ask(`video/studies/${encodeURIComponent(study)}/series`, { signal }));
}

export async function getSeriesFacts(id: string, signal: AbortSignal): Promise<SeriesFacts> {
  return readSeriesFacts(await askAgain(`video/series/${encodeURIComponent(id)}`, { signal }));
}

export async function getVideo(id: string, signal: AbortSignal): Promise<Video> {
  return readVideo(await askAgain(`video/instances/${encodeURIComponent(id)}`, { signal }));
}

/** How often what takes no harm by it is asked for again where the line broke, and after how many milliseconds. */
const AGAIN = [200, 600, 1800];

async function askAgain(path: string, init: RequestInit & { signal: AbortSignal }): Promise<unknown> {
  for (const milliseconds of AGAIN) {
    try {
      return await ask(path, init);
    } catch (error) {
      if (init.signal.aborted || !(error instanceof ApiError && error.status === 0)) throw error;
    }
    await pause(milliseconds, init.signal);
  }
  return ask(path, init);
}

/** What is stored, as a question to `stream` and `index`; and a smaller rendition of it. */
export const STORED = "?accept=application/octet-stream";
export const within = (width: number, height: number): string => `?viewport=${width},${height}`;

/** Every frame's time and place in what `address.stream` sends to the same question. */
export async function getFilm(id: string, signal: AbortSignal, question = ""): Promise<Film> {
  return readFilm(await askAgain(address.index(id) + question, { signal }));
}

/** Null while it is being made, which asking begins. */
export async function getSmaller(id: string, question: string, signal: AbortSignal): Promise<Film | null> {
  const headers = { Accept: "application/json", Prefer: "wait=20" };
  try {
    return readFilm(await askAgain(address.index(id) + question, { signal, headers }));
  } catch (error) {
    if (error instanceof ApiError && error.status === 503) return null;
    throw error;
  }
}

const absolute = (path: string): string => new URL(path, document.baseURI).href;

/** Where the server draws the frames of an object, by their numbers. */
export const drawnAt = (id: string) => (number: number) => absolute(address.frame(id, number, "image/png"));

/** The frames of an object of single pictures. */
export async function getPictures(id: string, signal: AbortSignal): Promise<Film> {
  const index = await askAgain(address.index(id) + STORED, { signal });
  return readPictures(index, id, served);
}

const served: Served = {
  drawn: (instance, number) => drawnAt(instance)(number),
  samples: (instance, number) => absolute(address.frame(instance, number, "application/octet-stream")),
  about: (instance) => absolute(`video/instances/${encodeURIComponent(instance)}/values`),
};

/** The frames of all instances of a series, in their order, or the one instance that has them all. */
export async function getSeries(id: string, signal: AbortSignal): Promise<Series> {
  const index = await askAgain(`video/series/${encodeURIComponent(id)}/index`, { signal });
  return readSeries(index, served);
}

export async function getJob(id: string): Promise<Job> {
  return readJob(await ask(`video/jobs/${encodeURIComponent(id)}`));
}

/** The newest jobs. */
export async function getJobs(): Promise<Job[]> {
  return readJobs(await ask("video/jobs"));
}

export async function cancelJob(id: string): Promise<void> {
  await ask(`video/jobs/${encodeURIComponent(id)}`, { method: "DELETE" });
}

/** Has a dead letter, or a failed delivery, tried again. */
export async function retryJob(id: string): Promise<void> {
  await ask(`video/jobs/${encodeURIComponent(id)}/retry`, { method: "POST" });
}

/** Where videos can be sent. */
export async function getDestinations(signal: AbortSignal): Promise<Destination[]> {
  return readDestinations(await ask("video/destinations", { signal }));
}

/** Where a video was sent, newest first. */
export async function getDeliveries(id: string, signal: AbortSignal): Promise<Delivery[]> {
  return readDeliveries(await ask(`video/instances/${encodeURIComponent(id)}/deliveries`, { signal }));
}

/** Has something made of a video. */
export async function order(id: string, { path, body }: Order): Promise<{ job: string; made: Made[] | null }> {
  return readOrdered(await post(`video/instances/${encodeURIComponent(id)}/${path}`, body));
}

export async function sendTo(id: string, destination: string): Promise<void> {
  await post(`video/instances/${encodeURIComponent(id)}/send`, { Destination: destination });
}

/** What lies over the pictures of an object. */
export async function getOverlays(id: string, signal: AbortSignal): Promise<Plane[]> {
  return readOverlays(await ask(`video/instances/${encodeURIComponent(id)}/overlays`, { signal }));
}

/** The views of a video that were saved. */
export async function getViews(id: string, signal: AbortSignal): Promise<View[]> {
  return readViews(await ask(`video/instances/${encodeURIComponent(id)}/views`, { signal }));
}

/** Saves one: "Success", "AlreadyStored", or "Processing" while it takes long. */
export async function saveView(id: string, view: unknown): Promise<string> {
  return text(fields(await post(`video/instances/${encodeURIComponent(id)}/views`, view))["Status"]);
}

export async function deleteView(id: string, view: string): Promise<void> {
  await ask(`video/instances/${encodeURIComponent(id)}/views/${encodeURIComponent(view)}`, { method: "DELETE" });
}

/** Null when a video can be played now, else the job that makes it so; asking begins it. */
export async function getPlayable(id: string, signal: AbortSignal): Promise<string | null> {
  const headers = { Range: "bytes=0-0", Prefer: "wait=0" };
  const response = await fetch(address.stream(id), { headers, cache: "no-store", signal });
  if (response.ok) {
    await response.body?.cancel();
    return null;
  }
  const body = await response.text();
  const job = readPreparing(response.status, body);
  if (job === null) throw failure(response.status, body);
  return job;
}

/** Why a stream does not play, when it is the server's doing, or null. */
export async function streamProblem(id: string): Promise<ApiError | null> {
  try {
    const response = await fetch(address.stream(id), { headers: { Range: "bytes=0-0" }, cache: "no-store" });
    if (response.ok) {
      await response.body?.cancel();
      return null;
    }
    return failure(response.status, await response.text());
  } catch {
    return new ApiError(0, words.lineLost);
  }
}

/** How an upload's answer is wanted: with its job as soon as that takes longer than a moment (RFC 7240), to show how it goes. */
export const ANSWER = { Accept: "application/json", Prefer: "respond-async, wait=1" };

/** What became of an upload that has arrived: asked for by adding nothing at its end. */
export async function getOutcome(url: string, size: number): Promise<Posted> {
  const headers = {
    ...ANSWER,
    "Content-Type": "application/offset+octet-stream",
    "Tus-Resumable": "1.0.0",
    "Upload-Offset": String(size),
  };
  return readPosted(await ask(url, { method: "PATCH", headers }));
}
