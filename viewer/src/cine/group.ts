// Several series by one clock: at each tick each shows the frame that the moment demands, or says how far behind it is.

import { Clock, moment, TICK } from "./clock";
import type { AtEnd, Direction } from "./clock";
import { lastAtMost } from "./film";
import type { Frame, Source } from "./source";
import { meanRate, together } from "./together";
import type { Member, Score, Step } from "./together";

/** Seconds that are fetched ahead while it plays, and frames while it stands. */
const [AHEAD_SECONDS, AHEAD_FRAMES] = [2, 8];
/** Frames back that a series which is behind looks for one to show. */
const BACK = 64;
/** Seconds that the beginning waits at most for all first frames, where the clock does not wait. */
const PATIENCE = 1;

export interface Seat {
  readonly source: Source;
  /** As it begins; else as all others. */
  readonly shift?: Shift | undefined;
  draw: (frame: Frame, place: number) => void;
  /** What is on its screen is so many frames from what is due; 0: it is what is due. */
  behind: (frames: number) => void;
}

export interface Stand {
  changed: () => void;
  onTick: (next: (now: number) => void) => void;
  now: () => number;
}

/** How they play. */
export interface Chosen {
  readonly by: Step;
  /** As Group.waits has it. */
  readonly waits: boolean;
  readonly atEnd: AtEnd;
  readonly rate: number | null;
}

const AS_USUAL: Chosen = { by: "time", waits: false, atEnd: "restart", rate: null };

/** Where a series is against the others. */
export interface Shift {
  readonly offset: Readonly<Record<Step, number>>;
  readonly correction: number;
}

const UNMOVED: Shift = { offset: { time: 0, frame: 0, position: 0 }, correction: 0 };

interface Part {
  readonly seat: Seat;
  readonly offset: Record<Step, number>;
  correction: number;
  drawn: number;
  behind: number;
}

export class Group {
  /** Whether the clock waits until every series has its frame; else it goes on, and who has not is behind. */
  waits: boolean;
  private readonly parts: Part[];
  private by: Step;
  private score: Score;
  private clock: Clock;
  private end: AtEnd;
  private rate: number | null;
  private ticking = false;
  private ticked = 0;
  private closed = false;
  /** The clock stands until then for frames that are not there. */
  private until = 0;

  constructor(
    seats: readonly Seat[],
    private readonly stand: Stand,
    { by, waits, atEnd, rate }: Chosen = AS_USUAL,
  ) {
    [this.by, this.waits, this.end, this.rate] = [by, waits, atEnd, rate];
    this.parts = seats.map((seat) => {
      const { offset, correction } = seat.shift ?? UNMOVED;
      return { seat, offset: { ...offset }, correction, drawn: -1, behind: 0 };
    });
    [this.score, this.clock] = this.write();
  }

  get chosen(): Chosen {
    return { by: this.by, waits: this.waits, atEnd: this.end, rate: this.rate };
  }

  get playing(): Direction | 0 {
    return this.clock.playing ? this.clock.direction : 0;
  }

  /** Which moment it is. */
  get place(): number {
    return this.clock.place;
  }

  get count(): number {
    return this.score.start.length;
  }

  /** When a moment is, in seconds from the first one, as everything is in step. */
  timeOf(moment: number): number {
    return this.score.start[moment] ?? 0;
  }

  /** The last moment that is no later than so many seconds. */
  momentAt(seconds: number): number {
    return Math.max(0, lastAtMost(this.score.start, seconds));
  }

  get range(): readonly [first: number, last: number] {
    return [this.clock.first, this.clock.last];
  }

  get atEnd(): AtEnd {
    return this.end;
  }

  play(direction: Direction): void {
    this.hurry();
    this.clock.play(direction, this.now());
    this.stay();
    this.tick();
    this.stand.changed();
  }

  pause(): void {
    this.clock.pause();
    this.draw();
    this.stand.changed();
  }

  moveTo(moment: number): void {
    this.hurry();
    if (!this.clock.playing && moment !== this.place) this.clock.direction = moment < this.place ? -1 : 1;
    this.clock.moveTo(moment, this.now());
    this.stay();
    this.draw();
    this.stand.changed();
  }

