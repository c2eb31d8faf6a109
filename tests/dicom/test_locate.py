"""Where the stream lies, found by reading next to nothing of it."""

from __future__ import annotations

import struct
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clips import Clips
from dicom.conftest import Prepared, prepare
from dicom.objects import DELIMITER, PHOTOGRAPHIC, PIXEL_DATA, Counting, box, encapsulated, film, header, item
from orthanc_video.dicom.locate import Stream, locate
from orthanc_video.dicom.syntaxes import BY_UID, H264_HIGH_41
from orthanc_video.errors import BrokenVideo, NotVideo
from orthanc_video.model import Action, Span


def _stream(stored: Counting) -> bytes:
    """The located stream, as a server sends it."""
    found = locate(stored)
    return Stream(stored, found.spans, found.length).read(0, found.length)


@pytest.mark.parametrize("action", list(Action))
def test_what_was_written_is_found(prepared: Callable[[Action], Prepared], tmp_path: Path, action: Action) -> None:
    ready = prepared(action)
    stored = Counting(ready.write(tmp_path / "object.dcm").read_bytes())
    assert _stream(stored) == Path(ready.made.path).read_bytes()
    found = locate(stored)
    assert (found.transfer_syntax, found.sop_class) == (ready.plan.transfer_syntax, PHOTOGRAPHIC)
    assert found.sop_instance.startswith("2.25.")
    assert len(found.spans) == 1


def test_the_pad_byte_is_no_part_of_it(clips: Clips, tmp_path: Path) -> None:
    ready = prepare(clips.odd_length(), tmp_path)
    assert ready.made.size % 2 == 1
    stored = Counting(ready.write(tmp_path / "object.dcm").read_bytes())
    found = locate(stored)
    assert sum(span.length for span in found.spans) == ready.made.size + 1
    assert found.length == ready.made.size
    assert _stream(stored) == clips.odd_length().read_bytes()


@pytest.mark.parametrize("content", [999, 1000])
def test_the_total_length_is_believed_where_it_can_be(content: int) -> None:
    data = film(content)
    for said in (len(data), 7, len(data) - 1, 1 << 40):
        stored = Counting(header(total_length=said) + encapsulated([data]))
        assert locate(stored).length == (said if content % 2 == 0 and said == len(data) - 1 else len(data))


def test_a_stream_that_is_no_mp4_is_taken_as_it_is() -> None:
    packets = (b"\x47" + bytes(187)) * 5
    assert locate(Counting(header() + encapsulated([packets]))).length == len(packets)
    odd = b"\x00\x00\x01\xb3" + bytes(11)
    assert locate(Counting(header() + encapsulated([odd]))).length == len(odd) + 1


def test_zeros_that_end_an_mp4_are_no_padding() -> None:
    """Even lengths have no pad byte: a box that ends with zeros keeps them."""
    data = box(b"ftyp", 8) + b"isom" + bytes(4) + box(b"mdat", 6) + bytes(6)
    assert locate(Counting(header() + encapsulated([data]))).length == len(data)


@given(cuts=st.lists(st.integers(1, 400), max_size=6), content=st.integers(0, 400))
def test_fragments_are_joined(cuts: list[int], content: int) -> None:
    data = film(content)
    edges = sorted({0, len(data), *(cut * 2 for cut in cuts if cut * 2 < len(data))})
    pieces = [data[a:b] for a, b in pairwise(edges)]
    stored = Counting(header("1.2.840.10008.1.2.4.102.1") + encapsulated(pieces))
    assert len(locate(stored).spans) == len(pieces)
    assert _stream(stored) == data


@given(offset=st.integers(0, 500), length=st.integers(0, 500))
def test_any_part_of_joined_fragments(offset: int, length: int) -> None:
    data = film(300)
    stored = Counting(header() + encapsulated([data[:100], data[100:102], data[102:]]))
    found = locate(stored)
    assert Stream(stored, found.spans, found.length).read(offset, length) == data[offset : offset + length]


def test_an_offset_table_and_empty_fragments_are_passed_over() -> None:
    data = film(100)
    stored = Counting(header() + encapsulated([b"", data[:50], b"", data[50:]], offsets=bytes(4)))
    assert _stream(stored) == data
    assert len(locate(stored).spans) == 2


