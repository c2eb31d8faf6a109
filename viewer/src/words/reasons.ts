// Why a video was converted as it was, or sent in the form that it was: the server's sentences, which objects and
// deliveries keep in English, in the page's language. Pure. The table is data, since the server's tests hold its sentences
// against it.
//
// Holes of the table are filled alike on both sides: {codec} with what stays as it is, {rate,} with a number, which gets
// a decimal comma, and {sound:} with words that are translated by "parts". The first part that matches holds: lists are
// parts, too, behind all that may have a comma or an "or" within and before what may have anything.

import { language } from "../language";
import table from "./reasons.json";

interface Rule {
  pattern: RegExp;
  german: string;
}

const HOLE = /\{(\w+)([,:]?)\}/g;
const NUMBER = String.raw`-?[\d.]+(?:e[+-]?\d+)?`;

function rules(pairs: string[][]): Rule[] {
  return pairs.map(([english = "", german = ""]) => {
    const plain = english.replace(/[.*+?^$()|[\]\\]/g, String.raw`\$&`);
    const source = plain.replace(HOLE, (_, name: string, kind: string) => `(?<${name}>${kind === "," ? NUMBER : ".+?"})`);
    return { pattern: new RegExp(`^${source}$`), german };
  });
}

const sentences = rules(table.sentences);
const parts = rules(table.parts);

function filled(by: Rule[], english: string): string | null {
  for (const { pattern, german } of by) {
    const found = pattern.exec(english);
    if (!found) continue;
    return german.replace(HOLE, (_, name: string, kind: string) => {
      const value = found.groups?.[name] ?? "";
      if (kind === ",") return value.replace(".", ",");
      return kind === ":" ? (filled(parts, value) ?? value) : value;
    });
  }
  return null;
}

/** A reason in German; null where it is not known. */
export const inGerman = (reason: string): string | null => filled(sentences, reason);

/** A reason in the page's language; null where it has to stay in English. */
export const told = (reason: string): string | null => (language === "de" ? inGerman(reason) : null);
