import { expect, it } from "vitest";
import { AnswerError } from "../src/answers";
import { readSeries, readSeriesList, withoutVideos } from "../src/series";

const ID = "356a192b-7913b04c-54574d18-c28d46e6-395428ab";
const OTHER = "da4b9237-bacccdf1-9c0760ca-b7aec4a8-359010b0";
const SERIES = { ID, Instance: OTHER, Instances: 20, Modality: "CT", SeriesDescription: "Lung", PatientName: "Doe^Jane" };

it("a series is told of as a video is, but that it is no object", () => {
  const { id, instance, count, about } = readSeries(SERIES);
  expect([id, instance, count]).toEqual([ID, OTHER, 20]);
  expect(about).toMatchObject({ id: ID, seriesId: ID, modality: "CT", seriesDescription: "Lung", patientName: "Doe^Jane", sopInstanceUid: "" });
});

it.each([null, {}, { ...SERIES, ID: "../x" }, { ...SERIES, Instance: "" }])("%j is none", (value) => {
  expect(() => readSeries(value)).toThrow(AnswerError);
  expect(() => readSeriesList({ Series: [value] })).toThrow(AnswerError);
  expect(() => readSeriesList(value)).toThrow(AnswerError);
});

it("a video stands for its series", () => {
  const held = readSeriesList({ Series: [SERIES, { ...SERIES, ID: OTHER }] });
  const { about } = held[0]!;
  expect(withoutVideos(held, [{ ...about, seriesId: OTHER }]).map(({ id }) => id)).toEqual([ID]);
});
