"""Frame Time Vector: its sums are the times, and it fits."""

from __future__ import annotations

from fractions import Fraction
from itertools import accumulate

from hypothesis import given
from hypothesis import strategies as st

from orthanc_video.dicom.frametimes import vector


@given(st.lists(st.integers(1, 10_000_000), max_size=300))
def test_sums_are_the_times(steps: list[int]) -> None:
    told = vector((0, *steps))
    assert told[0] == "0"
    assert [Fraction(time) * 1000 for time in accumulate(map(Fraction, told))] == list(accumulate((0, *steps)))
    assert all(len(value) <= 16 for value in told)


def test_many_are_rounded_and_never_drift() -> None:
    """33.367 ms takes seven bytes with its backslash: 9,362 of them fit."""
    assert len("\\".join(vector((0, *[33367] * 9361)))) <= 65534
    coarse = vector((0, *[33367] * 15000))
    assert len("\\".join(coarse)) <= 65534
    assert abs(sum(map(Fraction, coarse)) - Fraction(33367 * 15000, 1000)) <= Fraction(1, 2)


def test_too_many_have_none() -> None:
    assert vector((0, *[33367] * 30000)) == ()
    assert vector(()) == ()
