// What the page says where several series are shown together.

import type { Step } from "../cine/together";
import { plural, spoken } from "../language";

const signed = (value: number): string => (value > 0 ? `+${value}` : String(value));

const steps = (time: string, frame: string, position: string): Record<Step, string> => ({ time, frame, position });

const en = {
  open: "With others of the study",
  title: "Series together",
  close: "Close",
  loading: "Loading…",
  insecure: "Several series are shown together only where frames can be decoded one by one: by HTTPS, or on the server itself.",
  unable: "Your browser cannot decode this video frame by frame.",
  failed: "The video could not be loaded.",
  cell: (number: number) => `Series ${number}`,
  add: "Add from the study",
  addNone: "No other series in the study",
  named: (...parts: string[]) => parts.filter(Boolean).join(", "),
  removeOf: (name: string) => `Remove ${name}`,
  step: "In step by",
  steps: steps("time", "frame", "position"),
  stall: "Where one is behind",
  goesOn: "the others go on",
  waits: "all wait for it",
  hold: "hold until all have finished",
  behind: (frames: number) => `${plural(frames, "frame", "frames")} behind`,
  notYet: "Its first frame is not there yet",
  units: steps("s", "frames", "%"),
  offset: (unit: string) => `Begins later by (${unit})`,
  earlierOf: (name: string) => `${name}: one frame back against the others`,
  laterOf: (name: string) => `${name}: one frame on against the others`,
  correction: (frames: number) => `Corrected by ${signed(frames)}`,
};
const de: typeof en = {
  open: "Mit anderen der Studie",
  title: "Serien gemeinsam",
  close: "Schließen",
  loading: "Wird geladen…",
  insecure:
    "Mehrere Serien werden nur gemeinsam gezeigt, wo Bild für Bild dekodiert werden kann: über HTTPS oder auf dem Server selbst.",
  unable: "Ihr Browser kann dieses Video nicht Bild für Bild dekodieren.",
  failed: "Das Video konnte nicht geladen werden.",
  cell: (number) => `Serie ${number}`,
  add: "Aus der Studie hinzufügen",
  addNone: "Keine weitere Serie in der Studie",
  named: (...parts) => parts.filter(Boolean).join(", "),
  removeOf: (name) => `${name} entfernen`,
  step: "Im Gleichschritt nach",
  steps: steps("Zeit", "Bildnummer", "Position"),
  stall: "Wenn eine zurückbleibt",
  goesOn: "laufen die anderen weiter",
  waits: "warten alle auf sie",
  hold: "halten, bis alle fertig sind",
  behind: (frames) => `${plural(frames, "Bild", "Bilder")} zurück`,
  notYet: "Ihr erstes Bild ist noch nicht da",
  units: steps("s", "Bilder", "%"),
  offset: (unit) => `Beginnt später um (${unit})`,
  earlierOf: (name) => `${name}: ein Bild zurück gegenüber den anderen`,
  laterOf: (name) => `${name}: ein Bild vor gegenüber den anderen`,
  correction: (frames) => `Um ${signed(frames)} korrigiert`,
};

export const words = spoken({ en, de });
