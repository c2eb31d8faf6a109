import { describe, expect, it } from "vitest";
import {
  bytes,
  clock,
  codec,
  date,
  duration,
  frameAt,
  frameRate,
  framesPerSecond,
  frameStamped,
  instant,
  personName,
  pictureSize,
} from "../src/format";

describe("names, dates and sizes", () => {
  it.each([
    ["DOE^JANE", "DOE, JANE"],
    ["Doe^Jane^Q^Dr.^MD", "Doe, Jane Q (Dr., MD)"],
    ["Doe", "Doe"],
    ["^Jane", "Jane"],
    ["Yamada^Tarou=山田^太郎", "Yamada, Tarou"],
    ["=山田^太郎=", "山田, 太郎"],
    ["", ""],
    ["^^^^", ""],
  ])("person name %j", (value, expected) => expect(personName(value)).toBe(expected));

  it.each([
    ["20261121", "2026-11-21"],
    ["2026.11.21", "2026-11-21"],
    ["", ""],
    ["unknown", "unknown"],
  ])("date %j", (value, expected) => expect(date(value)).toBe(expected));

  it("instants", () => {
    expect(instant("2026-11-21T10:00:00Z")).toMatch(/^2026-11-2[012] \d\d:\d\d$/);
    expect(instant("20261121T100000")).toBe(instant("2026-11-21T10:00:00Z"));
    expect(instant("")).toBe("");
    expect(instant("once")).toBe("once");
  });

  it.each([
    [0, "0 bytes"],
    [1, "1 byte"],
    [999, "999 bytes"],
    [1000, "1.0 kB"],
    [9_949, "9.9 kB"],
    [9_950, "10 kB"],
    [999_499, "999 kB"],
    [999_500, "1.0 MB"],
    [2_000_000_000, "2.0 GB"],
    [5e15, "5000 TB"],
  ])("bytes %d", (count, expected) => expect(bytes(count)).toBe(expected));

  it("pictures and codecs", () => {
    expect(pictureSize(1280, 720)).toBe("1280×720");
    expect(pictureSize(0, 720)).toBe("");
    expect(codec("h264")).toBe("H.264");
    expect(codec("theora")).toBe("theora");
  });
});

describe("time", () => {
  it.each([
    [0, "0:00"],
    [10.01, "0:10"],
    [59.6, "1:00"],
    [725, "12:05"],
    [3599.7, "1:00:00"],
    [3723, "1:02:03"],
  ])("duration %d", (seconds, expected) => expect(duration(seconds)).toBe(expected));

  it.each([
    [0, "00:00:00.000"],
    [8.008, "00:00:08.008"],
    [0.0333667, "00:00:00.033"],
    [59.9999, "00:00:59.999"],
    [1.0009999999, "00:00:01.001"],
    [3723.5, "01:02:03.500"],
    [360000, "100:00:00.000"],
    [-1, "00:00:00.000"],
  ])("clock %d", (seconds, expected) => expect(clock(seconds)).toBe(expected));

  it("frame rates", () => {
    expect(framesPerSecond("30000/1001", 33)).toBeCloseTo(29.97003, 5);
    expect(framesPerSecond("25", 0)).toBe(25);
    expect(framesPerSecond("", 40)).toBe(25);
    expect(framesPerSecond("0/0", 40)).toBe(25);
    expect(framesPerSecond("fast", 0)).toBe(0);
    expect(frameRate(30000 / 1001)).toBe("29.97 fps");
    expect(frameRate(25)).toBe("25 fps");
    expect(frameRate(0.125)).toBe("0.125 fps");
    expect(frameRate(0)).toBe("");
  });
});

describe("frame numbers", () => {
  const rates = [24000 / 1001, 25, 30000 / 1001, 50, 60000 / 1001, 300];

  it.each(rates)("each frame of an hour at %d frames/s, from its time", (fps) => {
    const frames = Math.floor(3600 * fps);
    for (let n = 1; n <= frames; n += 997) {
      const start = (n - 1) / fps;
      expect(frameAt(start, fps, frames)).toBe(n);
      expect(frameAt(Math.round(start * 1e6) / 1e6, fps, frames)).toBe(n);
      expect(frameAt(start + 0.5 / fps, fps, frames)).toBe(n);
      expect(frameAt(start + 0.98 / fps, fps, frames)).toBe(n);
      expect(frameStamped(Math.round(start * 1000) / 1000, fps, frames)).toBe(n);
    }
  });

  it("stays within the video", () => {
    expect(frameAt(10.01, 30000 / 1001, 300)).toBe(300);
    expect(frameAt(-1, 25, 300)).toBe(1);
    expect(frameAt(4, 25, 0)).toBe(101);
    expect(frameStamped(99, 25, 300)).toBe(300);
  });

  it("by FrameTime as DICOM writes it", () => {
    const fps = framesPerSecond("", 33.3666666666667);
    expect(frameAt(3600 * 1.001, fps, 0)).toBe(108001);
  });
});
