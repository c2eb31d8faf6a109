import { describe, expect, it } from "vitest";
import { readDeliveries, readDestinations } from "../src/delivery";
import { words } from "../src/words";

const FORM = {
  ...{ Kind: "frames", Class: "Video Photographic", Syntax: "JPEG Baseline (Process 1)", Step: 2 },
  ...{ SOPClassUID: "1.2", TransferSyntaxUID: "1.2.840.10008.1.2.4.50" },
};
const ATTEMPT = { At: "2026-11-22T10:00:00+00:00", Form: FORM, Result: "Failure", Sentence: "It is out of resources." };
const DELIVERY = {
  ...{ ID: "d", State: "Success", Progress: 100, Stage: "done", Sentence: "", Action: "deliver", Created: 7 },
  ...{ Destination: "PACS", Asked: "rule", Form: FORM, Reasons: ["one", ""], Proof: "C-FIND", Attempts: [ATTEMPT] },
};

describe("a delivery", () => {
  it("is read whole", () => {
    const form = { kind: "frames", sopClass: "Video Photographic", syntax: "JPEG Baseline (Process 1)", step: 2 };
    const [found] = readDeliveries({ Deliveries: [DELIVERY] });
    expect(found).toMatchObject({ id: "d", destination: "PACS", asked: "rule", form, reasons: ["one"], proof: "C-FIND" });
    expect(found?.attempts).toEqual([{ at: ATTEMPT.At, form, result: "Failure", sentence: "It is out of resources." }]);
    expect(words.form(form)).toBe(
      "Each frame coded by itself, in one object, one frame of every 2: Video Photographic, JPEG Baseline (Process 1)",
    );
  });

  it("is read while little is known of it", () => {
    const [found] = readDeliveries({ Deliveries: [{ ID: "d", State: "Running", Destination: "PACS", Stage: "waiting" }] });
    expect(found).toMatchObject({ form: null, reasons: [], proof: "", attempts: [], asked: "" });
    expect(words.delivery(found!)).toBe("Waiting for its turn");
    expect(words.delivery({ ...found!, stage: "send", percent: 40 })).toBe("Under way: 40 % (sending)");
    expect(words.delivery({ ...found!, stage: "wait" })).toBe("Waiting to try again");
    expect(words.delivery({ ...found!, state: "Failure" })).toBe("Not delivered");
  });

  it("is one of a list", () => {
    expect(readDeliveries({})).toEqual([]);
    expect(readDeliveries(null)).toEqual([]);
  });
});

describe("destinations", () => {
  it("have a name, and a fault where nothing can be sent there", () => {
    const told = { Destinations: [{ Name: "PACS", Fault: "" }, { Name: "OLD", Fault: "It is not to." }, { Name: "" }, 1] };
    expect(readDestinations(told)).toEqual([{ name: "PACS", fault: "" }, { name: "OLD", fault: "It is not to." }]);
    expect(readDestinations("x")).toEqual([]);
  });
});
