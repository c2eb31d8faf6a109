import { describe, expect, it } from "vitest";
import { AnswerError, readJob, readJobs, readPage, readPosted, readPreparing, readProblem, readVideo } from "../src/answers";
import { words } from "../src/words";

const ID = "356a192b-7913b04c-54574d18-c28d46e6-395428ab";
const VIDEO = {
  ID,
  SOPInstanceUID: "1.2.3",
  SOPClassUID: "1.2.840.10008.5.1.4.1.1.77.1.4.1",
  SOPClass: "Video Photographic Image Storage",
  TransferSyntaxUID: "1.2.840.10008.1.2.4.102",
  TransferSyntax: "MPEG-4 AVC/H.264 High Profile / Level 4.1",
  ParentStudy: ID,
  PatientName: "DOE^JANE",
  PatientID: "4711",
  StudyDate: "20261121",
  StudyDescription: "",
  Rows: 720,
  Columns: 1280,
  NumberOfFrames: 300,
  FrameTime: 33.3666666666667,
  Seconds: 10.01,
  Rate: "30000/1001",
  Codec: "h264",
  Size: 1234,
  Playable: true,
  Received: "2026-11-21T10:00:00Z",
  Plan: { Action: "remux", Reasons: ["one", "", 2] },
  Quality: null,
  Frames: null,
  Pictures: { Algorithm: "SHA-256 of all coded slices", Source: "ab", Result: "ab", Equal: true },
};

describe("a video", () => {
  it("is read whole", () => {
    expect(readVideo(VIDEO)).toMatchObject({
      id: ID,
      studyId: ID,
      rows: 720,
      frames: 300,
      frameTime: 33.3666666666667,
      stream: true,
      playable: true,
      plan: { action: "remux", reasons: ["one", "2"] },
      quality: null,
      complete: null,
      unchanged: "ab",
    });
  });

  it("tells what its conversion cost", () => {
    const figure = { Whole: 44.49, Percentile1: 43.33, Lowest: 38.01 };
    const like = { Whole: 0.99432, Percentile1: 0.99, Lowest: 0.9 };
    const Quality = { PSNR: figure, SSIM: like, VMAF: null, LowestFrame: 7, Met: false };
    const found = readVideo({ ...VIDEO, Quality, Frames: { Complete: false }, Pictures: null });
    expect(found).toMatchObject({ complete: false, unchanged: "" });
    expect(found.quality).toEqual({ psnr: 44.49, ssim: 0.99432, lowest: 38.01, lowestFrame: 7, met: false });
    expect(words.quality(found.quality!)).toBe(
      "Less like its source than is demanded: PSNR 44.5 dB, SSIM 0.994; lowest in frame 7, 38.0 dB.",
    );
  });

  it("claims no proof where the pictures changed", () => {
    expect(readVideo({ ...VIDEO, Pictures: { Source: "ab", Result: "cd", Equal: false } }).unchanged).toBe("");
  });

  it("is read from little, and from text where numbers should be", () => {
    expect(readVideo({ ID, Rows: "720", Seconds: null, Plan: null, ParentStudy: "javascript:alert(1)" })).toMatchObject({
      rows: 720,
      seconds: 0,
      plan: null,
      studyId: null,
      patientName: "",
      stream: true,
      playable: true,
    });
    expect(readVideo({ ID, TransferSyntaxUID: "1.2" }).transferSyntax).toBe("1.2");
    expect(readVideo({ ID, Playable: false }).playable).toBe(false);
    expect(readVideo({ ID, Stream: false }).stream).toBe(false);
    expect(readVideo({ ID, Playable: false, Rendition: null }).remark).toBe("");
    expect(readVideo({ ID, Rendition: { State: "Success", Sentence: "One frame is lost." } }).remark).toBe("One frame is lost.");
  });

  it.each([null, 1, "x", [], {}, { ID: "../../etc" }])("is not made of %j", (value) => {
    expect(() => readVideo(value)).toThrow(AnswerError);
  });
});

