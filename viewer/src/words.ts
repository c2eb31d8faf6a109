// Everything the page says, in one place, so that a second language is a second table.

import type { Job, Quality } from "./answers";
import { duration } from "./format";

const plural = (count: number, one: string, many: string): string => `${count} ${count === 1 ? one : many}`;

const STAGES: Record<string, string> = {
  probe: "looking at it",
  wrap: "wrapping",
  remux: "repacking",
  transcode: "converting the pictures",
  write: "writing DICOM",
  check: "checking the result",
  store: "storing",
  remove: "removing the old one",
};

const ACTIONS: Record<string, string> = {
  wrap: "Stored unchanged.",
  remux: "Repacked; the pictures are unchanged.",
  transcode: "Converted.",
  render: "Ready to be played.",
  assign: "Moved to another study or patient.",
};

const decibels = (value: number): string => (value >= 100 ? "equal" : `${value.toFixed(1)} dB`);

const PREPARING = "Browsers do not play this format; a version that they play is being made";

const progress = ({ percent, stage, fps, left }: Job): string =>
  [
    `${Math.floor(percent)} %${stage === "" ? "" : ` (${STAGES[stage.toLowerCase()] ?? stage})`}`,
    fps === null ? "" : `${fps < 10 ? fps : Math.round(fps)} fps`,
    left === null ? "" : `${duration(left)} left`,
  ]
    .filter(Boolean)
    .join(" · ");

export const words = {
  title: "Videos",
  explorer: "Orthanc Explorer",
  upload: "Upload",
  uploadLabel: "Upload video files",
  refresh: "Refresh",
  dropHere: "Drop to upload",
  videoCount: (count: number) => plural(count, "video", "videos"),

  empty: "Nothing here yet: drop a film",
  emptyHint: "MP4, MOV, WebM, MKV, AVI, MPEG, TS… or DICOM. It becomes standard DICOM video.",
  loading: "Loading…",
  listFailed: "The list could not be loaded.",
  again: "Try again",
  previous: "Previous",
  next: "Next",
  pages: "Pages",
  range: (from: number, to: number, total: number) => `${from}–${to} of ${total}`,
  noName: "No name",
  noDate: "No study date",
  idOf: (id: string) => `ID ${id}`,

  uploads: "Uploads",
  jobs: "Conversions",
  jobOf: (instant: string) => `Received ${instant}`,
  progressOf: (name: string) => `Progress of ${name}`,
  clear: "Clear finished",
  cancel: "Cancel",
  cancelOf: (name: string) => `Cancel ${name}`,
  play: "Play",
  playOf: (name: string) => `Play ${name}`,
  waiting: "Waiting",
  sending: (percent: number, size: string) => `Uploading: ${percent} % of ${size}`,
  answering: "Received; being looked at",
  converting: (job: Job) => `Being converted: ${progress(job)}`,
  queued: "Being converted: waiting for its turn",
  outOfTouch: "Being converted; the server cannot be reached, still trying",
  retry: "Try again",
  retryOf: (name: string) => `Try ${name} again`,
  discard: "Discard",
  discardOf: (name: string) => `Discard ${name}`,
  discarded: "Discarded.",
  cancelling: "Cancelling…",
  cancelled: "Cancelled.",
  cancelledLate: "Cancelled here, but the server had received it all and may have stored it.",
  stored: (action: string) => ACTIONS[action] ?? "Stored.",
  already: "Already stored.",
  archive: (stored: number, already: number, refused: number) =>
    [
      `${plural(stored, "DICOM file", "DICOM files")} stored`,
      already > 0 ? `${already} already there` : "",
      refused > 0 ? `${refused} refused` : "",
    ]
      .filter(Boolean)
      .join(", ") + ".",
  refused: (status: string) => (status === "FilteredOut" ? "Orthanc's filter refused it." : `Orthanc did not store it: ${status}.`),
  failed: "The conversion failed.",
  jobGone: "The server no longer knows this conversion.",
  lineLost: "The connection was lost, or the file could not be read.",

  close: "Close",
  download: "Download MP4",
  downloadStored: "Download as stored",
  study: "Study in Orthanc Explorer",
  frame: "Frame",
  ofFrames: (frames: number) => `of ${frames}`,
  time: "Time",
  videoLabel: (date: string) => (date === "" ? "Video" : `Video of ${date}`),
  preparing: (job: Job | null) => `${PREPARING}: ${job?.state === "Running" ? progress(job) : "waiting for its turn"}`,
  preparingOutOfTouch: `${PREPARING}; the server cannot be reached, still trying`,
  preparingCancelled: "It was cancelled. Open the video again to have it made.",
  playFailed: "The video could not be played.",
  decodeFailed: "This browser cannot decode the video. It can be downloaded.",
  about: "About this video",
  planTitle: "How it came to be",
  plan: { wrap: "Wrapped: the stream is unchanged", remux: "Repacked: the pictures are unchanged", transcode: "Converted" } as Record<
    string,
    string
  >,
  quality: ({ psnr, ssim, lowest, lowestFrame, met }: Quality) =>
    `${met ? "" : "Less like its source than is demanded: "}` +
    `PSNR ${decibels(psnr)}, SSIM ${ssim.toFixed(3)}; lowest in frame ${lowestFrame}, ${decibels(lowest)}.`,
  incomplete: "Not all frames of the source could be decoded.",
  proof: "The same before and after, by SHA-256: ",
  fact: {
    patientId: "Patient ID",
    studyDate: "Study date",
    study: "Study",
    received: "Received",
    duration: "Duration",
    frames: "Frames",
    rate: "Frame rate",
    size: "Picture size",
    codec: "Codec",
    transferSyntax: "Transfer syntax",
    sopClass: "Kind",
    bytes: "File size",
    uid: "SOP Instance UID",
  },
};
