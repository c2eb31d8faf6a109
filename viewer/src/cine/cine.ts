// The engine: shows at each tick of the display the frame that is due, and fetches ahead. It knows no page: what draws, what
// ticks and what time it is are handed to it.

import { Clock, moment, TICK } from "./clock";
import type { AtEnd, Direction } from "./clock";
import type { Frame, Source } from "./source";
import { Timing } from "./timing";

/** Seconds that are fetched ahead while it plays, and frames while it stands. */
const [AHEAD_SECONDS, AHEAD_FRAMES] = [2, 8];
/** Seconds without any new frame after which time waits for the one that is due. */
const PATIENCE = 0.5;

export interface Screen {
  draw: (frame: Frame, place: number) => void;
  /** Whether it plays, where its range is, or what it counts has changed. */
  changed: () => void;
  /** It has come to its end, and goes no farther by itself. */
  ended: () => void;
  /** Has `next` called at the display's next tick, with the time in milliseconds. */
  onTick: (next: (now: number) => void) => void;
  /** The same time, now. */
  now: () => number;
}

export class Cine {
  /** Of the frames since play began. */
  timing = new Timing();
  /** The frame on screen; -1 before the first one. */
  private drawn = -1;
  private readonly clock: Clock;
  private ticking = false;
  private ticked = 0;
  /** The moment that frames were last looked for at: it never goes back. */
  private aimed = 0;
  private closed = false;
  /** The clock begins when its first frame is there. */
  private waiting = false;
  /** Since when time stands still in the middle of playing; 0 where it does not. */
  private stoodSince = 0;
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

  /** How many frames there are. */
  get count(): number {
    return this.source.start.length;
  }

  get atEnd(): AtEnd {
    return this.clock.atEnd;
  }

  /** Frames per second; null for each frame's own time. */
  get rate(): number | null {
    return this.clock.rate;
  }

  get range(): readonly [first: number, last: number] {
    return [this.clock.first, this.clock.last];
  }

  play(direction: Direction): void {
    this.source.hurry();
    this.clock.play(direction, this.now());
    this.timing = new Timing();
    [this.waiting, this.stoodSince, this.key] = [true, 0, -1];
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
    this.source.hurry();
    const from = this.clock.place;
    if (!this.clock.playing && place !== from) this.clock.direction = place < from ? -1 : 1;
    this.clock.moveTo(place, this.now());
    [this.waiting, this.stoodSince, this.key] = [true, 0, -1];
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

  /** Draws what is on screen once more, if it is still there: it is looked at in another way. */
  redraw(): void {
    const frame = this.source.get(this.drawn);
    if (frame !== null) this.screen.draw(frame, this.drawn);
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
      this.advance(moment(milliseconds / 1000, this.now(), this.ticked));
      if (this.clock.playing) this.tick();
      else {
        this.screen.changed();
        this.screen.ended();
      }
    });
  }

  private advance(now: number): void {
    const interval = Math.min(now - this.ticked, TICK);
    this.ticked = now;
    if (this.waiting && this.isMissing()) {
      this.clock.restartAt(this.clock.place, now);
      this.lookAhead();
      return;
    }
    if (this.waiting) this.clock.restartAt(this.clock.place, now);
    if (this.stoodSince > 0) this.timing.stand(now - this.stoodSince);
    [this.waiting, this.stoodSince] = [false, 0];
    const [before, gone] = [this.clock.place, this.clock.gone];
    // The frame whose time is nearest to this tick, not the last one before it; after a late tick, of which the next one may
    // be said to be no later, none before what that one came to.
    this.aimed = Math.max(this.aimed, now + interval / 2);
    this.clock.at(this.aimed);
    const passed = this.clock.gone - gone;
    if (passed > 0) this.timing.pass(passed - (this.drawn === before ? 1 : 0));
    this.refresh(true);
    if (this.drawn === this.clock.place) return;
    this.drawLate();
    if (now - this.drawnAt > PATIENCE && this.isMissing()) [this.waiting, this.stoodSince] = [true, now];
  }

  /** Whether the frame that is due is still to come: for one that never will nothing waits. */
  private isMissing(): boolean {
    const { place } = this.clock;
    return this.source.get(place) === null && !this.source.isLost(place);
  }

  /** The nearest frame before the one that is due, if it is there and newer than what is on screen. */
  private drawLate(): void {
    const { place, direction } = this.clock;
    for (let back = 1; back < AHEAD_FRAMES * 8; back += 1) {
      const older = place - direction * back;
      if (older === this.drawn || older < this.clock.first || older > this.clock.last) return;
      const frame = this.source.get(older);
      if (frame === null) continue;
      this.draw(frame, older, back);
      return;
    }
  }

  /** Draws the frame that is wanted, if it is there, and has what comes next fetched. */
  private refresh(timed = false): void {
    this.drawIfThere(this.clock.place, timed);
    this.lookAhead();
  }

  private drawIfThere(place: number, timed = false): boolean {
    const frame = this.source.get(place);
    if (frame !== null && place !== this.drawn) this.draw(frame, place, timed ? 0 : null);
    return frame !== null;
  }

  private lookAhead(): void {
    const { clock, source } = this;
    const many = clock.playing ? Math.min(clock.framesIn(AHEAD_SECONDS), source.room >> 1) : AHEAD_FRAMES;
    source.want(clock.path(Math.max(many, 2)), clock.isHurried);
  }

  /** `back`: in the course of playing, so that it has a time, and so many frames before the one that is due; else null. */
  private draw(frame: Frame, place: number, back: number | null): void {
    [this.drawn, this.drawnAt] = [place, this.now()];
    // Not the tick's own time: that may be over for long where the page was busy.
    if (back !== null) this.timing.show(place, this.now() - this.clock.due(place), back);
    this.screen.draw(frame, place);
  }
}
