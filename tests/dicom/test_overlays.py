from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from pydicom import dcmread, dcmwrite
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.overlays.numpy_handler import get_overlay_array
from pydicom.uid import UID, ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from cines import overlay
from orthanc_video.dicom import overlays

_POINTS = np.array([[1, 0, 0, 1, 0], [0, 1, 1, 0, 0], [0, 0, 0, 0, 1]], np.uint8)


def _said(points: Any = _POINTS, group: int = 0x6000, **other: Any) -> Dataset:
    """A data set of one plane; ``other`` are its elements by number, None for none."""
    kinds = {"x0010": "US", "x0015": "IS", "x0040": "CS", "x0051": "US", "x0100": "US", "x1500": "LO", "x3000": "OW"}
    said = {name: None if value is None else (kinds[name], value) for name, value in other.items()}
    return overlay(points, group, [2, 3], **said)


def _read(said: Dataset, syntax: str = ExplicitVRLittleEndian) -> Dataset:
    """As from a file."""
    said.SOPClassUID, said.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.7", "2.25.1"
    said.file_meta = FileMetaDataset()
    said.file_meta.TransferSyntaxUID = UID(syntax)
    file = io.BytesIO()
    dcmwrite(file, said, enforce_file_format=True)
    file.seek(0)
    return dcmread(file)


def _points(plane: overlays.Plane) -> Any:
    bits = np.unpackbits(np.frombuffer(plane.bits, np.uint8), bitorder="little")
    return bits[: max(plane.frames, 1) * plane.rows * plane.columns].reshape(-1, plane.rows, plane.columns)


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
def test_a_plane_over_all_frames(syntax: str) -> None:
    (plane,), refused = overlays.planes(_read(_said(x1500="caliper"), syntax))
    assert (plane.group, plane.kind, plane.label) == ("6000", "Graphics", "caliper")
    assert (plane.origin, plane.first, plane.frames) == ((2, 3), 1, 0)
    assert np.array_equal(_points(plane)[0], _POINTS)
    assert refused == ()


def test_words_of_big_endian_are_read_as_such() -> None:
    said = _said(np.tile(_POINTS, (2, 3)))
    data = said[0x6000, 0x3000].value
    said[0x6000, 0x3000].value = b"".join(data[at : at + 2][::-1] for at in range(0, len(data), 2))
    (plane,), _ = overlays.planes(_read(said, ExplicitVRBigEndian))
    assert np.array_equal(_points(plane)[0], np.tile(_POINTS, (2, 3)))


def test_several_planes_of_several_frames() -> None:
    said = _said(np.stack([_POINTS, 1 - _POINTS]), x0015=2, x0051=5)
    said.update(_said(group=0x601E, x0051=7, x0040="R"))
    (first, second), _ = overlays.planes(_read(said))
    assert (first.first, first.frames, second.first, second.frames) == (5, 2, 7, 1)
    assert (second.group, second.kind) == ("601E", "ROI")
    assert np.array_equal(_points(first), [_POINTS, 1 - _POINTS])


def test_what_pydicom_reads_of_a_real_one() -> None:
    said = dcmread(str(get_testdata_file("MR-SIEMENS-DICOM-WithOverlays.dcm")))
    found, refused = overlays.planes(said)
    assert refused == ()
    assert found
    for plane in found:
        assert np.array_equal(_points(plane)[0], get_overlay_array(said, int(plane.group, 16)))


@pytest.mark.parametrize(
    ("other", "sentence"),
    [
        ({"x0100": 16}, "retired"),
        ({"x3000": b"\1"}, "fewer bits"),
        ({"x3000": None}, "fewer bits"),
        ({"x0010": None}, "how many rows"),
        ({"x0010": 0}, "is not shown"),
        ({"x0015": 65_000_000}, "is not shown"),
        ({"x0015": -1}, "is not shown"),
    ],
)
def test_what_cannot_be_shown_is_told(other: dict[str, Any], sentence: str) -> None:
    said = _said(**other)
    said.update(_said(group=0x6002))
    (kept,), (refused,) = overlays.planes(said)
    assert kept.group == "6002"
    assert refused.startswith("Overlay plane 6000: ")
    assert sentence in refused


def test_most_have_none() -> None:
    assert overlays.planes(Dataset()) == ((), ())