  /** The frames themselves: key frames of several series are of different times. */
  scrub(moment: number): void {
    this.moveTo(moment);
  }

  /** So many frames of the first series on, or back. */
  step(frames: number): void {
    this.pause();
    const places = this.score.places[0] ?? new Uint32Array();
    const way = Math.sign(frames);
    let moment = this.place;
    for (let left = Math.abs(frames); left > 0; left -= 1) {
      const place = places[moment];
      while (moment + way >= 0 && moment + way < places.length && places[moment] === place) moment += way;
    }
    // Back to where that frame begins.
    while (way < 0 && moment > 0 && places[moment - 1] === places[moment]) moment -= 1;
    this.moveTo(moment);
  }

  setRange(first: number, last: number): void {
    this.clock.setRange(first, last, this.now());
    this.draw();
    this.stand.changed();
  }

  /** Frames of the first series per second; null for real time. */
  setRate(rate: number | null): void {
    this.rate = rate;
    this.rewrite();
  }

  setAtEnd(atEnd: AtEnd): void {
    this.end = atEnd;
    this.rewrite();
  }

  inStepBy(what: Step): void {
    this.by = what;
    this.rewrite();
  }

  setOffset(member: number, offset: number): void {
    const part = this.parts[member];
    if (part === undefined) return;
    part.offset[this.by] = offset;
    this.rewrite();
  }

  offsetOf(member: number): number {
    return this.parts[member]?.offset[this.by] ?? 0;
  }

  /** So many frames of its own further ahead than before. */
  correct(member: number, frames: number): void {
    const part = this.parts[member];
    if (part === undefined) return;
    part.correction += frames;
    this.rewrite();
  }

  correctionOf(member: number): number {
    return this.parts[member]?.correction ?? 0;
  }

  shiftOf(member: number): Shift {
    const { offset, correction } = this.parts[member] ?? UNMOVED;
    return { offset: { ...offset }, correction };
  }

  /** The frame of a series that is due now. */
  dueOf(member: number): number {
    return this.score.places[member]?.[this.place] ?? 0;
  }

  /** Draws what a series shows once more, if it is still there: it is looked at in another way. */
  redraw(member: number): void {
    const part = this.parts[member];
    const frame = part?.seat.source.get(part.drawn) ?? null;
    if (part !== undefined && frame !== null) part.seat.draw(frame, part.drawn);
  }

  /** To the first moment at which a series shows that frame; nowhere if there is none. */
  bring(member: number, place: number): void {
    const moment = this.score.places[member]?.indexOf(place) ?? -1;
    if (moment >= 0) this.moveTo(moment);
  }

  /** A frame has come to a series. */
  arrived(member: number, place: number): void {
    if (!this.closed && !this.clock.playing && place === this.dueOf(member)) this.draw();
  }

  close(): void {
    this.closed = true;
    for (const { seat } of this.parts) seat.source.close();
  }

  private hurry(): void {
    for (const { seat } of this.parts) seat.source.hurry();
  }

  private now(): number {
    return this.stand.now() / 1000;
  }

  private write(): [Score, Clock] {
    const members = this.parts.map(({ seat, offset, correction }): Member => {
      return { start: seat.source.start, seconds: seat.source.seconds, offset, correction };
    });
    const score = together(members, this.by, this.end === "restart");
    const [lead] = members;
    const pace = this.rate === null || lead === undefined ? 1 : this.rate / meanRate(lead);
    const clock = new Clock(score.start.map((moment) => moment / pace), score.seconds / pace);
    // Those that are shorter stay at their ends by the score; then all begin anew.
    clock.atEnd = this.end === "hold" ? "restart" : this.end;
    return [score, clock];
  }

  /** Anew from what was chosen, at the frame of the first series that is due now. */
  private rewrite(): void {
    const [lead, at, playing] = [this.dueOf(0), this.place / this.count, this.playing];
    const whole = this.clock.first === 0 && this.clock.last === this.count - 1;
    const range = this.range.map((moment) => moment / this.count);
    [this.score, this.clock] = this.write();
    if (!whole) this.clock.setRange(Math.round((range[0] ?? 0) * this.count), Math.round((range[1] ?? 1) * this.count), this.now());
    this.clock.moveTo(this.nearest(lead, at * this.count), this.now());
    if (playing !== 0) this.clock.play(playing, this.now());
    this.stay();
    this.draw();
    this.stand.changed();
  }

