// Studies that are looked for: the question, and its answer, checked. Pure.

import { AnswerError, fields, text } from "./answers";
import { isOrthancId } from "./route";
import { words } from "./words";

/** What is looked for; what is empty counts for nothing. Dates are the browser's: "2026-11-22". */
export interface Sought {
  patient: string;
  from: string;
  to: string;
  description: string;
}

export interface Study {
  id: string;
  patient: string;
  patientName: string;
  patientId: string;
  birthDate: string;
  date: string;
  description: string;
  accession: string;
}

export interface Found {
  studies: Study[];
  /** Whether there are more than these. */
  more: boolean;
}

export const everything: Sought = { patient: "", from: "", to: "", description: "" };

export function isEverything(sought: Sought): boolean {
  return Object.values(sought).every((value: string) => value.trim() === "");
}

/** The question as the server takes it. */
export function asked(sought: Sought): Record<string, string> {
  const day = (date: string): string => date.replaceAll("-", "");
  const { patient, description } = sought;
  return { Patient: patient, From: day(sought.from), To: day(sought.to), Description: description };
}

function readStudy(value: unknown): Study[] {
  const study = fields(value);
  const [id, patient] = [text(study["ID"]), text(study["ParentPatient"])];
  if (!isOrthancId(id) || !isOrthancId(patient)) return [];
  return [
    {
      id,
      patient,
      patientName: text(study["PatientName"]),
      patientId: text(study["PatientID"]),
      birthDate: text(study["PatientBirthDate"]),
      date: text(study["StudyDate"]),
      description: text(study["StudyDescription"]),
      accession: text(study["AccessionNumber"]),
    },
  ];
}

export function readStudies(value: unknown): Found {
  const found = fields(value);
  if (!Array.isArray(found["Studies"])) throw new AnswerError(words.unread.studies);
  return { studies: found["Studies"].flatMap(readStudy), more: found["More"] === true };
}

/** Those of a list in groups of one study each, in the order in which each study comes first. */
export function byStudy<T extends { id: string; studyId: string | null }>(videos: readonly T[]): T[][] {
  const groups = new Map<string, T[]>();
  for (const video of videos) {
    const study = video.studyId ?? video.id;
    groups.set(study, [...(groups.get(study) ?? []), video]);
  }
  return [...groups.values()];
}
