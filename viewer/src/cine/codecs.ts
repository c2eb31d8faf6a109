// What WebCodecs calls a stream, of its sample entry and decoder configuration. Pure.
//
// DICOM stores MPEG-2, H.264 and HEVC (PS3.5 8.2.5 to 8.2.11): of AV1 and VP9 there are no objects. They become H.264.

/** Empty for a codec that browsers do not decode. */
export function codecOf(entry: string, configuration: Uint8Array): string {
  if (entry === "avc1" || entry === "avc3") return h264(entry, configuration);
  return entry === "hvc1" || entry === "hev1" ? hevc(entry, configuration) : "";
}

const hex = (byte: number): string => byte.toString(16).toUpperCase();

/** "avc1.64001f" of avcC (ISO/IEC 14496-15 E.2): profile, compatibility, level. */
function h264(entry: string, avcC: Uint8Array): string {
  return `${entry}.${[...avcC.subarray(1, 4)].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

/** "hvc1.1.6.L93.B0" of hvcC (ISO/IEC 14496-15 E.3): profile, compatibility with its bits reversed, tier and level, constraints. */
function hevc(entry: string, hvcC: Uint8Array): string {
  if (hvcC.length < 13) return "";
  const view = new DataView(hvcC.buffer, hvcC.byteOffset);
  const profile = view.getUint8(1);
  const space = ["", "A", "B", "C"][profile >> 6] ?? "";
  const flags = view.getUint32(2);
  let reversed = 0;
  for (let bit = 0; bit < 32; bit += 1) if ((flags >>> bit) & 1) reversed += 2 ** (31 - bit);
  const constraints = [...hvcC.subarray(6, 12)];
  while (constraints.at(-1) === 0) constraints.pop();
  const tier = (profile >> 5) & 1 ? "H" : "L";
  const parts = [`${space}${profile & 31}`, hex(reversed), `${tier}${view.getUint8(12)}`, ...constraints.map(hex)];
  return [entry, ...parts].join(".");
}

/** NAL unit types of H.264 (ISO/IEC 14496-10 table 7-1): pictures that lean on others, and those that everything begins anew with. */
const [SLICE, IDR] = [1, 5];

/** Whether a sample of H.264 is a picture by which a decoder that knows nothing can begin, but behind which others may be missed. */
export function isInOpenGroup(codec: string, avcC: Uint8Array, sample: Uint8Array): boolean {
  if (!codec.startsWith("avc")) return false;
  const lengthSize = ((avcC[4] ?? 3) & 3) + 1;
  for (let at = 0; at + lengthSize < sample.length; ) {
    const length = sample.subarray(at, at + lengthSize).reduce((sum, byte) => sum * 256 + byte, 0);
    const type = (sample[at + lengthSize] ?? 0) & 31;
    if (type === SLICE || type === IDR) return type === SLICE;
    at += lengthSize + length;
  }
  return false;
}
