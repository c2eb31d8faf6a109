// The page around all parts.

import { spoken } from "../language";

const en = {
  title: "Videos",
  explorer: "Orthanc Explorer",
  upload: "Upload",
  uploadLabel: "Upload video files",
  refresh: "Refresh",
  dropHere: "Drop to upload",
  cancel: "Cancel",
  close: "Close",
  again: "Try again",
};

const de: typeof en = {
  title: "Videos",
  explorer: "Orthanc Explorer",
  upload: "Hochladen",
  uploadLabel: "Videodateien hochladen",
  refresh: "Aktualisieren",
  dropHere: "Zum Hochladen loslassen",
  cancel: "Abbrechen",
  close: "Schließen",
  again: "Erneut versuchen",
};

export const words = spoken({ en, de });
