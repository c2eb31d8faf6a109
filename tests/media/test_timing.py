"""Exact rates come back out of rounded times."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from orthanc_video.media.timing import COMMON_RATES, Ticks, deviation, evened, measure
from orthanc_video.media.timing import steps as in_steps

_TICKS = (Fraction(1, 1000), Fraction(1, 90000), Fraction(1, 600))
_ROUNDINGS: tuple[Callable[[Fraction], int], ...] = (math.floor, round, math.ceil)


def _ticks(values: list[int]) -> Ticks:
    return np.array(values, dtype=np.int64)


def _grid(rate: Fraction, tick: Fraction, rounding: Callable[[Fraction], int], count: int, start: int = 0) -> Ticks:
    return _ticks([start + rounding(k / (rate * tick)) for k in range(count)])


def _told_apart(rate: Fraction, tick: Fraction, count: int) -> bool:
    """Whether the ticks can tell this rate from every other: the last frames lie more than one tick apart.

    They cannot where 119.88 and 120 frames/s are both one frame every 5 ticks of 1/600 s for a second on end.
    """
    others = (other for other in COMMON_RATES if other != rate)
    return all((count - 1) * abs(1 / rate - 1 / other) > tick for other in others)


@given(
    rate=st.sampled_from(COMMON_RATES),
    tick=st.sampled_from(_TICKS),
    rounding=st.sampled_from(_ROUNDINGS),
    count=st.integers(100, 400),
    start=st.integers(-(10**9), 10**9),
)
def test_a_constant_rate_is_recovered_exactly(
    rate: Fraction, tick: Fraction, rounding: Callable[[Fraction], int], count: int, start: int
) -> None:
    assume(_told_apart(rate, tick, count))
    timing = measure(_grid(rate, tick, rounding, count, start), tick)
    assert (timing.rate, timing.constant, timing.seconds) == (rate, True, count / rate)


@pytest.mark.parametrize("rounding", _ROUNDINGS)
@pytest.mark.parametrize("tick", _TICKS)
@pytest.mark.parametrize("rate", COMMON_RATES)
def test_as_few_frames_suffice_as_can(rate: Fraction, tick: Fraction, rounding: Callable[[Fraction], int]) -> None:
    """At a hundred frames, or at the first number that tells the rate from its neighbours at all."""
    count = next(count for count in range(100, 10_000) if _told_apart(rate, tick, count))
    assert measure(_grid(rate, tick, rounding, count), tick).rate == rate


@pytest.mark.parametrize("rounding", _ROUNDINGS)
@pytest.mark.parametrize("tick", _TICKS)
@pytest.mark.parametrize("rate", [Fraction(r) for r in ("24000/1001", "24", "25", "30000/1001", "30", "50")])
def test_film_and_television_rates_need_a_hundred_frames_at_most(
    rate: Fraction, tick: Fraction, rounding: Callable[[Fraction], int]
) -> None:
    assert measure(_grid(rate, tick, rounding, 100), tick).rate == rate


def _guess(rate: Fraction) -> Fraction:
    """What FFmpeg and a container make of a rate that they know as a frame's duration in whole nanoseconds."""
    return (1 / Fraction(round(10**9 / rate), 10**9)).limit_denominator(1001)


@given(
    rate=st.sampled_from(COMMON_RATES),
    tick=st.sampled_from(_TICKS),
    rounding=st.sampled_from(_ROUNDINGS),
    count=st.integers(30, 400),
    phase=st.fractions(0, 1),
    start=st.integers(-(10**6), 10**6),
)
def test_a_common_rate_wins_over_the_odd_one_that_a_container_makes_of_it(
    rate: Fraction, tick: Fraction, rounding: Callable[[Fraction], int], count: int, phase: Fraction, start: int
) -> None:
    times = _ticks([start + rounding(phase + k / (rate * tick)) for k in range(count)])
    steps = np.diff(times)
    assume(steps.min() < steps.max() or 1 / (int(steps[0]) * tick) == rate)  # else the ticks say another rate, exactly
    timing = measure(times, tick, hints=[_guess(rate)])
    assert (timing.rate, timing.constant) == (rate, True)


@pytest.mark.parametrize(("first", "then"), [(1000, 90_000), (1000, 1_000_000), (90_000, 1000)])
@pytest.mark.parametrize("phase", [Fraction(0), Fraction(1, 3), Fraction(5, 7)])
@pytest.mark.parametrize("rate", [Fraction(n * 1000, 1001) for n in (24, 30, 48, 60, 120)])
def test_times_that_were_rounded_twice_tell_the_rate(rate: Fraction, phase: Fraction, first: int, then: int) -> None:
    """As those of a transport stream made of Matroska, and the other way round."""
    once = [Fraction(round((phase + k) * first / rate), first) for k in range(300)]
    times = _ticks([777 + round(time * then) for time in once])
    assert measure(times, Fraction(1, then), hints=[_guess(rate)]).rate == rate


