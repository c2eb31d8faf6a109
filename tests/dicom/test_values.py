"""What objects say of grey values of more than eight bits."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from dicom.films import attributes
from orthanc_video.dicom import pixels, values
from orthanc_video.film import Lookup, Window, WindowFunction


def _said(**more: Any) -> Dataset:
    return attributes(**({"BitsAllocated": 16, "BitsStored": 12, "HighBit": 11} | more))


def _of(said: Dataset, count: int = 3) -> values.Values:
    return values.of(said, pixels.of(said), count)


@pytest.mark.parametrize(
    ("said", "there"),
    [
        ({}, True),
        ({"PhotometricInterpretation": "MONOCHROME1"}, True),
        ({"BitsStored": 8}, False),
        ({"PhotometricInterpretation": "PALETTE COLOR"}, False),
        ({"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB"}, False),
    ],
)
def test_which_objects_have_more_than_is_drawn(said: dict[str, Any], there: bool) -> None:
    names = {"BitsStored": "bits_stored", "PhotometricInterpretation": "photometric", "SamplesPerPixel": "samples"}
    about = pixels.of(_said())
    for keyword, changed in said.items():
        about = replace(about, **{names[keyword]: changed})
    assert values.is_there(about) is there


def test_all_windows_with_their_names() -> None:
    found = _of(
        _said(
            WindowCenter=["40", "-600", "7"],
            WindowWidth=["400", "1500", "0"],
            WindowCenterWidthExplanation=["", "Lung"],
            VOILUTFunction="SIGMOID",
            RescaleSlope="2",
            RescaleIntercept="-1024",
        )
    )
    (frame,) = found.frames
    assert (frame.slope, frame.intercept) == (2, -1024)
    # A width of 0 is none.
    shape = WindowFunction.SIGMOID
    assert frame.windows == (
        (Window(center=40, width=400, function=shape), ""),
        (Window(center=-600, width=1500, function=shape), "Lung"),
    )
    assert (_of(_said()).frames[0].windows, _of(_said()).tables, _of(_said()).padding) == ((), (), None)


def test_all_tables_with_their_names() -> None:
    def table(name: str, *entries: int) -> Dataset:
        one = Dataset()
        one.add_new("LUTDescriptor", "US", [len(entries), 5, 16])
        one.add_new("LUTData", "OW", np.array(entries, "<u2").tobytes())
        one.LUTExplanation = name
        return one

    broken = table("broken", 1, 2, 3)
    broken.LUTDescriptor = [9, 5, 16]
    found = _of(_said(VOILUTSequence=Sequence([table("soft", 1, 2), broken, table("bone", 3)])))
    soft, bone = Lookup(first=5, bits=16, entries=(1, 2)), Lookup(first=5, bits=16, entries=(3,))
    assert found.tables == ((soft, "soft"), (bone, "bone"))


def _group(slope: str, center: str | None = None) -> Dataset:
    group, rescale, window = Dataset(), Dataset(), Dataset()
    rescale.RescaleSlope, rescale.RescaleIntercept = slope, "1"
    group.PixelValueTransformationSequence = Sequence([rescale])
    if center is not None:
        window.WindowCenter, window.WindowWidth = center, "10"
        group.FrameVOILUTSequence = Sequence([window])
    return group


def test_frames_that_each_have_their_own() -> None:
    said = _said(PerFrameFunctionalGroupsSequence=Sequence([_group("1", "5"), _group("2", "6"), _group("3", "7")]))
    told = [(frame.slope, [window.center for window, _ in frame.windows]) for frame in _of(said).frames]
    assert told == [(1, [5]), (2, [6]), (3, [7])]
    # One for all where they are alike, are said once, or are not said of as many frames as there are.
    said.PerFrameFunctionalGroupsSequence = Sequence([_group("4", "5")] * 3)
    assert [frame.slope for frame in _of(said).frames] == [4]
    assert [frame.slope for frame in _of(said, 4).frames] == [1]
    said.SharedFunctionalGroupsSequence = Sequence([_group("9")])
    said.PerFrameFunctionalGroupsSequence = Sequence([_group("1", "5"), _group("2", "6"), _group("3", "7")])
    assert [(frame.slope, frame.windows[0][0].center) for frame in _of(said).frames] == [(9, 5), (9, 6), (9, 7)]


def test_padding() -> None:
    assert _of(_said(PixelPaddingValue=7)).padding == (7, 7)
    assert _of(_said(PixelPaddingValue=7, PixelPaddingRangeLimit=3)).padding == (3, 7)
    signed = _said(PixelRepresentation=1)
    signed.add_new("PixelPaddingValue", "US", 0xF800)
    assert _of(signed).padding == (-2048, -2048)
