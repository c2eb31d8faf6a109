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

/** A part's sentences in the page's language. */
export function spoken<Words>(all: Record<Language, Words>): Words {
  return all[chosen(globalThis.navigator?.languages ?? [])];
}
