import { describe, expect, it } from "vitest";
import { readSeries } from "../../src/cine/film";
import { Valuing } from "../../src/cine/valuing";
import type { Grey } from "../../src/cine/values";

const FRAME = { Slope: 1, Intercept: 0, Windows: [{ Center: 5, Width: 6, Function: "LINEAR", Explanation: "" }] };
const SAID = { Rows: 1, Columns: 1, PixelAspect: 1, BitsStored: 12, HighBit: 11, Signed: false, Inverse: false, Padding: null, ModalityLUT: null, VOILUTs: [], Frames: [FRAME] };

/** Ten frames of two objects, the value of each being its sample's number and a hundred; `told`: what their `/values` are. */
function valuing(told: Record<string, unknown>): { of: Valuing; asked: string[]; greys: Grey[] } {
  const [asked, greys]: [string[], Grey[]] = [[], []];
  const count = 10;
  const index = { Timescale: 1, NumberOfFrames: count, Time: [...Array(count).keys()], Duration: Array(count).fill(1), Instance: [..."aaaaabbbbb"], Frame: [1, 2, 3, 4, 5, 1, 2, 3, 4, 5] };
  const series = readSeries(index, { drawn: (one) => one, samples: (one) => one, about: (one) => one });
  if (!("film" in series)) throw new Error("there should be a film");
  const of = new Valuing(
    series.film,
    {
      about: (address, signal) => {
        asked.push(`about ${address}`);
        return signal.aborted ? Promise.reject(new Error("aborted")) : Promise.resolve(told[address]);
      },
      samples: (sample) => {
        asked.push(`samples ${sample}`);
        return Promise.resolve(Uint8Array.from([sample + 100, 0]));
      },
      drawn: (sample) => Promise.resolve(new Blob([`drawn ${sample}`])),
    },
    { grey: (name, grey) => void (greys[name] = grey), values: () => undefined },
  );
  return { of, asked, greys };
}

const { signal } = new AbortController();

describe("frames of values", () => {
  it("are asked about once for each object", async () => {
    const { of, asked, greys } = valuing({ a: { Values: SAID }, b: { Values: { ...SAID, Frames: [1, 2, 3, 4, 5].map((Slope) => ({ ...FRAME, Slope })) } } });
    const got = await Promise.all([0, 1, 6, 9].map((sample) => of.get(sample, sample, signal)));
    expect(asked.filter((one) => one.startsWith("about"))).toEqual(["about a", "about b"]);
    // Each frame is by its own slope where they differ.
    const slopes = got.map((one) => one !== null && !(one instanceof Blob) && greys[one.grey]?.slope);
    expect(slopes).toEqual([1, 1, 2, 5]);
    expect(greys.length).toBe(3);
    expect(greys[0]?.range).toBeNull();
  });

  it("have one range for all of an object's, where it does not say what is to be seen", async () => {
    const { of, greys } = valuing({ a: { Values: { ...SAID, Frames: [{ ...FRAME, Windows: [] }] } } });
    await Promise.all([of.get(1, 1, signal), of.get(3, 3, signal)]);
    // The first, the middle one and the last of its own five.
    expect(greys.map(({ range }) => range)).toEqual([[100, 104]]);
  });

  it("come drawn where there is no more in them", async () => {
    const { of, asked } = valuing({ a: { Values: null } });
    expect(await of.get(2, 2, signal)).toBeInstanceOf(Blob);
    expect(await of.get(7, 7, signal)).toBeInstanceOf(Blob);
    expect(asked).toEqual(["about a", "about b"]);
  });

  it("are asked about again where that failed", async () => {
    const { of } = valuing({ a: { Values: SAID } });
    const aborted = new AbortController();
    aborted.abort();
    await expect(of.get(0, 0, aborted.signal)).rejects.toThrow();
    expect(await of.get(0, 0, signal)).toMatchObject({ grey: 0 });
  });
});
