// Where a film is seen, and its controls.

import { plural, spoken } from "../language";

const en = {
  frame: "Frame",
  ofFrames: (frames: number) => `of ${frames}`,
  time: "Time",
  videoLabel: (date: string) => (date === "" ? "Video" : `Video of ${date}`),
  plainInsecure:
    "Played by the browser alone, since this page came over an unprotected line: steps and ranges may be off by a frame; there is no " +
    "reverse (J steps back) and no exact rate. With HTTPS, or on the server itself, all of that is there.",
  plainUnable:
    "Played by the browser alone, since it cannot decode this video frame by frame: steps and ranges may be off by a frame; there is no " +
    "reverse (J steps back) and no exact rate.",
  plainChosen:
    "Played by the browser alone, with sound if there is any: steps and ranges may be off by a frame, and there is no reverse (J steps back).",
  exact: "Back to exact frames",
  plain: "Browser's player",
  plainTitle: "Play by the browser's own player, with sound if there is any, but not exact to the frame",
  plainSilentTitle: "Play by the browser's own player, which is not exact to the frame",
  fullScreen: "Full screen (F)",
  positionOf: (frame: number, frames: number, time: string) => `Frame ${frame} of ${frames}${time === "" ? "" : `, ${time}`}`,
  cineTrouble: {
    unreachable: "The video cannot be loaded at the moment. It is being tried again.",
    changed: "The video has changed on the server. Open it again.",
    undecodable: "This frame cannot be decoded. The others may be.",
  },
  transport: "Playing",
  firstFrame: "First frame of the range (Home)",
  lastFrame: "Last frame of the range (End)",
  stepBack: "One frame back (left arrow)",
  stepOn: "One frame on (right arrow)",
  playBack: "Play backwards (J)",
  pauseNow: "Pause (K)",
  playOn: "Play (L)",
  markIn: "Range begins here (I)",
  markOut: "Range ends here (O)",
  wholeRange: "Whole video (X)",
  position: "Frame",
  rate: "Frames per second",
  realTime: "real time",
  atEnd: "At the end",
  atEnds: { restart: "restart", swing: "swing back", stop: "stop" },
  rangeOf: (first: number | string, last: number | string) => `Range ${first}–${last}`,
  leftOut: (count: number) => `${plural(count, "frame", "frames")} left out`,
};

const de: typeof en = {
  frame: "Bild",
  ofFrames: (frames) => `von ${frames}`,
  time: "Zeit",
  videoLabel: (date) => (date === "" ? "Video" : `Video vom ${date}`),
  plainInsecure:
    "Vom Browser allein abgespielt, da diese Seite über eine ungeschützte Leitung kam: Schritte und Bereiche können um ein Bild danebenliegen; " +
    "rückwärts (J geht ein Bild zurück) und mit genauer Bildrate geht es nicht. Mit HTTPS oder auf dem Server selbst gibt es all das.",
  plainUnable:
    "Vom Browser allein abgespielt, da er dieses Video nicht Bild für Bild decodieren kann: Schritte und Bereiche können um ein Bild " +
    "danebenliegen; rückwärts (J geht ein Bild zurück) und mit genauer Bildrate geht es nicht.",
  plainChosen:
    "Vom Browser allein abgespielt, mit Ton, falls es einen gibt: Schritte und Bereiche können um ein Bild danebenliegen, rückwärts geht " +
    "es nicht (J geht ein Bild zurück).",
  exact: "Zurück zu genauen Bildern",
  plain: "Abspieler des Browsers",
  plainTitle: "Mit dem Abspieler des Browsers, mit Ton, falls es einen gibt, aber nicht auf das Bild genau",
  plainSilentTitle: "Mit dem Abspieler des Browsers, der nicht auf das Bild genau ist",
  fullScreen: "Ganzer Bildschirm (F)",
  positionOf: (frame, frames, time) => `Bild ${frame} von ${frames}${time === "" ? "" : `, ${time}`}`,
  cineTrouble: {
    unreachable: "Das Video kann im Augenblick nicht geladen werden. Es wird weiter versucht.",
    changed: "Das Video hat sich auf dem Server geändert. Bitte erneut öffnen.",
    undecodable: "Dieses Bild kann nicht decodiert werden. Die anderen vielleicht.",
  },
  transport: "Abspielen",
  firstFrame: "Erstes Bild des Bereichs (Pos1)",
  lastFrame: "Letztes Bild des Bereichs (Ende)",
  stepBack: "Ein Bild zurück (Pfeil links)",
  stepOn: "Ein Bild weiter (Pfeil rechts)",
  playBack: "Rückwärts abspielen (J)",
  pauseNow: "Anhalten (K)",
  playOn: "Abspielen (L)",
  markIn: "Bereich beginnt hier (I)",
  markOut: "Bereich endet hier (O)",
  wholeRange: "Ganzes Video (X)",
  position: "Bild",
  rate: "Bilder pro Sekunde",
  realTime: "Echtzeit",
  atEnd: "Am Ende",
  atEnds: { restart: "von vorn", swing: "zurückschwingen", stop: "anhalten" },
  rangeOf: (first, last) => `Bereich ${first}–${last}`,
  leftOut: (count) => `${plural(count, "Bild", "Bilder")} ausgelassen`,
};

export const words = spoken({ en, de });
