"""What requests for views ask for, and what of them is refused."""

from __future__ import annotations

import contextlib
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orthanc_video.errors import BadRequest
from orthanc_video.view import CIRCLE, LINEAR_EXACT, RECTANGLE, Shutter, View, Window
from orthanc_video.web.views import view_of


def test_views() -> None:
    assert view_of({}) == View()
    assert view_of({"window": None, "shutter": None, "subtract": None, "center": None}) == View()
    found = view_of(
        {
            "name": " Papille ",
            "frame": 46,
            "window": {"center": Decimal("110.12345678"), "width": 90},
            "gamma": Decimal("1.5"),
            "invert": True,
            "zoom": 2,
            "center": {"x": Decimal("0.25"), "y": 1},
            "rotation": 270,
            "flip": True,
            "shutter": {"kind": "circle", "x": Decimal("0.5"), "y": Decimal("0.5"), "radius": Decimal("0.25")},
            "subtract": 3,
        }
    )
    assert found == View(
        name="Papille",
        frame=46,
        window=Window(center=110.123457, width=90),
        gamma=1.5,
        invert=True,
        zoom=2,
        x=0.25,
        y=1,
        rotation=270,
        flip=True,
        shutter=Shutter(kind=CIRCLE, x=0.5, y=0.5, radius=0.25),
        subtract=3,
    )
    edges = {"left": 0, "top": 0, "right": 1, "bottom": Decimal("0.5")}
    seen = Shutter(kind=RECTANGLE, x=0, y=0, right=1, bottom=0.5)
    assert view_of({"shutter": {"kind": "rectangle", **edges}}).shutter == seen


def test_windows_of_the_modalitys_values() -> None:
    asked = {"center": -600, "width": Decimal("0.25"), "function": "LINEAR_EXACT"}
    assert view_of({"window": asked}).window == Window(center=-600, width=0.25, function=LINEAR_EXACT)
    assert view_of({"window": {"center": 40000, "width": 65536}}).window == Window(center=40000, width=65536)
    assert (view_of({"table": 2}).table, view_of({"table": None}).table) == (2, None)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"colour": 1}, 'no "colour"'),
        ({"name": 1}, '"name" must be text'),
        ({"name": "a" * 65}, '"name" must be text'),
        ({"name": "a\nb"}, '"name" must be text'),
        ({"name": "a\\b"}, '"name" must be text'),
        ({"frame": 0}, '"frame" must be a whole number'),
        ({"frame": True}, '"frame" must be a whole number'),
        ({"frame": Decimal("1.5")}, '"frame" must be a whole number'),
        ({"window": [1, 2]}, '"window" must be an object'),
        ({"window": {"center": 1}}, '"width" must be a number from 1 to'),
        ({"window": {"center": 1, "width": Decimal("NaN")}}, '"width" must be a number'),
        ({"window": {"center": 1, "width": 1, "function": "CUBIC"}}, '"function" must be one of'),
        ({"window": {"center": 1, "width": Decimal("0.5")}}, '"width" must be a number from 1 to'),
        ({"window": {"center": 1, "width": 0, "function": "SIGMOID"}}, '"width" must be a number from 1e-06'),
        ({"table": 0}, '"table" must be a whole number from 1'),
        ({"table": 1, "window": {"center": 1, "width": 2}}, "not both"),
        ({"gamma": 0}, '"gamma" must be a number from 0.1 to 10'),
        ({"gamma": Decimal("1e999")}, '"gamma" must be a number'),
        ({"invert": 1}, '"invert" must be true or false'),
        ({"zoom": Decimal("0.5")}, '"zoom" must be a number from 1 to 100'),
        ({"center": {"x": 0.5}}, '"y" must be a number'),
        ({"rotation": 45}, '"rotation" must be 0, 90'),
        ({"rotation": -90}, '"rotation" must be'),
        ({"shutter": {}}, 'needs a "kind"'),
        ({"shutter": {"kind": "circle", "left": 1}}, 'no "left"'),
        ({"shutter": {"kind": "circle", "x": 0, "y": 0, "radius": 0}}, "Nothing is seen"),
        ({"shutter": {"kind": "rectangle", "left": 1, "right": 0, "top": 0, "bottom": 1}}, "Nothing is seen"),
        ({"subtract": 0}, '"subtract" must be a whole number from 1'),
    ],
)
def test_views_that_are_refused(given: dict[str, Any], sentence: str) -> None:
    with pytest.raises(BadRequest, match=sentence):
        view_of(given)


_KEYS = (
    "name",
    "frame",
    "window",
    "gamma",
    "zoom",
    "center",
    "rotation",
    "shutter",
    "subtract",
    "table",
    "kind",
    "x",
    "width",
)
_ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.decimals() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_KEYS), inner, max_size=4),
    max_leaves=9,
)


@given(st.dictionaries(st.sampled_from(_KEYS[:10]), _ANYTHING))
def test_whatever_is_asked_is_a_view_or_refused(asked: dict[str, Any]) -> None:
    with contextlib.suppress(BadRequest):
        assert isinstance(view_of(asked), View)
