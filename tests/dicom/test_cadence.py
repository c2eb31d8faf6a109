"""When frames are shown: which attribute is believed, and how exactly."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicom.films import attributes
from orthanc_video.dicom import cadence
from orthanc_video.model import Rational

_VECTOR = 0x00181065


@pytest.mark.parametrize(
    ("said", "step", "source"),
    [
        ({"FrameTime": "33.367"}, Fraction(33367, 1_000_000), "FrameTime"),
        ({"FrameTime": "40", "CineRate": "10", "RecommendedDisplayFrameRate": "12"}, Fraction(1, 25), "FrameTime"),
        ({"FrameTime": None, "CineRate": "10", "RecommendedDisplayFrameRate": "12"}, Fraction(1, 12),
         "RecommendedDisplayFrameRate"),
        ({"FrameTime": None, "CineRate": "15"}, Fraction(1, 15), "CineRate"),
        ({"FrameTime": "0", "CineRate": "15"}, Fraction(1, 15), "CineRate"),
        ({"FrameTime": "-1"}, Fraction(1, 25), ""),
        ({"FrameTime": "1e9"}, Fraction(1, 25), ""),
        ({"FrameTime": None}, Fraction(1, 25), ""),
        ({"FrameTime": None, "FrameTimeVector": ["0", "20", "20"], "FrameIncrementPointer": _VECTOR},
         Fraction(1, 50), "FrameTimeVector"),
        ({"FrameTime": "40", "FrameTimeVector": ["0", "20", "20"]}, Fraction(1, 25), "FrameTime"),
        ({"FrameTime": "40", "FrameTimeVector": ["0", "20", "20"], "FrameIncrementPointer": _VECTOR},
         Fraction(1, 50), "FrameTimeVector"),
        ({"FrameTime": None, "FrameTimeVector": ["0", "20"], "FrameIncrementPointer": _VECTOR}, Fraction(1, 25), ""),
        ({"FrameTime": None, "FrameTimeVector": ["0", "0", "20"]}, Fraction(1, 25), ""),
    ],
)  # fmt: skip
def test_which_attribute_is_believed(said: dict[str, Any], step: Fraction, source: str) -> None:
    found = cadence.of(attributes(3, **said), 3)
    assert (found.step, found.source, found.starts) == (Rational.of(step), source, ())


@pytest.mark.parametrize(
    ("written", "step"),
    [
        ("33.3333333333333", Fraction(1, 30)),
        ("33.33333333333", Fraction(1, 30)),
        ("33.3666666666667", Fraction(1001, 30000)),
        ("16.6833333333333", Fraction(1001, 60000)),
        ("41.7083333333333", Fraction(1001, 24000)),
        ("33.366667", Fraction(33366667, 1_000_000_000)),
        ("33.3333", Fraction(333333, 10_000_000)),
    ],
)
def test_what_ends_nowhere_is_the_rate_that_is_meant(written: str, step: Fraction) -> None:
    found = cadence.of(attributes(3, FrameTime=written), 3)
    assert abs(found.step.fraction - step) * 1000 < step / 10**6
    if step.denominator < 10**6:
        assert found.step.fraction == step


@given(st.floats(0.5, 60_000), st.integers(0, 14))
def test_any_frame_time_is_a_rate_of_32_bits_and_moves_no_frame_of_an_hour(milliseconds: float, digits: int) -> None:
    written = f"{milliseconds:.{digits}f}"[:16].rstrip(".")
    exact = Fraction(written) / 1000
    found = cadence.of(attributes(3, FrameTime=written), 3)
    if not found.source:  # rounded to less than half a millisecond
        assert exact < Fraction(1, 2000)
        return
    step = found.step.fraction
    assert max(step.numerator, step.denominator) < 1 << 31
    assert abs(step - exact) * (3600 / exact) < Fraction(4, 1000)


@given(st.lists(st.integers(1, 60_000), min_size=2, max_size=20))
def test_each_frame_of_a_vector_has_its_time(steps: list[int]) -> None:
    said = attributes(FrameTimeVector=["0", *map(str, steps)], FrameTime=None)
    found = cadence.of(said, len(steps) + 1)
    assert [found.start(at) for at in range(len(steps) + 1)] == [
        Fraction(sum(steps[:at]), 1000) for at in range(len(steps) + 1)
    ]
    assert found.start(len(steps) + 1) == found.start(len(steps)) + found.step.fraction


@pytest.mark.parametrize("text", ["1e999", "1e9999999", "nan", "inf", "", "abc", "1" * 5000])
def test_numbers_that_are_none_take_no_time(text: str) -> None:
    said = attributes()
    said["FrameTime"]._value = text
    assert cadence.of(said, 3).source == ""
