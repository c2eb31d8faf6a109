// A film that was cut out of another one, without what its first frames lean on: the server draws those that the browser's decoder
// refuses.
//
// Of an open group frames are lost by the cut, which others do not need but tell the decoder to forget (H.264 8.2.5.4). Browsers take
// that for damage, and FFmpeg does not. Of what is damaged the server's pictures would be made up in part: they are not asked for.

import type { FilmSource } from "./filmSource";
import type { Trouble } from "./messages";
import type { Frame, Source } from "./source";

export class Mended implements Source {
  readonly start: Float64Array;
  readonly seconds: number;
  private drawn: Source | null = null;
  private wanted = 0;

  /** `draw`: the source of the frames as the server draws them; those before the place `until` are lost by a cut. */
  constructor(
    private readonly film: Pick<FilmSource, keyof Source | "isCut">,
    private readonly draw: () => Source,
    private readonly until: number,
  ) {
    [this.start, this.seconds] = [film.start, film.seconds];
  }

  get room(): number {
    return this.film.room;
  }

  get(place: number): Frame | null {
    return this.film.get(place) ?? this.drawn?.get(place) ?? null;
  }

  want(path: readonly number[]): void {
    this.wanted = path[0] ?? this.wanted;
    this.film.want(path);
    const drawn = path.filter((place) => this.isDrawn(place));
    if (drawn.length > 0) this.drawn ??= this.draw();
    this.drawn?.want(drawn);
  }

  isLost(place: number): boolean {
    return this.isDrawn(place) ? this.drawn?.isLost(place) === true : this.film.isLost(place);
  }

  get trouble(): Trouble | null {
    return this.isDrawn(this.wanted) ? (this.drawn?.trouble ?? null) : this.film.trouble;
  }

  hurry(): void {
    this.film.hurry();
    this.drawn?.hurry();
  }

  keyBefore(place: number): number {
    return this.isDrawn(place) ? place : this.film.keyBefore(place);
  }

  close(): void {
    this.film.close();
    this.drawn?.close();
  }

  private isDrawn(place: number): boolean {
    return this.film.isCut && place < this.until && this.film.isLost(place);
  }
}
