// Which frame is wanted at a moment: plays by time, forwards and backwards, within a range. Pure: it is told the time.

import { lastAtMost } from "./film";

/** What several series have beside: `hold`, until all have finished. `next`: it stops, and whoever plays it goes on with another. */
export type AtEnd = "restart" | "swing" | "stop" | "hold" | "next";
export type Direction = 1 | -1;

/** Slowest and fastest, in frames per second. */
export const [SLOWEST, FASTEST] = [1, 300];

/** Seconds between two ticks of a usual display. */
export const TICK = 1 / 60;

/**
 * When a tick is: by its own time, which is even, unless the page was busy and comes to it a tick later or more. Never before the one before it.
 */
export function moment(tick: number, now: number, before: number): number {
  return Math.max(before, now - tick < TICK ? tick : now);
}

export class Clock {
  /** The frame that was wanted last. */
  place = 0;
  playing = false;
  direction: Direction = 1;
  atEnd: AtEnd = "restart";
  private range: readonly [first: number, last: number];
  /** Frames per second; null for each frame's own time. */
  rate: number | null = null;
  /** Seconds in the film at the moment `since`, in seconds of the clock that it is told. */
  private seconds = 0;
  private since = 0;
  /** Frames gone by until then, and the frame where that was. */
  private turned = 0;
  private from = 0;

  /** `start`: when each frame begins, in seconds; `end`: when the last of them is over. */
  constructor(
    private readonly start: Float64Array,
    private readonly end: number,
  ) {
    this.range = [0, start.length - 1];
  }

  get first(): number {
    return this.range[0];
  }

  get last(): number {
    return this.range[1];
  }

  /** How many frames have gone by, whether anybody looked or not: two looks at it tell how many did in between. */
  get gone(): number {
    return this.turned + Math.abs(this.place - this.from);
  }

  private get goesRound(): boolean {
    return this.atEnd === "restart" || this.atEnd === "swing";
  }

  /** Whether it goes faster than the film itself. */
  get isHurried(): boolean {
    return this.rate !== null && this.rate * this.end > this.start.length * 1.01;
  }

  play(direction: Direction, now: number): void {
    const { first, last } = this;
    const over = !this.goesRound && this.place === (direction > 0 ? last : first);
    if (this.place < first || this.place > last || over) this.place = direction > 0 ? first : last;
    [this.playing, this.direction] = [true, direction];
    this.restartAt(this.place, now);
  }

  pause(): void {
    this.playing = false;
  }

  /** To a frame; it plays on from there. Returns where that is, within the film. */
  moveTo(place: number, now: number): number {
    this.place = Math.max(0, Math.min(Math.round(place), this.start.length - 1));
    if (this.playing && (this.place < this.first || this.place > this.last)) this.playing = false;
    this.restartAt(this.place, now);
    return this.place;
  }

  setRange(first: number, last: number, now: number): void {
    const [low, high] = [Math.min(first, last), Math.max(first, last)];
    this.range = [Math.max(0, low), Math.min(high, this.start.length - 1)];
    if (this.playing) this.play(this.direction, now);
  }

  setRate(rate: number | null, now: number): void {
    this.rate = rate === null ? null : Math.max(SLOWEST, Math.min(rate, FASTEST));
    this.restartAt(this.place, now);
  }

  /** The time at which it plays stands still until `now`. */
  restartAt(place: number, now: number): void {
    this.turned = this.gone;
    this.place = this.from = place;
    this.since = now;
    this.seconds = this.direction > 0 ? this.startOf(place) : this.endOf(place);
  }

  /** The frame that is wanted at a moment. */
  at(now: number): number {
    if (!this.playing) return this.place;
    this.skipRounds(now);
    let at = this.seconds + this.direction * (now - this.since);
    // Whole rounds are behind: two turns, there and back, are the most that is left.
    for (let turn = 0; turn < 2 && this.isBeyond(at) && this.playing; turn += 1) at = this.turn(at, now);
    this.place = this.playing ? this.placeAt(at) : this.place;
    return this.place;
  }

