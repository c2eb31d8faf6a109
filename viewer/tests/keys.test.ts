import { describe, expect, it } from "vitest";
import { command, isFullScreen } from "../src/keys";

const plain = { altKey: false, ctrlKey: false, metaKey: false };

describe("keys", () => {
  it("do what editors' keys do", () => {
    const keys = ["j", "K", "l", "ArrowLeft", "ArrowRight", "Home", "End", "i", "o", "x", " ", ",", "."];
    const commands = ["back", "pause", "on", "stepBack", "stepOn", "first", "last", "in", "out", "whole", "toggle", "stepBack", "stepOn"];
    expect(keys.map((key) => command({ ...plain, key }))).toEqual(commands);
  });

  it("make the film as large as the screen", () => {
    const pressed = ["f", "F", "g"].map((key) => isFullScreen({ ...plain, key }));
    expect([...pressed, isFullScreen({ ...plain, key: "f", ctrlKey: true })]).toEqual([true, true, false, false]);
  });

  it("are the browser's where they are part of a combination, or mean nothing here", () => {
    expect(command({ ...plain, key: "l", ctrlKey: true })).toBeNull();
    expect(command({ ...plain, key: "ArrowLeft", altKey: true })).toBeNull();
    expect(command({ ...plain, key: "i", metaKey: true })).toBeNull();
    expect(command({ ...plain, key: "Escape" })).toBeNull();
  });
});