@pytest.mark.parametrize("uid", sorted(BY_UID))
def test_every_video_syntax_is_known(uid: str) -> None:
    assert locate(Counting(header(uid) + encapsulated([film(10)]))).transfer_syntax == uid


def _sparse(content: int) -> Counting:
    """A stored MP4 whose pictures take ``content`` bytes, and their index a thousandth of that."""
    begin = box(b"ftyp", 8) + b"isom" + bytes(4) + box(b"moov", content // 1000)
    pictures = box(b"mdat", content)
    length = len(begin) + content // 1000 + len(pictures) + content
    before = header() + PIXEL_DATA + item(0) + item(length + length % 2) + begin
    return Counting(before, content // 1000, pictures, content, bytes(length % 2) + item(0, DELIMITER))


def test_the_size_of_an_object_costs_nothing() -> None:
    small, large = _sparse(1 << 20), _sparse(4_200_000_000)
    assert locate(small).length < 2 << 20
    assert locate(large).length > 4_000_000_000
    assert large.bytes_read == small.bytes_read < 100_000
    assert large.reads == small.reads < 50


_GOOD = header() + encapsulated([film(10)])

_DAMAGED: dict[str, bytes] = {
    "native pixel data": header() + struct.pack("<HH2sHI", 0x7FE0, 0x0010, b"OB", 0, 8) + bytes(8),
    "ends after the tag": header() + PIXEL_DATA,
    "ends inside an item header": header() + PIXEL_DATA + item(0) + b"\xfe\xff\x00",
    "ends inside the fragment": _GOOD[:-20],
    "ends before the delimiter": _GOOD[:-8],
    "a fragment longer than the object": header() + PIXEL_DATA + item(0) + item(1 << 31) + film(10),
    "a fragment of undefined length": header() + PIXEL_DATA + item(0) + item(0xFFFFFFFF) + film(10),
    "no item where one must be": header() + PIXEL_DATA + item(0) + b"\x10\x00\x10\x00\x04\x00\x00\x00abcd",
    "no fragment": header() + PIXEL_DATA + item(0) + item(0, DELIMITER),
    "empty fragments": header() + PIXEL_DATA + item(0) + item(0) + item(0) + item(0, DELIMITER),
    "nothing but a delimiter": header() + PIXEL_DATA + item(0, DELIMITER),
}


@pytest.mark.parametrize("name", _DAMAGED)
def test_damaged_objects_are_refused(name: str) -> None:
    with pytest.raises(BrokenVideo, match="Pixel Data"):
        locate(Counting(_DAMAGED[name]))


_OTHERS: dict[str, bytes] = {
    "empty": b"",
    "no DICOM": b"hello" * 100,
    "cut inside the preamble": _GOOD[:100],
    "cut inside the meta header": _GOOD[:180],
    "no pixel data": header(),
    "an image": header("1.2.840.10008.1.2.4.50") + encapsulated([b"\xff\xd8\xff\xe0"]),
    "uncompressed": header("1.2.840.10008.1.2.1") + struct.pack("<HH2sHI", 0x7FE0, 0x0010, b"OW", 0, 8) + bytes(8),
}


@pytest.mark.parametrize("name", _OTHERS)
def test_what_is_no_video_is_refused(name: str) -> None:
    with pytest.raises(NotVideo):
        locate(Counting(_OTHERS[name]))


@given(st.integers(0, len(_GOOD) - 1), st.integers(0, 255))
def test_one_changed_byte_makes_a_refusal_or_an_answer_within_the_object(at: int, value: int) -> None:
    data = bytearray(_GOOD)
    data[at] = value
    try:
        found = locate(Counting(bytes(data)))
    except (BrokenVideo, NotVideo):
        return
    assert all(span.offset >= 0 and span.offset + span.length <= len(data) for span in found.spans)
    assert 0 < found.length <= sum(span.length for span in found.spans)


@given(st.integers(0, len(_GOOD) - 1))
def test_a_cut_object_is_refused(length: int) -> None:
    with pytest.raises((BrokenVideo, NotVideo)):
        locate(Counting(_GOOD[:length]))


def test_spans_are_places_in_the_object() -> None:
    data = film(10)
    at = len(header()) + len(PIXEL_DATA) + 8 + 8
    found = locate(Counting(header() + encapsulated([data])))
    assert found.spans == (Span(at, len(data)),)
    assert found.transfer_syntax == H264_HIGH_41
