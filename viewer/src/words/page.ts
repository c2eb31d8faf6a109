// The page around all parts.

import { plural, spoken } from "../language";

const en = {
  title: "Videos",
  explorer: "Orthanc Explorer",
  upload: "Upload",
  uploadLabel: "Upload video files",
  refresh: "Refresh",
  dropHere: "Drop to upload",
  uploadRuns: (files: number) => `${plural(files, "file is", "files are")} being uploaded: the list shows how it goes.`,
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
  uploadRuns: (files) => `${plural(files, "Datei wird", "Dateien werden")} hochgeladen: Die Liste zeigt, wie weit es ist.`,
  cancel: "Abbrechen",
  close: "Schließen",
  again: "Erneut versuchen",
};

export const words = spoken({ en, de });
