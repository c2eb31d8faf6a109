"""Where a long film may be parted into several, so that each plays by itself. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from orthanc_video.errors import TooLarge
from orthanc_video.model import Stretch
from orthanc_video.settings import LARGEST_INSTANCE

Numbers = npt.NDArray[np.int64]
# What an MP4's index takes for each frame, at most: its size, time, offset and key number.
_INDEX = 40
# A program stream's headers, to each 2,048 bytes of pictures.
_PACKED = 1.02
_ROOM = 1 << 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """A film's frames in decode order: ``size`` in bytes, when each is shown in units of ``tick`` seconds, and
    whether a decoder that ``begins`` there needs nothing before it."""

    size: Numbers
    time: Numbers
    begins: npt.NDArray[np.bool_]
    tick: Fraction

    def second(self, frame: int) -> Fraction:
        """When the part that begins with this frame begins, in seconds after the film does."""
        return int(self.time[frame] - self.time.min()) * self.tick


def starts(film: Timeline, largest: int, longest: float) -> list[int]:
    """The first frame of each part, in decode order: parts of at most ``largest`` bytes and ``longest`` seconds.

    ``longest`` 0 is no bound. A part is larger where no frame to begin with comes earlier; raises TooLarge where one
    becomes larger than a DICOM object can be.
    """
    weight = np.cumsum(_weights(film))
    begin, chosen = 0, [0]
    candidates = [*_candidates(film), len(film.size)]
    for candidate, following in zip(candidates, [*candidates[1:], len(film.size)], strict=True):
        if candidate == len(film.size):
            break
        size = _ROOM + int(weight[following - 1] - (weight[begin - 1] if begin else 0))
        too_long = longest > 0 and _lasts(film, begin, following) > longest
        if size > largest or too_long:
            begin = candidate
            chosen.append(begin)
    _refuse_too_large(weight, [*chosen, len(film.size)])
    return chosen


def longest(film: Timeline) -> Stretch:
    """The most of a film that lies between two places to cut at, or between one and its beginning or end."""
    bounds = [0, *_candidates(film), len(film.size)]
    weight = np.concatenate(([0], np.cumsum(_weights(film))))
    shown = np.maximum.reduceat(film.time, bounds[:-1]) - np.minimum.reduceat(film.time, bounds[:-1])
    return Stretch(bytes=int(np.diff(weight[bounds]).max()), seconds=float(int(shown.max()) * film.tick))


def _weights(film: Timeline) -> Numbers:
    weights: Numbers = np.ceil(film.size * _PACKED).astype(np.int64) + _INDEX
    return weights


def _candidates(film: Timeline) -> list[int]:
    """Frames to begin with, before which all that comes earlier is shown, and after which all that comes later."""
    later = np.minimum.accumulate(film.time[::-1])[::-1]
    earlier = np.maximum.accumulate(film.time)
    closed = film.begins & (later == film.time)
    closed[1:] &= earlier[:-1] < film.time[1:]
    closed[0] = False
    return [int(place) for place in np.flatnonzero(closed)]


def _lasts(film: Timeline, begin: int, end: int) -> float:
    shown = film.time[begin:end]
    return float(int(shown.max() - shown.min()) * film.tick)


def _refuse_too_large(weight: Numbers, bounds: list[int]) -> None:
    for begin, end in pairwise(bounds):
        size = int(weight[end - 1] - (weight[begin - 1] if begin else 0))
        if size > LARGEST_INSTANCE:
            raise TooLarge(
                f"{size / 1e9:.3g} GB of the film have no frame to cut at, and one DICOM object holds at most 4 GiB. "
                "Cut it before it is sent, or record it with key frames that begin closed groups of pictures."
            )
