// What is on its way from a worker to the page, which may be too busy to take it: nothing of it counts in any budget there.

/** Frames. Of 4K these are 100 MB. */
const MOST = 8;

export class Handing {
  private under = 0;
  private waiting: (() => void)[] = [];

  /** A frame was handed to the page. */
  sent(): void {
    this.under += 1;
  }

  /** The page has taken one. */
  taken(): void {
    this.under -= 1;
    for (const go of this.waiting.splice(0)) go();
  }

  /** Resolves when there may be more. */
  async room(): Promise<void> {
    while (this.under >= MOST) await new Promise<void>((resolve) => this.waiting.push(resolve));
  }
}
