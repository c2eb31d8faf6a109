// How well frames kept to their times: what was shown, left out, and off by more than is allowed. Pure.

/** Seconds that a frame may be on screen before or after its time. */
export const ALLOWED = 0.02;
/** Times are counted in steps of so many seconds, up to half a second: an hour of them takes no more room than a moment. */
const [STEP, STEPS] = [1e-4, 5000];
/** Misses that are remembered one by one. */
const REMEMBERED = 1000;

/** A frame that was shown off its time, or after others had been left out, or time had stood still. */
export interface Miss {
  readonly place: number;
  /** Seconds after its time; below zero: before it. */
  readonly by: number;
  /** Whether that is more than is allowed. */
  readonly late: boolean;
  /** Frames left out since the one shown before. */
  readonly dropped: number;
  /** Seconds for which time stood still before it, since it was not there. */
  readonly stood: number;
}

export interface TimingReport {
  readonly shown: number;
  readonly dropped: number;
  /** Of those shown: off by more than is allowed. */
  readonly late: number;
  /** Seconds for which time stood still. */
  readonly stood: number;
  /** Seconds: 95 of 100 frames shown were no farther off their times; null before the first. */
  readonly jitter: number | null;
  /** The first thousand. */
  readonly misses: readonly Miss[];
}

export class Timing {
  /** What was wrong with the frame on screen; null where it came at its time. */
  miss: Miss | null = null;
  /** Frames left out so far. */
  dropped = 0;
  private shown = 0;
  private late = 0;
  private readonly misses: Miss[] = [];
  /** By how far it was off: how many frames. */
  private readonly counts = new Uint32Array(STEPS);
  private stood = 0;
  /** Since the frame on screen came. */
  private droppedSince = 0;
  private stoodSince = 0;

  /** So many frames were passed over; below zero: as many of them come after all. */
  pass(frames: number): void {
    this.dropped += frames;
    this.droppedSince += frames;
  }

  /** Time stood still for so many seconds, which counts for no frame's time. */
  stand(seconds: number): void {
    this.stood += seconds;
    this.stoodSince += seconds;
  }

  /** A frame came on screen so many seconds after its time. */
  show(place: number, by: number): void {
    const off = Math.abs(by);
    const late = off > ALLOWED;
    const [dropped, stood] = [this.droppedSince, this.stoodSince];
    this.shown += 1;
    this.counts[Math.min(Math.floor(off / STEP), STEPS - 1)]! += 1;
    if (late) this.late += 1;
    this.miss = late || dropped > 0 || stood > 0 ? { place, by, late, dropped, stood } : null;
    if (this.miss !== null && this.misses.length < REMEMBERED) this.misses.push(this.miss);
    [this.droppedSince, this.stoodSince] = [0, 0];
  }

  report(): TimingReport {
    const { shown, dropped, late, stood, misses } = this;
    return { shown, dropped, late, stood, jitter: this.within(0.95), misses };
  }

  /** So many seconds off at most was this share of the frames (nearest rank, to the end of its step). */
  private within(share: number): number | null {
    if (this.shown === 0) return null;
    let left = Math.ceil(share * this.shown);
    const step = this.counts.findIndex((count) => (left -= count) <= 0);
    return (step + 1) * STEP;
  }
}
