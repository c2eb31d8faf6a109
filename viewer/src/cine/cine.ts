// The engine: shows at each tick of the display the frame that is due, and fetches ahead. It knows no page: what draws, what
// ticks and what time it is are handed to it.

import { Clock } from "./clock";
import type { AtEnd, Direction } from "./clock";
import type { Source } from "./source";

/** Seconds that are fetched ahead while it plays, and frames while it stands. */
const [AHEAD_SECONDS, AHEAD_FRAMES] = [2, 8];
/** Seconds between two ticks of a usual display. */
const TICK = 1 / 60;
/** Seconds without any new frame after which time waits for the one that is due. */
const PATIENCE = 0.5;

export interface Screen {
  draw: (frame: VideoFrame, place: number) => void;
  /** Whether it plays, where its range is, or what it counts has changed. */
  changed: () => void;
  /** Has `next` called at the display's next tick, with the time in milliseconds. */
  onTick: (next: (now: number) => void) => void;
  /** The same time, now. */
  now: () => number;
}

/** Frames since play began: drawn, passed over, drawn when their time was over. */
export interface Tally {
  shown: number;
  dropped: number;
  late: number;
}

export class Cine {
  tally: Tally = { shown: 0, dropped: 0, late: 0 };
  /** The frame on screen; -1 before the first one. */
  private drawn = -1;
  private readonly clock: Clock;
  private path: number[] = [];
  private ticking = false;
  private ticked = 0;
  private closed = false;
  /** The clock begins when its first frame is there. */
  private waiting = false;
  /** When a frame was last drawn, in seconds. */
  private drawnAt = 0;
  /** The key frame that comes while a slider is dragged; -1 for none. */
  private key = -1;

  constructor(
    private readonly source: Source,
    private readonly screen: Screen,
  ) {
    this.clock = new Clock(source.start, source.seconds);
  }

  get playing(): Direction | 0 {
    return this.clock.playing ? this.clock.direction : 0;
  }

  get place(): number {
    return this.clock.place;
  }

  get range(): readonly [first: number, last: number] {
    return [this.clock.first, this.clock.last];
  }

  play(direction: Direction): void {
    this.clock.play(direction, this.now());
    this.tally = { shown: 0, dropped: 0, late: 0 };
    [this.waiting, this.path, this.key] = [true, [], -1];
    this.tick();
    this.screen.changed();
  }

  pause(): void {
    if (!this.clock.playing) return;
    this.clock.pause();
    // What is on screen is where one is: the frame that was due may not have come.
    if (this.drawn >= 0) this.clock.moveTo(this.drawn, this.now());
    this.screen.changed();
  }

  /** To a frame, exactly: it is drawn as soon as it is there. */
  moveTo(place: number): void {
    const from = this.clock.place;
    if (!this.clock.playing && place !== from) this.clock.direction = place < from ? -1 : 1;
    this.clock.moveTo(place, this.now());
    [this.waiting, this.path, this.key] = [true, [], -1];
    this.refresh();
    this.screen.changed();
  }

  /** While a slider is dragged: the key frame before a place at once. When it rests, `moveTo` brings the exact one. */
  scrub(place: number): void {
    if (this.clock.playing) {
      this.moveTo(place);
      return;
    }
    this.clock.moveTo(place, this.now());
    if (this.source.get(this.clock.place) !== null) this.drawIfThere(this.clock.place);
    else if (this.key < 0) this.wantKey();
    this.screen.changed();
  }

  /** So many frames on, or back; it stands then. */
  step(frames: number): void {
    this.pause();
    this.moveTo(this.clock.place + frames);
  }

  setRange(first: number, last: number): void {
    this.clock.setRange(first, last, this.now());
    this.path = [];
    this.refresh();
    this.screen.changed();
  }

  /** Frames per second; null for each frame's own time. */
  setRate(rate: number | null): void {
    this.clock.setRate(rate, this.now());
  }

  setAtEnd(atEnd: AtEnd): void {
    this.clock.atEnd = atEnd;
  }

  /** A frame has come to the source. */
  arrived(place: number): void {
    if (this.closed || this.clock.playing) return;
    if (place === this.key) {
      this.key = -1;
      this.drawIfThere(place);
      this.wantKey();
    } else if (place === this.clock.place) this.refresh();
  }

  close(): void {
    this.closed = true;
    this.source.close();
  }

  /** One key frame after the other, each for where the slider is by then: none is given up for the next. */
  private wantKey(): void {
    const key = this.source.keyBefore(this.clock.place);
    if (key === this.drawn || this.drawIfThere(key)) return;
    this.key = key;
    this.source.want([key]);
  }

  private now(): number {
    return this.screen.now() / 1000;
  }

  private tick(): void {
    if (this.ticking) return;
    this.ticking = true;
    this.screen.onTick((milliseconds) => {
      this.ticking = false;
      if (this.closed || !this.clock.playing) return;
      this.advance(milliseconds / 1000);
      if (this.clock.playing) this.tick();
      else this.screen.changed();
    });
  }

  private advance(now: number): void {
    const interval = Math.min(now - this.ticked, TICK);
    this.ticked = now;
    if (this.waiting && this.source.get(this.clock.place) === null) {
      this.clock.restartAt(this.clock.place, now);
      this.lookAhead();
      return;
    }
    if (this.waiting) this.clock.restartAt(this.clock.place, now);
    this.waiting = false;
    // The frame whose time is nearest to this tick, not the last one before it.
    this.count(this.clock.at(now + interval / 2));
    this.refresh();
    if (this.drawn === this.clock.place) return;
    this.drawLate();
    if (now - this.drawnAt > PATIENCE && this.source.get(this.clock.place) === null) this.waiting = true;
  }

  /** Counts what was passed over since the last tick. */
  private count(place: number): void {
    const at = this.path.indexOf(place);
    const passed = at < 0 ? this.path.length : at;
    if (passed > 0) this.tally.dropped += passed - (this.drawn === this.path[0] ? 1 : 0);
  }

  /** The nearest frame before the one that is due, if it is there and newer than what is on screen. */
  private drawLate(): void {
    const { place, direction } = this.clock;
    for (let back = 1; back < AHEAD_FRAMES * 8; back += 1) {
      const older = place - direction * back;
      if (older === this.drawn || older < this.clock.first || older > this.clock.last) return;
      const frame = this.source.get(older);
      if (frame === null) continue;
      this.tally.late += 1;
      this.tally.dropped -= 1;
      this.draw(frame, older);
      return;
    }
  }

  /** Draws the frame that is wanted, if it is there, and has what comes next fetched. */
  private refresh(): void {
    this.drawIfThere(this.clock.place);
    this.lookAhead();
  }

  private drawIfThere(place: number): boolean {
    const frame = this.source.get(place);
    if (frame !== null && place !== this.drawn) this.draw(frame, place);
    return frame !== null;
  }

  private lookAhead(): void {
    const { clock, source } = this;
    const many = clock.playing ? Math.min(clock.framesIn(AHEAD_SECONDS), source.room >> 1) : AHEAD_FRAMES;
    this.path = clock.path(Math.max(many, 2));
    source.want(this.path);
  }

  private draw(frame: VideoFrame, place: number): void {
    [this.drawn, this.drawnAt] = [place, this.now()];
    this.tally.shown += 1;
    this.screen.draw(frame, place);
  }
}
