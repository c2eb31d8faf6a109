// One run after the other through a decoder, which goes on where it stands if the next run allows it.

import type { Bytes } from "./bytes";
import type { Film } from "./film";
import { isKey } from "./film";
import { decodable, lastSample } from "./plan";
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

export class Undecodable extends Error {}

export class Decoding {
  private decoder: VideoDecoder | null = null;
  private run: Run = { key: 0, first: 0, last: -1 };
  /** The sample that decoding began at, and the next one that the decoder gets. */
  private begun = 0;
  private next = 0;
  /** The place of the last frame that came out. */
  private out = -1;
  private failed = false;
  /** Goes on with what waits for the decoder. */
  private wake: () => void = () => undefined;
  private copies: Promise<void>[] = [];

  constructor(
    private readonly film: Film,
    private readonly bytes: Bytes,
    private readonly keep: (place: number, frame: VideoFrame) => void,
  ) {}

  /** Resolves when all frames of the run were handed on, or `signal` was aborted. */
  async follow(run: Run, signal: AbortSignal): Promise<void> {
    this.run = run;
    if (!this.goesOn(run)) this.begin(run.key);
    const enough = lastSample(this.film, run);
    while (this.out < run.last && !signal.aborted) {
      if (this.next === this.film.count) {
        await this.flush();
        break;
      }
      await this.feed(enough, signal);
    }
    await Promise.all(this.copies.splice(0));
  }

  /** Whether the run's frames are still to come out of the decoder as it stands, with no key frame in between. */
  private goesOn(run: Run): boolean {
    const ready = this.decoder?.state === "configured" && !this.failed;
    const ahead = run.first > this.out && run.first >= (this.film.placeOf[this.begun] ?? 0);
    return ready && ahead && run.key <= this.next;
  }

  private begin(key: number): void {
    if (this.decoder?.state === "configured") this.decoder.reset();
    else this.decoder = this.open();
    const { codec, description } = this.film;
    this.decoder.configure({ codec, description });
    this.failed = false;
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

  private async feed(enough: number, signal: AbortSignal): Promise<void> {
    const sample = this.next;
    const last = Math.min(enough + BEYOND, this.film.count - 1);
    const data = await this.bytes.sample(sample, Math.max(sample, last), signal);
    // Behind the last sample of the run one at a time: perhaps all its frames are out before.
    await this.room(sample > enough ? 0 : QUEUE);
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
    const { decoder } = this;
    // What is behind the end asks for a key frame again.
    this.next = this.film.count + 1;
    await decoder?.flush().catch(() => (this.failed = true));
    this.stopIfFailed();
  }

  private stopIfFailed(): void {
    if (!this.failed) return;
    const none = this.out < (this.film.placeOf[this.begun] ?? 0);
    throw none ? new RefusedKey(this.begun) : new Undecodable();
  }

  private take(frame: VideoFrame): void {
    const place = Math.round(frame.timestamp / STAMP);
    this.out = Math.max(this.out, place);
    // What comes out behind the run's end was fed to push its last frames out, and is likely to be wanted next.
    if (place < this.run.first) frame.close();
    else this.copies.push(own(frame, this.film.shownAs).then((copy) => this.keep(place, copy)));
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
