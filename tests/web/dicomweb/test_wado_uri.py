"""What WADO-URI's parameters are as those of Retrieve Rendered."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from orthanc_video.errors import BadRequest
from orthanc_video.web.dicomweb import parameters
from orthanc_video.web.dicomweb.wado_uri import translated


def _said() -> Dataset:
    said = Dataset()
    said.Rows, said.Columns, said.NumberOfFrames = 480, 640, 10
    return said


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, {}),
        ({"columns": "320", "rows": "100"}, {"viewport": "320,100"}),
        ({"columns": "320"}, {"viewport": "320,16384"}),
        ({"rows": "100"}, {"viewport": "16384,100"}),
        ({"region": "0.5,0,1,0.25"}, {"viewport": "320,120,320.000,0.000,320.000,120.000"}),
        ({"region": "0.5,0,1,0.25", "rows": "60"}, {"viewport": "16384,60,320.000,0.000,320.000,120.000"}),
        ({"windowCenter": "40", "windowWidth": "400"}, {"window": "40,400,linear"}),
        ({"imageQuality": "80", "annotation": "patient"}, {"quality": "80", "annotation": "patient"}),
        ({"frameNumber": "10", "charset": "utf-8"}, {}),
    ],
)
def test_it_means_the_same(query: dict[str, str], expected: dict[str, str]) -> None:
    assert translated(query, _said()) == expected


@pytest.mark.parametrize(
    "query",
    [
        {"rows": "0"},
        {"rows": ""},
        {"rows": "-1"},
        {"columns": "x"},
        {"columns": "99999999999"},
        {"region": "0,0,1"},
        {"region": "0,0,0,1"},
        {"region": "0.5,0,0.2,1"},
        {"region": "0,0,1.5,1"},
        {"region": "nan,0,1,1"},
        {"region": "a,b,c,d"},
        {"frameNumber": "0"},
        {"frameNumber": "11"},
        {"frameNumber": "1,2"},
        {"frameNumber": "\u0661"},
        {"anonymize": "yes"},
        {"presentationUID": "1.2"},
        {"transferSyntax": "1.2"},
    ],
)
def test_nonsense_is_refused(query: dict[str, str]) -> None:
    with pytest.raises(BadRequest):
        translated(query, _said())


_TEXTS = st.one_of(st.text(max_size=12), st.sampled_from(["1", "0.5", "0,0,1,1", "0,0,1e-9,1", "640"]))
_NAMES = st.sampled_from(["rows", "columns", "region", "windowCenter", "windowWidth", "imageQuality", "frameNumber"])


@given(st.dictionaries(_NAMES, _TEXTS))
def test_what_comes_of_it_is_read_or_refused(query: dict[str, str]) -> None:
    try:
        parameters.rendering(translated(query, _said()))
    except BadRequest:
        return
