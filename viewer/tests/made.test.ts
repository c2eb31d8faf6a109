import { describe, expect, it } from "vitest";
import { between, clip, mark, mask, readMade, readOrdered, still } from "../src/made";
import { picturesOf, placeAt } from "../src/timeline";

const ID = "356a192b-7913b04c-54574d18-c28d46e6-395428ab";

describe("orders", () => {
  it("name frames from 1, the range's both ends included", () => {
    const frames = { start: { frame: 46 }, end: { frame: 100 } };
    expect(clip([45, 99], "mp4")).toEqual({ path: "clips", body: { ...frames, as: "mp4" } });
    expect(still(45, "")).toEqual({ path: "stills", body: { frames: [46] } });
    expect(still(0, "endoscopic").body).toEqual({ frames: [1], as: "endoscopic" });
    expect(mark(45, "For Teaching", " papilla ").body).toEqual({ moments: [{ frame: 46 }], title: "For Teaching", text: "papilla" });
    expect(mark(45, "Of Interest", " ").body).toEqual({ moments: [{ frame: 46 }], title: "Of Interest" });
    const region = { x: 0, y: 0, width: 8, height: 4 };
    expect(mask([region], null, false)).toEqual({ path: "edits", body: { mask: { regions: [region] } } });
    expect(mask([region], [45, 99], true).body).toEqual({ mask: { regions: [region], ranges: [frames] }, burnedInAnnotation: "NO" });
  });
});

describe("a region that is drawn", () => {
  it.each([
    [{ x: 10.2, y: 20.7 }, { x: 30.1, y: 40 }, { x: 10, y: 20, width: 21, height: 20 }],
    [{ x: 30, y: 40 }, { x: 10, y: 20 }, { x: 10, y: 20, width: 20, height: 20 }],
    [{ x: -50, y: -5 }, { x: 1000, y: 3 }, { x: 0, y: 0, width: 320, height: 3 }],
    [{ x: 10, y: 20 }, { x: 10, y: 20 }, null],
    [{ x: -50, y: 20 }, { x: -10, y: 90 }, null],
  ])("from %j to %j", (from, to, region) => expect(between(from, to, 320, 240)).toEqual(region));
});

describe("what was made", () => {
  it("is read with addresses of this server alone", () => {
    const url = `/video/instances/${ID}/clips/a-1.mp4`;
    expect(readMade([{ ID, Url: url }, { Url: "https://elsewhere/x" }, { Url: "//elsewhere/x", ID: "x" }, null])).toEqual([
      { id: ID, url: url.slice(1) },
      { id: null, url: null },
      { id: null, url: null },
      { id: null, url: null },
    ]);
  });

  it("is there at once, or comes by a job", () => {
    expect(readOrdered({ Status: "Processing", Job: "j", Results: [] })).toEqual({ job: "j", made: null });
    expect(readOrdered({ Status: "Success", Job: "j", Results: [{ ID }] })).toEqual({ job: "j", made: [{ id: ID, url: null }] });
  });
});

describe("the timeline", () => {
  it("has a place for each of its points", () => {
    expect([-1, 0, 0.5, 0.999, 1, 2].map((part) => placeAt(part, 300))).toEqual([0, 0, 150, 299, 299, 299]);
    expect(placeAt(0.5, 1)).toBe(0);
  });

  it("has no more pictures than frames", () => expect([1, 4, 300].map(picturesOf)).toEqual([1, 4, 10]));
});