  /** The first moment of a frame of the first series, of several (where it loops) the nearest. */
  private nearest(lead: number, moment: number): number {
    const places = this.score.places[0] ?? new Uint32Array();
    let best = -1;
    places.forEach((place, at) => {
      const begins = place === lead && places[at - 1] !== lead;
      if (begins && (best < 0 || Math.abs(at - moment) < Math.abs(best - moment))) best = at;
    });
    return best < 0 ? Math.round(moment) : best;
  }

  /** The clock stands until all have their frames. */
  private stay(): void {
    this.until = this.waits ? Infinity : this.now() + PATIENCE;
  }

  private tick(): void {
    if (this.ticking) return;
    this.ticking = true;
    this.stand.onTick((milliseconds) => {
      this.ticking = false;
      if (this.closed || !this.clock.playing) return;
      this.advance(moment(milliseconds / 1000, this.now(), this.ticked));
      if (this.clock.playing) this.tick();
      else this.stand.changed();
    });
  }

  private advance(now: number): void {
    const interval = Math.min(now - this.ticked, TICK);
    this.ticked = now;
    const standing = this.until > 0;
    if (standing && !this.ready() && now < this.until) this.clock.restartAt(this.place, now);
    else {
      if (standing) this.clock.restartAt(this.place, now);
      this.until = 0;
      this.clock.at(now + interval / 2);
      // Here nobody shows the new moment before all can: on screen they stay in step.
      if (this.waits && !this.ready()) this.stay();
    }
    if (this.until > 0) this.wait();
    else this.draw();
  }

  private ready(): boolean {
    return this.parts.every(({ seat: { source } }, member) => {
      const due = this.dueOf(member);
      return source.get(due) !== null || source.isLost(due);
    });
  }

  /** Nothing new is shown; those that are waited for say so. */
  private wait(): void {
    this.parts.forEach((part, member) => {
      const missing = part.seat.source.get(this.dueOf(member)) === null;
      this.tellBehind(part, missing ? this.distance(part, this.dueOf(member)) : 0);
    });
    this.lookAhead();
  }

  /** Each series its frame; who has not got it, the last one before that it has. */
  private draw(): void {
    this.parts.forEach((part, member) => {
      const due = this.dueOf(member);
      const place = this.clock.playing ? this.newest(part, due) : due;
      const frame = place === part.drawn ? null : part.seat.source.get(place);
      if (frame !== null) {
        part.drawn = place;
        part.seat.draw(frame, place);
      }
      this.tellBehind(part, part.drawn === due ? 0 : this.distance(part, due));
    });
    this.lookAhead();
  }

  private newest(part: Part, due: number): number {
    const { source } = part.seat;
    for (let back = 0; back < BACK; back += 1) {
      const place = due - this.clock.direction * back;
      if (place === part.drawn || place < 0 || place >= source.start.length) break;
      if (source.get(place) !== null) return place;
    }
    return part.drawn;
  }

  /** In frames, as it plays; 1 at least, as what is shown is not what is due. */
  private distance({ drawn, seat }: Part, due: number): number {
    const { length } = seat.source.start;
    const apart = (due - drawn) * this.clock.direction;
    return Math.max(1, this.end === "restart" ? (apart + 2 * length) % length : Math.abs(apart));
  }

  private tellBehind(part: Part, frames: number): void {
    if (part.behind !== frames) part.seat.behind(frames);
    part.behind = frames;
  }

  private lookAhead(): void {
    const playing = this.clock.playing;
    const moments = this.clock.path(playing ? this.clock.framesIn(AHEAD_SECONDS) + 1 : AHEAD_FRAMES * this.parts.length);
    this.parts.forEach(({ seat }, member) => {
      const places = moments.map((moment) => this.score.places[member]?.[moment] ?? 0);
      const path = places.filter((place, at) => place !== places[at - 1]);
      seat.source.want(path.slice(0, playing ? Math.max(2, seat.source.room >> 1) : AHEAD_FRAMES));
    });
  }
}
