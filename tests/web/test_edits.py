"""Edits as requests ask for them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orthanc_video.clip import Moment, Range
from orthanc_video.edit import Edit
from orthanc_video.errors import BadRequest
from orthanc_video.model import Rational, Region
from orthanc_video.web.edits import wanted_of

_REGION = {"x": 0, "y": 1, "width": 2, "height": 3}


def test_an_edit_as_a_request_says_it() -> None:
    asked = {
        "crop": _REGION,
        "mask": {
            "regions": [_REGION],
            "ranges": [{"start": {"frame": 3}, "end": Decimal("1.5")}, {"start": "00:00:01", "end": {"frame": 9}}],
        },
        "audio": "drop",
        "strip": True,
        "deidentify": False,
        "burnedInAnnotation": "NO",
    }
    region = Region(0, 1, 2, 3)
    assert wanted_of(asked).edit == Edit(
        crop=region,
        masks=(region,),
        ranges=(Range(Moment(3), Moment(0, Rational(3, 2))), Range(Moment(0, Rational(1)), Moment(9))),
        audio="drop",
        strip=True,
        burned_in="NO",
    )


@pytest.mark.parametrize(
    "asked",
    [
        {"Crop": _REGION}, {"crop": [0, 0, 1, 1]}, {"crop": {**_REGION, "depth": 1}}, {"crop": {}},
        {"crop": {**_REGION, "x": -1}}, {"crop": {**_REGION, "x": True}}, {"crop": {**_REGION, "x": Decimal("1.5")}},
        {"crop": {**_REGION, "x": float("nan")}}, {"crop": {**_REGION, "width": 0}}, {"crop": {**_REGION, "x": "1"}},
        {"crop": {**_REGION, "x": 10**6}}, {"mask": {}}, {"mask": {"regions": []}}, {"mask": {"regions": _REGION}},
        {"mask": {"regions": [_REGION] * 10**6}}, {"audio": "mute"}, {"audio": 1}, {"strip": "yes"}, {"strip": 1},
        {"mask": {"regions": [_REGION], "ranges": [{"start": 1}]}},
        {"mask": {"regions": [_REGION], "ranges": [{"start": -1, "end": 2}]}},
        {"mask": {"regions": [_REGION], "ranges": [{"start": float("inf"), "end": float("nan")}]}},
        {"mask": {"regions": [_REGION], "ranges": [{"start": {"frame": 0}, "end": 2}]}},
        {"mask": {"regions": [_REGION], "ranges": [{"start": {"frame": 1, "second": 1}, "end": 2}]}},
        {"mask": {"regions": [_REGION], "ranges": []}}, {"mask": {"regions": [_REGION], "ranges": None}},
        {"burnedInAnnotation": "MAYBE"}, {"burnedInAnnotation": None}, {"as": "avi"}, {"order": 1}, {"deidentify": 1},
        {"deidentify": True, "audio": "keep"},
    ],
)  # fmt: skip
def test_no_edit(asked: Any) -> None:
    with pytest.raises(BadRequest):
        wanted_of(asked)


@pytest.mark.parametrize(
    ("asked", "audio"),
    [({}, "keep"), ({"deidentify": True}, "drop"), ({"deidentify": True, "audio": "drop"}, "drop")],
)
def test_sound_goes_with_the_names_and_else_stays(asked: Any, audio: str) -> None:
    assert wanted_of(asked).edit.audio == audio


_KEYS = ("x", "y", "width", "height", "regions", "ranges", "start", "end", "frame")
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_KEYS), inner, max_size=3),
)


@given(st.dictionaries(st.sampled_from(("crop", "mask", "audio", "strip", "deidentify", "burnedInAnnotation")), _JSON))
def test_any_json_is_an_edit_or_none(asked: Any) -> None:
    try:
        found = wanted_of(asked)
    except BadRequest:
        return
    assert len(found.edit.masks) <= 100
