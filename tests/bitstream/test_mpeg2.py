"""MPEG-2 headers against what ffmpeg's own tools read."""

from __future__ import annotations

import re
from contextlib import suppress
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitstream.conftest import MPEG2_CLIPS
from bitstream.helpers import ffmpeg, probed, shown_pictures, traced
from orthanc_video.bitstream.mpeg2 import (
    GROUP,
    PICTURE,
    SEQUENCE,
    is_slice,
    parse_group,
    parse_picture,
    parse_sequence,
    units,
)
from orthanc_video.errors import BrokenVideo

_PROFILES = {"Simple": 5, "Main": 4, "High": 1, "4:2:2": 0}


@pytest.mark.parametrize("name", MPEG2_CLIPS)
def test_sequence_is_what_ffprobe_says(mpeg2_clips: dict[str, Path], name: str) -> None:
    sequence, found = parse_sequence(mpeg2_clips[name].read_bytes()), probed(mpeg2_clips[name])
    assert (sequence.width, sequence.height) == (found["width"], found["height"])
    assert sequence.mpeg1 == (found["codec_name"] == "mpeg1video")
    assert "{}:{}".format(*sequence.sample_aspect.as_integer_ratio()) == found["sample_aspect_ratio"]
    assert sequence.rate == Fraction(found["r_frame_rate"])
    if sequence.mpeg1:
        assert (sequence.profile, sequence.level) == (0, 0)
        return
    assert sequence.profile == _PROFILES[found["profile"]]
    assert sequence.level == found["level"]
    assert {1: "yuv420p", 2: "yuv422p"}[sequence.chroma_format] == found["pix_fmt"]
    assert sequence.progressive == (found["field_order"] == "progressive")
    assert sequence.low_delay == (found["has_b_frames"] == 0)
    if sequence.signal.matrix != 2:
        assert found["color_space"] == {1: "bt709", 6: "smpte170m"}[sequence.signal.matrix]


def test_bit_rate_is_that_which_was_asked_for(mpeg2_clips: dict[str, Path]) -> None:
    assert parse_sequence(mpeg2_clips["dvd"].read_bytes()).bit_rate == 6_000_000


@pytest.mark.parametrize("name", [name for name in MPEG2_CLIPS if name != "mpeg1"])  # which it does not trace
def test_groups_and_pictures_are_what_ffmpeg_traces_and_decodes(mpeg2_clips: dict[str, Path], name: str) -> None:
    found = list(units(mpeg2_clips[name].read_bytes()))
    group = parse_group(next(unit for unit in found if unit.code == GROUP))
    said = traced(mpeg2_clips[name], "Group of Pictures Header")
    code = said["time_code"]
    assert group.time == (code >> 19 & 31, code >> 13 & 63, code >> 6 & 63, code & 63)
    assert (group.drop_frame, group.closed, group.broken_link) == (
        bool(code >> 24), bool(said["closed_gop"]), bool(said["broken_link"])
    )  # fmt: skip
    pictures = [parse_picture(unit) for unit in found if unit.code == PICTURE]
    coded = re.findall(r"temporal_reference +[01]* = (\d+)", _traced(mpeg2_clips[name]))
    assert [picture.place for picture in pictures] == [int(place) for place in coded]
    kinds = [frame["pict_type"] for frame in shown_pictures(mpeg2_clips[name])]
    assert sorted(picture.kind for picture in pictures) == sorted(kinds)


def _traced(clip: Path) -> str:
    return ffmpeg("-i", clip, "-c", "copy", "-bsf:v", "trace_headers", "-f", "null", "-")


def test_clips_reach_the_rarer_syntax(mpeg2_clips: dict[str, Path]) -> None:
    """Guards the tests above: these clips say what they are made for."""
    groups = {
        name: [parse_group(unit) for unit in units(path.read_bytes()) if unit.code == GROUP]
        for name, path in mpeg2_clips.items()
    }
    assert groups["closed"][1].closed
    assert not groups["open"][1].closed
    assert groups["drop"][0].drop_frame
    assert groups["timecode"][0].time == (10, 20, 30, 12)
    kinds = {parse_picture(unit).kind for unit in units(mpeg2_clips["open"].read_bytes()) if unit.code == PICTURE}
    assert kinds == {"I", "P", "B"}


def test_units_are_the_whole_stream(mpeg2_clips: dict[str, Path]) -> None:
    data = mpeg2_clips["open"].read_bytes()
    found = list(units(data))
    assert b"".join(b"\x00\x00\x01" + bytes([unit.code]) + bytes(unit.data) for unit in found) == data
    assert found[0].code == SEQUENCE
    assert any(is_slice(unit) for unit in found)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "the stream has no MPEG-2 sequence header"),
        (b"\x00\x00\x01\xb3\x10\x00", "the MPEG-2 sequence header is cut short: it ends after 2 bytes"),
        (
            b"\x00\x00\x01\xb3\x10\x00\x78\x1f\xff\xff\xe0\x00",
            "the MPEG-2 sequence header's frame_rate_code is 15; 1 to 8 are allowed",
        ),
        (b"\x00\x00\x01\xb3\x00\x00\x78\x13\xff\xff\xe0\x00", "the MPEG-2 sequence header describes pictures of 0×120"),
        (
            b"\x00\x00\x01\xb3\x10\x00\x78\x13\xff\xff\xe0\x00\x00\x00\x01\xb5\x14",
            "the MPEG-2 sequence extension is cut short: it ends after 1 bytes",
        ),
    ],
)
def test_broken_sequences_are_refused_in_a_sentence(data: bytes, sentence: str) -> None:
    with pytest.raises(BrokenVideo) as caught:
        parse_sequence(data)
    assert caught.value.sentence == sentence


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"\x00\x00\x01\xb8\x00\x08", "the MPEG-2 group of pictures header is cut short: it ends after 2 bytes"),
        (b"\x00\x00\x01\xb8\x7f\xff\xff\xff", "the MPEG-2 group of pictures header has the time code 31:63:63:63"),
        (b"\x00\x00\x01\x00\x00", "the MPEG-2 picture header is cut short: it ends after 1 bytes"),
        (b"\x00\x00\x01\x00\x00\x38", "the MPEG-2 picture header's picture_coding_type is 7; 1 to 4 are allowed"),
    ],
)
def test_broken_groups_and_pictures_are_refused_in_a_sentence(data: bytes, sentence: str) -> None:
    unit = next(units(data))
    with pytest.raises(BrokenVideo) as caught:
        (parse_group if unit.code == GROUP else parse_picture)(unit)
    assert caught.value.sentence == sentence


def _answers(data: bytes) -> None:
    """Everything that takes bytes answers, or says what is broken."""
    with suppress(BrokenVideo):
        sequence = parse_sequence(data)
        assert sequence.width * sequence.height > 0
        assert sequence.rate > 0
    for unit in units(data):
        for parse in (parse_group, parse_picture):
            with suppress(BrokenVideo):
                parse(unit)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200), st.sampled_from([b"", b"\x00\x00\x01\xb3", b"\x00\x00\x01\xb3\x10\x00\x78\x13"]))
def test_random_bytes_are_answered_or_refused(data: bytes, start: bytes) -> None:
    _answers(start + data)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(MPEG2_CLIPS)), st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=8))
def test_changed_headers_are_answered_or_refused(
    mpeg2_clips: dict[str, Path], name: str, changes: list[tuple[int, int]]
) -> None:
    data = bytearray(mpeg2_clips[name].read_bytes()[:400])
    for at, value in changes:
        data[at % len(data)] = value
    _answers(bytes(data))
