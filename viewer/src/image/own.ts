// What a picture says itself of its values: by which windows and tables it wants to be seen. Pure.

import type { Grey, Named, Table, Window } from "../cine/values";

export interface Own {
  /** What it opens with, by the modality's values; of eight bits all of them. */
  readonly window: Window;
  /** The VOI LUT that it opens with, by its place; null where that is a window. */
  readonly table: number | null;
  readonly windows: readonly Named[];
  readonly tables: readonly Table[];
  /** Whether the object says what it opens with, or all that was found is shown. */
  readonly said: boolean;
  /** How far from 0 a window may be. */
  readonly reach: number;
}

export const EIGHT_BITS: Own = {
  window: { center: 128, width: 256, shape: "LINEAR" },
  table: null,
  windows: [],
  tables: [],
  said: true,
  reach: 512,
};

const WORDS = (1 << 16) - 1;
const known = new WeakMap<Grey, Own>();

/** From black at the lowest to white at the highest. */
export function between([least, most]: readonly [number, number]): Window {
  return { center: (least + most) / 2, width: most - least, shape: "LINEAR_EXACT" };
}

/** The values that a table tells apart. */
export function spanOf({ first, entries }: Table): Window {
  return between([first, first + entries.length - 1]);
}

export function ownOf(grey: Grey): Own {
  const found = known.get(grey) ?? read(grey);
  known.set(grey, found);
  return found;
}

function read({ slope, intercept, windows, tables, range }: Grey): Own {
  const [first] = windows;
  const [table] = tables;
  const all = [intercept, slope * WORDS + intercept] as const;
  const window = first?.window ?? (table ? spanOf(table) : between(range ?? all));
  const reach = 2 * Math.max(...all.map(Math.abs), Math.abs(window.center), window.width);
  return { window, table: first === undefined && table ? 0 : null, windows, tables, said: first !== undefined || table !== undefined, reach };
}
