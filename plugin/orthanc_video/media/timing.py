"""Exact frame rates out of presentation times, whatever the container rounded them to. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

import numpy as np
import numpy.typing as npt

Ticks = npt.NDArray[np.int64]

_NTSC = (24, 30, 48, 60, 120)
COMMON_RATES: tuple[Fraction, ...] = tuple(
    sorted(
        {Fraction(n) for n in (5, 8, 10, 12, 15, 20, 24, 25, 30, 48, 50, 60, 90, 100, 120, 240)}
        | {Fraction(n * 1000, 1001) for n in _NTSC}
    )
)
_FASTEST = 1000
_FALLBACK = Fraction(25)


@dataclass(frozen=True, slots=True)
class Timing:
    """``rate`` in frames per second (the mean when not ``constant``), ``seconds`` first start to last end."""

    rate: Fraction
    constant: bool
    seconds: Fraction


def measure(times: Ticks, tick: Fraction, last_duration: int = 0, hints: Iterable[Fraction] = ()) -> Timing:
    """The rate of frames shown at ``times`` (ascending, in units of ``tick`` seconds).

    A rate counts as constant when each frame lies within one tick of its place on that rate's grid: a container
    with millisecond ticks shows 29.97 frames/s as 33, 33, 34 …, and the exact rate is found again.
    """
    count = len(times)
    hinted = [hint for hint in hints if 0 < hint <= _FASTEST]
    if count < 2:
        rate = Fraction(1) / (last_duration * tick) if last_duration > 0 else next(iter(hinted), _FALLBACK)
        return Timing(rate, True, 1 / rate)
    steps = np.diff(times)
    if steps.min() > 0 and steps.min() == steps.max():
        rate = 1 / (int(steps[0]) * tick)
        return Timing(rate, True, count / rate)
    rate_on_grid = _grid(times, tick, hinted)
    if rate_on_grid is not None:
        return Timing(rate_on_grid, True, count / rate_on_grid)
    last = last_duration if last_duration > 0 else max(1, int(np.median(steps)))
    seconds = (int(times[-1] - times[0]) + last) * tick
    return Timing(count / seconds, False, seconds)


def _grid(times: Ticks, tick: Fraction, hinted: list[Fraction]) -> Fraction | None:
    """The candidate whose grid the times keep to within a tick; hints first, then the closest of the common rates."""
    fits = [(deviation(times, tick, rate), rate) for rate in (*hinted, *COMMON_RATES)]
    fits = [fit for fit in fits if fit[0] <= 1.0 + 1e-6]
    for _, rate in fits:
        if rate in hinted:
            return rate
    return min(fits)[1] if fits else None


def deviation(times: Ticks, tick: Fraction, rate: Fraction) -> float:
    """How far, in ticks, the worst frame lies from its place at a constant ``rate`` (frame steps taken as exact)."""
    step = 1 / (rate * tick)
    if step < 1:
        return float("inf")
    ideal = np.arange(len(times), dtype=np.float64) * float(step)
    return float(np.abs((times - times[0]) - ideal).max())


def evened(times: Ticks, tick: Fraction, rate: Fraction) -> tuple[int, int, int]:
    """What a grid of ``rate`` frames per second makes of these: how many frames come out, are doubled, are dropped.

    Each frame goes to the place nearest to its time, half-way to the later one; of several the last one stays, and an
    empty place shows the frame before it again.
    """
    places = [math.floor(int(time) * tick * rate + Fraction(1, 2)) for time in (times - times[0]).tolist()]
    taken = len(set(places))
    return places[-1] + 1, places[-1] + 1 - taken, len(places) - taken


# Frames that an attribute of 65,534 bytes can have a step for at most: one digit and a backslash each.
_MOST_STEPS = 32767


def steps(times: Ticks, tick: Fraction) -> tuple[int, ...]:
    """The microseconds from each frame's predecessor, the first being 0: their sums are the times, each rounded once.

    Empty for more frames than Frame Time Vector can tell of.
    """
    if len(times) > _MOST_STEPS:
        return ()
    scale = tick * 1_000_000
    rounded = [round(int(time) * scale) for time in (times - times[0]).tolist()]
    return (0, *(later - earlier for earlier, later in pairwise(rounded)))
