// Frames of fewer pixels, where those of all do not come in time: the same places, at the same size on screen.

import type { Trouble } from "./messages";
import type { Frame, Source } from "./source";

export type Size = readonly [width: number, height: number];
/** Makes a source of the frames at a part of their width and height, to be shown at `size`; null where there is none. */
export type Smaller = (scale: number, size: Size, signal: AbortSignal) => Promise<Source | null>;

/** Milliseconds that frames may be missing while it plays, and those that one look at it counts at most. */
const [PATIENCE, LOOK] = [1500, 250];
/** More frames than these are wanted only while it plays. */
const STANDING = 8;
const SMALLEST = 1 / 4;

export class Fitted implements Source {
  readonly start: Float64Array;
  readonly seconds: number;
  /** What is shown while the frames of the present source have not come yet. */
  private before: Source | null = null;
  private scale = 1;
  private size: Size | null = null;
  private wanted = 0;
  private missed = 0;
  private looked = 0;
  private asking = false;
  private readonly closing = new AbortController();

  constructor(
    private source: Source,
    private readonly smaller: Smaller,
    private readonly now: () => number,
  ) {
    [this.start, this.seconds] = [source.start, source.seconds];
  }

  get room(): number {
    return this.source.room;
  }

  get(place: number): Frame | null {
    const frame = this.source.get(place);
    if (frame !== null) this.size ??= [frame.displayWidth, frame.displayHeight];
    return frame ?? this.before?.get(place) ?? null;
  }

  want(path: readonly number[], hurried = false): void {
    // Who goes through a film at speed is not waited for: a smaller version would be made of all of it.
    if (!hurried) this.look(path);
    const [place] = path;
    this.wanted = place ?? this.wanted;
    if (this.before !== null && place !== undefined && this.source.get(place) !== null) {
      this.before.close();
      this.before = null;
    }
    this.source.want(path);
  }

  isLost(place: number): boolean {
    return this.get(place) === null && this.source.isLost(place);
  }

  get trouble(): Trouble | null {
    return this.get(this.wanted) === null ? this.source.trouble : null;
  }

  hurry(): void {
    this.source.hurry();
  }

  keyBefore(place: number): number {
    return this.source.keyBefore(place);
  }

  close(): void {
    this.closing.abort();
    this.before?.close();
    this.source.close();
  }

  /** Counts the time for which what is wanted is missing; what comes in time makes up for it. */
  private look(path: readonly number[]): void {
    const now = this.now();
    const passed = Math.min(now - this.looked, LOOK);
    this.looked = now;
    if (path.length <= STANDING) return;
    // What is out of reach or cannot be decoded would not come sooner with fewer pixels.
    const missing = this.get(path[0] ?? 0) === null && this.source.trouble === null;
    this.missed = Math.max(0, this.missed + (missing ? passed : -passed / 2));
    if (this.missed > PATIENCE && !this.asking && this.scale > SMALLEST && this.size !== null) void this.shrink(this.size);
  }

  private async shrink(size: Size): Promise<void> {
    this.asking = true;
    this.scale /= 2;
    const { signal } = this.closing;
    // Where there is none, what there is goes on, as well as it can.
    const made = await this.smaller(this.scale, size, signal).catch(() => null);
    if (signal.aborted) made?.close();
    else if (made !== null) this.replace(made);
    [this.asking, this.missed] = [false, 0];
  }

  private replace(made: Source): void {
    this.before?.close();
    [this.before, this.source] = [this.source, made];
    this.before.want([]);
  }
}
