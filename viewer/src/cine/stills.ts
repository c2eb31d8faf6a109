// Frames that need no others: pictures from the stored object's bytes, or as the server draws them, several at once.

import { STAMP } from "./decoding";
import type { Film } from "./film";
import { InVain } from "./line";
import type { Run } from "./plan";

const AT_ONCE = 4;

/** What a frame is made of; `until` is the last sample that is wanted with it. */
export type Get<Coded> = (sample: number, until: number, signal: AbortSignal) => Promise<Coded>;
/** Hands a frame on; rejects with Unshowable where there is none. */
export type Show<Coded> = (place: number, coded: Coded, signal: AbortSignal) => Promise<void>;

/** There is no picture of a frame, and will be none. */
export class Unshowable extends InVain {}

export class Stills<Coded> {
  constructor(
    private readonly film: Film,
    private readonly get: Get<Coded>,
    private readonly show: Show<Coded>,
    private readonly lose: (place: number) => void,
  ) {}

  /** Resolves when all frames of the run were handed on that can be, or `signal` was aborted. */
  async follow(run: Run, signal: AbortSignal): Promise<void> {
    const places = Array.from({ length: run.last - run.first + 1 }, (_, at) => (run.back ? run.last - at : run.first + at));
    // Backwards, too, bytes are asked for in the order in which they lie.
    if (run.back) void this.get(this.sample(run.first), this.sample(run.last), signal).catch(() => undefined);
    const one = async (): Promise<void> => {
      for (let place = places.shift(); place !== undefined && !signal.aborted; place = places.shift()) {
        await this.bring(place, this.sample(run.last), signal);
      }
    };
    try {
      await Promise.all(Array.from({ length: AT_ONCE }, one));
    } finally {
      places.length = 0;
    }
  }

  private async bring(place: number, until: number, signal: AbortSignal): Promise<void> {
    try {
      const coded = await this.get(this.sample(place), until, signal);
      if (!signal.aborted) await this.show(place, coded, signal);
    } catch (error) {
      if (!(error instanceof Unshowable)) throw error;
      this.lose(place);
    }
  }

  private sample(place: number): number {
    return this.film.sampleOf[place] ?? 0;
  }
}

/** Shows pictures that are coded as browsers know them. */
export function pictures(film: Film, keep: (place: number, frame: VideoFrame) => void): Show<Blob> {
  return async (place, coded) => {
    // DICOM turns no picture by what a camera says in it.
    const picture = await createImageBitmap(coded, { imageOrientation: "none" }).catch(() => null);
    if (picture === null) throw new Unshowable();
    const [displayWidth, displayHeight] = film.shownAs ?? [picture.width, picture.height];
    const frame = new VideoFrame(picture, { timestamp: place * STAMP, displayWidth, displayHeight });
    picture.close();
    keep(place, frame);
  };
}
