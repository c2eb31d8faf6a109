import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isKey, lastAtMost, readFilm, readPictures, readSeries } from "../../src/cine/film";
import { films, indexOf } from "./films";

const INDEX = indexOf([
  { leading: 0, runs: [3] },
  { leading: 1, runs: [] },
]);

describe("a film's index", () => {
  it("has the frames in the order in which they are shown, at their exact times", () => {
    const film = readFilm(INDEX);
    expect(film.codec).toBe("avc1.64001e");
    expect([...film.sampleOf]).toEqual([0, 2, 3, 1, 5, 4]);
    expect([...film.placeOf]).toEqual([0, 3, 1, 2, 5, 4]);
    expect([...film.keys]).toEqual([0, 4]);
    expect([...film.start]).toEqual([0, 1, 2, 3, 4, 5].map((place) => (place * 1001) / 30000));
    expect(film.seconds).toBeCloseTo((6 * 1001) / 30000, 12);
    expect([0, 1, 4, 5].map((sample) => isKey(film, sample))).toEqual([true, false, true, false]);
  });

  it("is refused where it is not whole", () => {
    const broken = [
      null,
      {},
      { ...INDEX, NumberOfFrames: 7 },
      { ...INDEX, Timescale: 0 },
      { ...INDEX, Time: INDEX.Time.map(String) },
      { ...INDEX, Offset: [] },
      { ...INDEX, Key: "true" },
      { ...INDEX, Description: "%" },
    ];
    for (const value of broken) expect(() => readFilm(value)).toThrow("could not be read");
  });

  it("has each frame once in both orders", () => {
    fc.assert(
      fc.property(films, (film) => {
        for (let place = 0; place < film.count; place += 1) expect(film.placeOf[film.sampleOf[place] ?? -1]).toBe(place);
        expect([...film.start]).toEqual([...film.start].sort((a, b) => a - b));
      }),
    );
  });
});

describe("a search in ascending numbers", () => {
  it("finds what a look at each would", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 50 })), fc.integer({ min: -1, max: 51 }), (numbers, wanted) => {
        const ascending = Float64Array.from(numbers).sort();
        expect(lastAtMost(ascending, wanted)).toBe(ascending.filter((one) => one <= wanted).length - 1);
      }),
    );
  });
});

describe("the index of single pictures", () => {
  const served = { drawn: (instance: string, number: number) => `${instance}/${number}`, samples: (instance: string, number: number) => `${instance}/${number}/samples`, about: (instance: string) => `${instance}/values` };
  const index = { Timescale: 1000, NumberOfFrames: 3, Time: [0, 40, 90], Duration: [40, 50, 10], Codec: "jpeg" };

  it("tells where those lie that browsers show as they are", () => {
    const film = readPictures({ ...index, ShownAsCoded: true, Offset: [0, 7, 20], Size: [7, 13, 5] }, "a", served);
    expect(film).toMatchObject({ how: "pictures", count: 3, seconds: 0.1, addresses: [] });
    expect([[...film.offset], [...film.size], [...film.keys]]).toEqual([[0, 7, 20], [7, 13, 5], [0, 1, 2]]);
  });

  it("leads to where the server draws the others, numbered from 1", () => {
    const film = readPictures({ ...index, ShownAsCoded: false, Offset: [0, 7, 20], Size: [7, 13, 5] }, "a", served);
    expect([film.how, film.addresses, film.valued]).toEqual(["drawn", ["a/1", "a/2", "a/3"], []]);
  });

  it("tells where values are had that are more than what is drawn", () => {
    const told = { ...index, ShownAsCoded: false, Values: true };
    expect(readPictures(told, "a", served).valued[1]).toEqual({ about: "a/values", number: 1, samples: "a/2/samples" });
    expect(readPictures({ ...told, Codec: "raw" }, "a", served).valued[2]).toEqual({ about: "a/values", number: 2, samples: null });
  });

  it("of a series names each frame's instance", () => {
    const series = readSeries({ ...index, Instance: ["b", "a", "a"], Frame: [1, 1, 2] }, served);
    expect(series).toMatchObject({ film: { how: "drawn", addresses: ["b/1", "a/1", "a/2"] } });
    const valued = "film" in series ? series.film.valued : [];
    expect(valued[2]).toEqual({ about: "a/values", number: 1, samples: "a/2/samples" });
    expect(readSeries({ ...index, Instance: ["a", "a", "a"], Frame: [1, 2, 3] }, served)).toEqual({ object: "a" });
    expect(() => readSeries({ ...index, Instance: ["b"], Frame: [1, 1, 2] }, served)).toThrow();
  });
});
