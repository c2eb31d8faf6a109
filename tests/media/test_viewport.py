"""Which part of a picture a viewport shows, and how large."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orthanc_video.errors import BadRequest
from orthanc_video.media.viewport import Cut, cut, fitted
from orthanc_video.picture import Region, Viewport

_SIDES = st.integers(16, 4096)


@pytest.mark.parametrize(
    ("region", "expected"),
    [
        (Region(), Cut(left=0, top=0, width=640, height=480)),
        (Region(left=100, top=50), Cut(left=100, top=50, width=540, height=430)),
        (Region(left=600, width=100, height=-480), Cut(left=600, top=0, width=40, height=480, upturned=True)),
        (Region(left=0.6, width=-9.9), Cut(left=1, top=0, width=9, height=480, mirrored=True)),
    ],
)
def test_the_part_that_is_shown(region: Region, expected: Cut) -> None:
    assert cut(Viewport(width=100, height=100, region=region), 640, 480) == expected


@pytest.mark.parametrize("region", [Region(left=640), Region(top=1e12), Region(left=10, width=0.1)])
def test_what_lies_outside_is_refused(region: Region) -> None:
    with pytest.raises(BadRequest, match="640 × 480"):
        cut(Viewport(width=100, height=100, region=region), 640, 480)


@given(_SIDES, _SIDES, st.integers(1, 8192), st.integers(1, 8192), st.fractions(Fraction(1, 4), 4))
def test_it_fills_the_viewport_and_keeps_the_proportions(
    width: int, height: int, columns: int, rows: int, aspect: Fraction
) -> None:
    try:
        wide, high = fitted(Viewport(width=width, height=height), columns, rows, aspect)
    except BadRequest:
        return
    assert (wide % 2, high % 2) == (0, 0)
    assert wide <= width
    assert high <= height
    assert width - wide < 2 or height - high < 2
    assert abs(wide * rows - high * columns * aspect) <= 3 * max(Fraction(rows), columns * aspect)


def test_what_is_too_flat_to_be_coded_is_refused() -> None:
    with pytest.raises(BadRequest, match="pixels"):
        fitted(Viewport(width=100, height=100), 1000, 10, Fraction(1))
