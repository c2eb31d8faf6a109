// What a key or a button does to a look. Pure.

import { AS_IT_IS, flipped, flippedOver, panned, turned, windowMoved, withGamma, zoomed } from "./look";
import type { Look, Point } from "./look";
import { movedShutter, sizedShutter } from "./shutters";

const STEP = 8; // of 256 in what the picture opens with
const FACTOR = 1.25;
const MOVE = 0.1; // of the screen
const GAMMA = 1.1;
const SIDE = 0.02; // of the screen, on each side
const MIDDLE: Point = [0.5, 0.5];

const moved = (x: number, y: number) => (look: Look): Look => panned(look, MIDDLE, [0.5 + x, 0.5 + y]);

const ACTS = {
  larger: (look) => zoomed(look, FACTOR),
  smaller: (look) => zoomed(look, 1 / FACTOR),
  // The picture moves against the arrow: one looks further to that side.
  lookLeft: moved(MOVE, 0),
  lookRight: moved(-MOVE, 0),
  lookUp: moved(0, MOVE),
  lookDown: moved(0, -MOVE),
  turnRight: (look) => turned(look, 1),
  turnLeft: (look) => turned(look, -1),
  flip: flipped,
  flipOver: flippedOver,
  invert: (look) => ({ ...look, invert: !look.invert }),
  narrower: (look) => windowMoved(look, -STEP, 0),
  wider: (look) => windowMoved(look, STEP, 0),
  brighter: (look) => windowMoved(look, 0, STEP),
  darker: (look) => windowMoved(look, 0, -STEP),
  moreGamma: (look) => withGamma(look, look.gamma * GAMMA),
  lessGamma: (look) => withGamma(look, look.gamma / GAMMA),
  noShutter: (look) => ({ ...look, shutter: null }),
  shutterWider: (look) => sizedShutter(look, SIDE, 0),
  shutterNarrower: (look) => sizedShutter(look, -SIDE, 0),
  shutterTaller: (look) => sizedShutter(look, 0, SIDE),
  shutterLower: (look) => sizedShutter(look, 0, -SIDE),
} as const satisfies Record<string, (look: Look) => Look>;

export type Act = keyof typeof ACTS;

/** What a hand does that drags over the picture. */
export const TOOLS = ["window", "zoom", "pan", "rectangle", "circle"] as const;
export type Tool = (typeof TOOLS)[number];

export type Command = Act | Tool | "placeShutter" | "subtract" | "asItIs" | "overlays" | "texts" | "help";

export function isShutter(tool: Tool): tool is "rectangle" | "circle" {
  return tool === "rectangle" || tool === "circle";
}

export function isAct(command: Command): command is Act {
  return command in ACTS;
}

export function isTool(command: Command): command is Tool {
  return (TOOLS as readonly string[]).includes(command);
}

/** What arrows do instead while a shutter's tool is chosen and there is one. */
const SHUTTER_MOVES: Partial<Record<Act, (look: Look) => Look>> = {
  lookLeft: (look) => movedShutter(look, -SIDE, 0),
  lookRight: (look) => movedShutter(look, SIDE, 0),
  lookUp: (look) => movedShutter(look, 0, -SIDE),
  lookDown: (look) => movedShutter(look, 0, SIDE),
};

export function done(look: Look, act: Act, tool: Tool = "window"): Look {
  const move = isShutter(tool) && look.shutter !== null ? SHUTTER_MOVES[act] : undefined;
  return (move ?? ACTS[act])(look);
}

/** As the film's container has it turned. */
export function asItIs(turns: number): Look {
  return { ...AS_IT_IS, turns };
}

/** In the order in which help tells of them. */
export const KEYS: readonly (readonly [key: string, command: Command])[] = [
  ["1", "window"],
  ["2", "zoom"],
  ["3", "pan"],
  ["4", "rectangle"],
  ["5", "circle"],
  ["+", "larger"],
  ["-", "smaller"],
  ["Shift+ArrowLeft", "lookLeft"],
  ["Shift+ArrowRight", "lookRight"],
  ["Shift+ArrowUp", "lookUp"],
  ["Shift+ArrowDown", "lookDown"],
  ["r", "turnRight"],
  ["Shift+R", "turnLeft"],
  ["m", "flip"],
  ["Shift+M", "flipOver"],
  ["b", "brighter"],
  ["Shift+B", "darker"],
  ["c", "narrower"],
  ["Shift+C", "wider"],
  ["g", "moreGamma"],
  ["Shift+G", "lessGamma"],
  ["n", "invert"],
  ["s", "subtract"],
  ["Enter", "placeShutter"],
  ["w", "shutterWider"],
  ["Shift+W", "shutterNarrower"],
  ["h", "shutterTaller"],
  ["Shift+H", "shutterLower"],
  ["u", "noShutter"],
  ["d", "overlays"],
  ["t", "texts"],
  ["0", "asItIs"],
  ["?", "help"],
];

const BY_KEY = new Map(KEYS);
/** Where a keyboard has plus and question mark is its own affair. */
const SIGNS: Record<string, string> = { "=": "+", "_": "-" };

type Pressed = Pick<KeyboardEvent, "key" | "altKey" | "ctrlKey" | "metaKey" | "shiftKey">;

/** Null for a key that is not about the picture. */
export function imageCommand({ key, altKey, ctrlKey, metaKey, shiftKey }: Pressed): Command | null {
  if (altKey || ctrlKey || metaKey) return null;
  const sign = SIGNS[key] ?? key;
  const letter = /^[a-z]$/i.test(sign);
  const name = letter ? (shiftKey ? `Shift+${sign.toUpperCase()}` : sign.toLowerCase()) : sign.startsWith("Arrow") && shiftKey ? `Shift+${sign}` : sign;
  return BY_KEY.get(name) ?? null;
}
