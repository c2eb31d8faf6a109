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

/** How many videos are shown together at most. */
export const MOST_TOGETHER = 9;

export function groupHash(ids: readonly string[]): string {
  return `#/g/${ids.join(",")}`;
}

/** The videos that are shown together, each once; null where it is not about that. */
export function readGroup(hash: string): string[] | null {
  const ids = /^#\/g\/([^/]+)$/.exec(hash)?.[1]?.split(",") ?? [];
  return ids.length > 0 && ids.every(isOrthancId) ? [...new Set(ids)].slice(0, MOST_TOGETHER) : null;
}
