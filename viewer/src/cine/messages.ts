// What the page and the worker that decodes say to each other.

import type { Film } from "./film";
import type { Run } from "./plan";
import type { Grey, Words } from "./values";

export type Order = { kind: "film"; film: Film; url: string } | { kind: "run"; id: number; run: Run };

/** Why frames do not come. */
export type Trouble = "unreachable" | "changed" | "undecodable";

export type Report =
  | { kind: "frame"; place: number; frame: VideoFrame }
  /** What frames of values share, before the first that has it; `grey` names it. */
  | { kind: "grey"; name: number; grey: Grey }
  | { kind: "values"; place: number; values: Words; grey: number }
  | { kind: "done"; id: number }
  /** Decoding cannot begin at this key frame: some decoders take no recovery points. */
  | { kind: "refused"; id: number; key: number }
  | { kind: "trouble"; id: number; trouble: Trouble };