describe("a page", () => {
  it("is read", () => {
    const page = readPage({ Instances: [VIDEO], Total: 51, Since: 50 });
    expect([page.videos.length, page.total, page.since]).toEqual([1, 51, 50]);
  });
  it("has a total even when none is told", () => {
    expect(readPage({ Instances: [VIDEO], Since: 50 }).total).toBe(51);
    expect(readPage({ Instances: [] }).total).toBe(0);
  });
  it("must have a list", () => expect(() => readPage({})).toThrow(AnswerError));
});

describe("a job", () => {
  it("is read", () => {
    const pace = { FramesPerSecond: 93.6, SecondsLeft: 0 };
    const job = { ID: "j", State: "Running", Progress: 37.5, Stage: "transcode", ...pace, Sentence: "", Instance: null };
    const read = {
      ...{ id: "j", state: "Running", percent: 37.5, stage: "transcode", fps: 93.6, left: 0 },
      ...{ sentence: "", instance: null, results: null, action: "remux", destination: "", created: 7 },
    };
    expect(readJob({ ...job, Action: "remux", Created: 7 })).toEqual(read);
    expect(readJob({ ...job, FramesPerSecond: null, SecondsLeft: null })).toMatchObject({ fps: null, left: null });
    expect(readJob({ ID: "j", State: "Running" })).toMatchObject({ fps: null, left: null });
    expect(readJob({ State: "Success", Progress: 300, Instance: ID })).toMatchObject({ percent: 100, instance: ID });
  });
  it("is one of a list", () => {
    expect(readJobs({ Jobs: [{ ID: "a", State: "Pending" }, { ID: "b", State: "Failure" }] }).map((job) => job.id)).toEqual(["a", "b"]);
    expect(readJobs({})).toEqual([]);
  });
  it("must have a known state", () => expect(() => readJob({ State: "Dancing" })).toThrow(AnswerError));
});

describe("the answer to a posted file", () => {
  it.each([
    ["a DICOM file", { ID, Status: "Success" }, { kind: "stored", id: ID, already: false, video: false, plan: null }],
    [
      "a video at once",
      { ID, Status: "Success", Video: { Job: "j", Action: "wrap", Reasons: [] } },
      { kind: "stored", id: ID, already: false, video: true, plan: { action: "wrap", reasons: [] } },
    ],
    ["the same again", { ID, Status: "AlreadyStored" }, { kind: "stored", id: ID, already: true, video: false, plan: null }],
    [
      "longer work",
      { ID, Status: "Processing", Video: { Job: "j", Action: "transcode", Reasons: ["why"] } },
      { kind: "job", id: ID, job: "j", plan: { action: "transcode", reasons: ["why"] } },
    ],
    [
      "a zip",
      [{ Status: "Success" }, { Status: "Success" }, { Status: "AlreadyStored" }, { Status: "FilteredOut" }, null],
      { kind: "archive", stored: 2, already: 1, refused: 2 },
    ],
    ["Orthanc's filter", { ID, Status: "FilteredOut" }, { kind: "refused", status: "FilteredOut" }],
  ])("%s", (_name, value, expected) => expect(readPosted(value)).toEqual(expected));

  it("must say something", () => expect(() => readPosted({})).toThrow(AnswerError));
});

describe("a problem's sentence", () => {
  it.each([
    [415, '{"title":"t","detail":"The file is text.","Message":"m"}', "The file is text."],
    [400, '{"Message":"Bad file format","HttpStatus":400}', "Bad file format"],
    [500, '{"title":"Internal Server Error"}', "Internal Server Error"],
    [503, "<html>nginx</html>", "The server is not ready: try again in a moment."],
    [413, "", "The file is larger than the server takes."],
    [418, "[]", "The server answered 418."],
  ])("%d %s", (status, body, expected) => expect(readProblem(status, body).sentence).toBe(expected));
});

describe("what is being prepared", () => {
  it.each([
    [503, '{"title":"Being prepared","Job":"rendition-1"}', "rendition-1"],
    [503, '{"title":"Temporarily unavailable"}', null],
    [422, '{"Job":"rendition-1"}', null],
    [503, "<html>nginx</html>", null],
  ])("%d %s", (status, body, expected) => expect(readPreparing(status, body)).toBe(expected));
});
