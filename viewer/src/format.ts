// Values as people read them, in their language, and time as frames. Pure.

import { decimal, shortest, spoken } from "./language";

/** A DICOM person name: "DOE^JANE^^DR" becomes "DOE, JANE (DR)"; of several scripts the first one filled. */
export function personName(value: string): string {
  for (const group of value.split("=")) {
    const [family = "", given = "", middle = "", prefix = "", suffix = ""] = group.split("^").map((part) => part.trim());
    const names = [family, [given, middle].filter(Boolean).join(" ")].filter(Boolean).join(", ");
    const titles = [prefix, suffix].filter(Boolean).join(", ");
    if (names !== "") return titles === "" ? names : `${names} (${titles})`;
    if (titles !== "") return titles;
  }
  return "";
}

const day = spoken({
  en: (y: string, m: string, d: string) => `${y}-${m}-${d}`,
  de: (y: string, m: string, d: string) => `${d}.${m}.${y}`,
});

/** A DICOM date: "20261121" becomes "2026-11-21", or "21.11.2026"; anything else stays as it is. */
export function date(value: string): string {
  const match = /^(\d{4})\.?(\d{2})\.?(\d{2})$/.exec(value);
  return match ? day(match[1]!, match[2]!, match[3]!) : value;
}

/** An instant in the reader's own time zone: "2026-11-21 11:00". Orthanc writes its own as "20261121T100000", in UTC. */
export function instant(value: string): string {
  const at = new Date(value.replace(/^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})$/, "$1-$2-$3T$4:$5:$6Z"));
  if (value === "" || Number.isNaN(at.getTime())) return value;
  const two = (number: number): string => String(number).padStart(2, "0");
  return `${day(String(at.getFullYear()), two(at.getMonth() + 1), two(at.getDate()))} ${two(at.getHours())}:${two(at.getMinutes())}`;
}

/** A DICOM time: "101530.5" becomes "10:15"; anything else stays away. */
export function timeOfDay(value: string): string {
  const match = /^(\d{2}):?(\d{2})/.exec(value);
  return match ? `${match[1]}:${match[2]}` : "";
}

/** "0:10", "12:05", "1:02:03". */
export function duration(seconds: number): string {
  const whole = Math.round(seconds);
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const tail = `${h > 0 ? String(m).padStart(2, "0") : m}:${String(s).padStart(2, "0")}`;
  return h > 0 ? `${h}:${tail}` : tail;
}

const point = spoken({ en: ".", de: "," });

/** "00:00:08.008": down to the millisecond, never rounded up into a time not yet reached. */
export function clock(seconds: number): string {
  const micros = Math.max(0, Math.round(seconds * 1e6));
  const millis = Math.floor(micros / 1000);
  const pad = (number: number, digits: number): string => String(number).padStart(digits, "0");
  const whole = Math.floor(millis / 1000);
  return `${pad(Math.floor(whole / 3600), 2)}:${pad(Math.floor(whole / 60) % 60, 2)}:${pad(whole % 60, 2)}${point}${pad(millis % 1000, 3)}`;
}

/** "512 bytes", "1.2 MB": powers of ten. */
export function bytes(count: number): string {
  if (count < 1000) return spoken({ en: count === 1 ? "1 byte" : `${count} bytes`, de: `${count} Byte` });
  const units = ["kB", "MB", "GB", "TB"];
  let value = count / 1000;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${decimal(value, value < 9.95 ? 1 : 0)} ${units[unit]}`;
}

/** Frames per second: the fraction when there is one, else from the time between frames; 0 when not known. */
export function framesPerSecond(rate: string, frameTime: number): number {
  const match = /^(\d+)(?:\/(\d+))?$/.exec(rate);
  const fps = match ? Number(match[1]) / Number(match[2] ?? 1) : 0;
  if (Number.isFinite(fps) && fps > 0) return fps;
  return frameTime > 0 ? 1000 / frameTime : 0;
}

/** "29.97 fps", "25 fps"; "29,97 Bilder/s". */
export function frameRate(fps: number): string {
  const told = shortest(fps, fps < 10 ? 3 : 2);
  const unit = spoken({ en: "fps", de: told === "1" ? "Bild/s" : "Bilder/s" });
  return fps > 0 ? `${told} ${unit}` : "";
}

const CODECS: Record<string, string> = {
  h264: "H.264",
  hevc: "HEVC",
  mpeg2video: "MPEG-2",
  mpeg1video: "MPEG-1",
  mjpeg: "JPEG",
  jpeg: "JPEG",
  ljpeg: "JPEG Lossless",
  jpegls: "JPEG-LS",
  jpeg2000: "JPEG 2000",
  rle: "RLE",
  raw: spoken({ en: "uncompressed", de: "unkomprimiert" }),
  av1: "AV1",
  vp8: "VP8",
  vp9: "VP9",
};

export function codec(name: string): string {
  return CODECS[name.toLowerCase()] ?? name;
}

/** "1280×720", or "" when not known. */
export function pictureSize(columns: number, rows: number): string {
  return columns > 0 && rows > 0 ? `${columns}×${rows}` : "";
}

function within(frame: number, frames: number): number {
  return Math.max(1, frames > 0 ? Math.min(frame, frames) : frame);
}

/** The number (from 1) of the frame on screen at a position in time: a frame stays until the next one is due. */
export function frameAt(seconds: number, fps: number, frames: number): number {
  return within(Math.floor(seconds * fps + 0.01) + 1, frames);
}

/**
 * The number (from 1) of the frame whose own time stamp this is. Containers round time stamps (to the millisecond
 * in the worst case), so the nearest frame is the one.
 */
export function frameStamped(seconds: number, fps: number, frames: number): number {
  return within(Math.round(seconds * fps) + 1, frames);
}
