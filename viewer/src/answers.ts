// Reading the API's answers: anything in, checked and complete values out. Pure.

import { isOrthancId } from "./route";
import { words } from "./words";

export interface Plan {
  action: string;
  reasons: string[];
}

/** How near a re-encoded film is to its source: PSNR in dB, 100 where equal, SSIM up to 1; over all and of the worst frame. */
export interface Quality {
  psnr: number;
  ssim: number;
  lowest: number;
  lowestFrame: number;
  /** Whether it is as much as the server demands. */
  met: boolean;
}

export interface Video {
  id: string;
  sopInstanceUid: string;
  sopClass: string;
  transferSyntaxUid: string;
  transferSyntax: string;
  studyId: string | null;
  seriesId: string | null;
  modality: string;
  seriesNumber: string;
  seriesDescription: string;
  /** DICOM's: "101530.5". */
  contentTime: string;
  patientName: string;
  patientId: string;
  studyDate: string;
  studyDescription: string;
  rows: number;
  columns: number;
  frames: number;
  /** Milliseconds from one frame to the next; 0 when not known. */
  frameTime: number;
  seconds: number;
  /** Frames per second as a fraction, "30000/1001". */
  rate: string;
  codec: string;
  bytes: number;
  /** Whether the object holds a stream that can be downloaded as it is; false for films of single pictures. */
  stream: boolean;
  /** Browsers play what is stored; else they play what the server makes of it. */
  playable: boolean;
  /** What there is to say of what the server made of it. */
  remark: string;
  received: string;
  plan: Plan | null;
  quality: Quality | null;
  /** Of the frames in the source: whether all were decoded whole; null where nothing was re-encoded. */
  complete: boolean | null;
  /** The digest that the pictures had before and after; empty where they were re-encoded or changed. */
  unchanged: string;
}

export interface Page {
  videos: Video[];
  total: number;
  since: number;
}

export type JobState = "Pending" | "Running" | "Success" | "Failure" | "DeadLetter" | "Cancelled";

export interface Job {
  id: string;
  state: JobState;
  percent: number;
  stage: string;
  /** Frames per second and seconds to go; null when not known. */
  fps: number | null;
  left: number | null;
  sentence: string;
  instance: string | null;
  /** What it made of a video, as it is told; see made.ts. */
  results: unknown;
  action: string;
  /** Of a delivery: the name of where it goes. */
  destination: string;
  /** Milliseconds since 1970. */
  created: number;
}

export function hasEnded(job: Job): boolean {
  return job.state !== "Pending" && job.state !== "Running";
}

/** What became of a posted file. */
export type Posted =
  | { kind: "stored"; id: string; already: boolean; video: boolean; plan: Plan | null }
  | { kind: "job"; id: string; job: string; plan: Plan | null }
  | { kind: "archive"; stored: number; already: number; refused: number }
  | { kind: "refused"; status: string };

export class AnswerError extends Error {}

type Fields = Record<string, unknown>;

export function fields(value: unknown): Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

export function text(value: unknown): string {
  return typeof value === "string" ? value.trim() : typeof value === "number" ? String(value) : "";
}

export function amount(value: unknown): number {
  const number = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
  return typeof number === "number" && Number.isFinite(number) && number > 0 ? number : 0;
}

/** Bytes in base64; throws AnswerError with the sentence `otherwise` where it is none. */
export function binary(value: unknown, otherwise: string): Uint8Array {
  try {
    return Uint8Array.from(atob(text(value)), (character) => character.charCodeAt(0));
  } catch {
    throw new AnswerError(otherwise);
  }
}

function orthancId(value: unknown): string | null {
  return typeof value === "string" && isOrthancId(value) ? value : null;
}

export function sentences(value: unknown): string[] {
  return Array.isArray(value) ? value.map(text).filter((sentence) => sentence !== "") : [];
}

function readPlan(value: unknown): Plan | null {
  const plan = fields(value);
  const action = text(plan["Action"]);
  const reasons = sentences(plan["Reasons"]);
  return action === "" && reasons.length === 0 ? null : { action, reasons };
}

function readQuality(value: unknown): Quality | null {
  const quality = fields(value);
  const psnr = fields(quality["PSNR"]);
  const whole = amount(psnr["Whole"]);
  if (whole === 0) return null;
  return {
    psnr: whole,
    ssim: amount(fields(quality["SSIM"])["Whole"]),
    lowest: amount(psnr["Lowest"]),
    lowestFrame: amount(quality["LowestFrame"]),
    met: quality["Met"] === true,
  };
}

function readComplete(value: unknown): boolean | null {
  const complete = fields(value)["Complete"];
  return typeof complete === "boolean" ? complete : null;
}

function readUnchanged(value: unknown): string {
  const proof = fields(value);
  return proof["Equal"] === true ? text(proof["Result"]) : "";
}

