// Uploads and jobs: where they stand.

import type { Job } from "../answers";
import { duration, instant } from "../format";
import { plural, shortest, spoken } from "../language";

interface Progress {
  stages: Record<string, string>;
  rate: (fps: string) => string;
  left: (time: string) => string;
}

const steps = ({ stages, rate, left }: Progress, job: Job): string =>
  [
    `${Math.floor(job.percent)} %${job.stage === "" ? "" : ` (${stages[job.stage.toLowerCase()] ?? job.stage})`}`,
    job.fps === null ? "" : rate(shortest(job.fps, job.fps < 10 ? 3 : 0)),
    job.left === null ? "" : left(duration(job.left)),
  ]
    .filter(Boolean)
    .join(" · ");

const listed = (parts: string[]): string => parts.filter(Boolean).join(", ") + ".";

const inEnglish: Progress = {
  stages: {
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
  },
  rate: (fps) => `${fps} fps`,
  left: (time) => `${time} left`,
};

const inGerman: Progress = {
  stages: {
    probe: "wird geprüft",
    wrap: "wird verpackt",
    remux: "wird umgepackt",
    transcode: "Bilder werden umgewandelt",
    write: "DICOM wird geschrieben",
    check: "Ergebnis wird geprüft",
    store: "wird gespeichert",
    remove: "Altes wird entfernt",
    choose: "Ziel wird gefragt, was es annimmt",
    make: "diese Form wird erstellt",
    send: "wird gesendet",
    wait: "wartet auf den nächsten Versuch",
    verify: "Ziel wird gefragt, ob es angekommen ist",
    keep: "wird auch in Orthanc gespeichert",
  },
  rate: (fps) => `${fps} ${fps === "1" ? "Bild/s" : "Bilder/s"}`,
  left: (time) => `noch ${time}`,
};

const DOING: Record<string, string> = { deliver: "delivered", clip: "cut", stills: "stored", marks: "stored", edit: "edited" };
const TUT: Record<string, string> = {
  deliver: "Wird zugestellt",
  clip: "Wird geschnitten",
  stills: "Wird gespeichert",
  marks: "Wird gespeichert",
  edit: "Wird bearbeitet",
};
const doing = (action: string): string => DOING[action] ?? "converted";
const tut = (action: string): string => TUT[action] ?? "Wird umgewandelt";

const en = {
  uploads: "Uploads",
  jobs: "Work under way",
  jobOf: ({ action, destination, created }: Job) => {
    const when = instant(new Date(created).toISOString());
    return action === "deliver" ? `To ${destination}, ${when}` : `Received ${when}`;
  },
  progress: (job: Job) => steps(inEnglish, job),
  progressOf: (name: string) => `Progress of ${name}`,
  clear: "Clear finished",
  cancelOf: (name: string) => `Cancel ${name}`,
  play: "Play",
  playOf: (name: string) => `Play ${name}`,
  waiting: "Waiting",
  sending: (percent: number, size: string) => `Uploading: ${percent} % of ${size}`,
  lineDown: (percent: number, size: string) => `Nothing gets through at ${percent} % of ${size}: the line or the server is down. It goes on by itself`,
  answering: "Received; being looked at",
  converting: (job: Job) => `Being ${doing(job.action)}: ${steps(inEnglish, job)}`,
  queued: (action: string) => `Being ${doing(action)}: waiting for its turn`,
  outOfTouch: "Being converted; the server cannot be reached, still trying",
  retry: "Try again",
  retryOf: (name: string) => `Try ${name} again`,
  discard: "Discard",
  discardOf: (name: string) => `Discard ${name}`,
  discarded: "Discarded.",
  cancelling: "Cancelling…",
  cancelled: "Cancelled.",
  storedBefore: "It was stored before it could be cancelled.",
  cancelledLate: "Cancelled here, but the server had received it all and may have stored it.",
  storedAs: {
    wrap: "Stored unchanged.",
    remux: "Repacked; the pictures are unchanged.",
    transcode: "Converted.",
    render: "Ready to be played.",
    assign: "Moved to another study or patient.",
    deliver: "Delivered.",
    clip: "Clip stored in the study.",
    stills: "Still stored in the study.",
    marks: "Mark stored in the study.",
    edit: "Copy stored in the study.",
  } as Record<string, string>,
  stored: "Stored.",
  readyToDownload: "Ready to be downloaded.",
  already: "Already stored.",
  archive: (stored: number, already: number, refused: number) =>
    listed([
      `${plural(stored, "DICOM file", "DICOM files")} stored`,
      already > 0 ? `${already} already there` : "",
      refused > 0 ? `${refused} refused` : "",
    ]),
  refused: (status: string) => (status === "FilteredOut" ? "Orthanc's filter refused it." : `Orthanc did not store it: ${status}.`),
  failed: "The conversion failed.",
  jobGone: "The server no longer knows this conversion.",
};

