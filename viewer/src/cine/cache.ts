// Decoded frames within a budget of bytes. What is wanted last is thrown away first, and can be had again. Pure.

export interface Held {
  close: () => void;
}

/** How much farther away a frame counts that was shown already. */
const PASSED = 3;

export class Cache<Picture extends Held> {
  private readonly pictures = new Map<number, Picture>();
  private rank = new Map<number, number>();
  private wanted = 0;
  private direction = 1;
  private bytes = 0;

  constructor(
    private readonly budget: number,
    private readonly sizeOf: (picture: Picture) => number,
  ) {}

  /** The places that are wanted, the first one now. */
  follow(path: readonly number[]): void {
    this.rank = new Map(path.map((place, order) => [place, order]));
    this.wanted = path[0] ?? this.wanted;
    this.direction = Math.sign((path[1] ?? this.wanted) - this.wanted) || this.direction;
  }

  get(place: number): Picture | null {
    return this.pictures.get(place) ?? null;
  }

  add(place: number, picture: Picture): void {
    this.remove(place);
    this.pictures.set(place, picture);
    this.bytes += this.sizeOf(picture);
    while (this.bytes > this.budget && this.pictures.size > 1) this.remove(this.leastWanted());
  }

  clear(): void {
    for (const place of [...this.pictures.keys()]) this.remove(place);
  }

  /** How many bytes are held. */
  get held(): number {
    return this.bytes;
  }

  private remove(place: number): void {
    const picture = this.pictures.get(place);
    if (picture === undefined) return;
    this.pictures.delete(place);
    this.bytes -= this.sizeOf(picture);
    picture.close();
  }

  /** What is not on the path goes first, the farthest of it before the rest, what is passed before what is still to come. */
  private leastWanted(): number {
    let [worst, most] = [this.wanted, -1];
    for (const place of this.pictures.keys()) {
      const distance = (place - this.wanted) * this.direction;
      const order = this.rank.get(place) ?? this.rank.size + (distance < 0 ? -PASSED * distance : distance);
      if (order > most) [worst, most] = [place, order];
    }
    return worst;
  }
}
