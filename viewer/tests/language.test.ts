import { expect, it } from "vitest";
import { chosen } from "../src/language";

it.each([
  [["de-AT", "en"], "de"],
  [["fr", "DE"], "de"],
  [["en-GB", "de"], "en"],
  [["fr"], "en"],
  [[], "en"],
])("of %j it speaks %s", (wanted, language) => expect(chosen(wanted)).toBe(language));
