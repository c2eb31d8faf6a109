// One run after the other through a decoder, which goes on where it stands if the next run allows it.

import type { Bytes } from "./bytes";
import { isInOpenGroup } from "./codecs";
import type { Film } from "./film";
import { isKey, lastAtMost } from "./film";
import { decodable, lastSample, lostFrom } from "./plan";
import type { Run } from "./plan";

/** Samples that the decoder may have before it: enough to keep it busy. */
const QUEUE = 6;
/** Samples behind those of a run that are fetched with them: a decoder holds frames back until it has seen more. */
const BEYOND = 24;
/** Microseconds between the time stamps that frames are known by; some decoders bring frames in order by them. */
export const STAMP = 1000;

/** The decoder refuses the sample that it should begin at. */
export class RefusedKey extends Error {
  constructor(readonly key: number) {
    super(`no key frame: ${key}`);
  }
}

/** The decoder has failed with one of the samples that it was given. */
class Failed extends Error {}

/** What becomes of a run's frames. */
export interface Kept {
  keep: (place: number, frame: VideoFrame) => void;
  /** Resolves when there is room for more. */
  room: () => Promise<void>;
  /** No decoder gives the frames in these places. `cut`: since the film begins in the middle of what they lean on. */
  lose: (places: readonly number[], cut: boolean) => void;
}

/**
 * Colours of a stream that says nothing of its own; decoders prefer what a stream says. They take BT.709 for such a one, but
 * what is smaller than HD is of BT.601, and the browser's own player shows it so.
 */
function colours(rows: number): { colorSpace?: VideoColorSpaceInit } {
  if (rows === 0 || rows >= 720) return {};
  return { colorSpace: { matrix: "smpte170m", primaries: "smpte170m", transfer: "smpte170m", fullRange: false } };
}

export class Decoding {
  private decoder: VideoDecoder | null = null;
  private run: Run = { key: 0, first: 0, last: -1 };
  /** The sample that decoding began at, and the next one that the decoder gets. */
  private begun = 0;
  private next = 0;
  /** The place of the last frame that came out. */
  private out = -1;
  private failed = false;
  /** After a flush decoders want a key frame. */
  private flushed = false;
  /** Samples with which the decoder fails. */
  private readonly breaks = new Set<number>();
  /** The run's frames that came, or are on their way. */
  private came = new Set<number>();
  /** Goes on with what waits for the decoder. */
  private wake: () => void = () => undefined;
  private copies: Promise<void>[] = [];

  constructor(
    private readonly film: Film,
    private readonly bytes: Bytes,
    private readonly kept: Kept,
  ) {}

  /**
   * Resolves when all frames of the run were handed on that can be, or `signal` was aborted.
   *
   * Which sample a decoder fails with it does not say: by then it was given more, and takes with it those frames that it held
   * back. So the group is decoded again, which helps where the machine was at fault, and then up to the last one that it was
   * given, until it takes all before. But first from an earlier key frame: of an open group a decoder may lack what it has to
   * forget.
   */
  async follow(run: Run, signal: AbortSignal): Promise<void> {
    [this.run, this.came] = [run, new Set()];
    let limit = Infinity;
    for (let tries = 0; !(await this.reach(limit, tries > 0, signal)); tries += 1) {
      if (tries > 0) limit = this.next - 1;
      if (limit > this.begun && !this.mayBeginEarlier(limit)) continue;
      if (await this.isCut(limit, signal)) this.kept.lose([], true);
      throw new RefusedKey(this.begun);
    }
    await Promise.all(this.copies.splice(0));
  }

  /**
   * Whether the run's end was come to, or a sample that the decoder fails with; else it failed with one before `limit`.
   * `singly`: it is given one after the other.
   */
  private async reach(limit: number, singly: boolean, signal: AbortSignal): Promise<boolean> {
    const { run, film } = this;
    const anew = !this.goesOn(run);
    if (anew) this.begin(run.key);
    const enough = lastSample(film, run);
    try {
      while (this.out < run.last && !signal.aborted) {
        const over = this.next === limit || this.breaks.has(this.next);
        if (over || this.next === film.count) {
          await this.flush();
          if (over) await this.tellLost(this.next, signal);
          break;
        }
        await this.feed(enough, singly, signal);
      }
    } catch (error) {
      if (error instanceof Failed) return signal.aborted;
      throw error;
    }
    if (anew && !signal.aborted) this.tellSkipped();
    return true;
  }

  /** Whether a sample is of the group that decoding began with, and there is one before. */
  private mayBeginEarlier(sample: number): boolean {
    const { keys } = this.film;
    return this.begun !== keys[0] && keys[lastAtMost(keys, sample)] === this.begun;
  }

  private async tellLost(sample: number, signal: AbortSignal): Promise<void> {
    this.breaks.add(sample);
    this.kept.lose(lostFrom(this.film, sample), await this.isCut(sample, signal));
  }

