"""Which frames a range of moments names."""

from __future__ import annotations

import bisect
from fractions import Fraction

from orthanc_video.clip import Range
from orthanc_video.errors import BadRequest
from orthanc_video.media import exact


def chosen(video: exact.Exact, wanted: Range) -> tuple[int, int]:
    """The first and last frame, from 0, of a range; raises BadRequest where there are none."""
    first = wanted.start.frame - 1 if wanted.start.frame else _at(video, wanted.start.seconds.fraction)
    last = wanted.end.frame - 1 if wanted.end.frame else _before(video, wanted.end.seconds.fraction)
    if max(first, last) >= len(video):
        raise BadRequest(f"The video has {len(video)} frames; there is no frame {max(first, last) + 1}.")
    if last < first:
        raise BadRequest("The range holds no frame: its end comes before its start.")
    return first, last


def _at(video: exact.Exact, seconds: Fraction) -> int:
    """The frame that is on the screen then; beyond the end of all, the number of frames."""
    if seconds >= end_of(video, len(video) - 1):
        return len(video)
    return bisect.bisect_right(range(len(video)), seconds, key=video.start) - 1


def _before(video: exact.Exact, seconds: Fraction) -> int:
    return bisect.bisect_left(range(len(video)), seconds, key=video.start) - 1


def end_of(video: exact.Exact, number: int) -> Fraction:
    """When a frame ends: when the next one is shown, and the last of all after as long as the one before it."""
    if number + 1 < len(video):
        return video.start(number + 1)
    if number == 0:
        return 1 / (video.stream.guessed_rate or Fraction(25))
    return 2 * video.start(number) - video.start(number - 1)
