"""What requests for stills and marks ask for, and what of them is refused."""

from __future__ import annotations

import contextlib
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orthanc_video.clip import Moment
from orthanc_video.errors import BadRequest
from orthanc_video.model import Rational
from orthanc_video.still import Marks, Stills
from orthanc_video.web.stills import marks_of, stills_of

_SECOND = Moment(seconds=Rational(3, 2))


def test_stills() -> None:
    frames = [46, {"frame": 7}, "00:00:01.5", Decimal("1.5"), "frame:9"]
    moments = (Moment(frame=46), Moment(frame=7), _SECOND, _SECOND, Moment(frame=9))
    assert stills_of({"frames": frames}) == Stills(frames=moments)
    assert stills_of({"frames": [1], "as": "microscopic"}).choice == "microscopic"
    assert stills_of({"frames": [1], "coding": "lossless"}).quality == 0
    assert stills_of({"frames": [1], "coding": "jpeg"}).quality == 90
    assert stills_of({"frames": [1], "coding": "jpeg", "quality": 5}).quality == 5


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"frames": []}, "list of 1 to 1000"),
        ({"frames": {"frame": 1}}, "list of 1 to 1000"),
        ({"frames": [True]}, "Frame 1 of the list is no moment"),
        ({"frames": [1, -1]}, "Frame 2 of the list is no moment"),
        ({"frames": [10**9]}, "no moment"),
        ({"frames": [Decimal("NaN")]}, "no moment"),
        ({"frames": [None]}, "no moment"),
        ({"frames": [1], "as": ["endoscopic"]}, '"as" must be one of'),
        ({"frames": [1], "as": ""}, '"as" must be one of'),
        ({"frames": [1], "coding": {}}, '"coding" must be'),
        ({"frames": [1], "coding": "jpeg", "quality": True}, "from 1 to 100"),
        ({"frames": [1], "coding": "jpeg", "quality": 101}, "from 1 to 100"),
        ({"frames": [1], "quality": 50}, '"coding": "jpeg"'),
    ],
)
def test_stills_that_are_refused(given: dict[str, Any], sentence: str) -> None:
    with pytest.raises(BadRequest, match=sentence):
        stills_of(given)


def test_marks() -> None:
    moments = [1, {"frame": 7}, Decimal("1.5")]
    found = marks_of({"moments": moments, "title": "for teaching", "text": " Papille\n"})
    at = (Moment(seconds=Rational(1)), Moment(frame=7), _SECOND)
    assert found == Marks(moments=at, title="For Teaching", text="Papille")
    assert marks_of({"moments": [1]}) == Marks(moments=at[:1], title="Of Interest")


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({}, "list of 1 to 1000"),
        ({"moments": [1], "title": 3}, "must be text"),
        ({"moments": [1], "title": "x" * 5000}, "none of the titles"),
        ({"moments": [1], "text": "x" * 1025}, "1024 characters"),
        ({"moments": [1], "text": "\x1b"}, "control characters"),
        ({"moments": [1], "frames": [1]}, 'no "frames"'),
    ],
)
def test_marks_that_are_refused(given: dict[str, Any], sentence: str) -> None:
    with pytest.raises(BadRequest, match=sentence):
        marks_of(given)


_ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.decimals() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
_KEYS = st.sampled_from(["frames", "moments", "as", "coding", "quality", "title", "text"])


@given(st.dictionaries(_KEYS, _ANYTHING, max_size=5))
def test_anything_is_understood_or_refused_in_a_sentence(said: dict[str, Any]) -> None:
    for read in (stills_of, marks_of):
        with contextlib.suppress(BadRequest):
            read(said)
