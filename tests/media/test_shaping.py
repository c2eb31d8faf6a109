"""How large the pictures of a viewport are, and what no level of H.264 holds."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.samples import CAMERA
from orthanc_video.errors import BadRequest
from orthanc_video.media.shaping import How, target_of
from orthanc_video.model import Rational
from orthanc_video.picture import Rendering, Viewport

_SIDES = st.integers(16, 4096)


def made(width: int, height: int, columns: int, rows: int, rate: int = 25) -> tuple[int, int]:
    """The size of a video of ``columns`` × ``rows`` pixels in this viewport."""
    how = How(preset="fast", crf=20, rendering=Rendering(viewport=Viewport(width=width, height=height)))
    aim = target_of(replace(CAMERA, width=columns, height=rows, rate=Rational(rate)), how)
    return aim.width, aim.height


@pytest.mark.parametrize(
    ("viewport", "size"), [((4096, 2304), (3072, 2304)), ((3500, 4096), (3500, 2624)), ((640, 640), (640, 480))]
)
def test_what_a_level_holds_fills_the_viewport(viewport: tuple[int, int], size: tuple[int, int]) -> None:
    assert made(*viewport, 320, 240) == size


@pytest.mark.parametrize(("viewport", "rate"), [((4096, 4096), 25), ((2048, 2048), 240)])
def test_what_none_holds_is_refused_with_what_fits(viewport: tuple[int, int], rate: int) -> None:
    with pytest.raises(BadRequest, match=r"more than level 5\.2 of H\.264 holds") as refusal:
        made(*viewport, 320, 240, rate)
    width, height = map(int, re.findall(r"(\d+) × (\d+) or less", str(refusal.value))[0])
    assert made(width, height, 320, 240, rate) in {(width, height), (width - 2, height), (width, height - 2)}
    with pytest.raises(BadRequest):
        made(width * 103 // 100, height * 103 // 100, 320, 240, rate)


@given(_SIDES, _SIDES, st.integers(16, 4096), st.integers(16, 4096), st.sampled_from([1, 25, 60, 240]))
def test_it_is_as_asked_or_refused(width: int, height: int, columns: int, rows: int, rate: int) -> None:
    try:
        wide, high = made(width, height, columns, rows, rate)
    except BadRequest:
        return
    assert width - wide < 2 or height - high < 2, "it is smaller than what was asked for"
