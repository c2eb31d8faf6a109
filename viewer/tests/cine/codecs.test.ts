import { describe, expect, it } from "vitest";
import { codecOf } from "../../src/cine/codecs";

const bytes = (hex: string): Uint8Array => Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));

describe("what WebCodecs calls a stream", () => {
  it.each([
    ["avc1", "0164001fffe1", "avc1.64001f"],
    ["avc3", "014d400bffe1", "avc3.4d400b"],
    // As the examples of ISO/IEC 14496-15 E.3 are made.
    ["hev1", "010160000000b000000000005df000", "hev1.1.6.L93.B0"],
    ["hvc1", "012220000000b0000000000099f000", "hvc1.2.4.H153.B0"],
    ["hvc1", "010160000000900000000000b4f000", "hvc1.1.6.L180.90"],
    ["hvc1", "01c1000000000000000000003cf000", "hvc1.C1.0.L60"],
    ["mp4v", "00", ""],
    ["hvc1", "0101", ""],
  ])("%s with %s is %s", (entry, configuration, expected) => {
    expect(codecOf(entry, bytes(configuration))).toBe(expected);
  });
});
