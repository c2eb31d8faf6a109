"""What the attributes say of samples, as one value."""

from __future__ import annotations

from typing import Any

import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from dicom.films import attributes
from orthanc_video.dicom import pixels
from orthanc_video.film import Lookup, Window, WindowFunction
from orthanc_video.model import Rational


def _deep(**more: Any) -> Dataset:
    return attributes(BitsAllocated=16, BitsStored=12, HighBit=11, **more)


@pytest.mark.parametrize(
    ("said", "window"),
    [
        ({}, None),
        ({"WindowCenter": "40", "WindowWidth": "400"}, Window(center=40, width=400)),
        ({"WindowCenter": ["40", "7"], "WindowWidth": ["400", "8"]}, Window(center=40, width=400)),
        ({"WindowCenter": "-1.5", "WindowWidth": "0.5", "VOILUTFunction": "LINEAR_EXACT"},
         Window(center=-1.5, width=0.5, function=WindowFunction.LINEAR_EXACT)),
        ({"WindowCenter": "4", "WindowWidth": "5", "VOILUTFunction": "SIGMOID"},
         Window(center=4, width=5, function=WindowFunction.SIGMOID)),
        ({"WindowCenter": "40", "WindowWidth": "0.5"}, None),
        ({"WindowCenter": "40", "WindowWidth": "0", "VOILUTFunction": "SIGMOID"}, None),
        ({"WindowCenter": "40", "WindowWidth": "10", "VOILUTFunction": "CUBIC"}, None),
        ({"WindowCenter": "40"}, None),
    ],
)  # fmt: skip
def test_the_first_window(said: dict[str, Any], window: Window | None) -> None:
    assert pixels.of(_deep(**said)).window == window


def test_an_enhanced_objects_window_is_in_its_functional_groups() -> None:
    def group(center: str) -> Dataset:
        voi, made = Dataset(), Dataset()
        voi.WindowCenter, voi.WindowWidth = center, "100"
        made.FrameVOILUTSequence = Sequence([voi])
        return made

    said = _deep(PerFrameFunctionalGroupsSequence=Sequence([group("1"), group("2")]))
    assert pixels.of(said).window == Window(center=1, width=100)
    said.SharedFunctionalGroupsSequence = Sequence([group("3")])
    assert pixels.of(said).window == Window(center=3, width=100)


@pytest.mark.parametrize(
    ("descriptor", "data", "found"),
    [
        ([3, 10, 16], [1, 2, 65535], Lookup(first=10, bits=16, entries=(1, 2, 65535))),
        ([3, 10, 16], b"\x01\x00\x02\x00\xff\xff", Lookup(first=10, bits=16, entries=(1, 2, 65535))),
        ([4, 0, 8], b"\x01\x02\x03\x04", Lookup(first=0, bits=8, entries=(1, 2, 3, 4))),
        ([2, 0, 8], b"\x01\x00\x02\x00", Lookup(first=0, bits=8, entries=(1, 2))),
        ([0, 0, 16], bytes(131072), Lookup(first=0, bits=16, entries=(0,) * 65536)),
        ([1, 10, 16], 7, Lookup(first=10, bits=16, entries=(7,))),
        ([3, 10, 16], [1, 2], None),
        ([3, 10, 17], [1, 2, 3], None),
        ([3, 10], [1, 2, 3], None),
    ],
)
def test_lookup_tables(descriptor: list[int], data: Any, found: Lookup | None) -> None:
    table = Dataset()
    table.add_new("LUTDescriptor", "US", descriptor)
    table.add_new("LUTData", "OW" if isinstance(data, bytes) else "US", data)
    said = _deep(VOILUTSequence=Sequence([table]), ModalityLUTSequence=Sequence([table]))
    assert pixels.of(said).voi == pixels.of(said).modality == found


def test_a_tables_first_value_may_be_below_zero() -> None:
    table = Dataset()
    table.add_new("LUTDescriptor", "US", [2, 65533, 16])
    table.add_new("LUTData", "US", [1, 2])
    said = _deep(VOILUTSequence=Sequence([table]), PixelRepresentation=1)
    voi = pixels.of(said).voi
    assert voi is not None
    assert voi.first == -3


def test_pixels_that_are_not_square() -> None:
    assert pixels.of(attributes(PixelAspectRatio=[4, 3])).aspect == Rational(3, 4)
    assert pixels.of(attributes(PixelAspectRatio=[0, 3])).aspect == Rational(1)
    assert pixels.of(attributes(PixelAspectRatio=[1, 1000])).aspect == Rational(1)
