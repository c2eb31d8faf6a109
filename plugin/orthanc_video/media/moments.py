"""Which frames of a film are named by numbers and by times."""

from __future__ import annotations

import bisect
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple, Protocol

from orthanc_video.clip import Moment
from orthanc_video.errors import BadRequest
from orthanc_video.film import MultiFrame
from orthanc_video.media import exact
from orthanc_video.media.clip.choosing import end_of
from orthanc_video.model import Span


class Timed(Protocol):
    """A film: how many frames it has, and when each (from 0) is shown, in seconds."""

    def __len__(self) -> int: ...
    def start(self, number: int) -> Fraction: ...


class Lasting(NamedTuple):
    """A film, and when it ends."""

    film: Timed
    end: Fraction

    def number(self, moment: Moment) -> int:
        """The frame (from 0) of that number, or which is on the screen then; raises BadRequest where there is none."""
        count = len(self.film)
        if moment.frame > count:
            raise BadRequest(f"The video has {count} frames; there is no frame {moment.frame}.")
        if moment.frame:
            return moment.frame - 1
        seconds = moment.seconds.fraction
        if seconds >= self.end:
            raise BadRequest(
                f"The video ends after {float(self.end):.3f} seconds; no frame is shown at {float(seconds):.3f}."
            )
        return bisect.bisect_right(range(count), seconds, key=self.film.start) - 1


def of_video(video: exact.Exact) -> Lasting:
    return Lasting(video, end_of(video, len(video) - 1))


def of_film(film: MultiFrame) -> Lasting:
    return Lasting(_Film(film), film.cadence.start(len(film.frames)))


class _Film:
    def __init__(self, film: MultiFrame) -> None:
        self._count = len(film.frames)
        self.start = film.cadence.start

    def __len__(self) -> int:
        return self._count


class Named(NamedTuple):
    """The numbers of frames, from 1, and when each is shown, in seconds after the film begins."""

    frames: list[int]
    starts: list[Fraction]


def named(path: Path, stored: MultiFrame | tuple[Span, ...], moments: Sequence[Moment]) -> Named:
    """Raises BadRequest where one of them is beyond the end."""
    with _opened(path, stored) as film:
        numbers = [film.number(moment) for moment in moments]
        return Named([number + 1 for number in numbers], [film.film.start(number) for number in numbers])


@contextmanager
def _opened(path: Path, stored: MultiFrame | tuple[Span, ...]) -> Iterator[Lasting]:
    if isinstance(stored, MultiFrame):
        yield of_film(stored)
    else:
        with exact.video(path, stored, hurried=True) as video:
            yield of_video(video)
