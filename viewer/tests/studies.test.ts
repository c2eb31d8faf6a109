import { describe, expect, it } from "vitest";
import { AnswerError } from "../src/answers";
import { asked, byStudy, everything, isEverything, readStudies } from "../src/studies";

const ID = "356a192b-7913b04c-54574d18-c28d46e6-395428ab";
const PATIENT = "da4b9237-bacccdf1-9c0760ca-b7aec4a8-359010b0";

describe("a search", () => {
  it("is asked as the server takes it", () => {
    expect(asked({ patient: "doe", from: "2026-11-01", to: "", description: "colon" })).toEqual({
      ...{ Patient: "doe", From: "20261101", To: "", Description: "colon" },
    });
  });

  it("is one for everything while nothing is said", () => {
    expect(isEverything(everything)).toBe(true);
    expect(isEverything({ ...everything, patient: "  " })).toBe(true);
    expect(isEverything({ ...everything, to: "2026-11-01" })).toBe(false);
  });
});

describe("studies that were found", () => {
  it("are read, but for those without their IDs", () => {
    const study = { ID, ParentPatient: PATIENT, PatientName: "Doe^Jane", PatientBirthDate: "19700101", StudyDate: "20261101" };
    const found = readStudies({ Studies: [study, { ID: "../x", ParentPatient: PATIENT }, null], More: true });
    expect(found.more).toBe(true);
    expect(found.studies).toEqual([
      {
        ...{ id: ID, patient: PATIENT, patientName: "Doe^Jane", patientId: "", birthDate: "19700101" },
        ...{ date: "20261101", description: "", accession: "" },
      },
    ]);
    expect(() => readStudies({})).toThrow(AnswerError);
  });
});

it("videos are in groups of one study each, in the list's order", () => {
  const video = (id: string, studyId: string | null) => ({ id, studyId });
  const videos = [video("a", "1"), video("b", "2"), video("c", null), video("d", "1")];
  expect(byStudy(videos).map((group) => group.map((one) => one.id))).toEqual([["a", "d"], ["b"], ["c"]]);
});
