// Talking to the gateway. Every address is relative to the page, so that it works behind a path prefix.

import { readJob, readJobs, readPage, readPosted, readProblem, readVideo } from "./answers";
import type { Job, Page, Posted, Video } from "./answers";
import { words } from "./words";

/** An answer that is not a success; the message is its sentence. Status 0: there was no answer. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    sentence: string,
  ) {
    super(sentence);
  }
}

export const address = {
  stream: (id: string) => `video/instances/${encodeURIComponent(id)}/stream`,
  thumbnail: (id: string) => `video/instances/${encodeURIComponent(id)}/thumbnail`,
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
  if (!response.ok) throw new ApiError(response.status, readProblem(response.status, body));
  return body === "" ? null : JSON.parse(body);
}

export async function getPage(since: number, limit: number, signal: AbortSignal): Promise<Page> {
  return readPage(await ask(`video/instances?since=${since}&limit=${limit}`, { signal }));
}

export async function getVideo(id: string, signal: AbortSignal): Promise<Video> {
  return readVideo(await ask(`video/instances/${encodeURIComponent(id)}`, { signal }));
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

/** Why a stream does not play, when it is the server's doing: its sentence, or null. */
export async function streamProblem(id: string): Promise<string | null> {
  try {
    const response = await fetch(address.stream(id), { headers: { Range: "bytes=0-0" }, cache: "no-store" });
    if (response.ok) {
      await response.body?.cancel();
      return null;
    }
    return readProblem(response.status, await response.text());
  } catch {
    return words.lineLost;
  }
}

/** A header carries ASCII only: the name travels percent-encoded. Half a surrogate pair cannot, and is replaced. */
export function encodeFilename(name: string): string {
  return encodeURIComponent(name.replace(/\p{Surrogate}/gu, "\uFFFD"));
}

export interface Sending {
  answer: Promise<Posted>;
  abort: () => void;
}

/** Posts a file (XMLHttpRequest: fetch does not tell how much has been sent). An abort rejects with an AbortError. */
export function postFile(file: File, onSent: (bytes: number) => void): Sending {
  const request = new XMLHttpRequest();
  const answer = new Promise<Posted>((resolve, reject) => {
    request.open("POST", "instances");
    request.setRequestHeader("Accept", "application/json");
    request.setRequestHeader("Content-Type", file.type || "application/octet-stream");
    request.setRequestHeader("Orthanc-Video-Filename", encodeFilename(file.name));
    request.upload.addEventListener("progress", (event) => onSent(event.loaded));
    request.upload.addEventListener("load", () => onSent(file.size));
    request.addEventListener("abort", () => reject(new DOMException("aborted", "AbortError")));
    request.addEventListener("error", () => reject(new ApiError(0, words.lineLost)));
    request.addEventListener("load", () => {
      if (request.status < 200 || request.status >= 300) {
        reject(new ApiError(request.status, readProblem(request.status, request.responseText)));
        return;
      }
      try {
        resolve(readPosted(JSON.parse(request.responseText)));
      } catch (error) {
        reject(error);
      }
    });
    request.send(file);
  });
  return { answer, abort: () => request.abort() };
}
