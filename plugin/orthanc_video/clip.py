"""What part of a video somebody wants: from one moment to another, each a frame's number or a time. Frozen."""

from __future__ import annotations

import bisect
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from orthanc_video.errors import BadRequest
from orthanc_video.model import Rational

_BEGINNING = Rational(0)
_FRAME = re.compile(r"frame:(\d{1,9})", re.ASCII)
_SECONDS = re.compile(r"\d{1,9}(\.\d{1,9})?", re.ASCII)
_CLOCK = re.compile(r"(\d{1,3}):([0-5]\d):([0-5]\d(?:\.\d{1,9})?)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Moment:
    """A ``frame``, from 1; or, where that is 0, the time in ``seconds`` after the first frame is shown."""

    frame: int = 0
    seconds: Rational = _BEGINNING


@dataclass(frozen=True, slots=True)
class Range:
    """The frames from that which ``start`` names, or which is on the screen then; to that which ``end`` names, or the
    last one that comes before that time."""

    start: Moment
    end: Moment


def moment(text: str) -> Moment:
    """``frame:46``, seconds such as ``1.5``, or ``HH:MM:SS.mmm``; raises BadRequest for anything else."""
    if named := _FRAME.fullmatch(text):
        frame = int(named[1])
        if frame:
            return Moment(frame=frame)
    elif _SECONDS.fullmatch(text):
        return Moment(seconds=Rational.of(Fraction(text)))
    elif clock := _CLOCK.fullmatch(text):
        hours, minutes, seconds = clock.groups()
        return Moment(seconds=Rational.of(3600 * int(hours) + 60 * int(minutes) + Fraction(seconds)))
    raise BadRequest(f'"{text[:40]}" is no moment of a video: say frame:46 (from 1), 1.5 (seconds) or 00:00:01.500.')


def chosen(count: int, start: Callable[[int], Fraction], wanted: Range) -> tuple[int, int]:
    """The first and last frame, from 0, of a range of a film of ``count`` frames; raises BadRequest for none.

    ``start``: when each of them is shown, in seconds after the first one; of the frame after the last, the end.
    """
    first = wanted.start.frame - 1 if wanted.start.frame else _at(count, start, wanted.start.seconds.fraction)
    last = wanted.end.frame - 1 if wanted.end.frame else _before(count, start, wanted.end.seconds.fraction)
    if max(first, last) >= count:
        raise BadRequest(f"The video has {count} frames; there is no frame {max(first, last) + 1}.")
    if last < first:
        raise BadRequest("The range holds no frame: its end comes before its start.")
    return first, last


def named(count: int, start: Callable[[int], Fraction], wanted: Moment) -> int:
    """The frame, from 0, of that number, or which is on the screen then; raises BadRequest for none. As ``chosen``."""
    number = wanted.frame - 1 if wanted.frame else _at(count, start, wanted.seconds.fraction)
    if number < count:
        return number
    if wanted.frame:
        raise BadRequest(f"The video has {count} frames; there is no frame {wanted.frame}.")
    raise BadRequest(
        f"The video ends after {float(start(count)):.3f} seconds; no frame is shown at {float(wanted.seconds):.3f}."
    )


def _at(count: int, start: Callable[[int], Fraction], seconds: Fraction) -> int:
    """The frame that is on the screen then; beyond the end of all, the number of frames."""
    return bisect.bisect_right(range(count + 1), seconds, key=start) - 1


def _before(count: int, start: Callable[[int], Fraction], seconds: Fraction) -> int:
    return bisect.bisect_left(range(count), seconds, key=start) - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Clips of one video: each of one range or of several, one after the other. ``film`` and ``object`` say as what.

    Not ``precise``: from a key frame on, so that no frame is coded anew.
    """

    clips: tuple[tuple[Range, ...], ...]
    precise: bool = True
    film: bool = False
    object: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """A range as it was cut: its ``first`` and ``last`` frame, from 1, and how many of its frames were coded anew.

    ``start`` is when its first frame is shown, ``end`` when its last one ends, in seconds after the film begins.
    """

    first: int
    last: int
    anew: int
    start: Rational
    end: Rational

    @property
    def frames(self) -> int:
        return self.last - self.first + 1


def numbers(cuts: Sequence[Cut]) -> list[int]:
    """The frames of these cuts one after the other, from 0."""
    return [number for one in cuts for number in range(one.first - 1, one.last)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """What came out, range by range; ``sound`` is FFmpeg's name of its sound's coding, empty where it is silent, and
    ``silenced`` the sentence that says why, where its source is not."""

    cuts: tuple[Cut, ...]
    sound: str = ""
    silenced: str = ""
