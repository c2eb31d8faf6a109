// Several series in step: one run of moments for all, and the frame of each series at each of them. Pure.

/** What is the same in all series at a moment: the time since they began, the number of the frame, or the share of the whole. */
export type Step = "time" | "frame" | "position";

export interface Member {
  /** By place: when each frame begins, in seconds since the first one. */
  readonly start: Float64Array;
  readonly seconds: number;
  /** How much later than the others it begins: in seconds, in frames, or as a share of itself. */
  readonly offset: Readonly<Record<Step, number>>;
  /** Frames of its own by which it is ahead of what would be due; for what offsets do not tell. */
  readonly correction: number;
}

export interface Score {
  /** The moments at which any series goes on to another frame, in seconds from the first; and when the last is over. */
  readonly start: Float64Array;
  readonly seconds: number;
  /** By member and moment: the place. */
  readonly places: readonly Uint32Array[];
}

/** Moments that are nearer to each other, in seconds, are one. */
const SAME = 1e-6;

export function meanRate({ start, seconds }: Pick<Member, "start" | "seconds">): number {
  return start.length / Math.max(seconds, 1e-3);
}

/** When each frame begins and the last one ends, in common seconds. Frames and shares go by at the lead's mean rate. */
function begins(member: Member, step: Step, lead: Member): Float64Array {
  const { start, seconds } = member;
  const offset = member.offset[step];
  const rate = meanRate(lead);
  const own = (place: number): number => start[place] ?? seconds;
  const when: Record<Step, (place: number) => number> = {
    time: (place) => own(place) + offset,
    frame: (place) => (place + offset) / rate,
    position: (place) => (own(place) / Math.max(seconds, 1e-3) + offset) * lead.seconds,
  };
  return Float64Array.from({ length: start.length + 1 }, (_, place) => when[step](place));
}

/** The same again and again until the common end. */
function repeated(one: Float64Array, end: number): Float64Array {
  const frames = one.length - 1;
  const [first, over] = [one[0] ?? 0, one[frames] ?? 0];
  const rounds = over > first ? Math.max(1, Math.ceil((end - first) / (over - first) - SAME)) : 1;
  return Float64Array.from({ length: rounds * frames + 1 }, (_, at) => {
    return (one[at % frames] ?? 0) + Math.floor(at / frames) * (over - first);
  });
}

function merged(all: readonly Float64Array[], end: number): Float64Array {
  const sorted = Float64Array.from(all.flatMap((one) => [...one])).sort();
  let last = -Infinity;
  return sorted.filter((moment) => {
    const other = moment - last > SAME && end - moment > SAME;
    if (other) last = moment;
    return other;
  });
}

/**
 * `loops`: a series that is shorter than another begins anew by itself; else it stays at its end until all are over.
 * Before it begins, its first frame stands.
 */
export function together(members: readonly Member[], step: Step, loops: boolean): Score {
  const [lead] = members;
  if (lead === undefined) throw new Error("nothing is played together with nothing");
  const own = members.map((member) => begins(member, step, lead));
  const end = Math.max(...own.map((one) => one[one.length - 1] ?? 0));
  const all = loops ? own.map((one) => repeated(one, end)) : own;
  const moments = merged(all.map((one) => one.subarray(0, -1)), end);
  const zero = moments[0] ?? 0;
  const places = members.map((member, at) => follow(all[at] ?? moments, member, moments, loops));
  return { start: moments.map((moment) => moment - zero), seconds: end - zero, places };
}

function follow(begun: Float64Array, { start, correction }: Member, moments: Float64Array, loops: boolean): Uint32Array {
  const frames = start.length;
  let next = 0;
  return Uint32Array.from(moments, (moment) => {
    while (next < begun.length && (begun[next] ?? 0) <= moment + SAME) next += 1;
    const place = Math.max(0, next - 1);
    if (!loops) return Math.max(0, Math.min(Math.min(place, frames - 1) + correction, frames - 1));
    return (((place + correction) % frames) + frames) % frames;
  });
}