export function readVideo(value: unknown): Video {
  const item = fields(value);
  const id = orthancId(item["ID"]);
  if (id === null) throw new AnswerError(words.unread.video);
  return {
    id,
    sopInstanceUid: text(item["SOPInstanceUID"]),
    sopClass: text(item["SOPClass"]) || text(item["SOPClassUID"]),
    transferSyntaxUid: text(item["TransferSyntaxUID"]),
    transferSyntax: text(item["TransferSyntax"]) || text(item["TransferSyntaxUID"]),
    studyId: orthancId(item["ParentStudy"]),
    seriesId: orthancId(item["ParentSeries"]),
    modality: text(item["Modality"]),
    seriesNumber: text(item["SeriesNumber"]),
    seriesDescription: text(item["SeriesDescription"]),
    contentTime: text(item["ContentTime"]),
    patientName: text(item["PatientName"]),
    patientId: text(item["PatientID"]),
    studyDate: text(item["StudyDate"]),
    studyDescription: text(item["StudyDescription"]),
    rows: amount(item["Rows"]),
    columns: amount(item["Columns"]),
    frames: amount(item["NumberOfFrames"]),
    frameTime: amount(item["FrameTime"]),
    seconds: amount(item["Seconds"]),
    rate: text(item["Rate"]),
    codec: text(item["Codec"]),
    bytes: amount(item["Size"]),
    stream: item["Stream"] !== false,
    playable: item["Playable"] !== false,
    remark: text(fields(item["Rendition"])["Sentence"]),
    received: text(item["Received"]),
    plan: readPlan(item["Plan"]),
    quality: readQuality(item["Quality"]),
    complete: readComplete(item["Frames"]),
    unchanged: readUnchanged(item["Pictures"]),
  };
}

export function readPage(value: unknown): Page {
  const page = fields(value);
  if (!Array.isArray(page["Instances"])) throw new AnswerError(words.unread.videos);
  const videos = page["Instances"].map(readVideo);
  const since = amount(page["Since"]);
  const atLeast = videos.length > 0 ? since + videos.length : 0;
  return { videos, since, total: Math.max(amount(page["Total"]), atLeast) };
}

const JOB_STATES: readonly string[] = ["Pending", "Running", "Success", "Failure", "DeadLetter", "Cancelled"] satisfies JobState[];

export function readJob(value: unknown): Job {
  const job = fields(value);
  const state = text(job["State"]);
  if (!JOB_STATES.includes(state)) throw new AnswerError(words.unread.job);
  return {
    id: text(job["ID"]),
    state: state as JobState,
    percent: Math.min(100, amount(job["Progress"])),
    stage: text(job["Stage"]),
    fps: amount(job["FramesPerSecond"]) || null,
    left: typeof job["SecondsLeft"] === "number" ? amount(job["SecondsLeft"]) : null,
    sentence: text(job["Sentence"]),
    instance: orthancId(job["Instance"]),
    results: job["Results"] ?? null,
    action: text(job["Action"]),
    destination: text(job["Destination"]),
    created: amount(job["Created"]),
  };
}

export function readJobs(value: unknown): Job[] {
  const found = fields(value)["Jobs"];
  return Array.isArray(found) ? found.map(readJob) : [];
}

/** The answer to a posted file; an array when Orthanc unpacked an archive. */
export function readPosted(value: unknown): Posted {
  if (Array.isArray(value)) {
    const states = value.map((item) => text(fields(item)["Status"]));
    const count = (state: string): number => states.filter((one) => one === state).length;
    const [stored, already] = [count("Success"), count("AlreadyStored")];
    return { kind: "archive", stored, already, refused: states.length - stored - already };
  }
  const answer = fields(value);
  const status = text(answer["Status"]);
  const video = fields(answer["Video"]);
  const job = text(video["Job"]);
  const id = orthancId(answer["ID"]);
  const plan = readPlan(video);
  if (status === "Processing" && job !== "") return { kind: "job", id: id ?? "", job, plan };
  if ((status === "Success" || status === "AlreadyStored") && id !== null) {
    return { kind: "stored", id, already: status === "AlreadyStored", video: "Video" in answer, plan };
  }
  if (status === "") throw new AnswerError(words.unread.upload);
  return { kind: "refused", status };
}

/** The job that an answer says to wait for; null when it is about something else. */
export function readPreparing(status: number, body: string): string | null {
  if (status !== 503) return null;
  try {
    return text(fields(JSON.parse(body))["Job"]) || null;
  } catch {
    return null;
  }
}

/** The sentence of an error answer: a problem document's detail (RFC 9457), Orthanc's own message, or ours on the status. */
export function readProblem(status: number, body: string): { sentence: string; theirs: boolean } {
  let problem: Fields = {};
  try {
    problem = fields(JSON.parse(body));
  } catch {
    // not JSON: an intermediate server's page, of which only the status is worth telling
  }
  const told = text(problem["detail"]) || text(problem["Message"]) || text(problem["title"]);
  return { sentence: told || (words.answers[status] ?? words.answered(status)), theirs: told !== "" };
}
