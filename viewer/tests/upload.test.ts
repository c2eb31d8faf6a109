import { describe, expect, it } from "vitest";
import type { Job } from "../src/answers";
import { isShown } from "../src/jobs";
import { afterAnswer, isFinal, waiting, whileCancelling, whileJob, whileSending } from "../src/standing";

const ID = "356a192b-7913b04c-54574d18-c28d46e6-395428ab";
const job = (change: Partial<Job>): Job => ({
  ...{ id: "j", state: "Running", percent: 0, stage: "", fps: null, left: null },
  ...{ sentence: "", instance: null, results: null, action: "", destination: "", created: 0, ...change },
});

describe("an upload's standing", () => {
  it("goes from waiting over percents to the answer awaited", () => {
    expect(isFinal(waiting)).toBe(false);
    expect(whileSending(0, 200)).toMatchObject({ state: "sending", percent: 0 });
    expect(whileSending(199, 200)).toMatchObject({ state: "sending", percent: 99 });
    expect(whileSending(200, 200)).toMatchObject({ state: "answering", percent: null });
    expect(whileSending(0, 0)).toMatchObject({ state: "answering", percent: null });
  });

  it("says that nothing gets through", () => {
    expect(whileSending(50, 200, true)).toMatchObject({ state: "sending", percent: 25 });
    expect(whileSending(50, 200, true).sentence).toMatch(/^Nothing gets through at 25 % of 200 bytes: .* It goes on by itself$/);
    expect(whileSending(200, 200, true)).toMatchObject({ state: "answering", percent: null });
  });

  it("says what its cancelling came to", () => {
    expect(whileCancelling(whileJob(job({ percent: 5 })))).toMatchObject({ percent: 5, sentence: "Cancelling…" });
    expect(whileCancelling(whileJob(job({ state: "Cancelled" })))).toMatchObject({ state: "cancelled", sentence: "Cancelled." });
    const late = whileCancelling(whileJob(job({ state: "Success", instance: ID })));
    expect(late).toMatchObject({ state: "stored", sentence: "It was stored before it could be cancelled.", video: ID });
  });

  it("follows the job", () => {
    expect(whileJob(job({ state: "Pending" }))).toMatchObject({ state: "processing", percent: null });
    expect(whileJob(job({ state: "Pending", action: "deliver" })).sentence).toBe("Being delivered: waiting for its turn");
    expect(whileJob(job({ action: "deliver", percent: 37.9, stage: "send" })).sentence).toBe("Being delivered: 37 % (sending)");
    expect(whileJob(job({ percent: 37.9, stage: "transcode" }))).toMatchObject({
      state: "processing",
      percent: 37.9,
      sentence: "Being converted: 37 % (converting the pictures)",
    });
    expect(whileJob(job({ percent: 5, stage: "polishing" })).sentence).toBe("Being converted: 5 % (polishing)");
    expect(whileJob(job({ percent: 5, stage: "check", fps: 93.6, left: 75 })).sentence).toBe(
      "Being converted: 5 % (checking the result) · 94 fps · 1:15 left",
    );
    expect(whileJob(job({ percent: 5, fps: 0.4 })).sentence).toBe("Being converted: 5 % · 0.4 fps");
    expect(whileJob(job({ state: "Success", instance: ID, action: "remux" }))).toEqual({
      state: "stored",
      percent: null,
      sentence: "Repacked; the pictures are unchanged.",
      theirs: false,
      video: ID,
    });
    expect(whileJob(job({ state: "Failure", sentence: "Cut off." }))).toMatchObject({ state: "failed", sentence: "Cut off.", theirs: true });
    expect(whileJob(job({ state: "Failure" })).sentence).not.toBe("");
    expect(whileJob(job({ state: "Cancelled" }))).toMatchObject({ state: "cancelled" });
  });

  it("ends with the answer when no job goes on", () => {
    const stored = { kind: "stored", id: ID, already: false, video: true, plan: null } as const;
    expect(afterAnswer(stored)).toMatchObject({ state: "stored", sentence: "Stored.", video: ID });
    expect(afterAnswer({ ...stored, already: true })).toMatchObject({ state: "stored", sentence: "Already stored." });
    expect(afterAnswer({ ...stored, video: false })).toMatchObject({ state: "stored", video: null });
    expect(afterAnswer({ kind: "archive", stored: 1, already: 2, refused: 0 })).toMatchObject({
      state: "stored",
      sentence: "1 DICOM file stored, 2 already there.",
    });
    expect(afterAnswer({ kind: "archive", stored: 0, already: 0, refused: 3 })).toMatchObject({ state: "failed" });
    expect(afterAnswer({ kind: "refused", status: "FilteredOut" })).toMatchObject({ state: "failed" });
    expect(afterAnswer({ kind: "job", id: ID, job: "j", plan: null })).toBeNull();
  });
});

describe("the jobs that have a row", () => {
  it.each([
    ["Pending", 0, true],
    ["Running", 0, true],
    ["Success", 9_000_000, false],
    ["Cancelled", 9_000_000, false],
    ["DeadLetter", 0, true],
    ["Failure", 9_000_000, true],
    ["Failure", 1_000_000, false],
  ] as const)("%s of %d: %s", (state, created, shown) => expect(isShown(job({ state, created }), 9_500_000)).toBe(shown));

  it.each([
    ["Pending", false],
    ["Running", true],
    ["Failure", false],
  ] as const)("a rendition that is %s: %s", (state, shown) =>
    expect(isShown(job({ state, action: "render", created: 9_000_000 }), 9_500_000)).toBe(shown));
});

