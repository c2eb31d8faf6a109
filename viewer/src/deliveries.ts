// The deliveries of a video: where it was sent, in which form and why, how that stands; and sending it.

import { ApiError, cancelJob, getDeliveries, getDestinations, retryJob, sendTo } from "./api";
import { hasEnded } from "./answers";
import type { Delivery, Destination } from "./delivery";
import { arrange, button, el } from "./dom";
import { ENGLISH, because, tell, tellError } from "./said";
import { words } from "./words";

const POLL_MS = 1000;
// As a peer that is out of resources is tried again, a delivery may wait for hours.
const POLL_SLOWEST_MS = 8000;

export interface Deliveries {
  element: HTMLElement;
  /** Nothing more is asked. */
  end: () => void;
}

/** Does something that somebody asked for. */
type Act = (asked: () => Promise<void>) => void;

function attempts(delivery: Delivery, open: boolean): HTMLElement | null {
  if (delivery.attempts.length === 0) return null;
  const each = delivery.attempts.map((one) =>
    el(
      "li",
      {},
      words.attempt(one),
      one.form === null ? null : el("small", {}, words.form(one.form)),
      one.sentence === "" ? null : el("small", ENGLISH, one.sentence),
    ),
  );
  const summary = el("summary", {}, words.attempts(each.length));
  return el("details", { open, "data-test": "delivery-attempts" }, summary, el("ol", {}, ...each));
}

function choice(video: string, delivery: Delivery, act: Act): HTMLElement {
  const { id, destination, state } = delivery;
  const offer = (text: string, label: string, name: string, asked: () => Promise<void>): HTMLElement =>
    button(text, { class: "quiet", "aria-label": label, "data-test": `delivery-${name}` }, () => act(asked));
  if (!hasEnded(delivery)) return offer(words.cancel, words.cancelDeliveryOf(destination), "cancel", () => cancelJob(id));
  if (state === "Failure") return offer(words.retry, words.tryAgainOf(destination), "retry", () => retryJob(id));
  return offer(words.sendAgain, words.sendAgainOf(destination), "again", () => sendTo(video, destination));
}

function fill(item: HTMLElement, video: string, delivery: Delivery, act: Act): void {
  const { destination, asked, created, form, reasons, proof, state, stage, percent, sentence } = delivery;
  const open = item.querySelector("details")?.open ?? false;
  // What is drawn anew keeps the focus where it was.
  const focused = item.contains(document.activeElement) ? document.activeElement?.tagName : null;
  const button = choice(video, delivery, act);
  const moves = state === "Running" && !stage.startsWith("wait");
  const bar = el("progress", { max: 100, value: percent, "aria-label": words.progressOf(destination), hidden: !moves });
  item.dataset["state"] = state;
  item.replaceChildren(
    el(
      "header",
      {},
      el("h4", {}, destination, el("small", {}, words.deliveredBy(asked, created))),
      button,
    ),
    el("p", { class: "delivery-state", "data-test": "delivery-state" }, words.delivery(delivery)),
    bar,
    ...(form === null ? [] : [el("p", { "data-test": "delivery-form" }, words.form(form))]),
    ...(reasons.length === 0 ? [] : [el("ul", { "data-test": "delivery-reasons" }, ...reasons.map(because))]),
    ...(sentence === "" ? [] : [el("p", { ...ENGLISH, "data-test": "delivery-sentence" }, sentence)]),
    ...(proof === "" ? [] : [el("p", { "data-test": "delivery-proof" }, words.deliveryProof(proof))]),
  );
  const tried = attempts(delivery, open);
  if (tried !== null) item.append(tried);
  if (focused === "SUMMARY") item.querySelector("summary")?.focus();
  else if (focused) button.focus();
}

