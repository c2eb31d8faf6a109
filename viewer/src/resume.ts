// What the browser remembers of an unfinished upload, to go on with it after a reload: its address, under a hash.

import type { PreviousUpload, UrlStorage } from "tus-js-client";

const PREFIX = "upload:";
// The server has forgotten it by then.
const FORGOTTEN_MS = 7 * 24 * 3600 * 1000;

/**
 * Tells a file again without its name, which may be a patient's, and what was told of it: told otherwise it is another
 * upload. Size and time are the better part of it.
 */
export function fingerprint(
  file: { name: string; size: number; lastModified: number },
  told: Readonly<Record<string, string>> = {},
): string {
  const more = Object.keys(told).length === 0 ? "" : JSON.stringify(told);
  return `${file.size}-${file.lastModified}-${hash(file.name + more)}`;
}

// cyrb53 (public domain): crypto.subtle exists on https and localhost only.
function hash(text: string): string {
  let [a, b] = [0xdeadbeef, 0x41c6ce57];
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    a = Math.imul(a ^ unit, 2654435761);
    b = Math.imul(b ^ unit, 1597334677);
  }
  a = Math.imul(a ^ (a >>> 16), 2246822507) ^ Math.imul(b ^ (b >>> 13), 3266489909);
  b = Math.imul(b ^ (b >>> 16), 2246822507) ^ Math.imul(a ^ (a >>> 13), 3266489909);
  return (4294967296 * (2097151 & b) + (a >>> 0)).toString(36);
}

/** The addresses of unfinished uploads, each with the time it was kept; nothing else of what tus-js-client would keep. */
export class Addresses implements UrlStorage {
  constructor(private readonly storage: Storage) {}

  findAllUploads(): Promise<PreviousUpload[]> {
    return Promise.resolve(
      [...Array(this.storage.length).keys()]
        .map((at) => this.storage.key(at) ?? "")
        .filter((key) => key.startsWith(PREFIX))
        .flatMap((key) => this.read(key)),
    );
  }

  findUploadsByFingerprint(print: string): Promise<PreviousUpload[]> {
    return Promise.resolve(this.read(PREFIX + print));
  }

  addUpload(print: string, upload: PreviousUpload): Promise<string> {
    // A browser that keeps nothing for this page still uploads; it only cannot go on after a reload.
    try {
      this.storage.setItem(PREFIX + print, `${Date.now()} ${upload.uploadUrl ?? ""}`);
    } catch {
      return Promise.resolve("");
    }
    return Promise.resolve(PREFIX + print);
  }

  removeUpload(key: string): Promise<void> {
    this.storage.removeItem(key);
    return Promise.resolve();
  }

  forget(print: string): void {
    this.storage.removeItem(PREFIX + print);
  }

  private read(key: string): PreviousUpload[] {
    const [kept, uploadUrl] = (this.storage.getItem(key) ?? "").split(" ");
    if (!uploadUrl || !(Date.now() - Number(kept) < FORGOTTEN_MS)) {
      this.storage.removeItem(key);
      return [];
    }
    return [{ size: null, metadata: {}, creationTime: "", urlStorageKey: key, uploadUrl, parallelUploadUrls: null }];
  }
}
