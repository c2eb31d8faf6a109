// The studies of the list: each a head, the cards of its videos, and those of its other series once it is on screen.

import { getSeriesOf } from "./api";
import type { Video } from "./answers";
import { seriesCard, videoCard } from "./cards";
import { arrange, el } from "./dom";
import { date, personName } from "./format";
import { withoutVideos } from "./series";
import { byStudy } from "./studies";
import type { Study } from "./studies";
import { words } from "./words";

export interface Groups {
  element: HTMLElement;
  /** Shows these videos, and after them the studies of which none is among them. */
  draw: (videos: Video[], studies: Study[]) => void;
}

/** What stands above a study; `id` is null for a video whose study is not known. */
type Head = Pick<Study, "patientName" | "patientId" | "date" | "description"> & { id: string | null };

interface Group {
  told: string;
  study: string | null;
  element: HTMLElement;
  cards: HTMLElement;
  videos: Video[];
  others: HTMLElement[];
}

function headOf({ studyId, patientName, patientId, studyDate, studyDescription }: Video): Head {
  return { id: studyId, patientName, patientId, date: studyDate, description: studyDescription };
}

function group(name: string, told: string, head: Head): Group {
  const cards = el("ul", { class: "cards" });
  const id = `study-${name}`;
  const element = el(
    "section",
    { class: "study", "aria-labelledby": id, "data-test": "study-group" },
    el(
      "header",
      {},
      el("h2", { id }, personName(head.patientName) || words.noName),
      el("span", {}, date(head.date) || words.noDate),
      head.description === "" ? null : el("span", {}, head.description),
      head.patientId === "" ? null : el("span", { class: "card-id" }, words.idOf(head.patientId)),
    ),
    cards,
  );
  return { told, study: head.id, element, cards, videos: [], others: [] };
}

export function studyGroups(): Groups {
  const element = el("div", { class: "studies" });
  let made = new Map<string, { told: string; element: HTMLLIElement }>();
  let groups = new Map<string, Group>();
  let asking = new AbortController();
  const looked = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) {
      const one = [...groups.values()].find((other) => other.element === target);
      if (!isIntersecting || one === undefined) continue;
      looked.unobserve(target);
      void fill(one);
    }
  });

  function lay(one: Group): void {
    arrange(one.cards, [...one.videos.flatMap(({ id }) => made.get(id)?.element ?? []), ...one.others]);
  }

  async function fill(one: Group): Promise<void> {
    const { signal } = asking;
    if (one.study === null) return;
    // Where they cannot be had it stays as it is.
    const series = await getSeriesOf(one.study, signal).catch(() => null);
    if (signal.aborted || series === null) return;
    one.others = withoutVideos(series, one.videos).map(seriesCard);
    lay(one);
    one.element.hidden = one.videos.length === 0 && one.others.length === 0;
  }

  /** A group that is there already is kept where it still tells the same. */
  function grouped(name: string, head: Head, videos: Video[]): [string, Group] {
    const [told, before] = [JSON.stringify(head), groups.get(name)];
    const one = before?.told === told ? before : group(name, told, head);
    one.videos = videos;
    lay(one);
    return [name, one];
  }

  function draw(videos: Video[], studies: Study[]): void {
    asking.abort();
    asking = new AbortController();
    made = new Map(
      videos.map((video) => {
        const [told, before] = [JSON.stringify(video), made.get(video.id)];
        return [video.id, before?.told === told ? before : { told, element: videoCard(video) }];
      }),
    );
    const held = byStudy(videos);
    const known = new Set(videos.map(({ studyId }) => studyId));
    groups = new Map([
      ...held.map((several) => grouped(several[0]!.studyId ?? several[0]!.id, headOf(several[0]!), several)),
      ...studies.filter(({ id }) => !known.has(id)).map((study) => grouped(study.id, study, [])),
    ]);
    arrange(element, [...groups.values()].map((one) => one.element));
    // Each is told of anew: whether it is on screen now.
    looked.disconnect();
    for (const one of groups.values()) looked.observe(one.element);
  }

  return { element, draw };
}
