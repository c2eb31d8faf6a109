// Sending a file so that a broken line, a restart of the server or a reload of the page costs only a moment: tus 1.0.

import { DetailedError, Upload } from "tus-js-client";
import { readPosted } from "./answers";
import type { Posted } from "./answers";
import { ApiError, failure, getOutcome } from "./api";
import { Addresses, fingerprint } from "./resume";
import type { Told } from "./whose";
import { words } from "./words";

// Two minutes in all: the server is back in seconds, a full spool has room again when some work is done.
const RETRY_MS = [0, 1000, 2000, 4000, 8000, 15_000, 30_000, 60_000];

export interface Sending {
  answer: Promise<Posted>;
  abort: () => void;
}

/**
 * Sends a file with what is told of it, or the rest of it where an earlier sending of the same broke off. An abort
 * rejects with an AbortError.
 */
export function sendFile(file: File, told: Told, onSent: (bytes: number) => void): Sending {
  const print = fingerprint(file, told);
  const addresses = new Addresses(localStorage);
  let aborted = false;
  let abort = (): void => undefined;
  const answer = new Promise<Posted>((resolve, reject) => {
    const upload = new Upload(file, {
      endpoint: new URL("video/uploads", document.baseURI).href,
      headers: { Accept: "application/json" },
      metadata: { ...told, filename: file.name, filetype: file.type || "application/octet-stream" },
      retryDelays: RETRY_MS,
      fingerprint: () => Promise.resolve(print),
      urlStorage: addresses,
      removeFingerprintOnSuccess: true,
      // tus-js-client would begin anew where a gateway that is just starting cannot say yet how much has arrived.
      onAfterResponse: (request, response) => {
        if (request.getMethod() === "HEAD" && response.getStatus() >= 500) throw new Error("not now");
      },
      onProgress: (sent) => onSent(sent),
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
    void upload.findPreviousUploads().then(([earlier]) => {
      if (aborted) return;
      if (earlier !== undefined) upload.resumeFromPreviousUpload(earlier);
      upload.start();
    }, reject);
  });
  return { answer, abort: () => abort() };
}
