import { beforeAll, describe, expect, it, vi } from "vitest";
import type { Job } from "../src/answers";

let format: typeof import("../src/format");
let words: (typeof import("../src/words"))["words"];

beforeAll(async () => {
  vi.stubGlobal("navigator", { languages: ["de-AT", "en"] });
  vi.resetModules();
  format = await import("../src/format");
  ({ words } = await import("../src/words"));
});

const JOB: Job = {
  ...{ id: "j", state: "Running", percent: 37.9, stage: "transcode", fps: 9.5, left: 75 },
  ...{ sentence: "", instance: null, results: null, action: "transcode", destination: "", created: 0 },
};

describe("in German", () => {
  it("dates, times and numbers are written as Germans write them", () => {
    expect(format.date("20261121")).toBe("21.11.2026");
    expect(format.instant("2026-11-21T12:00:00Z")).toMatch(/^2[012]\.11\.2026 \d\d:\d\d$/);
    expect(format.clock(8.008)).toBe("00:00:08,008");
    expect(format.bytes(1500)).toBe("1,5 kB");
    expect(format.bytes(1)).toBe("1 Byte");
    expect(format.frameRate(30000 / 1001)).toBe("29,97 Bilder/s");
    expect(format.frameRate(25)).toBe("25 Bilder/s");
    expect(format.frameRate(1)).toBe("1 Bild/s");
  });

  it("sentences take them up", () => {
    expect(words.converting(JOB)).toBe("Wird umgewandelt: 37 % (Bilder werden umgewandelt) · 9,5 Bilder/s · noch 1:15");
    expect(words.converting({ ...JOB, fps: 1, left: null })).toMatch(/ · 1 Bild\/s$/);
    expect(words.quality({ psnr: 44.49, ssim: 0.99432, lowest: 100, lowestFrame: 7, met: true })).toBe(
      "PSNR 44,5 dB, SSIM 0,994; am wenigsten in Bild 7, gleich.",
    );
    expect(words.videoCount(1)).toBe("1 Video");
    expect(words.form({ kind: "frames", sopClass: "A", syntax: "B", step: 2 })).toBe(
      "Jedes Bild für sich codiert, in einem Objekt, eines von je 2 Bildern: A, B",
    );
  });

  it("why a video was converted is said, where the reason is known", async () => {
    const { told } = await import("../src/words/reasons");
    expect(told("The stream does not begin with a key frame.")).toBe("Der Datenstrom beginnt nicht mit einem Schlüsselbild.");
    expect(told("Some later version's reason.")).toBeNull();
  });

  it("what a failed request means is said, but for what the server says itself", async () => {
    const { readProblem } = await import("../src/answers");
    expect(readProblem(404, "")).toEqual({ sentence: "Der Server kennt das nicht.", theirs: false });
    expect(readProblem(404, '{"detail": "It is gone."}')).toEqual({ sentence: "It is gone.", theirs: true });
  });
});