const de: typeof en = {
  uploads: "Hochgeladenes",
  jobs: "Laufende Arbeiten",
  jobOf: ({ action, destination, created }) => {
    const when = instant(new Date(created).toISOString());
    return action === "deliver" ? `An ${destination}, ${when}` : `Eingegangen ${when}`;
  },
  progress: (job) => steps(inGerman, job),
  progressOf: (name) => `Fortschritt von ${name}`,
  clear: "Fertige ausblenden",
  cancelOf: (name) => `${name} abbrechen`,
  play: "Abspielen",
  playOf: (name) => `${name} abspielen`,
  waiting: "Wartet",
  sending: (percent, size) => `Wird hochgeladen: ${percent} % von ${size}`,
  lineDown: (percent, size) => `Bei ${percent} % von ${size} kommt nichts durch: Leitung oder Server ist ausgefallen. Es geht von selbst weiter`,
  answering: "Eingegangen; wird geprüft",
  converting: (job) => `${tut(job.action)}: ${steps(inGerman, job)}`,
  queued: (action) => `${tut(action)}: wartet, bis die Reihe daran ist`,
  outOfTouch: "Wird umgewandelt; der Server ist nicht erreichbar, es wird weiter versucht",
  retry: "Erneut versuchen",
  retryOf: (name) => `${name} erneut versuchen`,
  discard: "Verwerfen",
  discardOf: (name) => `${name} verwerfen`,
  discarded: "Verworfen.",
  cancelling: "Wird abgebrochen…",
  cancelled: "Abgebrochen.",
  storedBefore: "Es war gespeichert, bevor es abgebrochen werden konnte.",
  cancelledLate: "Hier abgebrochen; der Server hatte aber schon alles und hat es vielleicht gespeichert.",
  storedAs: {
    wrap: "Unverändert gespeichert.",
    remux: "Umgepackt; die Bilder sind unverändert.",
    transcode: "Umgewandelt.",
    render: "Kann abgespielt werden.",
    assign: "In eine andere Untersuchung verschoben oder neu zugeordnet.",
    deliver: "Zugestellt.",
    clip: "Clip in der Untersuchung gespeichert.",
    stills: "Standbild in der Untersuchung gespeichert.",
    marks: "Marke in der Untersuchung gespeichert.",
    edit: "Kopie in der Untersuchung gespeichert.",
  },
  stored: "Gespeichert.",
  readyToDownload: "Kann heruntergeladen werden.",
  already: "Schon gespeichert.",
  archive: (stored, already, refused) =>
    listed([
      `${plural(stored, "DICOM-Datei", "DICOM-Dateien")} gespeichert`,
      already > 0 ? `${already} schon da` : "",
      refused > 0 ? `${refused} abgelehnt` : "",
    ]),
  refused: (status) => (status === "FilteredOut" ? "Der Filter von Orthanc hat es abgelehnt." : `Orthanc hat es nicht gespeichert: ${status}.`),
  failed: "Die Umwandlung ist fehlgeschlagen.",
  jobGone: "Der Server kennt diese Umwandlung nicht mehr.",
};

export const words = spoken({ en, de });