@pytest.mark.parametrize("rate", [Fraction(5995, 100), Fraction(2990, 100), Fraction(2405, 100)])
def test_times_that_contradict_every_common_rate_keep_their_own(rate: Fraction) -> None:
    for tick, count in ((Fraction(1, 90000), 100), (Fraction(1, 1000), 10_000)):
        assert measure(_grid(rate, tick, round, count), tick, hints=[rate]).rate == rate


def test_a_missing_frame_is_missed_in_milliseconds_after_finer_ticks() -> None:
    times = np.delete(np.arange(200, dtype=np.int64) * 3600, 77)
    assert not measure(times, Fraction(1, 90000), 3600, hints=[Fraction(25)]).constant


@given(rate=st.fractions(1, 900, max_denominator=5000), rounding=st.sampled_from(_ROUNDINGS))
def test_the_containers_hint_finds_an_uncommon_rate(rate: Fraction, rounding: Callable[[Fraction], int]) -> None:
    tick = Fraction(1, 1000)
    times = _grid(rate, tick, rounding, 200)
    timing = measure(times, tick, hints=[rate])
    assert timing.constant
    # Where every step came out equal, the ticks themselves say an exact rate, which is the same within rounding.
    assert abs(timing.seconds - 200 / rate) <= 2 * tick


def test_a_wrong_hint_is_not_believed() -> None:
    tick = Fraction(1, 1000)
    times = _grid(Fraction(30000, 1001), tick, round, 300)
    assert measure(times, tick, hints=[Fraction(30), Fraction(1000), Fraction(0)]).rate == Fraction(30000, 1001)


@given(steps=st.lists(st.integers(1, 500), min_size=20, max_size=60), last=st.integers(1, 500))
def test_a_variable_rate_gives_the_mean(steps: list[int], last: int) -> None:
    assume(max(steps) > 3 * min(steps))
    tick = Fraction(1, 1000)
    timing = measure(_ticks([0, *np.cumsum(steps).tolist()]), tick, last)
    assert not timing.constant
    assert timing.seconds == (sum(steps) + last) * tick
    assert timing.rate == (len(steps) + 1) / timing.seconds


def test_one_missing_frame_makes_the_rate_variable() -> None:
    times = np.delete(_grid(Fraction(25), Fraction(1, 1000), round, 200), 77)
    assert not measure(times, Fraction(1, 1000), 40).constant


def test_frames_at_the_same_time_are_no_constant_rate() -> None:
    assert not measure(_ticks([0, 0, 1, 1]), Fraction(1, 1000), 40).constant


def test_equal_steps_are_a_constant_rate_whatever_it_is() -> None:
    timing = measure(_ticks([7, 80, 153, 226]), Fraction(1, 1000))
    assert (timing.rate, timing.constant, timing.seconds) == (Fraction(1000, 73), True, Fraction(292, 1000))


def test_a_single_frame_lasts_as_long_as_the_file_says() -> None:
    tick = Fraction(1, 1000)
    assert measure(_ticks([0]), tick, last_duration=40).seconds == Fraction(1, 25)
    assert measure(_ticks([0]), tick, hints=[Fraction(30)]).rate == 30
    assert measure(_ticks([0]), tick).rate > 0


def test_deviation_counts_ticks() -> None:
    assert deviation(_ticks([5, 15, 26]), Fraction(1, 1000), Fraction(100)) == pytest.approx(1)
    assert deviation(_ticks([0, 1]), Fraction(1, 10), Fraction(100)) == math.inf


@given(
    st.lists(st.integers(1, 9000), min_size=1, max_size=60),
    st.sampled_from([Fraction(10), Fraction(25), Fraction(30000, 1001)]),
)
def test_on_a_grid_each_frame_is_within_half_a_frame(steps: list[int], rate: Fraction) -> None:
    times = np.cumsum([0, *steps])
    tick = Fraction(1, 90000)
    count, doubled, dropped = evened(times, tick, rate)
    assert count == len(times) + doubled - dropped
    places = [round(float(time * tick * rate)) for time in times.tolist()]
    assert all(
        abs(place - time * tick * rate) <= Fraction(1, 2) for place, time in zip(places, times.tolist(), strict=True)
    )
    assert abs(count - 1 - times.tolist()[-1] * tick * rate) <= Fraction(1, 2)


@given(st.lists(st.integers(1, 9000), min_size=1, max_size=60), st.integers(0, 10**9))
def test_steps_add_up_to_the_times(steps: list[int], first: int) -> None:
    times = np.cumsum([first, *steps])
    told = np.cumsum(in_steps(times, Fraction(1, 90000)))
    assert np.abs(told - (times - first) * (1e6 / 90000)).max() <= 0.5 + 1e-6


def test_steps_that_no_attribute_can_hold_are_not_kept() -> None:
    assert in_steps(np.arange(40_000), Fraction(1, 30)) == ()
