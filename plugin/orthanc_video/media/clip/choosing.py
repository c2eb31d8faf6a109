"""Which frames of a stream a range of moments names."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from orthanc_video import clip
from orthanc_video.clip import Range
from orthanc_video.media import exact


def chosen(video: exact.Exact, wanted: Range) -> tuple[int, int]:
    """The first and last frame, from 0, of a range; raises BadRequest where there are none."""
    return clip.chosen(len(video), starts(video), wanted)


def starts(video: exact.Exact) -> Callable[[int], Fraction]:
    """When each frame (from 0) is shown, in seconds after the first one; of the frame after the last, the end."""
    return lambda number: video.start(number) if number < len(video) else end_of(video, number - 1)


def end_of(video: exact.Exact, number: int) -> Fraction:
    """When a frame ends: when the next one is shown, and the last of all after as long as the one before it."""
    if number + 1 < len(video):
        return video.start(number + 1)
    if number == 0:
        return 1 / (video.stream.guessed_rate or Fraction(25))
    return 2 * video.start(number) - video.start(number - 1)
