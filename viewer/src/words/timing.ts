// What the page says of a film's times.

import { decimal, plural, spoken } from "../language";

const milliseconds = (seconds: number): string => decimal(1000 * seconds, 1);

const en = {
  exact: "Exact timing",
  exactTitle: "Marks every frame that is shown more than 20 ms off its time, or after others were left out, and reports on all of them",
  copy: "Copy the report",
  copied: "Copied",
  download: "Download the report",
  report: "Timing",
  none: "Nothing has been played yet.",
  line: (shown: number, dropped: number, late: number, jitter: number) =>
    `${shown} shown · ${dropped} left out · ${late} more than 20 ms off their time · 95 % within ${milliseconds(jitter)} ms`,
  late: (place: number, by: number) => `Frame ${place + 1}: ${milliseconds(Math.abs(by))} ms ${by < 0 ? "early" : "late"}`,
  dropped: (place: number, count: number) => `Frame ${place + 1}: ${plural(count, "frame", "frames")} left out before it`,
  stood: (place: number, seconds: number) => `Frame ${place + 1}: time stood still for ${decimal(seconds, 1)} s before it`,
  stoodInAll: (seconds: number) => `time stood still for ${decimal(seconds, 1)} s`,
  ofVideo: (id: string) => `Timing of video ${id}`,
  written: (when: string) => `Written: ${when}`,
  more: "Only the first 1000 are listed.",
  next: "go on with the next series",
};
const de: typeof en = {
  exact: "Genaue Zeiten",
  exactTitle:
    "Markiert jedes Bild, das mehr als 20 ms neben seiner Zeit gezeigt wird oder vor dem andere ausgelassen wurden, und berichtet über alle",
  copy: "Bericht kopieren",
  copied: "Kopiert",
  download: "Bericht herunterladen",
  report: "Zeiten",
  none: "Es wurde noch nichts abgespielt.",
  line: (shown, dropped, late, jitter) =>
    `${shown} gezeigt · ${dropped} ausgelassen · ${late} mehr als 20 ms neben ihrer Zeit · 95 % innerhalb von ${milliseconds(jitter)} ms`,
  late: (place, by) => `Bild ${place + 1}: ${milliseconds(Math.abs(by))} ms zu ${by < 0 ? "früh" : "spät"}`,
  dropped: (place, count) => `Bild ${place + 1}: davor ${plural(count, "Bild", "Bilder")} ausgelassen`,
  stood: (place, seconds) => `Bild ${place + 1}: davor stand die Zeit ${decimal(seconds, 1)} s still`,
  stoodInAll: (seconds) => `die Zeit stand ${decimal(seconds, 1)} s still`,
  ofVideo: (id) => `Zeiten des Videos ${id}`,
  written: (when) => `Geschrieben: ${when}`,
  more: "Nur die ersten 1000 sind aufgeführt.",
  next: "mit der nächsten Serie weiter",
};

export const words = spoken({ en, de });
