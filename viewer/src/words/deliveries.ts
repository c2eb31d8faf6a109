// Where a video was sent.

import type { Attempt, Delivery, Form } from "../delivery";
import { instant } from "../format";
import { plural, spoken } from "../language";
import { words as work } from "./work";

const en = {
  deliveries: "Deliveries",
  destination: "Destination",
  send: "Send",
  sendAgain: "Send again",
  sendAgainOf: (name: string) => `Send again to ${name}`,
  tryAgainOf: (name: string) => `Try again to send to ${name}`,
  cancelDeliveryOf: (name: string) => `Cancel sending to ${name}`,
  noDestinations: "Orthanc knows no modality and no DICOMweb server to send it to.",
  noDeliveries: "It has not been sent anywhere.",
  deliveriesLost: "How the deliveries stand cannot be asked now; still trying.",
  turn: "Waiting for its turn",
  tryLater: "Waiting to try again",
  sendingNow: (delivery: Delivery) => `Under way: ${work.progress(delivery)}`,
  stands: { Success: "Delivered", Cancelled: "Cancelled" } as Record<string, string>,
  notDelivered: "Not delivered",
  deliveredBy: (asked: string, created: number) =>
    `${asked === "rule" ? "By a rule" : "On request"}, ${instant(new Date(created).toISOString())}`,
  forms: {
    stored: "As it is stored",
    rewrapped: "In other packaging, its coded pictures unchanged",
    transcoded: "Re-encoded as a video",
    frames: "Each frame coded by itself, in one object",
    stills: "Each frame as an image of its own, in one series",
  } as Record<string, string>,
  oneOf: (step: number) => `, one frame of every ${step}`,
  proofs: {
    "storage commitment": "The destination has committed itself to keeping it (storage commitment).",
    "C-FIND": "Asked afterwards, the destination finds it (C-FIND).",
    "its answer alone": "The destination said that it has stored it; it cannot be asked whether that is so.",
  } as Record<string, string>,
  attempts: (count: number) => plural(count, "attempt", "attempts"),
  results: { Success: "Stored there", Failure: "Failed", Refused: "Refused" } as Record<string, string>,
};

const de: typeof en = {
  deliveries: "Zustellungen",
  destination: "Ziel",
  send: "Senden",
  sendAgain: "Erneut senden",
  sendAgainOf: (name) => `Erneut an ${name} senden`,
  tryAgainOf: (name) => `Erneut versuchen, an ${name} zu senden`,
  cancelDeliveryOf: (name) => `Senden an ${name} abbrechen`,
  noDestinations: "Orthanc kennt weder eine Modalität noch einen DICOMweb-Server, an den es gehen könnte.",
  noDeliveries: "Es wurde noch nirgendwohin gesendet.",
  deliveriesLost: "Der Stand der Zustellungen ist im Augenblick nicht zu erfahren; es wird weiter versucht.",
  turn: "Wartet, bis die Reihe daran ist",
  tryLater: "Wartet auf den nächsten Versuch",
  sendingNow: (delivery) => `Unterwegs: ${work.progress(delivery)}`,
  stands: { Success: "Zugestellt", Cancelled: "Abgebrochen" },
  notDelivered: "Nicht zugestellt",
  deliveredBy: (asked, created) => `${asked === "rule" ? "Nach einer Regel" : "Auf Wunsch"}, ${instant(new Date(created).toISOString())}`,
  forms: {
    stored: "Wie gespeichert",
    rewrapped: "Anders verpackt, die codierten Bilder unverändert",
    transcoded: "Neu codiert als Video",
    frames: "Jedes Bild für sich codiert, in einem Objekt",
    stills: "Jedes Bild als eigenes Einzelbild, in einer Serie",
  },
  oneOf: (step) => `, eines von je ${step} Bildern`,
  proofs: {
    "storage commitment": "Das Ziel hat sich verpflichtet, es aufzubewahren (Storage Commitment).",
    "C-FIND": "Danach gefragt, findet das Ziel es (C-FIND).",
    "its answer alone": "Das Ziel hat gesagt, dass es gespeichert ist; fragen lässt es sich danach nicht.",
  },
  attempts: (count) => plural(count, "Versuch", "Versuche"),
  results: { Success: "Dort gespeichert", Failure: "Fehlgeschlagen", Refused: "Abgelehnt" },
};

const said = spoken({ en, de });

const stands = (delivery: Delivery): string => {
  const { state, stage } = delivery;
  if (state === "Pending") return said.turn;
  if (state !== "Running") return said.stands[state] ?? said.notDelivered;
  if (stage === "wait") return said.tryLater;
  return stage === "waiting" ? said.turn : said.sendingNow(delivery);
};

export const words = {
  ...said,
  delivery: stands,
  form: ({ kind, sopClass, syntax, step }: Form) =>
    `${said.forms[kind] ?? kind}${step > 1 ? said.oneOf(step) : ""}: ${sopClass}, ${syntax}`,
  deliveryProof: (proof: string) => said.proofs[proof] ?? proof,
  attempt: ({ at, result }: Attempt) => `${instant(at)}: ${said.results[result] ?? result}`,
};
