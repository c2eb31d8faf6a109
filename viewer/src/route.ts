// What the page shows, kept in the address's hash: only opaque Orthanc IDs, never anything about a patient.

const ORTHANC_ID = /^[0-9a-f]{8}(-[0-9a-f]{8}){4}$/;

export function isOrthancId(text: string): boolean {
  return ORTHANC_ID.test(text);
}

export function videoHash(id: string): string {
  return `#/v/${id}`;
}

/** The selected video, or null for the list. */
export function readHash(hash: string): string | null {
  return named(/^#\/v\/([^/]+)$/, hash);
}

/** The selected series, whose pictures are shown one after the other; or null. */
export function readSeriesHash(hash: string): string | null {
  return named(/^#\/s\/([^/]+)$/, hash);
}

function named(form: RegExp, hash: string): string | null {
  const id = form.exec(hash)?.[1];
  return id !== undefined && isOrthancId(id) ? id : null;
}

export function seriesHash(id: string): string {
  return `#/s/${id}`;
}

/** How many videos are shown together at most. */
export const MOST_TOGETHER = 9;

export function groupHash(ids: readonly string[]): string {
  return `#/g/${ids.join(",")}`;
}

/** What a series of single pictures is called among those that are shown together. */
const SERIES = "s-";

export function memberOfSeries(id: string): string {
  return SERIES + id;
}

/** The series that a member of a group is; null where it is a video. */
export function readMember(member: string): string | null {
  return member.startsWith(SERIES) ? member.slice(SERIES.length) : null;
}

/** The videos and series that are shown together, each once; null where it is not about that. */
export function readGroup(hash: string): string[] | null {
  const members = /^#\/g\/([^/]+)$/.exec(hash)?.[1]?.split(",") ?? [];
  const known = members.every((member) => isOrthancId(readMember(member) ?? member));
  return members.length > 0 && known ? [...new Set(members)].slice(0, MOST_TOGETHER) : null;
}