function sender(video: string, known: Destination[], act: Act): HTMLElement[] {
  if (known.length === 0) return [el("p", { class: "note" }, words.noDestinations)];
  const select = el("select", { "aria-label": words.destination, "data-test": "destination" });
  for (const one of known) select.append(el("option", { value: one.name, disabled: one.fault !== "" }, one.name));
  const send = button(words.send, { "data-test": "send" }, () => act(() => sendTo(video, select.value)));
  const faults = known.filter((one) => one.fault !== "").map((one) => el("p", { ...ENGLISH, class: "note" }, one.fault));
  select.value = known.find((one) => one.fault === "")?.name ?? "";
  send.disabled = select.value === "";
  return [el("p", { class: "send" }, select, send), ...faults];
}

/** The section of the page. It stays hidden from those whom Orthanc shows neither destinations nor deliveries. */
export function deliveries(video: string): Deliveries {
  const ended = new AbortController();
  const problem = el("p", { class: "problem", role: "alert", "data-test": "delivery-problem", hidden: true });
  const top = el("div", { class: "sender" });
  const none = el("p", { class: "note", hidden: true }, words.noDeliveries);
  const list = el("ul", { class: "deliveries-list" });
  const title = el("h3", { id: "deliveries-title" }, words.deliveries);
  const named = { class: "deliveries", "aria-labelledby": "deliveries-title", "data-test": "deliveries", hidden: true };
  const element = el("section", named, title, top, problem, none, list);
  const items = new Map<string, { item: HTMLLIElement; told: string }>();
  let due = false;
  let wake = (): void => undefined;
  const look = (): void => {
    due = true;
    wake();
  };

  const complain = (sentence: string): void => {
    tell(problem, sentence);
    problem.hidden = sentence === "";
  };

  let acting = false;
  const act: Act = (asked) => {
    if (acting) return;
    acting = true;
    complain("");
    asked()
      .catch((error: unknown) => {
        tellError(problem, error);
        problem.hidden = false;
      })
      .finally(() => {
        acting = false;
        look();
      });
  };

  /** Whether anything is other than it was. */
  function draw(found: Delivery[]): boolean {
    let changed = found.length !== items.size;
    const shown = found.map((delivery) => {
      const known = items.get(delivery.id) ?? { item: el("li", { class: "delivery", "data-test": "delivery" }), told: "" };
      const told = JSON.stringify(delivery);
      if (known.told !== told) {
        fill(known.item, video, delivery, act);
        changed = true;
      }
      items.set(delivery.id, { item: known.item, told });
      return known.item;
    });
    arrange(list, shown);
    none.hidden = found.length > 0;
    element.hidden = false;
    return changed;
  }

  /** Null: until there is something to look at. */
  async function pause(ms: number | null): Promise<void> {
    if (!due) {
      await new Promise<void>((resolve) => {
        wake = resolve;
        if (ms !== null) setTimeout(resolve, ms);
      });
    }
    due = false;
  }

  async function follow(): Promise<void> {
    let wait = POLL_MS;
    while (!ended.signal.aborted) {
      let resting = false;
      try {
        const found = await getDeliveries(video, ended.signal);
        if (problem.textContent === words.deliveriesLost) complain("");
        wait = draw(found) ? POLL_MS : Math.min(wait * 1.5, POLL_SLOWEST_MS);
        resting = found.every(hasEnded);
      } catch (error) {
        if (ended.signal.aborted) return;
        // Not everybody may see them.
        if (error instanceof ApiError && error.status >= 400 && error.status < 500) return;
        complain(words.deliveriesLost);
        wait = Math.min(wait * 2, POLL_SLOWEST_MS);
      }
      await pause(resting ? null : wait);
    }
  }

  async function offer(): Promise<void> {
    try {
      top.replaceChildren(...sender(video, await getDestinations(ended.signal), act));
    } catch {
      return; // who may not see them sends nothing
    }
  }

  // What is to be played asks before.
  queueMicrotask(() => {
    void offer();
    void follow();
  });
  return {
    element,
    end: () => {
      ended.abort();
      look();
    },
  };
}
