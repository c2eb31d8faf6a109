import { describe, expect, it } from "vitest";
import type { Study } from "../src/studies";
import { needsAsking, ofStudy, typedIn } from "../src/whose";

const study = { id: "s", patient: "p" } as Study;

describe("what is told of a video", () => {
  it("is a study that it joins, or a new one of the patient", () => {
    expect(ofStudy(study, false, "left out")).toEqual({ ParentStudy: "s" });
    expect(ofStudy(study, true, " Colonoscopy ")).toEqual({ ParentPatient: "p", StudyDescription: "Colonoscopy" });
    expect(ofStudy(study, true, "")).toEqual({ ParentPatient: "p" });
  });

  it("is what was typed in, nothing of what is empty", () => {
    expect(typedIn({ PatientName: " Doe^Jane ", PatientID: "", PatientBirthDate: "1970-01-31" })).toEqual({
      ...{ PatientName: "Doe^Jane", PatientBirthDate: "19700131" },
    });
    expect(typedIn({ PatientID: "  " })).toEqual({});
  });
});

describe("files that are asked about", () => {
  const dicom = new File([new Uint8Array(128), "DICM"], "a");
  const zip = new File(["PK\x03\x04"], "b");
  const film = new File(["film"], "c");
  it.each([
    [[dicom, zip], false],
    [[film], true],
    [[dicom, film], true],
  ])("%#", async (files, asked) => expect(await needsAsking(files)).toBe(asked));
});
