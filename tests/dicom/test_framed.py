"""Pixel Data of single pictures: offsets, padding, what is too large, and what a media process may not claim."""

from __future__ import annotations

import io
import struct
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.dataset import FileMetaDataset
from pydicom.encaps import generate_frames
from pydicom.uid import UID

from dicom.films import attributes
from orthanc_video.dicom import framed, write
from orthanc_video.dicom.framed import Pictures
from orthanc_video.errors import TooLarge, WorkerFailed

_JPEG, _NATIVE, _IMPLICIT = "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2"


def item(data: bytes) -> bytes:
    even = data + b"\0" * (len(data) % 2)
    return struct.pack("<HHI", 0xFFFE, 0xE000, len(even)) + even


def laid(folder: Path, frames: Sequence[bytes], *, native: bool = False) -> tuple[Path, Path]:
    path, index = folder / "pictures", folder / "pictures.index"
    path.write_bytes(b"".join(frames if native else map(item, frames)))
    index.write_bytes(b"".join(struct.pack("<QQ", len(one), 1000 * at) for at, one in enumerate(frames)))
    return path, index


def written(folder: Path, frames: Sequence[bytes], syntax: str, only: int | None = None) -> Path:
    native = syntax != _JPEG
    made = framed.pictures(*laid(folder, frames, native=native), len(frames), native=native)
    dataset = attributes(len(frames))
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = UID(syntax)
    target = folder / "made.dcm"
    write.write(framed.envelope(dataset, made, only), made.path, target)
    return target


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
@given(st.lists(st.binary(min_size=2, max_size=40), min_size=1, max_size=9))
def test_frames_come_back_by_the_table(tmp_path: Path, frames: list[bytes]) -> None:
    said = dcmread(written(tmp_path, frames, _JPEG))
    assert [one[: len(two)] for one, two in zip(generate_frames(said.PixelData), frames, strict=True)] == frames
    table = said.PixelData[8 : 8 + 4 * len(frames)]
    start = 8 + 4 * len(frames)
    for at, frame in zip(struct.unpack(f"<{len(frames)}L", table), frames, strict=True):
        assert said.PixelData[start + at :].startswith(item(frame))


def test_one_of_them_alone(tmp_path: Path) -> None:
    said = dcmread(written(tmp_path, [b"first", b"second", b"third"], _JPEG, only=1))
    assert list(generate_frames(said.PixelData, number_of_frames=1)) == [b"second"]


@pytest.mark.parametrize("syntax", [_NATIVE, _IMPLICIT])
def test_uncompressed_frames_lie_end_to_end_and_even(tmp_path: Path, syntax: str) -> None:
    said = dcmread(written(tmp_path, [b"abc", b"def", b"ghi"], syntax))
    assert said.PixelData == b"abcdefghi\0"
    assert ("OW" if syntax == _IMPLICIT else "OB") == said["PixelData"].VR


def test_offsets_beyond_32_bits_are_in_the_extended_table() -> None:
    lengths = [3 << 30, 3 << 30, 11]
    dataset = attributes(3)
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = UID(_JPEG)
    parts = framed.envelope(dataset, Pictures(Path("nowhere"), lengths, [0, 1, 2], native=False))
    assert parts.length == sum(lengths) + 3 * 8 + 1
    said = dcmread(io.BytesIO(parts.before), stop_before_pixels=True)
    assert struct.unpack("<3Q", said.ExtendedOffsetTable) == (0, (3 << 30) + 8, (6 << 30) + 16)
    assert struct.unpack("<3Q", said.ExtendedOffsetTableLengths) == (3 << 30, 3 << 30, 12)
    assert parts.before.endswith(struct.pack("<HHI", 0xFFFE, 0xE000, 0))


def test_more_than_4_gib_do_not_go_uncompressed() -> None:
    dataset = attributes(2)
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = UID(_NATIVE)
    with pytest.raises(TooLarge):
        framed.envelope(dataset, Pictures(Path("nowhere"), [1 << 31, 1 << 31], [0, 1], native=True))


@pytest.mark.parametrize("wrong", ["short", "long", "item", "count", "empty"])
def test_what_is_not_as_the_index_says_is_refused(tmp_path: Path, wrong: str) -> None:
    path, index = laid(tmp_path, [b"abcd", b"efgh"])
    data, places, count = bytearray(path.read_bytes()), index.read_bytes(), 2
    if wrong == "short":
        data = data[:-1]
    elif wrong == "long":
        data += b"\0"
    elif wrong == "item":
        data[16] = 0xFF
    elif wrong == "count":
        count = 3
    else:
        data, places, count = bytearray(), b"", 0
    path.write_bytes(data)
    index.write_bytes(places)
    with pytest.raises(WorkerFailed):
        framed.pictures(path, index, count, native=False)