  /** When a frame near the present one is due, going as it does now. */
  due(place: number): number {
    const seconds = this.direction > 0 ? this.startOf(place) : this.endOf(place);
    return this.since + this.direction * (seconds - this.seconds);
  }

  /** The next frames that it will want, the present one first. */
  path(count: number): number[] {
    const places = [this.place];
    let [place, direction] = [this.place, this.direction];
    while (places.length < count) {
      const end = direction > 0 ? this.last : this.first;
      if (place !== end) place += direction;
      else if (!this.playing || !this.goesRound || this.first === this.last) break;
      else if (this.atEnd === "restart") place = direction > 0 ? this.first : this.last;
      else {
        direction = direction > 0 ? -1 : 1;
        place += direction;
      }
      if (place < 0 || place >= this.start.length) break;
      places.push(place);
    }
    return places;
  }

  /** How many frames there are in so many seconds from now on, about. */
  framesIn(seconds: number): number {
    const [from, to] = [this.startOf(this.first), this.endOf(this.last)];
    return Math.max(1, Math.ceil((seconds * (this.last - this.first + 1)) / Math.max(to - from, 1e-3)));
  }

  private startOf(place: number): number {
    return this.rate === null ? (this.start[place] ?? this.end) : place / this.rate;
  }

  private endOf(place: number): number {
    return place + 1 < this.start.length ? this.startOf(place + 1) : this.rate === null ? this.end : (place + 1) / this.rate;
  }

  /** The frame on screen at a time: forwards from its beginning on, backwards from its end on, each as long as it lasts. */
  private placeAt(seconds: number): number {
    const floor = this.rate === null ? lastAtMost(this.start, seconds) : Math.floor(seconds * this.rate + 1e-6);
    const exact = this.direction < 0 && floor > 0 && this.startOf(floor) >= seconds;
    return Math.max(this.first, Math.min(exact ? floor - 1 : floor, this.last));
  }

  private isBeyond(seconds: number): boolean {
    return this.direction > 0 ? seconds >= this.endOf(this.last) : seconds <= this.startOf(this.first);
  }

  /** What a time beyond the range's end means. */
  private turn(seconds: number, now: number): number {
    const [from, to] = [this.startOf(this.first), this.endOf(this.last)];
    const over = this.direction > 0 ? seconds - to : from - seconds;
    const single = this.first === this.last;
    const end = this.direction > 0 ? this.last : this.first;
    if (!this.goesRound) {
      [this.place, this.playing] = [end, false];
      return seconds;
    }
    if (single && this.atEnd === "swing") {
      this.restartAt(end, now);
      return this.seconds;
    }
    this.turned += Math.abs(end - this.from) + (single ? 0 : 1);
    if (this.atEnd === "restart") {
      this.seconds = this.direction > 0 ? from + over : to - over;
      this.from = this.direction > 0 ? this.first : this.last;
    } else {
      // The frame at the end was on screen just now: back begins with the one beside it.
      this.seconds = this.direction > 0 ? this.startOf(this.last) - over : this.endOf(this.first) + over;
      this.direction = this.direction > 0 ? -1 : 1;
      this.from = end + this.direction;
    }
    this.since = now;
    return this.seconds;
  }

  private skipRounds(now: number): void {
    if (!this.goesRound) return;
    const there = this.endOf(this.last) - this.startOf(this.first);
    const back = this.startOf(this.last) - this.endOf(this.first);
    const round = this.atEnd === "restart" ? there : there + back;
    if (round <= 0 || now - this.since < round) return;
    const rounds = Math.floor((now - this.since) / round);
    const steps = this.last - this.first;
    this.turned += rounds * (this.atEnd === "restart" ? steps + Math.sign(steps) : 2 * steps);
    this.since += rounds * round;
  }
}
