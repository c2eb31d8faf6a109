import { beforeEach, describe, expect, it, vi } from "vitest";
import { KEYS } from "../src/image/commands";
import { COMMANDS, FULL_SCREEN } from "../src/keys";

async function named(language: string): Promise<(key: string) => string> {
  vi.stubGlobal("navigator", { languages: [language] });
  vi.resetModules();
  return (await import("../src/keysHelp")).keyName;
}

beforeEach(() => vi.unstubAllGlobals());

describe("keys are named as on a keyboard", () => {
  it("in English", async () => {
    const name = await named("en");
    const keys = ["arrowleft", "home", "end", " ", "j", ",", "Shift+ArrowLeft", "Shift+R", "+", "-", "Enter", "?"];
    expect(keys.map(name)).toEqual(["←", "Home", "End", "Space", "J", ",", "Shift+←", "Shift+R", "+", "-", "Enter", "?"]);
  });

  it("in German", async () => {
    const name = await named("de");
    const keys = ["arrowright", "home", "end", " ", "Shift+ArrowUp", "Shift+R", "+", "Enter"];
    expect(keys.map(name)).toEqual(["→", "Pos1", "Ende", "Leertaste", "Umschalt+↑", "Umschalt+R", "+", "Eingabe"]);
  });

  it("and none is there twice", () => {
    const keys = [...Object.keys(COMMANDS), FULL_SCREEN, ...KEYS.map(([key]) => key)].map((key) => (/^\w$/.test(key) ? key.toLowerCase() : key));
    expect(new Set(keys).size).toBe(keys.length);
  });
});
