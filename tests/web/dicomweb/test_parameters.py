"""The rendering parameters of PS3.18 8.3.5.1, right ones and malformed ones."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orthanc_video.errors import BadRequest
from orthanc_video.film import Window, WindowFunction
from orthanc_video.picture import Region, Rendering, Viewport
from orthanc_video.web.dicomweb.parameters import rendering

_NAMES = ("viewport", "window", "quality", "annotation", "iccprofile")


def test_nothing_asked_is_the_default() -> None:
    assert rendering({"accept": "image/png", "includefield": "all"}) == Rendering()


@pytest.mark.parametrize(
    ("text", "viewport"),
    [
        ("512,384", Viewport(width=512, height=384)),
        ("512,384,,,,", Viewport(width=512, height=384)),
        ("64,64,10,20,100.5,50", Viewport(width=64, height=64, region=Region(left=10, top=20, width=100.5, height=50))),
        ("64,64,,,-100,-50", Viewport(width=64, height=64, region=Region(width=-100, height=-50))),
        ("64,64,8,,,", Viewport(width=64, height=64, region=Region(left=8))),
    ],
)
def test_viewport(text: str, viewport: Viewport) -> None:
    assert rendering({"viewport": text}).viewport == viewport


@pytest.mark.parametrize(
    ("text", "window"),
    [
        ("40,400,linear", Window(center=40, width=400)),
        ("-600.5,1e3,LINEAR-EXACT", Window(center=-600.5, width=1000, function=WindowFunction.LINEAR_EXACT)),
        ("0.5,.25,sigmoid", Window(center=0.5, width=0.25, function=WindowFunction.SIGMOID)),
    ],
)
def test_window(text: str, window: Window) -> None:
    assert rendering({"window": text}).window == window


def test_the_others() -> None:
    found = rendering({"quality": "85", "annotation": "technique,patient,technique", "iccprofile": "sRGB"})
    assert (found.quality, found.annotations, found.profile) == (85, ("technique", "patient"), "srgb")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("viewport", ""),
        ("viewport", "512"),
        ("viewport", "0,512"),
        ("viewport", "512,-1"),
        ("viewport", "99999,99999"),
        ("viewport", "5e2,512"),
        ("viewport", "512,512,1,1"),
        ("viewport", "512,512,-1,,,"),
        ("viewport", "512,512,,,0,5"),
        ("viewport", "512,512,nan,,,"),
        ("viewport", "٥,٥"),
        ("window", "40,400"),
        ("window", "40,,linear"),
        ("window", "40,400,linear,"),
        ("window", "40,400,cubic"),
        ("window", "40,0,linear"),
        ("window", "40,0.5,linear"),
        ("window", "40,-1,sigmoid"),
        ("window", "inf,400,linear"),
        ("quality", "0"),
        ("quality", "101"),
        ("quality", "8.5"),
        ("quality", ""),
        ("annotation", ""),
        ("annotation", "patient,,technique"),
        ("annotation", "pat ient"),
        ("iccprofile", "cmyk"),
        ("iccprofile", ""),
    ],
)
def test_what_is_malformed_is_refused_by_its_name(name: str, text: str) -> None:
    with pytest.raises(BadRequest, match=name):
        rendering({name: text})


@given(st.dictionaries(st.sampled_from(_NAMES), st.text(alphabet="0123456789.,-+eE linearsgmodpt", max_size=40)))
def test_anything_is_understood_or_refused(query: dict[str, str]) -> None:
    try:
        found = rendering(query)
    except BadRequest:
        return
    assert found.quality is None or 1 <= found.quality <= 100
    assert found.viewport is None or min(found.viewport.width, found.viewport.height) > 0
    assert found.window is None or found.window.width > 0
