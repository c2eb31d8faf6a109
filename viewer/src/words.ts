// Everything the page says, in one place, so that a second language is a second table.

import type { Job, Quality } from "./answers";
import type { Attempt, Delivery, Form } from "./delivery";
import { duration, instant } from "./format";

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
  choose: "asking what is taken there",
  make: "making this form of it",
  send: "sending",
  wait: "waiting to try again",
  verify: "asking whether it is there",
  keep: "storing it in Orthanc, too",
};

const ACTIONS: Record<string, string> = {
  wrap: "Stored unchanged.",
  remux: "Repacked; the pictures are unchanged.",
  transcode: "Converted.",
  render: "Ready to be played.",
  assign: "Moved to another study or patient.",
  deliver: "Delivered.",
};

const FORMS: Record<string, string> = {
  stored: "As it is stored",
  rewrapped: "In other packaging, its coded pictures unchanged",
  transcoded: "Re-encoded as a video",
  frames: "Each frame coded by itself, in one object",
  stills: "Each frame as an image of its own, in one series",
};

const PROOFS: Record<string, string> = {
  "storage commitment": "The destination has committed itself to keeping it (storage commitment).",
  "C-FIND": "Asked afterwards, the destination finds it (C-FIND).",
  "its answer alone": "The destination said that it has stored it; it cannot be asked whether that is so.",
};

const RESULTS: Record<string, string> = { Success: "Stored there", Failure: "Failed", Refused: "Refused" };

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

const doing = (action: string): string => (action === "deliver" ? "delivered" : "converted");

const form = ({ kind, sopClass, syntax, step }: Form): string => {
  const kept = step > 1 ? `, one frame of every ${step}` : "";
  return `${FORMS[kind] ?? kind}${kept}: ${sopClass}, ${syntax}`;
};

const stands = (delivery: Delivery): string => {
  switch (delivery.state) {
    case "Pending":
      return "Waiting for its turn";
    case "Running":
      if (delivery.stage === "wait") return "Waiting to try again";
      return delivery.stage === "waiting" ? "Waiting for its turn" : `Under way: ${progress(delivery)}`;
    case "Success":
      return "Delivered";
    case "Cancelled":
      return "Cancelled";
    default:
      return "Not delivered";
  }
};

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
  jobs: "Work under way",
  jobOf: ({ action, destination, created }: Job) => {
    const when = instant(new Date(created).toISOString());
    return action === "deliver" ? `To ${destination}, ${when}` : `Received ${when}`;
  },
  progressOf: (name: string) => `Progress of ${name}`,
  clear: "Clear finished",
  cancel: "Cancel",
  cancelOf: (name: string) => `Cancel ${name}`,
  play: "Play",
  playOf: (name: string) => `Play ${name}`,
  waiting: "Waiting",
  sending: (percent: number, size: string) => `Uploading: ${percent} % of ${size}`,
  answering: "Received; being looked at",
  converting: (job: Job) => `Being ${doing(job.action)}: ${progress(job)}`,
  queued: (action: string) => `Being ${doing(action)}: waiting for its turn`,
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
  plainInsecure:
    "Played by the browser alone, since this page came over an unprotected line: steps may be off by a frame, and there is no reverse, " +
    "no range and no exact rate. With HTTPS, or on the server itself, all of that is there.",
  plainUnable:
    "Played by the browser alone, since it cannot decode this video frame by frame: steps may be off by a frame, and there is no " +
    "reverse, no range and no exact rate.",
  plainChosen: "Played by the browser alone, with sound if there is any: steps may be off by a frame, and there is no reverse.",
  exact: "Back to exact frames",
  plain: "With sound",
  plainTitle: "Play by the browser's own player, which plays sound, but is not exact to the frame",
  cineTrouble: {
    unreachable: "The video cannot be loaded at the moment. Any move tries again.",
    changed: "The video has changed on the server. Open it again.",
    undecodable: "This frame cannot be decoded. The others may be.",
  },
  transport: "Playing",
  firstFrame: "First frame of the range (Home)",
  lastFrame: "Last frame of the range (End)",
  stepBack: "One frame back (left arrow)",
  stepOn: "One frame on (right arrow)",
  playBack: "Play backwards (J)",
  pauseNow: "Pause (K)",
  playOn: "Play (L)",
  markIn: "Range begins here (I)",
  markOut: "Range ends here (O)",
  wholeRange: "Whole video (X)",
  position: "Frame",
  rate: "Frames per second",
  realTime: "real time",
  atEnd: "At the end",
  atEnds: { restart: "restart", swing: "swing back", stop: "stop" },
  rangeOf: (first: number, last: number) => `Range ${first}–${last}`,
  leftOut: (count: number) => `${plural(count, "frame", "frames")} left out`,
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
  deliveries: "Deliveries",
  destination: "Destination",
  send: "Send",
  sendAgain: "Send again",
  sendAgainOf: (name: string) => `Send again to ${name}`,
  tryAgainOf: (name: string) => `Try again to send to ${name}`,
  cancelDeliveryOf: (name: string) => `Cancel sending to ${name}`,
  noDestinations: "Orthanc knows no modality and no DICOMweb server to send it to.",
  noDeliveries: "It has not been sent anywhere.",
  deliveriesLost: "How the deliveries stand cannot be asked now; still trying.",
  delivery: (delivery: Delivery) => stands(delivery),
  deliveredBy: (asked: string, created: number) =>
    `${asked === "rule" ? "By a rule" : "On request"}, ${instant(new Date(created).toISOString())}`,
  form,
  deliveryProof: (proof: string) => PROOFS[proof] ?? proof,
  attempts: (count: number) => plural(count, "attempt", "attempts"),
  attempt: ({ at, result }: Attempt) => `${instant(at)}: ${RESULTS[result] ?? result}`,
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
