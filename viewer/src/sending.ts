// Sending a file so that a broken line, a restart of the server or a reload of the page costs only a moment: tus 1.0.

import { DetailedError, Upload } from "tus-js-client";
import { readPosted } from "./answers";
import type { Posted } from "./answers";
import { ANSWER, ApiError, failure, getOutcome } from "./api";
import { Addresses, fingerprint } from "./resume";
import type { Told } from "./whose";
import { words } from "./words";

// Two minutes in all: the server is back in seconds, a full spool has room again when some work is done.
const RETRY_MS = [0, 1000, 2000, 4000, 8000, 15_000, 30_000, 60_000];

export interface Sending {
  answer: Promise<Posted>;
  abort: () => void;
}

/** Milliseconds without a byte that gets through, after which a line is said to be down: browsers wait for minutes. */
const SILENCE_MS = 8000;

/** Calls `onSent` as bytes get through, and with `down` where they no longer do. */
class Progress {
  private sent = 0;
  private silence = 0;

  constructor(
    private readonly size: number,
    private readonly onSent: (bytes: number, down: boolean) => void,
  ) {}

  reached(bytes: number): void {
    this.sent = bytes;
    this.onSent(bytes, false);
    clearTimeout(this.silence);
    // What has arrived is being looked at, which takes its time.
    if (bytes < this.size) this.silence = setTimeout(() => this.down(), SILENCE_MS);
  }

  down(): void {
    this.onSent(this.sent, true);
  }

  end(): void {
    clearTimeout(this.silence);
  }
}

/** As tus-js-client decides, but a line that is known to be down may come back as well. */
function mayPass(error: DetailedError): boolean {
  const status = error.originalResponse?.getStatus() ?? 0;
  return status < 400 || status >= 500 || status === 409 || status === 423;
}

/**
 * Sends a file with what is told of it, or the rest of it where an earlier sending of the same broke off. An abort
 * rejects with an AbortError.
 */
export function sendFile(file: File, told: Told, onSent: (bytes: number, down: boolean) => void): Sending {
  const progress = new Progress(file.size, onSent);
  const print = fingerprint(file, told);
  const addresses = new Addresses(localStorage);
  let aborted = false;
  let abort = (): void => undefined;
  const answer = new Promise<Posted>((resolve, reject) => {
    const upload = new Upload(file, {
      endpoint: new URL("video/uploads", document.baseURI).href,
      headers: ANSWER,
      metadata: { ...told, filename: file.name, filetype: file.type || "application/octet-stream" },
      retryDelays: RETRY_MS,
      fingerprint: () => Promise.resolve(print),
      urlStorage: addresses,
      removeFingerprintOnSuccess: true,
      // tus-js-client would begin anew where a gateway that is just starting cannot say yet how much has arrived.
      onAfterResponse: (request, response) => {
        if (request.getMethod() === "HEAD" && response.getStatus() >= 500) throw new Error("not now");
      },
      onProgress: (sent) => progress.reached(sent),
      onShouldRetry: (error) => {
        const again = mayPass(error);
        if (again) progress.down();
        return again;
      },
      onSuccess: ({ lastResponse }) => {
        const body = lastResponse.getBody();
        // A resumed upload may turn out to have arrived already: then its answer has to be asked for.
        if (body === "" && upload.url !== null) getOutcome(upload.url, file.size).then(resolve, reject);
        else resolve(Promise.resolve().then(() => readPosted(JSON.parse(body))));
      },
      onError: (error) => {
        const response = error instanceof DetailedError ? error.originalResponse : null;
        const status = response?.getStatus() ?? 0;
        if (status >= 400 && status < 500) addresses.forget(print);
        reject(status === 0 ? new ApiError(0, words.lineLost) : failure(status, response?.getBody() ?? ""));
      },
    });
    abort = () => {
      aborted = true;
      addresses.forget(print);
      // What has arrived is removed; where that cannot be said to the server, it expires there.
      upload.abort(true).catch(() => undefined);
      reject(new DOMException("aborted", "AbortError"));
    };
    progress.reached(0);
    void upload.findPreviousUploads().then(([earlier]) => {
      if (aborted) return;
      if (earlier !== undefined) upload.resumeFromPreviousUpload(earlier);
      upload.start();
    }, reject);
  });
  void answer.catch(() => undefined).then(() => progress.end());
  return { answer, abort: () => abort() };
}
