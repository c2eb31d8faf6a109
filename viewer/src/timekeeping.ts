// Exact timing: a mark on the picture for each frame that did not keep to its time, and a report to take along.

import type { Miss, Timing, TimingReport } from "./cine/timing";
import { button, el } from "./dom";
import { instant } from "./format";
import { words } from "./words/timing";

/** Milliseconds: a mark stays for as long at least, and the report is written anew so often. */
const [STAYS, RENEWED] = [1500, 250];
/** As many misses are told one by one. */
const LISTED = 1000;

export interface Timekeeping {
  /** Chooses whether it is seen. */
  toggle: HTMLButtonElement;
  mark: HTMLElement;
  report: HTMLElement;
  /** A frame was drawn. */
  drawn: (timing: Timing) => void;
  /** Whether it plays has changed. */
  changed: (timing: Timing) => void;
}

function line({ shown, dropped, late, stood, jitter }: TimingReport): string {
  const told = jitter === null ? words.none : words.line(shown, dropped, late, jitter);
  return stood > 0 ? `${told} · ${words.stoodInAll(stood)}` : told;
}

function told({ place, by, late, dropped, stood }: Miss): string {
  const parts = [
    late ? words.late(place, by) : "",
    dropped > 0 ? words.dropped(place, dropped) : "",
    stood > 0 ? words.stood(place, stood) : "",
  ];
  return parts.filter(Boolean).join("; ");
}

/** The report as text. */
export function written(id: string, report: TimingReport, when: string): string {
  const { misses } = report;
  const more = misses.length < LISTED ? [] : [words.more];
  const lines = [words.ofVideo(id), words.written(when), line(report), ...misses.map(told), ...more];
  return lines.join("\n") + "\n";
}

function save(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
  el("a", { href: url, download: name }).click();
  URL.revokeObjectURL(url);
}

export function timekeeping(id: string): Timekeeping {
  let timing: Timing | null = null;
  let [marked, renewed] = [-STAYS, -RENEWED];
  const mark = el("p", { class: "off-time", "aria-live": "off", "data-test": "off-time", hidden: true });
  const sum = el("output", { "aria-live": "off", "data-test": "timing" }, words.none);
  const text = (): string => (timing === null ? words.none : written(id, timing.report(), instant(new Date().toISOString())));
  const copy = button(words.copy, { class: "quiet", "data-test": "timing-copy" }, () => {
    void navigator.clipboard.writeText(text()).then(() => (copy.textContent = words.copied));
  });
  const download = button(words.download, { class: "quiet", "data-test": "timing-download" }, () => {
    save(`timing-${id.slice(0, 8)}.txt`, text());
  });
  const report = el("div", { class: "timing", role: "group", "aria-label": words.report, hidden: true }, sum, copy, download);
  const attributes = { class: "quiet", title: words.exactTitle, "aria-pressed": "false", "data-test": "exact-timing" };
  const toggle = button(words.exact, attributes, () => {
    report.hidden = !report.hidden;
    toggle.setAttribute("aria-pressed", String(!report.hidden));
    mark.hidden = true;
  });

  const renew = (): void => {
    sum.textContent = timing === null ? words.none : line(timing.report());
    copy.textContent = words.copy;
  };

  return {
    toggle,
    mark,
    report,
    drawn: (now) => {
      timing = now;
      if (report.hidden) return;
      const moment = performance.now();
      if (now.miss !== null) {
        mark.textContent = told(now.miss);
        [mark.hidden, marked] = [false, moment];
      } else if (moment - marked > STAYS) mark.hidden = true;
      if (moment - renewed < RENEWED) return;
      renewed = moment;
      renew();
    },
    changed: (now) => {
      timing = now;
      renew();
    },
  };
}
