// A film as a source of frames: fetched and decoded by a worker, kept within a budget of bytes.

import { Cache } from "./cache";
import type { Film } from "./film";
import type { Order, Report, Trouble } from "./messages";
import { keyFor, nextRun } from "./plan";
import type { Run } from "./plan";
import { isValues } from "./source";
import type { Frame, Source } from "./source";
import type { Grey } from "./values";

/** Decoded frames in memory, in bytes: of the 512 MB that a page may have, the rest is for what is on its way. */
export const BUDGET = 384 << 20;

export interface Told {
  /** A frame has come. */
  arrived: (place: number) => void;
  failed: (trouble: Trouble) => void;
}

export class FilmSource implements Source {
  readonly start: Float64Array;
  readonly seconds: number;
  private readonly cache: Cache<Frame>;
  private readonly refused = new Set<number>();
  private readonly greys = new Map<number, Grey>();
  private path: readonly number[] = [];
  /** Frames that no decoder gives, though it should. */
  private readonly lost = new Set<number>();
  private run: Run | null = null;
  private fruitful = false;
  private closed = false;
  private id = 0;
  private bytesOfFrame = 0;
  /** After trouble nothing is asked for until something else is wanted. */
  private stuck = false;
  /** The frame that is wanted and cannot be had, once that was said. */
  private never = -1;

  constructor(
    private readonly film: Film,
    url: string,
    private readonly worker: Worker,
    private readonly told: Told,
    private readonly budget: number,
  ) {
    [this.start, this.seconds] = [film.start, film.seconds];
    this.cache = new Cache(budget, (frame) => sizeOf(frame));
    worker.addEventListener("message", ({ data }: MessageEvent<Report>) => this.hear(data));
    worker.addEventListener("error", () => told.failed("undecodable"));
    this.order({ kind: "film", film, url });
  }

  get room(): number {
    return this.bytesOfFrame === 0 ? 8 : Math.max(2, Math.floor(this.budget / this.bytesOfFrame));
  }

  get(place: number): Frame | null {
    return this.cache.get(place);
  }

  want(path: readonly number[]): void {
    if (path[0] !== this.path[0]) [this.stuck, this.never] = [false, -1];
    this.path = path;
    this.cache.follow(path);
    this.plan();
  }

  keyBefore(place: number): number {
    const key = keyFor(this.film, place, this.refused);
    return key === null ? place : (this.film.placeOf[key] ?? place);
  }

  close(): void {
    this.closed = true;
    this.worker.terminate();
    this.cache.clear();
  }

  private plan(): void {
    if (this.stuck) return;
    this.tellIfNever();
    const has = (place: number): boolean => this.cache.get(place) !== null || this.lost.has(place);
    const run = nextRun(this.film, this.path, has, this.refused, this.room >> 1);
    if (run === null || (this.run !== null && !this.isUrgent(run))) return;
    // What is far ahead waits until there is more of it: a run for each frame would be a request for each.
    const ahead = this.path.findIndex((place) => place === run.first || place === run.last);
    if (this.run === null && ahead > this.path.length / 2) return;
    [this.run, this.fruitful] = [run, false];
    this.id += 1;
    this.order({ kind: "run", id: this.id, run });
  }

  /** Whether a run has to take the place of the one under way, which does not bring the frame that is wanted now. */
  private isUrgent(run: Run): boolean {
    const wanted = this.path[0] ?? 0;
    if (this.run === null || this.cache.get(wanted) !== null) return false;
    const coming = wanted >= this.run.first && wanted <= this.run.last;
    return !coming && wanted >= run.first && wanted <= run.last;
  }

  private tellIfNever(): void {
    const wanted = this.path[0];
    if (wanted === undefined || wanted === this.never) return;
    const never = this.lost.has(wanted) || keyFor(this.film, wanted, this.refused) === null;
    if (!never || this.cache.get(wanted) !== null) return;
    this.never = wanted;
    this.told.failed("undecodable");
  }

  private fail(trouble: Trouble): void {
    this.stuck = true;
    this.told.failed(trouble);
  }

  private order(order: Order): void {
    this.worker.postMessage(order);
  }

  private hear(report: Report): void {
    if (report.kind === "grey") {
      this.greys.set(report.name, report.grey);
      return;
    }
    if (report.kind === "frame") {
      this.take(report.place, report.frame);
      return;
    }
    if (report.kind === "values") {
      const grey = this.greys.get(report.grey);
      if (grey) this.take(report.place, { ...report.values, grey, close: () => undefined });
      return;
    }
    if (report.id !== this.id) return;
    const { run } = this;
    this.run = null;
    if (report.kind === "done" && !this.fruitful && run !== null) this.lost.add(run.first);
    if (report.kind === "refused") this.refused.add(report.key);
    if (report.kind === "trouble") this.fail(report.trouble);
    this.plan();
  }

  private take(place: number, frame: Frame): void {
    if (this.closed) {
      frame.close();
      return;
    }
    this.fruitful = true;
    this.bytesOfFrame = sizeOf(frame);
    this.cache.add(place, frame);
    this.told.arrived(place);
  }
}

function sizeOf(frame: Frame): number {
  if (isValues(frame)) return frame.words.byteLength;
  return frame.format === null ? frame.codedWidth * frame.codedHeight * 2 : frame.allocationSize();
}
