"""Where the frames lie, found without reading them."""

from __future__ import annotations

import struct
import zlib
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import UID

from dicom.films import IMPLICIT, JPEG, NATIVE, RLE, ULTRASOUND, attributes, extended, fragmented, header, native
from dicom.objects import DELIMITER, PIXEL_DATA, Counting, item
from orthanc_video.dicom.multiframe import MOST_FRAMES, is_film, locate, pictures
from orthanc_video.errors import BrokenVideo, NotVideo
from orthanc_video.files import Bytes, SpanSource
from orthanc_video.film import MultiFrame
from orthanc_video.model import Span
from orthanc_video.plain import from_json, to_json

STORAGE = "1.2.840.10008.5.1.4.1.1."


def frames_of(stored: Counting, found: MultiFrame | None = None) -> list[bytes]:
    found = found or locate(stored)
    return [b"".join(stored.read(span.offset, span.length) for span in frame) for frame in found.frames]


FRAMES = [bytes([65 + at] * 8) for at in range(3)]


_PART = {"FrameExtractionSequence": Sequence([Dataset()])}


@pytest.mark.parametrize(
    ("is_one", "frames", "more"),
    [
        (True, 2, {}),
        (False, 1, {}),
        (False, 1, {"SOPClassUID": UID(f"{STORAGE}77.1.5.1")}),
        (False, 2, {"SOPClassUID": UID(f"{STORAGE}2")}),
        (True, 1, _PART),
        (False, 1, _PART | {"NumberOfFrames": None}),
        (False, 1, {"FrameExtractionSequence": Sequence([])}),
        (False, 1, _PART | {"SOPClassUID": UID(f"{STORAGE}2")}),
    ],
)
def test_one_frame_is_a_film_where_it_was_taken_out_of_one(is_one: bool, frames: int, more: dict[str, Any]) -> None:
    said = attributes(frames, **more)
    assert is_film(said) == is_one
    stored = Counting(native(bytes(8 * frames), said))
    if is_one:
        assert len(locate(stored).frames) == frames
    else:
        with pytest.raises(NotVideo):
            locate(stored)


@pytest.mark.parametrize("syntax", [NATIVE, IMPLICIT])
def test_frames_that_lie_end_to_end(syntax: str) -> None:
    stored = Counting(native(b"".join(FRAMES), attributes(), syntax))
    found = locate(stored)
    assert frames_of(stored, found) == FRAMES
    assert (found.transfer_syntax, found.sop_class, found.sop_instance) == (syntax, ULTRASOUND, "2.25.1")
    assert (found.pixels.rows, found.pixels.columns, found.remarks) == (2, 4, ())


def test_a_pad_byte_is_no_remark() -> None:
    odd = attributes(Rows=1, Columns=3, frames=3)
    assert locate(Counting(native(b"aaabbbccc\x00", odd))).remarks == ()


def test_colours_that_share_chroma_take_two_bytes_a_pixel() -> None:
    said = attributes(2, SamplesPerPixel=3, PhotometricInterpretation="YBR_FULL_422", PlanarConfiguration=0)
    assert frames_of(Counting(native(b"a" * 16 + b"b" * 16, said))) == [b"a" * 16, b"b" * 16]


@given(st.lists(st.integers(1, 50), min_size=2, max_size=8), st.data())
def test_one_fragment_for_each_frame(lengths: list[int], data: st.DataObject) -> None:
    coded = [b"\xff\xd8" + bytes([at]) * (2 * length) for at, length in enumerate(lengths)]
    places = [0, *accumulate(len(one) + 8 for one in coded)][:-1]
    said = attributes(len(coded))
    way = data.draw(st.sampled_from(["none", "basic", "extended"]))
    made = {
        "none": lambda: fragmented(coded, said),
        "basic": lambda: fragmented(coded, said, places),
        "extended": lambda: extended(coded, said, places),
    }[way]()
    stored = Counting(made)
    found = locate(stored)
    assert frames_of(stored, found) == coded
    assert found.remarks == ()


@given(st.lists(st.lists(st.integers(1, 20), min_size=1, max_size=4), min_size=2, max_size=6), st.booleans())
def test_frames_of_several_fragments(lengths: list[list[int]], table: bool) -> None:
    """By the offset table, and without one by what a coded frame begins with."""
    parts = [[b"\xff\x4f" + bytes(2 * one) if not at else bytes(2 * one) for at, one in enumerate(frame)]
             for frame in lengths]  # fmt: skip
    fragments = [fragment for frame in parts for fragment in frame]
    places = [0, *accumulate(len(fragment) + 8 for fragment in fragments)]
    begins = [0, *accumulate(map(len, parts))][:-1]
    stored = Counting(
        fragmented(fragments, attributes(len(parts)), [places[begin] for begin in begins] if table else [])
    )
    assert frames_of(stored) == [b"".join(frame) for frame in parts]


