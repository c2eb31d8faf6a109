// What the page and the worker that decodes say to each other.

import type { Film } from "./film";
import type { Run } from "./plan";
import type { Grey, Words } from "./values";

export type Order =
  | { kind: "film"; film: Film; url: string }
  | { kind: "run"; id: number; run: Run }
  /** What waits to be tried again is tried at once. */
  | { kind: "hurry" }
  /** A frame has come to the page. */
  | { kind: "taken" };

/** An answer of the server's that further tries would not change. */
export interface Refusal {
  readonly status: number;
  readonly body: string;
}

/** Why a frame does not come. "unreachable": it is tried again, for as long as it is wanted. */
export type Trouble = "unreachable" | "changed" | "undecodable" | Refusal;

export type Report =
  | { kind: "frame"; place: number; frame: VideoFrame }
  /** What frames of values share, before the first that has it; `grey` names it. */
  | { kind: "grey"; name: number; grey: Grey }
  | { kind: "values"; place: number; values: Words; grey: number }
  | { kind: "done"; id: number }
  /** No decoder gives the frames in these places. `cut`: since the film begins in the middle of what they lean on. */
  | { kind: "lost"; places: readonly number[]; cut: boolean }
  /** Nothing comes from the server; it is tried again. */
  | { kind: "down" }
  /** Decoding cannot begin at this key frame: some decoders take no recovery points. */
  | { kind: "refused"; id: number; key: number }
  | { kind: "trouble"; id: number; trouble: Trouble };
