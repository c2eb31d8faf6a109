"""Which frames of a film are named by numbers and by times."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

from orthanc_video import clip
from orthanc_video.clip import Moment
from orthanc_video.film import MultiFrame
from orthanc_video.media import exact
from orthanc_video.media.clip import choosing
from orthanc_video.model import Span


class Timed(NamedTuple):
    """A film: how many frames it has, and when each (from 0) is shown, in seconds; that after the last at its end."""

    frames: int
    start: Callable[[int], Fraction]

    def number(self, moment: Moment) -> int:
        """The frame (from 0) that a moment names; raises BadRequest where there is none."""
        return clip.named(self.frames, self.start, moment)


def of_video(video: exact.Exact) -> Timed:
    return Timed(len(video), choosing.starts(video))


def of_film(film: MultiFrame) -> Timed:
    return Timed(len(film.frames), film.cadence.start)


class Named(NamedTuple):
    """The numbers of frames, from 1, and when each is shown, in seconds after the film begins."""

    frames: list[int]
    starts: list[Fraction]


def named(path: Path, stored: MultiFrame | tuple[Span, ...], moments: Sequence[Moment]) -> Named:
    """Raises BadRequest where one of them is beyond the end."""
    with _opened(path, stored) as film:
        numbers = [film.number(moment) for moment in moments]
        return Named([number + 1 for number in numbers], [film.start(number) for number in numbers])


@contextmanager
def _opened(path: Path, stored: MultiFrame | tuple[Span, ...]) -> Iterator[Timed]:
    if isinstance(stored, MultiFrame):
        yield of_film(stored)
    else:
        with exact.video(path, stored, hurried=True) as video:
            yield of_video(video)
