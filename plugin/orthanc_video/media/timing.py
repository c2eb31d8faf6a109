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
_MILLISECOND = Fraction(1, 1000)
_TICK = 1.0 + 1e-6  # one tick, and what numbers of 53 bits are wrong by
_TWICE = 1.02  # of times that were rounded to 90,000 ticks a second before they were to a thousand


@dataclass(frozen=True, slots=True)
class Timing:
    """``rate`` in frames per second (the mean when not ``constant``), ``seconds`` first start to last end."""

    rate: Fraction
    constant: bool
    seconds: Fraction


def measure(times: Ticks, tick: Fraction, last_duration: int = 0, hints: Iterable[Fraction] = ()) -> Timing:
    """The rate of frames shown at ``times`` (ascending, in units of ``tick`` seconds).

    A rate counts as constant when each frame lies within one tick of its place on that rate's grid: a container
    with millisecond ticks shows 29.97 frames/s as 33, 33, 34 …, and the exact rate is found again. ``hints`` are what
    the container and FFmpeg take it for.
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
    rate_on_grid = _grid(*_as_rounded(times, tick), hinted)
    if rate_on_grid is not None:
        return Timing(rate_on_grid, True, count / rate_on_grid)
    last = last_duration if last_duration > 0 else max(1, int(np.median(steps)))
    seconds = (int(times[-1] - times[0]) + last) * tick
    return Timing(count / seconds, False, seconds)


def _as_rounded(times: Ticks, tick: Fraction) -> tuple[Ticks, Fraction]:
    """The times from the first one on, in milliseconds where each is a whole number of them after finer ticks.

    So they are in a transport stream that was made of Matroska, whose times are rounded to milliseconds.
    """
    since = times - times[0]
    in_one = _MILLISECOND / tick
    if in_one.denominator == 1 and in_one > 1 and not (since % int(in_one)).any():
        return since // int(in_one), _MILLISECOND
    return since, tick


def _grid(times: Ticks, tick: Fraction, hinted: list[Fraction]) -> Fraction | None:
    """The rate whose grid the times keep to within a tick.

    A common rate of which every time is a rounding; else a hint, for a rate may be odd; else the closest common rate.
    Of several that explain the times, few as they are, the one that a hint says or comes closest to: FFmpeg takes
    59.94 frames/s in milliseconds for 19001/317.
    """
    exact = [rate for rate in {*COMMON_RATES, *filter(_is_common, hinted)} if _explains(times, tick, rate)]
    if exact:
        return min(exact, key=lambda rate: (rate not in hinted, _apart(rate, hinted), _spread(times, tick, rate)))
    fits = [(deviation(times, tick, rate), rate) for rate in (*hinted, *COMMON_RATES)]
    fits = [fit for fit in fits if fit[0] <= _TICK]
    for _, rate in fits:
        if rate in hinted:
            return rate
    return min(fits)[1] if fits else None


def _is_common(rate: Fraction) -> bool:
    """Whether cameras count so: whole frames per second, or those slowed as NTSC television is."""
    return rate.denominator == 1 or (rate * Fraction(1001, 1000)).denominator == 1


def _explains(times: Ticks, tick: Fraction, rate: Fraction) -> bool:
    """Whether the times are those of a constant ``rate`` from anywhere on, each rounded to ticks in the same way."""
    return _spread(times, tick, rate) <= _TWICE


def _apart(rate: Fraction, hinted: list[Fraction]) -> Fraction:
    return min((abs(rate - hint) / hint for hint in hinted), default=Fraction(0))


def _spread(times: Ticks, tick: Fraction, rate: Fraction) -> float:
    """How far apart, in ticks, the frames lie that are earliest and latest against their places at ``rate``."""
    beside = _beside(times, tick, rate)
    return float(beside.max() - beside.min()) if beside.size else math.inf


def deviation(times: Ticks, tick: Fraction, rate: Fraction) -> float:
    """How far, in ticks, the worst frame lies from its place at a constant ``rate`` (frame steps taken as exact)."""
    beside = _beside(times, tick, rate)
    return float(np.abs(beside).max()) if beside.size else math.inf


def _beside(times: Ticks, tick: Fraction, rate: Fraction) -> npt.NDArray[np.float64]:
    """How many ticks each frame lies behind its place at ``rate``, the first being in its own; none where a tick is
    longer than a frame."""
    step = 1 / (rate * tick)
    if step < 1:
        return np.zeros(0)
    ideal = np.arange(len(times), dtype=np.float64) * float(step)
    offset: npt.NDArray[np.float64] = (times - times[0]) - ideal
    return offset


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