  /** Whether a sample is of the film's first group, and that lacks its beginning. */
  private async isCut(sample: number, signal: AbortSignal): Promise<boolean> {
    const { keys, codec, description } = this.film;
    if (lastAtMost(keys, sample) !== 0) return false;
    const key = keys[0] ?? 0;
    return isInOpenGroup(codec, description, await this.bytes.sample(key, key, signal));
  }

  /** Decoders leave out what they cannot show; they give frames in the order in which those are shown. */
  private tellSkipped(): void {
    const { run, out, came } = this;
    const skipped: number[] = [];
    for (let place = run.first; place <= Math.min(run.last, out); place += 1) if (!came.has(place)) skipped.push(place);
    if (skipped.length > 0) this.kept.lose(skipped, false);
  }

  /** Whether the run's frames are still to come out of the decoder as it stands, with no key frame in between. */
  private goesOn(run: Run): boolean {
    const ready = this.decoder?.state === "configured" && !this.failed && !this.flushed;
    const ahead = run.first > this.out && run.first >= (this.film.placeOf[this.begun] ?? 0);
    return ready && ahead && run.key <= this.next;
  }

  private begin(key: number): void {
    if (this.decoder?.state === "configured") this.decoder.reset();
    else this.decoder = this.open();
    const { codec, description, rows } = this.film;
    this.decoder.configure({ codec, description, ...colours(rows) });
    this.failed = this.flushed = false;
    this.begun = this.next = key;
    this.out = (this.film.placeOf[key] ?? 0) - 1;
  }

  private open(): VideoDecoder {
    const fail = (): void => {
      this.failed = true;
      this.wake();
    };
    const decoder = new VideoDecoder({ output: (frame) => this.take(frame), error: fail });
    decoder.addEventListener("dequeue", () => this.wake());
    return decoder;
  }

  private async feed(enough: number, singly: boolean, signal: AbortSignal): Promise<void> {
    const sample = this.next;
    const last = Math.min(enough + BEYOND, this.film.count - 1);
    const data = await this.bytes.sample(sample, Math.max(sample, last), signal);
    // Behind the last sample of the run one at a time: perhaps all its frames are out before.
    await this.room(singly || sample > enough ? 0 : QUEUE);
    await this.kept.room();
    if (signal.aborted) return;
    this.next = sample + 1;
    if (!decodable(this.film, this.begun, sample)) return;
    const type = isKey(this.film, sample) ? "key" : "delta";
    const timestamp = (this.film.placeOf[sample] ?? 0) * STAMP;
    try {
      this.decoder?.decode(new EncodedVideoChunk({ type, timestamp, data }));
    } catch {
      this.failed = true;
    }
    this.stopIfFailed();
  }

  private async room(most: number): Promise<void> {
    const { decoder } = this;
    while (decoder?.state === "configured" && decoder.decodeQueueSize > most) {
      await new Promise<void>((resolve) => (this.wake = resolve));
    }
    this.stopIfFailed();
  }

  private async flush(): Promise<void> {
    await this.decoder?.flush().catch(() => (this.failed = true));
    this.flushed = true;
    this.stopIfFailed();
  }

  private stopIfFailed(): void {
    if (this.failed) throw new Failed();
  }

  private take(frame: VideoFrame): void {
    const place = Math.round(frame.timestamp / STAMP);
    this.out = Math.max(this.out, place);
    // What comes out behind the run's end was fed to push its last frames out, and is likely to be wanted next.
    if (place < this.run.first) frame.close();
    else {
      this.came.add(place);
      this.copies.push(own(frame, this.film.shownAs).then((copy) => this.kept.keep(place, copy)));
    }
  }
}

/**
 * The same picture in memory of our own: a decoder has few frames to give, waits for those that are not given back, and
 * may take back what it gave when it begins anew. What cannot be read stays where it is.
 */
async function own(frame: VideoFrame, shownAs: Film["shownAs"]): Promise<VideoFrame> {
  const { format, visibleRect, timestamp } = frame;
  const [displayWidth, displayHeight] = shownAs ?? [frame.displayWidth, frame.displayHeight];
  if (format === null || visibleRect === null) {
    if (shownAs === null) return frame;
    const same = new VideoFrame(frame, { displayWidth, displayHeight });
    frame.close();
    return same;
  }
  const buffer = new ArrayBuffer(frame.allocationSize());
  const layout = await frame.copyTo(buffer);
  const colorSpace = frame.colorSpace.toJSON();
  frame.close();
  const [codedWidth, codedHeight] = [visibleRect.width, visibleRect.height];
  const size = { codedWidth, codedHeight, displayWidth, displayHeight };
  // TypeScript's own types do not know `transfer` here yet: without it the bytes would be copied once more.
  const init: VideoFrameBufferInit & { transfer: ArrayBuffer[] } = { format, layout, timestamp, colorSpace, ...size, transfer: [buffer] };
  return new VideoFrame(buffer, init);
}
