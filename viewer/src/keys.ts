// What a key does to a film. Pure.

export type Command = "back" | "pause" | "on" | "toggle" | "stepBack" | "stepOn" | "first" | "last" | "in" | "out" | "whole";

export const COMMANDS: Record<string, Command> = {
  j: "back",
  k: "pause",
  l: "on",
  " ": "toggle",
  arrowleft: "stepBack",
  arrowright: "stepOn",
  home: "first",
  end: "last",
  i: "in",
  o: "out",
  x: "whole",
};

/** Null for a key that is the browser's, or of a combination. */
export function command(event: Pick<KeyboardEvent, "key" | "altKey" | "ctrlKey" | "metaKey">): Command | null {
  if (event.altKey || event.ctrlKey || event.metaKey) return null;
  return COMMANDS[event.key.toLowerCase()] ?? null;
}
