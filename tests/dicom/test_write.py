"""The file around the stream."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.encaps import generate_frames, get_frame

from clips import Clips
from dicom.conftest import Prepared, prepare
from oracles import dcmdump
from orthanc_video.dicom.build import build
from orthanc_video.dicom.write import Envelope, blocks, envelope, write
from orthanc_video.errors import TooLarge
from orthanc_video.model import Action


def _dataset(ready: Prepared) -> Dataset:
    return build(ready.upload, ready.info, ready.plan, ready.made)


@pytest.fixture
def ready(prepared: Callable[[Action], Prepared]) -> Prepared:
    return prepared(Action.WRAP)


@pytest.mark.parametrize("length", [0, 1, 2, 1 << 20, (1 << 20) + 1, 3_000_001])
def test_the_file_is_what_lies_before_the_stream_and_after(tmp_path: Path, length: int) -> None:
    stream, target = tmp_path / "stream", tmp_path / "object"
    stream.write_bytes(hashlib.shake_128(b"x").digest(length))
    parts = Envelope(b"before", b"after", length)
    write(parts, stream, target)
    assert target.read_bytes() == b"before" + stream.read_bytes() + b"after"
    assert b"".join(blocks(parts, stream)) == target.read_bytes()
    assert target.stat().st_size == parts.size


def test_it_is_sent_in_small_blocks(tmp_path: Path) -> None:
    stream = tmp_path / "stream"
    stream.write_bytes(bytes(5_000_000))
    assert max(map(len, blocks(Envelope(b"a", b"b", 5_000_000), stream))) <= 1 << 20


def test_a_stream_that_became_shorter_is_noticed(tmp_path: Path) -> None:
    stream = tmp_path / "stream"
    stream.write_bytes(bytes(10))
    with pytest.raises(OSError, match="shorter"):
        write(Envelope(b"a", b"b", 11), stream, tmp_path / "object")
    with pytest.raises(OSError, match="shorter"):
        list(blocks(Envelope(b"a", b"b", 11), stream))


@pytest.mark.parametrize("action", list(Action))
def test_pydicom_reads_it(prepared: Callable[[Action], Prepared], tmp_path: Path, action: Action) -> None:
    ready = prepared(action)
    dataset = dcmread(ready.write(tmp_path / "object.dcm"))
    assert dataset.preamble == bytes(128)
    assert dataset.file_meta.TransferSyntaxUID == ready.plan.transfer_syntax
    assert dataset.file_meta.MediaStorageSOPInstanceUID == dataset.SOPInstanceUID
    assert dataset["PixelData"].VR == "OB"
    assert dataset["PixelData"].is_undefined_length
    (stream,) = generate_frames(dataset.PixelData, number_of_frames=1)
    data = Path(ready.made.path).read_bytes()
    assert stream == data + b"\x00" * (len(data) % 2)


def test_an_odd_stream_is_padded(clips: Clips, tmp_path: Path) -> None:
    path = prepare(clips.odd_length(), tmp_path).write(tmp_path / "object.dcm")
    data = clips.odd_length().read_bytes()
    assert path.stat().st_size % 2 == 0
    assert get_frame(dcmread(path).PixelData, 0, number_of_frames=1) == data + b"\x00"
    assert "FFFE,E0DD" in dcmdump(path).upper()


@pytest.mark.parametrize("action", list(Action))
def test_dcmtk_reads_it(prepared: Callable[[Action], Prepared], tmp_path: Path, action: Action) -> None:
    ready = prepared(action)
    dumped = dcmdump(ready.write(tmp_path / "object.dcm"))
    size = ready.made.size + ready.made.size % 2
    assert "(PixelSequence #=2)" in dumped  # the empty offset table and one fragment
    assert f"# {size}, 1 Item" in " ".join(dumped.split())
    assert "(0002,0010) UI =MPEG4" in " ".join(dumped.split())


def test_elements_are_in_order(ready: Prepared, tmp_path: Path) -> None:
    tags = [element.tag for element in dcmread(ready.write(tmp_path / "object.dcm"))]
    assert tags == sorted(tags)


def test_the_envelope_is_small_and_knows_its_size(ready: Prepared) -> None:
    parts = envelope(_dataset(ready), 4_000_000_000)
    assert len(parts.before) < 8192
    assert parts.size == len(parts.before) + 4_000_000_000 + len(parts.after)
    assert parts.after == b"\xfe\xff\xdd\xe0\x00\x00\x00\x00"


def test_more_than_one_fragment_can_hold_is_refused(ready: Prepared) -> None:
    assert envelope(_dataset(ready), (1 << 32) - 2).size > 1 << 32
    with pytest.raises(TooLarge, match="4 GiB"):
        envelope(_dataset(ready), (1 << 32) - 1)
