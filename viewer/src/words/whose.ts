// Whose a video is, asked before it is uploaded.

import { plural, spoken } from "../language";

const en = {
  whose: "Whose video is it?",
  filesToSend: (count: number) => plural(count, "file", "files"),
  find: "Find in Orthanc",
  findStudy: "Patient or study",
  studies: "Studies found",
  born: (date: string) => `born ${date}`,
  newStudy: "As a new study of this patient",
  byHand: "Not in Orthanc yet: type it in",
  told: {
    PatientName: "Name (Family^Given)",
    PatientID: "Patient ID",
    PatientBirthDate: "Date of birth",
    StudyDescription: "Study description",
    AccessionNumber: "Accession number",
  },
  uploadFor: (name: string) => `Upload for ${name}`,
  uploadSaid: "Upload with this",
  uploadUnsaid: "Upload without",
  unsaidHint: "Without it, the file's own date and the server's rules count; it can be moved to a patient later.",
};

const de: typeof en = {
  whose: "Von wem ist das Video?",
  filesToSend: (count) => plural(count, "Datei", "Dateien"),
  find: "In Orthanc suchen",
  findStudy: "Person oder Untersuchung",
  studies: "Gefundene Untersuchungen",
  born: (date) => `geboren ${date}`,
  newStudy: "Als neue Untersuchung dieser Person",
  byHand: "Noch nicht in Orthanc: selbst eintragen",
  told: {
    PatientName: "Name (Familienname^Vorname)",
    PatientID: "Patienten-ID",
    PatientBirthDate: "Geburtsdatum",
    StudyDescription: "Beschreibung der Untersuchung",
    AccessionNumber: "Auftragsnummer (Accession Number)",
  },
  uploadFor: (name) => `Für ${name} hochladen`,
  uploadSaid: "Damit hochladen",
  uploadUnsaid: "Ohne Angabe hochladen",
  unsaidHint: "Ohne Angabe gelten das Datum der Datei und die Regeln des Servers; zuordnen lässt es sich auch später.",
};

export const words = spoken({ en, de });
