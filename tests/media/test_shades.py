"""How values become brightness: as pydicom has it, for any window, slope and table."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_modality_lut, apply_voi_lut
from pydicom.sequence import Sequence

from dicom.films import attributes
from orthanc_video.dicom import pixels
from orthanc_video.media import shades

_FINITE = st.floats(-5000, 5000, allow_nan=False).map(lambda value: round(value, 2))


def _said(bits: int, signed: bool, **more: Any) -> Dataset:
    return attributes(BitsAllocated=16, BitsStored=bits, HighBit=bits - 1, PixelRepresentation=int(signed), **more)


def _expected(said: Dataset) -> npt.NDArray[np.float64]:
    """For each stored value that there can be, from the lowest; pydicom's output has the range of the stored values."""
    low, high = shades.value_range(pixels.of(said))
    values = np.arange(low, high + 1).astype("int16" if low else "uint16")
    with np.errstate(over="ignore"):  # of e, far below a sigmoid's window
        shown = apply_voi_lut(apply_modality_lut(values, said), said, prefer_lut=False).astype(np.float64)
    bottom, top = float(low), float(high)
    if "RescaleSlope" in said:
        slope, intercept = float(said.RescaleSlope), float(said.RescaleIntercept)
        bottom, top = low * slope + intercept, high * slope + intercept
    return (shown - bottom) * 255 / (top - bottom)


def _found(said: Dataset) -> npt.NDArray[np.uint8]:
    about = pixels.of(said)
    low, high = shades.value_range(about)
    words = np.arange(low, high + 1) & ((1 << about.bits_stored) - 1)
    found: npt.NDArray[np.uint8] = shades.grey(about)[words]
    return found


@given(
    st.sampled_from([8, 10, 12]), st.booleans(), _FINITE, st.floats(1.5, 5000).map(lambda value: round(value, 2)),
    st.sampled_from(["LINEAR", "LINEAR_EXACT", "SIGMOID", None]),
    st.sampled_from([None, ("2.5", "-1024"), ("0.1", "3")]),
)  # fmt: skip
def test_windows(
    bits: int, signed: bool, center: float, width: float, function: str | None, rescale: tuple[str, str] | None
) -> None:
    more = {"RescaleSlope": rescale[0], "RescaleIntercept": rescale[1]} if rescale else {}
    said = _said(bits, signed, WindowCenter=center, WindowWidth=width, VOILUTFunction=function, **more)
    assert np.abs(_found(said) - _expected(said)).max() <= 0.51


@given(st.integers(-100, 100), st.lists(st.integers(0, 4095), min_size=1, max_size=300))
def test_tables(first: int, entries: list[int]) -> None:
    table = Dataset()
    table.add_new("LUTDescriptor", "SS", [len(entries), first, 12])
    table.add_new("LUTData", "US", entries if len(entries) > 1 else entries[0])
    said = _said(8, True, VOILUTSequence=Sequence([table]))
    values = np.arange(-128, 128)
    expected = np.array(entries)[np.clip(values - first, 0, len(entries) - 1)] * 255 / 4095
    if len(entries) > 1:
        assert np.abs(_found(said) - expected).max() <= 0.51


@pytest.mark.parametrize("bits", [10, 12])
def test_bits_beside_the_stored_ones_do_not_count(bits: int) -> None:
    """Old devices put overlays there."""
    said = _said(bits, False, WindowCenter=512, WindowWidth=1024)
    said.HighBit = 13
    table = shades.grey(pixels.of(said))
    shift = 14 - bits
    for value in (0, 1, 500, (1 << bits) - 1):
        words = [value << shift, (value << shift) | 1, (value << shift) | 0x8000]
        assert len({int(table[word]) for word in words}) == 1
        assert table[words[0]] == _found(_said(bits, False, WindowCenter=512, WindowWidth=1024))[value]


def test_one_value_alone_is_grey() -> None:
    assert set(shades.grey(pixels.of(_said(12, False)), (7, 7)).tolist()) == {128}
