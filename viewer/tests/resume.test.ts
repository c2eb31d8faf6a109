import { beforeEach, describe, expect, it, vi } from "vitest";
import type { PreviousUpload } from "tus-js-client";
import { Addresses, fingerprint } from "../src/resume";

const file = { name: "Doe^Jane.mp4", size: 4711, lastModified: 1795262242000 };
const upload = { metadata: { filename: file.name }, uploadUrl: "http://x/video/uploads/1" } as unknown as PreviousUpload;

class Kept {
  readonly items = new Map<string, string>();
  get length(): number {
    return this.items.size;
  }
  key = (at: number): string | null => [...this.items.keys()][at] ?? null;
  getItem = (key: string): string | null => this.items.get(key) ?? null;
  setItem = (key: string, value: string): void => void this.items.set(key, value);
  removeItem = (key: string): void => void this.items.delete(key);
  clear = (): void => this.items.clear();
}

describe("a file's fingerprint", () => {
  it("differs with every part and holds no name", () => {
    const prints = [
      file,
      { ...file, name: "Doe^John.mp4" },
      { ...file, size: 4712 },
      { ...file, lastModified: 1795262242001 },
    ].map((one) => fingerprint(one));
    prints.push(fingerprint(file, { PatientName: "Doe^Jane" }));
    expect(new Set(prints).size).toBe(5);
    expect(fingerprint({ ...file })).toBe(prints[0]);
    expect(prints.join()).not.toMatch(/Doe|Jane|mp4/);
  });
});

describe("what the browser remembers", () => {
  let kept: Kept;
  let addresses: Addresses;
  beforeEach(() => {
    vi.useRealTimers();
    kept = new Kept();
    addresses = new Addresses(kept);
  });

  it("is an upload's address and nothing else, until it is forgotten", async () => {
    const key = await addresses.addUpload(fingerprint(file), upload);
    expect([...kept.items.entries()].join()).not.toMatch(/Doe|Jane|mp4/);
    const [found] = await addresses.findUploadsByFingerprint(fingerprint(file));
    expect(found?.uploadUrl).toBe("http://x/video/uploads/1");
    expect(await addresses.findAllUploads()).toHaveLength(1);
    expect(await addresses.findUploadsByFingerprint("1-1-x")).toEqual([]);
    await addresses.removeUpload(key);
    expect(kept.length).toBe(0);
    await addresses.addUpload(fingerprint(file), upload);
    addresses.forget(fingerprint(file));
    expect(kept.length).toBe(0);
  });

  it("is gone after a week", async () => {
    vi.useFakeTimers();
    await addresses.addUpload(fingerprint(file), upload);
    vi.advanceTimersByTime(8 * 24 * 3600 * 1000);
    expect(await addresses.findUploadsByFingerprint(fingerprint(file))).toEqual([]);
    expect(kept.length).toBe(0);
  });

  it("is nothing where the browser keeps nothing", async () => {
    kept.setItem = () => {
      throw new DOMException("full", "QuotaExceededError");
    };
    await addresses.addUpload(fingerprint(file), upload);
    expect(kept.length).toBe(0);
  });
});
