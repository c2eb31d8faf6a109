// Looking for studies.

import { spoken } from "../language";

const en = {
  search: "Search",
  searchFor: "Search for videos",
  patient: "Patient",
  patientHint: "Name or ID",
  from: "From",
  to: "To",
  description: "Description",
  everything: "Show all",
  nothingFound: "No video fits this search.",
  noStudyFound: "No study fits this search.",
  moreStudies: "There are more: say more of the patient or the study.",
};

const de: typeof en = {
  search: "Suchen",
  searchFor: "Videos suchen",
  patient: "Person",
  patientHint: "Name oder ID",
  from: "Von",
  to: "Bis",
  description: "Beschreibung",
  everything: "Alle zeigen",
  nothingFound: "Zu dieser Suche gibt es kein Video.",
  noStudyFound: "Zu dieser Suche gibt es keine Untersuchung.",
  moreStudies: "Es gibt noch mehr: bitte genauer suchen.",
};

export const words = spoken({ en, de });
