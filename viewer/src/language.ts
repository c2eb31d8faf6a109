// Which language the page speaks: the browser's where it is one of these, else English.

export type Language = "en" | "de";

const SPOKEN: readonly Language[] = ["en", "de"];

export function chosen(wanted: readonly string[]): Language {
  for (const tag of wanted) {
    const found = SPOKEN.find((language) => tag.toLowerCase().split("-")[0] === language);
    if (found) return found;
  }
  return "en";
}

export const language = chosen(globalThis.navigator?.languages ?? []);

/** A part's sentences in the page's language. */
export function spoken<Words>(all: Record<Language, Words>): Words {
  return all[language];
}

const pointed = (number: string): string => spoken({ en: number, de: number.replace(".", ",") });

/** A number with so many digits after the decimal point, or comma. */
export function decimal(value: number, digits: number): string {
  return pointed(value.toFixed(digits));
}

/** A number with at most so many. */
export function shortest(value: number, digits: number): string {
  return pointed(String(Number(value.toFixed(digits))));
}

export const plural = (count: number, one: string, many: string): string => `${count} ${count === 1 ? one : many}`;
