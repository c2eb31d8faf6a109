import { expect, it } from "vitest";
import { groupHash, memberOfSeries, MOST_TOGETHER, readGroup, readHash, readMember, readSeriesHash, seriesHash, videoHash } from "../src/route";

const ID = "356a192b-7913b04c-54574d18-c28d46e6-395428ab";

it("keeps the selected video in the hash", () => expect(readHash(videoHash(ID))).toBe(ID));

it.each(["", "#", "#/", "#/v/", "#/v/1", `#/v/${ID}/x`, `#/w/${ID}`, `#/v/${ID.toUpperCase()}`, "#/v/..%2f..%2finstances"])(
  "%j is the list",
  (hash) => expect(readHash(hash)).toBeNull(),
);

const OTHERS = [...Array(12).keys()].map((number) => ID.slice(0, -1) + number.toString(16));

it("keeps videos that are shown together in the hash, each once, and not too many", () => {
  expect(readGroup(groupHash(OTHERS.slice(0, 4)))).toEqual(OTHERS.slice(0, 4));
  expect(readGroup(groupHash([ID, ID]))).toEqual([ID]);
  expect(readGroup(groupHash(OTHERS))).toHaveLength(MOST_TOGETHER);
  expect(readHash(groupHash([ID]))).toBeNull();
});

it("keeps series of single pictures among them", () => {
  const group = readGroup(groupHash([ID, memberOfSeries(ID)])) ?? [];
  expect(group.map(readMember)).toEqual([null, ID]);
  expect(readGroup("#/g/s-")).toBeNull();
  expect(readSeriesHash(seriesHash(ID))).toBe(ID);
});

it.each(["#/g/", "#/g/1", `#/g/${ID},`, `#/g/${ID},x`, `#/v/${ID}`, `#/g/${ID}/${ID}`])("%j shows none together", (hash) =>
  expect(readGroup(hash)).toBeNull(),
);
