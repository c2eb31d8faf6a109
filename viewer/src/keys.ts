// What a key does to a film. Pure.

export type Command = "back" | "pause" | "on" | "toggle" | "stepBack" | "stepOn" | "first" | "last" | "in" | "out" | "whole";

export const COMMANDS: Record<string, Command> = {
  j: "back",
  k: "pause",
  l: "on",
  " ": "toggle",
  arrowleft: "stepBack",
  arrowright: "stepOn",
  ",": "stepBack",
  ".": "stepOn",
  home: "first",
  end: "last",
  i: "in",
  o: "out",
  x: "whole",
};

type Pressed = Pick<KeyboardEvent, "key" | "altKey" | "ctrlKey" | "metaKey">;

/** Of the page's part that a film is in, whatever plays it. */
export const FULL_SCREEN = "f";

export function isFullScreen({ key, altKey, ctrlKey, metaKey }: Pressed): boolean {
  return !altKey && !ctrlKey && !metaKey && key.toLowerCase() === FULL_SCREEN;
}

/** Null for a key that is the browser's, or of a combination. */
export function command(event: Pressed): Command | null {
  if (event.altKey || event.ctrlKey || event.metaKey) return null;
  return COMMANDS[event.key.toLowerCase()] ?? null;
}
