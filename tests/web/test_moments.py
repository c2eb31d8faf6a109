"""Moments and ranges as JSON: what is one is exact, and whatever else comes gets a sentence."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orthanc_video.clip import Moment
from orthanc_video.errors import BadRequest
from orthanc_video.model import Rational
from orthanc_video.web.clips import wanted_of
from orthanc_video.web.moments import moment_of, range_of

_T = TypeVar("_T")
_ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.decimals() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
)
_MOMENT = (
    st.integers(1, 10**6).map(lambda frame: {"frame": frame})
    | st.integers(0, 10**6)
    | st.decimals(0, 10**6, allow_nan=False, places=3)
    | _ANYTHING
)


def _said(text: str) -> Any:
    return json.loads(text, parse_float=Decimal)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", Fraction(0)),
        ("1.5", Fraction(3, 2)),
        ("0.30000000000000004", Fraction(30000000000000004, 10**17)),
        ("3e2", Fraction(300)),
        ('"00:01:02.345"', Fraction(62345, 1000)),
    ],
)
def test_a_time_is_exact(text: str, seconds: Fraction) -> None:
    assert moment_of(_said(text), "it") == Moment(seconds=Rational.of(seconds))


def _or_refused(call: Callable[[], _T]) -> _T | None:
    """None where it is refused, by a sentence."""
    try:
        return call()
    except BadRequest as error:
        sentence = error.sentence
    assert sentence.endswith(".")
    return None


@given(_ANYTHING)
def test_anything_is_a_moment_or_gets_a_sentence(said: Any) -> None:
    found = _or_refused(lambda: moment_of(said, "it"))
    assert found is None or found.frame > 0 or found.seconds.fraction >= 0


@pytest.mark.parametrize("said", ["soon", "frame:0", "frame:x", "", -1, None, {"frame": 0}])
def test_what_is_no_moment_is_told_as_json_says_one(said: Any) -> None:
    with pytest.raises(BadRequest, match="it is no moment of a video") as refused:
        moment_of(said, "it")
    assert 'say {"frame": 46} (from 1)' in refused.value.sentence
    assert "frame:46" not in refused.value.sentence


@pytest.mark.parametrize(("what", "within"), [("The range", "the range"), ("Range 2", "range 2")])
def test_a_range_is_named_as_where_it_stands_in_the_sentence(what: str, within: str) -> None:
    with pytest.raises(BadRequest, match=f'^"end" of {within} is no moment'):
        range_of({"start": 0, "end": -1}, what)
    with pytest.raises(BadRequest, match=f"^{what} must be an object"):
        range_of({"start": 1}, what)


@given(st.fixed_dictionaries({"start": _MOMENT, "end": _MOMENT}) | _ANYTHING)
def test_any_range_is_one_or_gets_a_sentence(said: Any) -> None:
    _or_refused(lambda: range_of(said, "it"))


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "start": _MOMENT,
            "end": _MOMENT,
            "ranges": st.lists(st.fixed_dictionaries({"start": _MOMENT, "end": _MOMENT}), max_size=3) | _ANYTHING,
            "joined": st.booleans() | _ANYTHING,
            "as": st.sampled_from(["mp4", "dicom", "both"]) | _ANYTHING,
            "precision": st.sampled_from(["frame", "keyframe"]) | _ANYTHING,
            "other": _ANYTHING,
        },
    ),
    st.booleans(),
)
def test_any_request_is_one_or_gets_a_sentence(given_: dict[str, Any], as_film: bool) -> None:
    found = _or_refused(lambda: wanted_of(given_, as_film=as_film))
    if found is not None:
        assert found.clips
        assert found.film or found.object
        assert not as_film or len(found.clips) == 1
