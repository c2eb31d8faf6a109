// The list of videos.

import { plural, spoken } from "../language";

const en = {
  videoCount: (count: number) => plural(count, "video", "videos"),
  empty: "Nothing here yet: drop a film",
  emptyHint: "MP4, MOV, WebM, MKV, AVI, MPEG, TS… or DICOM. It becomes standard DICOM video.",
  loading: "Loading…",
  listFailed: "The list could not be loaded.",
  previous: "Previous",
  next: "Next",
  pages: "Pages",
  range: (from: number, to: number, total: number) => `${from}–${to} of ${total}`,
  noName: "No name",
  noDate: "No study date",
  idOf: (id: string) => `ID ${id}`,
  seriesNumber: (number: string) => `Series ${number}`,
  images: (count: number) => plural(count, "image", "images"),
};

const de: typeof en = {
  videoCount: (count) => plural(count, "Video", "Videos"),
  empty: "Noch nichts da: einen Film hierher ziehen",
  emptyHint: "MP4, MOV, WebM, MKV, AVI, MPEG, TS… oder DICOM. Daraus wird DICOM-Video nach dem Standard.",
  loading: "Wird geladen…",
  listFailed: "Die Liste konnte nicht geladen werden.",
  previous: "Zurück",
  next: "Weiter",
  pages: "Seiten",
  range: (from, to, total) => `${from}–${to} von ${total}`,
  noName: "Ohne Namen",
  noDate: "Ohne Untersuchungsdatum",
  idOf: (id) => `ID ${id}`,
  seriesNumber: (number) => `Serie ${number}`,
  images: (count) => plural(count, "Bild", "Bilder"),
};

export const words = spoken({ en, de });
