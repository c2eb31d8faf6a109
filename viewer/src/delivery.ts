// Where a video can be sent and was sent: the API's JSON, checked. Pure.

import { amount, fields, readJob, sentences, text } from "./answers";
import type { Job } from "./answers";

export interface Destination {
  name: string;
  /** Why nothing can be sent there, as a sentence; empty where it can. */
  fault: string;
}

/** In which form a video goes there. */
export interface Form {
  kind: string;
  sopClass: string;
  syntax: string;
  /** One frame of so many is kept. */
  step: number;
}

export interface Attempt {
  at: string;
  form: Form | null;
  result: string;
  sentence: string;
}

export interface Delivery extends Job {
  /** "rule" or "request". */
  asked: string;
  form: Form | null;
  reasons: string[];
  /** How it is known that the destination has it; empty where it is not. */
  proof: string;
  attempts: Attempt[];
}

function readForm(value: unknown): Form | null {
  const form = fields(value);
  const kind = text(form["Kind"]);
  if (kind === "") return null;
  return {
    kind,
    sopClass: text(form["Class"]) || text(form["SOPClassUID"]),
    syntax: text(form["Syntax"]) || text(form["TransferSyntaxUID"]),
    step: amount(form["Step"]) || 1,
  };
}

function readAttempt(value: unknown): Attempt {
  const attempt = fields(value);
  return {
    at: text(attempt["At"]),
    form: readForm(attempt["Form"]),
    result: text(attempt["Result"]),
    sentence: text(attempt["Sentence"]),
  };
}

function readDelivery(value: unknown): Delivery {
  const delivery = fields(value);
  const attempts = delivery["Attempts"];
  return {
    ...readJob(value),
    asked: text(delivery["Asked"]),
    form: readForm(delivery["Form"]),
    reasons: sentences(delivery["Reasons"]),
    proof: text(delivery["Proof"]),
    attempts: Array.isArray(attempts) ? attempts.map(readAttempt) : [],
  };
}

export function readDeliveries(value: unknown): Delivery[] {
  const found = fields(value)["Deliveries"];
  return Array.isArray(found) ? found.map(readDelivery) : [];
}

export function readDestinations(value: unknown): Destination[] {
  const found = fields(value)["Destinations"];
  if (!Array.isArray(found)) return [];
  return found.map((one) => ({ name: text(fields(one)["Name"]), fault: text(fields(one)["Fault"]) })).filter((one) => one.name !== "");
}
