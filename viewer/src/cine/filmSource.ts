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
  /** Why the frame that is wanted does not come has changed, or that it does not. */
  troubled: () => void;
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
  /** Whether it begins in the middle of what its first frames lean on: they are lost to this browser's decoder, and not to others. */
  isCut = false;
  private run: Run | null = null;
  /** Whether the run under way has brought a frame of its own, or told of one that is lost. */
  private fruitful = false;
  private closed = false;
  private id = 0;
  private bytesOfFrame = 0;
  /** After it nothing is asked for until somebody wants it again. */
  private final: Trouble | null = null;
  /** Whether the server is out of reach. */
  private down = false;
  private said: Trouble | null = null;

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
    worker.addEventListener("error", () => this.fail("undecodable"));
    this.order({ kind: "film", film, url });
  }

  get room(): number {
    return this.bytesOfFrame === 0 ? 8 : Math.max(2, Math.floor(this.budget / this.bytesOfFrame));
  }

  get(place: number): Frame | null {
    return this.cache.get(place);
  }

  want(path: readonly number[]): void {
    this.path = path;
    this.cache.follow(path);
    this.plan();
    this.tellTrouble();
  }

  isLost(place: number): boolean {
    return this.lost.has(place) || keyFor(this.film, place, this.refused) === null;
  }

  get trouble(): Trouble | null {
    const [wanted] = this.path;
    if (wanted === undefined || this.cache.get(wanted) !== null) return null;
    if (this.isLost(wanted)) return "undecodable";
    return this.final ?? (this.down ? "unreachable" : null);
  }

  hurry(): void {
    this.final = null;
    this.order({ kind: "hurry" });
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
    if (this.final !== null) return;
    const has = (place: number): boolean => this.lost.has(place) || this.cache.get(place) !== null;
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

  private tellTrouble(): void {
    const { trouble } = this;
    if (trouble === this.said) return;
    this.said = trouble;
    this.told.troubled();
  }

  private fail(trouble: Trouble): void {
    this.final = trouble;
    this.tellTrouble();
  }

  private order(order: Order): void {
    this.worker.postMessage(order);
  }

  private hear(report: Report): void {
    if (report.kind === "frame" || report.kind === "values") this.order({ kind: "taken" });
    if (report.kind === "grey") this.greys.set(report.name, report.grey);
    else if (report.kind === "frame") this.take(report.place, report.frame);
    else if (report.kind === "values") this.takeValues(report);
    else if (report.kind === "lost") this.lose(report.places, report.cut);
    else if (report.kind === "down") this.down = true;
    else if (report.id === this.id) this.end(report);
    this.tellTrouble();
  }

  private takeValues({ place, values, grey: name }: Report & { kind: "values" }): void {
    const grey = this.greys.get(name);
    if (grey) this.take(place, { ...values, grey, close: () => undefined });
  }

  private take(place: number, frame: Frame): void {
    if (this.closed) {
      frame.close();
      return;
    }
    this.bear([place]);
    this.down = false;
    this.bytesOfFrame = sizeOf(frame);
    this.cache.add(place, frame);
    this.told.arrived(place);
  }

  private lose(places: readonly number[], cut: boolean): void {
    this.bear(places);
    if (cut) this.isCut = true;
    for (const place of places) this.lost.add(place);
  }

  private bear(places: readonly number[]): void {
    const { run } = this;
    if (run !== null) this.fruitful ||= places.some((place) => place >= run.first && place <= run.last);
  }

  /** The run is over: the next one. */
  private end(report: Extract<Report, { id: number }>): void {
    const { run } = this;
    this.run = null;
    if (report.kind === "refused") this.refused.add(report.key);
    else if (report.kind === "trouble" && report.trouble !== "undecodable") this.fail(report.trouble);
    else if (!this.fruitful && run !== null) this.lost.add(run.first);
    this.plan();
  }
}

function sizeOf(frame: Frame): number {
  if (isValues(frame)) return frame.words.byteLength;
  return frame.format === null ? frame.codedWidth * frame.codedHeight * 2 : frame.allocationSize();
}