def test_an_offset_table_that_lies_is_told_of() -> None:
    coded = [b"\xff\xd8ab", b"\xff\xd8cd", b"\xff\xd8ef"]
    for offsets in ([0, 13, 24], [0, 24, 12], [12, 24], [0, 1 << 31, 5], [0]):
        stored = Counting(fragmented(coded, attributes(), offsets))
        found = locate(stored)
        assert frames_of(stored, found) == coded, offsets
        assert found.remarks == ("The Basic Offset Table does not name the fragments that frames begin with.",)


@pytest.mark.parametrize("announced", [2, 4, 2**31 - 1])
def test_a_wrong_number_of_frames_is_told_of(announced: int) -> None:
    sentence = f"NumberOfFrames is {announced}, but the object holds 3."
    found = locate(Counting(fragmented([b"\xff\xd8a\x00"] * 3, attributes(announced), syntax=JPEG)))
    assert (len(found.frames), found.remarks) == (3, (sentence,))
    if announced > 3:
        found = locate(Counting(native(b"".join(FRAMES), attributes(announced))))
        assert (len(found.frames), found.remarks) == (3, (sentence,))


def test_what_is_cut_shows_its_whole_frames() -> None:
    whole = native(b"".join(FRAMES), attributes())
    stored = Counting(whole[:-9])
    found = locate(stored)
    assert frames_of(stored, found) == FRAMES[:1]
    assert found.remarks == (
        "The stored object ends inside its Pixel Data.",
        "NumberOfFrames is 3, but the object holds 1.",
    )


def test_more_pixels_than_frames_are_told_of() -> None:
    found = locate(Counting(native(b"".join(FRAMES) + bytes(8), attributes())))
    assert found.remarks == ("Pixel Data has 32 bytes; 3 frames take 24.",)


def test_the_size_of_an_object_costs_nothing() -> None:
    small, large = (_sparse(side) for side in (512, 4096))
    assert large.size > 100 << 20
    found = locate(large)
    locate(small)
    assert len(found.frames) == 10
    assert large.bytes_read == small.bytes_read < 100_000
    assert large.reads == small.reads


def _sparse(side: int) -> Counting:
    length = 10 * side * side
    return Counting(native(b"", attributes(10, Rows=side, Columns=side), announced=length), length)


def test_it_travels_as_json() -> None:
    found = locate(Counting(fragmented([b"\xff\xd8a\x00"] * 3, attributes(2, WindowCenter="40", WindowWidth="400"))))
    assert from_json(MultiFrame, to_json(found)) == found
    assert found.pixels.window is not None


_OTHERS: dict[str, Any] = {
    "a single picture": lambda: native(FRAMES[0], attributes(1)),
    "no number of frames": lambda: native(FRAMES[0], attributes(NumberOfFrames=None)),
    "a computed tomography": lambda: native(FRAMES[0], attributes(SOPClassUID="1.2.840.10008.5.1.4.1.1.2")),
    "no pixels": lambda: header(attributes()),
    "floating point": lambda: header(attributes()) + struct.pack("<HH2sHI", 0x7FE0, 0x0008, b"OF", 0, 8) + bytes(8),
    "empty": lambda: b"",
}


def _deflated() -> bytes:
    """A megabyte that would be a gigabyte."""
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    small = header(attributes(), "1.2.840.10008.1.2.1.99")
    return small[: small.index(b"1.2.840.10008.1.2.1.99") + 22] + squeeze.compress(bytes(1 << 24)) + squeeze.flush()


@pytest.mark.parametrize("name", _OTHERS)
def test_what_is_no_film_is_refused(name: str) -> None:
    with pytest.raises(NotVideo):
        locate(Counting(_OTHERS[name]()))


def test_what_is_deflated_is_not_inflated() -> None:
    with pytest.raises(NotVideo, match="deflated as a whole, which is not read here"):
        locate(Counting(_deflated()))


