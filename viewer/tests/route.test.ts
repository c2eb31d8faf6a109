import { expect, it } from "vitest";
import { readHash, videoHash } from "../src/route";

const ID = "356a192b-7913b04c-54574d18-c28d46e6-395428ab";

it("keeps the selected video in the hash", () => expect(readHash(videoHash(ID))).toBe(ID));

it.each(["", "#", "#/", "#/v/", "#/v/1", `#/v/${ID}/x`, `#/w/${ID}`, `#/v/${ID.toUpperCase()}`, "#/v/..%2f..%2finstances"])(
  "%j is the list",
  (hash) => expect(readHash(hash)).toBeNull(),
);
