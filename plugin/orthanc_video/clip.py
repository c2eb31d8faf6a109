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
# So many decimals has a float that is written out: what the API gives as text is to be had back.
_SECONDS = re.compile(r"\d{1,9}(\.\d{1,18})?", re.ASCII)
_CLOCK = re.compile(r"(\d{1,3}):([0-5]\d):([0-5]\d(?:\.\d{1,18})?)", re.ASCII)
# A decimal number cannot say 1001/24000: a time this near to a frame's start means it. Half a tick of MPEG's clock.
_NEAR = Fraction(1, 180_000)


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

    @property
    def is_reversed(self) -> bool:
        """Whether two times are: both may be within one frame."""
        times = not self.start.frame and not self.end.frame
        return times and self.end.seconds.fraction <= self.start.seconds.fraction


def moment(text: str) -> Moment:
    """As ``read``; raises BadRequest for anything else."""
    found = read(text)
    if found is None:
        raise BadRequest(
            f'"{text[:40]}" is no moment of a video: say frame:46 (from 1), 1.5 (seconds) or 00:00:01.500.'
        )
    return found


def read(text: str) -> Moment | None:
    """``frame:46``, seconds such as ``1.5``, or ``HH:MM:SS.mmm``; None for anything else."""
    if named := _FRAME.fullmatch(text):
        frame = int(named[1])
        if frame:
            return Moment(frame=frame)
    elif _SECONDS.fullmatch(text):
        return Moment(seconds=Rational.of(Fraction(text)))
    elif clock := _CLOCK.fullmatch(text):
        hours, minutes, seconds = clock.groups()
        return Moment(seconds=Rational.of(3600 * int(hours) + 60 * int(minutes) + Fraction(seconds)))
    return None


def chosen(count: int, start: Callable[[int], Fraction], wanted: Range) -> tuple[int, int]:
    """The first and last frame, from 0, of a range of a film of ``count`` frames; raises BadRequest for none.

    ``start``: when each of them is shown, in seconds after the first one; of the frame after the last, the end.
    """
    first, end = named(count, start, wanted.start), wanted.end
    last = named(count, start, end) if end.frame else _before(count, start, end.seconds.fraction)
    if last < first or wanted.is_reversed:
        raise BadRequest(
            f"The range from {_said(wanted.start)} to {_said(end)} holds no frame: its end comes before its start, or "
            "with it."
        )
    return first, last


def _said(one: Moment) -> str:
    return f"frame {one.frame}" if one.frame else f"{_told(one.seconds.fraction)} s"


def named(count: int, start: Callable[[int], Fraction], wanted: Moment) -> int:
    """The frame, from 0, of that number, or which is on the screen then; raises BadRequest for none. As ``chosen``."""
    number = wanted.frame - 1 if wanted.frame else _at(count, start, wanted.seconds.fraction)
    if number < count:
        return number
    if wanted.frame:
        raise BadRequest(f"The video has {count} frames; there is no frame {wanted.frame}.")
    told = _told(start(count)), _told(wanted.seconds.fraction)
    raise BadRequest("The video ends at {} s; no frame is shown at {} s.".format(*told))


def _at(count: int, start: Callable[[int], Fraction], seconds: Fraction) -> int:
    """The frame that is on the screen then; beyond the end of all, the number of frames."""
    return bisect.bisect_right(range(count + 1), _meant(count, start, seconds), key=start) - 1


def _before(count: int, start: Callable[[int], Fraction], seconds: Fraction) -> int:
    """The last frame that comes before that time; raises BadRequest beyond the end of all."""
    end = _meant(count, start, seconds)
    if end > start(count):
        raise BadRequest(f"The video ends at {_told(start(count))} s; no range can end at {_told(seconds)} s.")
    return bisect.bisect_left(range(count), end, key=start) - 1


def _told(seconds: Fraction) -> str:
    """To the microsecond, without noughts that say nothing."""
    return f"{float(seconds):.6f}".rstrip("0").rstrip(".")


def _meant(count: int, start: Callable[[int], Fraction], seconds: Fraction) -> Fraction:
    """The start of a frame, or the end of all, where that is what a rounded time stands for."""
    after = bisect.bisect_right(range(count + 1), seconds, key=start)
    beside = [start(number) for number in range(max(after - 1, 0), min(after, count) + 1)]
    nearest = min(beside, key=lambda one: abs(one - seconds))
    return nearest if abs(nearest - seconds) < _NEAR else seconds


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
