// Series of pictures of any kind, as the server tells of them; checked. Pure.

import { amount, AnswerError, fields, readVideo, text } from "./answers";
import type { Video } from "./answers";
import { isOrthancId } from "./route";
import { words } from "./words";

export interface Series {
  id: string;
  /** Instances, and one of them that stands for all. */
  count: number;
  instance: string;
  /** What it has in common with a video: whose it is, when and what was done. */
  about: Video;
}

export function readSeries(value: unknown): Series {
  const series = fields(value);
  const [id, instance] = [text(series["ID"]), text(series["Instance"])];
  if (!isOrthancId(id) || !isOrthancId(instance)) throw new AnswerError(words.unread.series);
  const about = readVideo({ ...series, ParentSeries: id, Stream: false, Playable: false });
  return { id, instance, count: amount(series["Instances"]), about };
}

export function readSeriesList(value: unknown): Series[] {
  const found = fields(value)["Series"];
  if (!Array.isArray(found)) throw new AnswerError(words.unread.series);
  return found.map(readSeries);
}

/** Those of a study that hold none of these videos. */
export function withoutVideos(series: readonly Series[], videos: readonly Video[]): Series[] {
  const taken = new Set(videos.map(({ seriesId }) => seriesId));
  return series.filter(({ id }) => !taken.has(id));
}
