// The player's panel: what is known of a video.

import type { Job, Quality } from "../answers";
import { decimal, spoken } from "../language";
import { words as work } from "./work";

const running = (job: Job | null): job is Job => job?.state === "Running";

const PREPARING = {
  en: "Browsers do not play this format; a version that they play is being made",
  de: "Browser spielen dieses Format nicht ab; eine Fassung, die sie abspielen, wird erstellt",
};

const en = {
  download: "Download MP4",
  downloadStored: "Download as stored",
  study: "Study in Orthanc Explorer",
  preparing: (job: Job | null) => `${PREPARING.en}: ${running(job) ? work.progress(job) : "waiting for its turn"}`,
  preparingOutOfTouch: `${PREPARING.en}; the server cannot be reached, still trying`,
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
    `PSNR ${decibels(psnr)}, SSIM ${decimal(ssim, 3)}; lowest in frame ${lowestFrame}, ${decibels(lowest)}.`,
  equal: "equal",
  incomplete: "Not all frames of the source could be decoded.",
  proof: "The same before and after, by SHA-256: ",
  fact: {
    patientId: "Patient ID",
    studyDate: "Study date",
    study: "Study",
    series: "Series",
    modality: "Modality",
    taken: "Taken at",
    images: "Images",
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

const de: typeof en = {
  download: "MP4 herunterladen",
  downloadStored: "Wie gespeichert herunterladen",
  study: "Untersuchung im Orthanc Explorer",
  preparing: (job) => `${PREPARING.de}: ${running(job) ? work.progress(job) : "wartet, bis die Reihe daran ist"}`,
  preparingOutOfTouch: `${PREPARING.de}; der Server ist nicht erreichbar, es wird weiter versucht`,
  preparingCancelled: "Das wurde abgebrochen. Wird das Video erneut geöffnet, wird sie doch noch erstellt.",
  playFailed: "Das Video konnte nicht abgespielt werden.",
  decodeFailed: "Dieser Browser kann das Video nicht decodieren. Es kann heruntergeladen werden.",
  about: "Über dieses Video",
  planTitle: "Wie es entstanden ist",
  plan: { wrap: "Verpackt: der Datenstrom ist unverändert", remux: "Umgepackt: die Bilder sind unverändert", transcode: "Umgewandelt" },
  quality: ({ psnr, ssim, lowest, lowestFrame, met }) =>
    `${met ? "" : "Der Quelle weniger ähnlich als verlangt: "}` +
    `PSNR ${decibels(psnr)}, SSIM ${decimal(ssim, 3)}; am wenigsten in Bild ${lowestFrame}, ${decibels(lowest)}.`,
  equal: "gleich",
  incomplete: "Nicht alle Bilder der Quelle konnten decodiert werden.",
  proof: "Vorher und nachher gleich, nach SHA-256: ",
  fact: {
    patientId: "Patienten-ID",
    studyDate: "Untersuchungsdatum",
    study: "Untersuchung",
    series: "Serie",
    modality: "Modalität",
    taken: "Aufgenommen um",
    images: "Einzelbilder",
    received: "Eingegangen",
    duration: "Dauer",
    frames: "Bilder",
    rate: "Bildrate",
    size: "Bildgröße",
    codec: "Codec",
    transferSyntax: "Transfersyntax",
    sopClass: "Art",
    bytes: "Dateigröße",
    uid: "SOP Instance UID",
  },
};

export const words = spoken({ en, de });

function decibels(value: number): string {
  return value >= 100 ? words.equal : `${decimal(value, 1)} dB`;
}
