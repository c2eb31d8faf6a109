"""Frame Time Vector (PS3.3 C.7.6.5.1.2): the milliseconds from each frame's predecessor, the first being 0. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

# The length of a value of VR DS is a number of 16 bits, and even (PS3.5 7.1.2).
_LONGEST = 65534


def vector(steps: Sequence[int]) -> tuple[str, ...]:
    """The values of the attribute, out of microseconds; empty where they do not fit.

    Their sums are the frames' times, rounded once to a microsecond, or as coarsely as makes them fit, at worst to a
    millisecond.
    """
    for digits in (3, 2, 1, 0) if steps else ():
        values = _rounded(steps, digits)
        if sum(len(value) + 1 for value in values) - 1 <= _LONGEST:
            return values
    return ()


def _rounded(steps: Sequence[int], digits: int) -> tuple[str, ...]:
    unit = 10 ** (3 - digits)
    places = [0]
    now = 0
    for step in steps[1:]:
        now += step
        places.append((2 * now + unit) // (2 * unit))
    lengths = [0, *(later - earlier for earlier, later in pairwise(places))]
    return tuple(_text(length, digits) for length in lengths)


def _text(length: int, digits: int) -> str:
    if not digits:
        return str(length)
    whole, part = divmod(length, 10**digits)
    return f"{whole}.{part:0{digits}}".rstrip("0").rstrip(".")
