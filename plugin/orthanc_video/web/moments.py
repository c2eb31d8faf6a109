"""Moments and ranges of videos as JSON says them."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

from orthanc_video.clip import Moment, Range, read
from orthanc_video.errors import BadRequest
from orthanc_video.model import Rational

_SAY = 'say {"frame": 46} (from 1), 1.5 (seconds) or "00:00:01.500"'
_MOST = 1_000_000_000
# More than any number of a program's has; beyond, arithmetic with it would take its time.
_PLACES = 400


def moment_of(said: Any, what: str) -> Moment:
    """``what`` names it in what a refusal says; raises BadRequest for what is no moment."""
    if isinstance(said, str):
        if (found := read(said)) is not None:
            return found
    elif isinstance(said, dict):
        if set(said) == {"frame"} and _is_whole(said["frame"]) and 0 < said["frame"] < _MOST:
            return Moment(frame=said["frame"])
    elif _is_seconds(said):
        return Moment(seconds=Rational.of(Fraction(said)))
    raise BadRequest(f"{what} is no moment of a video: {_SAY}.")


def range_of(said: Any, what: str) -> Range:
    """An object with ``start`` and ``end``; raises BadRequest for what is none.

    Whether it holds a frame the video says: of one that is reversed, too, a start beyond the end is told first.
    """
    if not isinstance(said, dict) or set(said) != {"start", "end"}:
        raise BadRequest(f'{what} must be an object with "start" and "end": {_SAY} for each.')
    within = what[:1].lower() + what[1:]  # it begins the other sentence
    return Range(moment_of(said["start"], f'"start" of {within}'), moment_of(said["end"], f'"end" of {within}'))


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_seconds(value: Any) -> bool:
    """Neither negative nor infinite nor no number at all, and of a length that arithmetic stays quick with."""
    if isinstance(value, Decimal):
        exponent = value.as_tuple().exponent
        return value.is_finite() and 0 <= value < _MOST and isinstance(exponent, int) and -exponent <= _PLACES
    return _is_whole(value) and 0 <= value < _MOST
