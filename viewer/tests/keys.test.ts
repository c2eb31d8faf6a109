import { describe, expect, it } from "vitest";
import { command } from "../src/keys";

const plain = { altKey: false, ctrlKey: false, metaKey: false };

describe("keys", () => {
  it("do what editors' keys do", () => {
    const keys = ["j", "K", "l", "ArrowLeft", "ArrowRight", "Home", "End", "i", "o", "x", " "];
    const commands = ["back", "pause", "on", "stepBack", "stepOn", "first", "last", "in", "out", "whole", "toggle"];
    expect(keys.map((key) => command({ ...plain, key }))).toEqual(commands);
  });

  it("are the browser's where they are part of a combination, or mean nothing here", () => {
    expect(command({ ...plain, key: "l", ctrlKey: true })).toBeNull();
    expect(command({ ...plain, key: "ArrowLeft", altKey: true })).toBeNull();
    expect(command({ ...plain, key: "i", metaKey: true })).toBeNull();
    expect(command({ ...plain, key: "Escape" })).toBeNull();
  });
});
