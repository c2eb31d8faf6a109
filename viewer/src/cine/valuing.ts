// Frames of grey values: their samples, and what their object says of them, asked once for each object.

import type { Film } from "./film";
import type { Get, Show } from "./stills";
import { readValues, wordsOf } from "./values";
import type { Grey, Samples, Words } from "./values";

/** Where in an object its range of values is looked for, if it does not say what is shown: as the server does. */
const SAMPLED = [0, 0.5, 0.9];

/** What is asked of the server. */
export interface Asked {
  /** The answer of `/values`; null where there is none. */
  about: (address: string, signal: AbortSignal) => Promise<unknown>;
  samples: Get<Uint8Array>;
  drawn: Get<Blob>;
}

export interface Kept {
  grey: (name: number, grey: Grey) => void;
  values: (place: number, words: Words, grey: number) => void;
}

/** A frame's words, and the name of what is said of it; as it is drawn where there is no more in it, null
 * where it is damaged. */
export type Coded = { readonly words: Words; readonly grey: number } | Blob | null;

export class Valuing {
  private readonly told = new Map<string, Promise<Samples | null>>();
  private readonly greys = new Map<string, Promise<{ name: number; grey: Grey }>>();
  private names = 0;

  constructor(
    private readonly film: Film,
    private readonly asked: Asked,
    private readonly kept: Kept,
  ) {}

  readonly get: Get<Coded> = async (sample, until, signal) => {
    const valued = this.film.valued[sample];
    const samples = valued === undefined ? null : await this.aboutOf(valued.about, signal);
    if (valued === undefined || samples === null) return this.asked.drawn(sample, until, signal);
    const number = samples.frames.length > 1 ? valued.number : 0;
    const { name, grey } = await once(this.greys, `${valued.about}#${number}`, () => this.greyOf(samples, valued.about, number, signal));
    const words = wordsOf(samples, grey, await this.asked.samples(sample, until, signal));
    return words === null ? null : { words, grey: name };
  };

  /** `picture` shows what comes drawn. */
  show(picture: Show<Blob>): Show<Coded> {
    return async (place, coded, signal) => {
      if (coded instanceof Blob) await picture(place, coded, signal);
      else if (coded !== null) this.kept.values(place, coded.words, coded.grey);
    };
  }

  private aboutOf(address: string, signal: AbortSignal): Promise<Samples | null> {
    return once(this.told, address, async () => readValues((await this.asked.about(address, signal)) ?? { Values: null }));
  }

  private async greyOf(samples: Samples, about: string, number: number, signal: AbortSignal): Promise<{ name: number; grey: Grey }> {
    const said = samples.frames[number] ?? samples.frames[0];
    if (said === undefined) throw new Error("no frames");
    const unsaid = said.windows.length === 0 && said.tables.length === 0;
    const grey = unsaid ? { ...said, range: await this.rangeOf(samples, said, about, signal) } : said;
    const name = this.names++;
    this.kept.grey(name, grey);
    return { name, grey };
  }

  /** One for all of an object's frames, since brightness must not flicker. */
  private async rangeOf(samples: Samples, grey: Grey, about: string, signal: AbortSignal): Promise<Grey["range"]> {
    const own = this.film.valued.flatMap((valued, sample) => (valued.about === about ? [sample] : []));
    const looked = new Set(SAMPLED.map((part) => own[Math.floor(part * own.length)] ?? 0));
    const found: number[] = [];
    for (const sample of looked) found.push(...(wordsOf(samples, grey, await this.asked.samples(sample, sample, signal))?.range ?? []));
    return found.length === 0 ? [0, 1] : [Math.min(...found), Math.max(...found)];
  }
}

/** What was asked for already, or is being asked for; what failed is asked for again. */
function once<T>(known: Map<string, Promise<T>>, key: string, ask: () => Promise<T>): Promise<T> {
  const found = known.get(key) ?? ask();
  known.set(key, found);
  found.catch(() => known.delete(key));
  return found;
}
