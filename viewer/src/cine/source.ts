// Where the engine has its frames from.

import type { Trouble } from "./messages";
import type { Grey, Words } from "./values";

/** A frame's grey values, and what their object says of them. */
export interface Values extends Words {
  readonly grey: Grey;
  close: () => void;
}

export type Frame = VideoFrame | Values;

export function isValues(frame: object): frame is Values {
  return "grey" in frame;
}

export interface Source {
  /** By place, in the order of presentation: when each frame begins, in seconds since the first one. */
  readonly start: Float64Array;
  /** When the last of them is over. */
  readonly seconds: number;
  /** Frames that it can hold, about. */
  readonly room: number;
  /** A frame's picture if it is there; it is the source's, and drawn at once. */
  get: (place: number) => Frame | null;
  /** The frames that are wanted, the present one first: whatever of them is not there is fetched. `hurried`: faster than the film
   * itself goes. */
  want: (path: readonly number[], hurried?: boolean) => void;
  /** Whether no decoder gives a frame: it will not come. */
  isLost: (place: number) => boolean;
  /** Why the frame that is wanted now does not come; null where it is there, or under way. */
  readonly trouble: Trouble | null;
  /** What waits to be tried again is tried at once, also what was refused. */
  hurry: () => void;
  /** The nearest frame at or before a place that can be had at once, without those before it. */
  keyBefore: (place: number) => number;
  close: () => void;
}