_DAMAGED: dict[str, tuple[Any, str]] = {
    "big endian": (lambda: native(b"".join(FRAMES), attributes(), "1.2.840.10008.1.2.1.98"), "not encapsulated"),
    "an unknown syntax": (lambda: header(attributes(), "1.2.840.10008.1.2.2"), "is not read here"),
    "native where it must not be": (lambda: native(b"".join(FRAMES), attributes(), RLE), "not encapsulated"),
    "a hundred thousand rows": (lambda: _wide(100_000), "Rows is 100000; it must be from 1 to 65535"),
    "no rows": (lambda: native(b"", attributes(Rows=0)), "Rows is 0"),
    "rows missing": (lambda: native(b"", attributes(Rows=None)), "attribute Rows is missing"),
    "one bit": (lambda: native(b"abc", attributes(BitsAllocated=1, BitsStored=1, HighBit=0)), "BitsAllocated is 1"),
    "four samples": (lambda: native(b"abc", attributes(SamplesPerPixel=4)), "SamplesPerPixel is 4"),
    "more bits than room": (lambda: native(b"abc", attributes(BitsStored=12)), "BitsStored is 12"),
    "no whole frame": (lambda: native(b"abc", attributes()), "no whole frame"),
    "no fragments": (lambda: header(attributes(), JPEG) + PIXEL_DATA + item(0, DELIMITER), "Pixel Data is empty"),
    "empty fragments": (lambda: fragmented([b"", b"", b""], attributes()), "Pixel Data is empty"),
    "fragments beyond the object": (
        lambda: header(attributes(), JPEG) + PIXEL_DATA + item(0) + item(1 << 31) + b"\xff\xd8",
        "damaged at byte",
    ),
    "no end": (lambda: fragmented(FRAMES, attributes())[:-8], "ends inside"),
    "too many frames": (
        lambda: native(bytes(MOST_FRAMES + 1), attributes(MOST_FRAMES + 1, Rows=1, Columns=1)),
        "more than 100000 frames",
    ),
    "a palette without colours": (
        lambda: native(b"".join(FRAMES), attributes(PhotometricInterpretation="PALETTE COLOR")),
        "palette that is missing",
    ),
}


def _wide(rows: int) -> bytes:
    """Rows as a number that US cannot hold."""
    made = native(b"".join(FRAMES), attributes(Rows=2))
    short = struct.pack("<HH2sHH", 0x0028, 0x0010, b"US", 2, 2)
    assert short in made
    return made.replace(short, struct.pack("<HH2sHI", 0x0028, 0x0010, b"UL", 4, rows))


@pytest.mark.parametrize("name", _DAMAGED)
def test_damaged_films_are_refused_with_a_sentence(name: str) -> None:
    make, sentence = _DAMAGED[name]
    with pytest.raises(BrokenVideo, match=sentence):
        locate(Counting(make()))


def test_attributes_without_end_are_not_read() -> None:
    said = attributes()
    said.add_new(0x00091001, "OB", b"\x00" * 32)
    made = header(said)
    at = made.index(b"\x09\x00\x01\x10OB")
    stored = Counting(made[: at + 8] + struct.pack("<I", 1 << 30), 1 << 30, made[at + 44 :])
    with pytest.raises(BrokenVideo, match="attributes take more than 16 MiB"):
        locate(stored)
    assert stored.bytes_read < 20 << 20


_GOOD = fragmented([b"\xff\xd8ab", b"\xff\xd8cd"], attributes(2, WindowCenter="40", WindowWidth="400"))


@given(st.integers(0, len(_GOOD) - 1), st.integers(0, 255))
def test_one_changed_byte_makes_a_refusal_or_frames_within_the_object(at: int, value: int) -> None:
    data = bytearray(_GOOD)
    data[at] = value
    _inside(bytes(data))


@given(st.integers(0, len(_GOOD) - 1))
def test_a_cut_object_is_refused(length: int) -> None:
    _inside(_GOOD[:length])


def _inside(data: bytes) -> None:
    try:
        found = locate(Counting(data))
    except (BrokenVideo, NotVideo):
        return
    spans: list[Span] = [span for frame in found.frames for span in frame]
    assert all(span.offset >= 0 and span.offset + span.length <= len(data) for span in spans)
    assert all(one.offset + one.length <= other.offset for one, other in pairwise(spans))
    assert len(found.frames) <= MOST_FRAMES


def test_a_still_image_is_a_film_of_one_frame() -> None:
    path = str(get_testdata_file("CT_small.dcm"))
    with SpanSource(Path(path)) as file:
        found, _said = pictures(Bytes(file))
        assert file.read_at(found.frames[0][0].offset, found.frames[0][0].length) == dcmread(path).PixelData
    assert len(found.frames) == 1


def test_what_is_no_image_has_no_pictures() -> None:
    with SpanSource(Path(str(get_testdata_file("rtplan.dcm")))) as file, pytest.raises(NotVideo):
        pictures(Bytes(file))
