// The cards of the list: a video, or a series of single pictures.

import { address } from "./api";
import type { Video } from "./answers";
import { el } from "./dom";
import { bytes, codec, duration, frameRate, framesPerSecond, personName, pictureSize, timeOfDay } from "./format";
import { seriesHash, videoHash } from "./route";
import { ENGLISH } from "./said";
import type { Series } from "./series";
import { words } from "./words";

function picture(source: string, length: string): HTMLElement {
  const image = el("img", { src: source, alt: "", loading: "lazy", decoding: "async" });
  const frame = el("span", { class: "thumbnail" }, image);
  image.addEventListener("error", () => {
    image.remove();
    frame.classList.add("missing");
  });
  if (length !== "") frame.append(el("span", { class: "length" }, length));
  return frame;
}

/** What a series is called, and when its pictures were taken: by that those of one study are told apart. */
export function seriesName(about: Video): string {
  const number = about.seriesNumber === "" ? "" : words.seriesNumber(about.seriesNumber);
  return [about.seriesDescription || number, timeOfDay(about.contentTime)].filter(Boolean).join(" · ");
}

function card(about: Video, shown: HTMLElement, facts: string[], link: Record<string, string>, syntax: string): HTMLLIElement {
  const name = seriesName(about);
  return el(
    "li",
    {},
    el(
      "a",
      { class: "card", ...link },
      shown,
      el(
        "span",
        { class: "card-text" },
        // The study's head shows it; a link is to have a name of its own all the same.
        el("span", { class: "unseen" }, personName(about.patientName) || words.noName),
        name === "" ? null : el("span", { class: "card-title", "data-test": "card-title" }, name),
        el("span", { class: "card-facts" }, ...facts.filter(Boolean).map((fact) => el("span", {}, fact))),
        syntax === "" ? null : el("span", { ...ENGLISH, class: "card-syntax" }, syntax),
      ),
    ),
  );
}

export function videoCard(video: Video): HTMLLIElement {
  const facts = [
    pictureSize(video.columns, video.rows),
    frameRate(framesPerSecond(video.rate, video.frameTime)),
    codec(video.codec),
    video.bytes > 0 ? bytes(video.bytes) : "",
  ];
  const shown = picture(address.thumbnail(video.id), video.seconds > 0 ? duration(video.seconds) : "");
  return card(video, shown, facts, { href: videoHash(video.id), "data-test": "card", "data-id": video.id }, video.transferSyntax);
}

export function seriesCard({ id, instance, count, about }: Series): HTMLLIElement {
  const facts = [about.modality, words.images(count)];
  return card(about, picture(address.small(instance), ""), facts, { href: seriesHash(id), "data-test": "series-card", "data-id": id }, "");
}
