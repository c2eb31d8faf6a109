"""H.264 parameter sets, splitting and levels, against what ffmpeg's own tools read."""

from __future__ import annotations

from contextlib import suppress
from fractions import Fraction
from pathlib import Path

import av
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitstream.conftest import SPS_CLIPS
from bitstream.helpers import nal_of, probed, traced, ue
from orthanc_video.bitstream.h264 import (
    Sps,
    is_slice,
    lowest_level,
    nal_type,
    parameter_sets,
    parse_pps,
    parse_sps,
    split_annexb,
    split_avcc,
    split_lengths,
)
from orthanc_video.bitstream.vui import Signal
from orthanc_video.errors import BrokenVideo

# Table E-1, codes 2 to 13, which ffmpeg's encoders seldom write.
_TABLE_ASPECTS = [12, 11, 10, 11, 16, 11, 40, 33, 24, 11, 20, 11, 32, 11, 80, 33, 18, 11, 15, 11, 64, 33, 160, 99]


def _first_sps(clip: Path) -> bytes:
    return next(nal for nal in split_annexb(clip.read_bytes()) if nal_type(nal) == 7)


@pytest.mark.parametrize("name", SPS_CLIPS)
def test_sps_fields_are_those_that_ffmpeg_traces(sps_clips: dict[str, Path], name: str) -> None:
    sps, said = parse_sps(_first_sps(sps_clips[name])), traced(sps_clips[name])
    fields = 1 if sps.frame_mbs_only else 2
    assert sps.profile_idc == said["profile_idc"]
    assert sps.level_idc == said["level_idc"]
    assert [sps.constraint_flags >> (7 - n) & 1 for n in range(6)] == [
        said[f"constraint_set{n}_flag"] for n in range(6)
    ]
    assert sps.chroma_format_idc == said.get("chroma_format_idc", 1)
    assert sps.bit_depth_luma == said.get("bit_depth_luma_minus8", 0) + 8
    assert sps.bit_depth_chroma == said.get("bit_depth_chroma_minus8", 0) + 8
    assert sps.coded_width == 16 * (said["pic_width_in_mbs_minus1"] + 1)
    assert sps.coded_height == 16 * fields * (said["pic_height_in_map_units_minus1"] + 1)
    assert sps.frame_mbs_only == bool(said["frame_mbs_only_flag"])
    assert sps.max_num_ref_frames == said["max_num_ref_frames"]
    assert sps.signal == Signal(
        full_range=bool(said.get("video_full_range_flag")),
        primaries=said.get("colour_primaries", 2),
        transfer=said.get("transfer_characteristics", 2),
        matrix=said.get("matrix_coefficients", 2),
    )
    assert (sps.num_units_in_tick, sps.time_scale) == (said["num_units_in_tick"], said["time_scale"])
    assert sps.fixed_frame_rate == bool(said["fixed_frame_rate_flag"])
    assert sps.max_num_reorder_frames == said.get("max_num_reorder_frames")
    assert sps.max_dec_frame_buffering == said.get("max_dec_frame_buffering")


@pytest.mark.parametrize("name", SPS_CLIPS)
def test_sps_describes_the_pictures_as_ffprobe_and_pyav_do(sps_clips: dict[str, Path], name: str) -> None:
    sps, found = parse_sps(_first_sps(sps_clips[name])), probed(sps_clips[name])
    assert (sps.width, sps.height) == (found["width"], found["height"])
    assert sps.level_idc == found["level"]
    assert "{}:{}".format(*sps.sample_aspect) == found.get("sample_aspect_ratio", "1:1")
    assert sps.frame_mbs_only == (found["field_order"] == "progressive")
    assert sps.signal.full_range == (found.get("color_range") == "pc")
    with av.open(sps_clips[name]) as container:
        frame = next(container.decode(video=0))
    assert (sps.width, sps.height) == (frame.width, frame.height)
    assert {component.bits for component in frame.format.components} == {sps.bit_depth_luma}


def test_clips_reach_the_rarer_syntax(sps_clips: dict[str, Path]) -> None:
    """Guards the tests above: these clips say what they are made for."""
    assert traced(sps_clips["full_hd"])["cpb_cnt_minus1"] == 0
    assert traced(sps_clips["extended_aspect"])["aspect_ratio_idc"] == 255
    assert traced(sps_clips["interlaced"])["frame_mbs_only_flag"] == 0
    assert b"\x00\x00\x03" in _first_sps(sps_clips["full_hd"])


def _baseline(
    *, order: str = ue(2), references: int = 1, columns: int = 1, rows: int = 1, crop: str = "0", vui: str = "0"
) -> bytes:
    """A hand-made SPS of the Baseline profile, level 1."""
    size = ue(columns - 1) + ue(rows - 1) + "1" + "1"
    return nal_of(
        b"\x67", f"{66:08b}{0:08b}{10:08b}" + ue(0) + ue(0) + order + ue(references) + "0" + size + crop + vui
    )


def test_sps_without_vui_says_what_is_unspecified() -> None:
    assert parse_sps(_baseline(columns=2)) == Sps(
        sps_id=0,
        profile_idc=66,
        constraint_flags=0,
        level_idc=10,
        chroma_format_idc=1,
        bit_depth_luma=8,
        bit_depth_chroma=8,
        coded_width=32,
        coded_height=16,
        width=32,
        height=16,
        frame_mbs_only=True,
        frame_num_bits=4,
        separate_planes=False,
        transform_bypass=False,
        order_type=2,
        order_bits=0,
        max_num_ref_frames=1,
        sample_aspect=(1, 1),
        signal=Signal(),
        num_units_in_tick=0,
        time_scale=0,
        fixed_frame_rate=False,
        max_num_reorder_frames=None,
        max_dec_frame_buffering=None,
    )


def test_scaling_lists_and_picture_order_by_cycle_are_skipped(sps_clips: dict[str, Path], tmp_path: Path) -> None:
    """In a hand-made SPS, as x264 writes neither; ffmpeg reads the same size behind them."""
    absent, ended, short, long = "0", "1" + ue(16), "1" + ue(2) * 7 + ue(1) * 9, "1" + ue(1) * 64
    lists = absent + ended + short * 4 + ended + long * 3 + absent + ended
    colour = ue(3) + "1" + ue(2) + ue(1) + "0" + "1" + lists
    order = ue(1) + "0" + ue(3) + ue(2**32 - 3) + ue(200) + ue(7) * 200
    crop = "1" + ue(1) + ue(2) + ue(3) + ue(4)
    size = ue(2) + ue(3) + "01" + "1" + crop
    nal = nal_of(b"\x67", f"{244:08b}{0:08b}{10:08b}" + ue(5) + colour + ue(0) + order + ue(1) + "0" + size + "0")
    sps = parse_sps(nal)
    assert (sps.coded_width, sps.coded_height, sps.width, sps.height) == (48, 128, 45, 114)
    assert (sps.chroma_format_idc, sps.bit_depth_luma, sps.bit_depth_chroma) == (3, 10, 9)
    stream = tmp_path / "handmade.h264"
    stream.write_bytes(b"\x00\x00\x00\x01" + nal + sps_clips["full_hd"].read_bytes())
    said = traced(stream)
    assert said["num_ref_frames_in_pic_order_cnt_cycle"] == 200
    assert (said["pic_width_in_mbs_minus1"], said["pic_height_in_map_units_minus1"]) == (2, 3)
    assert (said["frame_crop_right_offset"], said["frame_crop_bottom_offset"]) == (2, 4)


@pytest.mark.parametrize("code", range(18))
def test_sample_aspect_by_table(code: int) -> None:
    vui = "1" + "1" + f"{code:08b}" + "0" * 8
    expected = {0: (1, 1), 1: (1, 1), 14: (4, 3), 15: (3, 2), 16: (2, 1), 17: (1, 1)}
    if 2 <= code <= 13:
        expected[code] = (_TABLE_ASPECTS[2 * code - 4], _TABLE_ASPECTS[2 * code - 3])
    assert parse_sps(_baseline(vui=vui)).sample_aspect == expected[code]


def test_extended_sample_aspect_of_zero_is_unspecified() -> None:
    assert parse_sps(_baseline(vui="1" + "1" + "1" * 8 + "0" * 32 + "0" * 8)).sample_aspect == (1, 1)


@pytest.mark.parametrize(
    ("nal", "sentence"),
    [
        (b"", "an H.264 NAL unit is empty"),
        (b"\x68\x00", "an H.264 sequence parameter set is expected, but the NAL unit has type 8, not 7"),
        (b"\x67\x42", "the H.264 sequence parameter set is cut short: it ends after 2 bytes"),
        (
            b"\x67\x42\x00\x0a" + b"\x00" * 4 + b"\xff" * 9,
            "the H.264 sequence parameter set's seq_parameter_set_id is longer than 32 bits",
        ),
        (
            _baseline(references=17),
            "the H.264 sequence parameter set's max_num_ref_frames is 17; at most 16 is allowed",
        ),
        (
            _baseline(columns=2**31, rows=2**31),
            "the H.264 sequence parameter set describes pictures of 34359738368×34359738368, "
            "larger than any H.264 level allows",
        ),
        (
            _baseline(crop="1" + ue(4) + ue(4) + ue(0) + ue(0)),
            "the H.264 sequence parameter set crops its pictures of 16×16 to nothing",
        ),
    ],
)
def test_hostile_sps_is_refused_in_a_sentence(nal: bytes, sentence: str) -> None:
    with pytest.raises(BrokenVideo) as caught:
        parse_sps(nal)
    assert caught.value.sentence == sentence


def test_every_shorter_sps_is_refused(sps_clips: dict[str, Path]) -> None:
    nal = _first_sps(sps_clips["full_hd"])
    for length in range(len(nal) - 1):
        with pytest.raises(BrokenVideo):
            parse_sps(nal[:length])


def test_pps(sps_clips: dict[str, Path]) -> None:
    for name, cabac in (("full_hd", True), ("baseline", False)):
        _, (nal, *_) = parameter_sets(b"".join(b"\x00\x00\x01" + n for n in split_annexb(sps_clips[name].read_bytes())))
        pps = parse_pps(nal)
        assert (pps.pps_id, pps.sps_id, pps.cabac, pps.slice_groups) == (0, 0, cabac, 1)
    assert parse_pps(nal_of(b"\x68", ue(3) + ue(2) + "00" + ue(7))).slice_groups == 8
    with pytest.raises(BrokenVideo, match="num_slice_groups_minus1 is 8; at most 7"):
        parse_pps(nal_of(b"\x68", ue(0) + ue(0) + "00" + ue(8)))


def test_avcc_and_annexb_give_the_same_parameter_sets(mp4_clips: dict[str, Path]) -> None:
    with av.open(mp4_clips["plain.mp4"]) as container:
        stream = container.streams.video[0]
        extradata = stream.codec_context.extradata or b""
        packet = bytes(next(container.demux(stream)))
    avcc = split_avcc(extradata)
    assert avcc.nal_length_size == 4
    assert [nal_type(nal) for nal in (*avcc.sps, *avcc.pps)] == [7, 8]
    sets = avcc.sps, avcc.pps
    assert parameter_sets(extradata) == sets
    for code in (b"\x00\x00\x01", b"\x00\x00\x00\x01"):
        assert parameter_sets(code + avcc.sps[0] + code + avcc.pps[0]) == sets
    assert parameter_sets(b"") == ((), ())
    nals = [bytes(nal) for nal in split_lengths(packet, 4)]
    assert b"".join(len(nal).to_bytes(4) + nal for nal in nals) == packet
    assert [is_slice(nal) for nal in nals] == [nal_type(nal) in {1, 5} for nal in nals]
    assert is_slice(nals[-1])


def test_annexb_splits_without_start_codes_and_zeros() -> None:
    data = b"\xff\x00\x00\x00\x01\x67\x01\x00\x00\x00\x00\x01\x68\x00\x00\x01\x00\x00\x01\x65\x00\x00\x03\x00\x00"
    assert list(split_annexb(data)) == [b"\x67\x01", b"\x68", b"\x65\x00\x00\x03"]
    assert list(split_annexb(b"no start code")) == []


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"\x00\x00\x00\x05\x65", "an H.264 NAL unit at byte 0 of a frame needs 9 bytes, but the frame ends after 5"),
        (
            b"\x00\x00\x00\x01\x65\x00\x00",
            "an H.264 NAL unit at byte 5 of a frame needs 4 bytes, but the frame ends after 7",
        ),
    ],
)
def test_length_beyond_the_frame_is_refused(data: bytes, sentence: str) -> None:
    with pytest.raises(BrokenVideo) as caught:
        list(split_lengths(data, 4))
    assert caught.value.sentence == sentence


def test_empty_nal_units_are_left_out() -> None:
    assert list(split_lengths(b"\x00\x00\x00\x01\x65", 2)) == [b"\x65"]


@pytest.mark.parametrize(
    ("extradata", "problem"),
    [
        (b"\x01\x64", "cut short: it has 2 bytes"),
        (b"\x02\x64\x00\x1f\xff\xe0\x00", "version 2"),
        (b"\x01\x64\x00\x1f\xfe\xe0\x00", "NAL lengths of 3 bytes"),
        (b"\x01\x64\x00\x1f\xff\xe1\x00\x09\x67", "a parameter set needs 17 bytes, it has 9"),
        (b"\x01\x64\x00\x1f\xff\xe1\x00", "cut short: a parameter set needs"),
        (b"\x01\x64\x00\x1f\xff\xe1\x00\x01\x67", "ends before its picture parameter sets"),
    ],
)
def test_broken_avcc_is_refused(extradata: bytes, problem: str) -> None:
    with pytest.raises(BrokenVideo, match=problem):
        split_avcc(extradata)


@pytest.mark.parametrize(
    ("width", "height", "rate", "references", "bit_rate", "level"),
    [
        (1920, 1080, Fraction(30), 4, 0, 40),
        (1920, 1088, Fraction(30000, 1001), 4, 0, 40),
        (1920, 1088, Fraction(30), 5, 0, 50),
        (1920, 1088, Fraction(60), 4, 0, 42),
        (1920, 1088, Fraction(30), 4, 25_000_000, 40),
        (1920, 1088, Fraction(30), 4, 25_000_001, 41),
        (640, 480, Fraction(25), 4, 0, 30),
        (176, 144, Fraction(15), 1, 0, 10),
        (1280, 720, Fraction(30), 5, 0, 31),
        (1280, 720, Fraction(60), 5, 0, 32),
        (3840, 2160, Fraction(30), 5, 0, 51),
        (3840, 2160, Fraction(60), 5, 0, 52),
        (4096, 16, Fraction(1), 1, 0, 40),
        (16, 16, Fraction(1), 16, 0, 10),
        (16, 16, Fraction(1), 17, 0, None),
        (8192, 4320, Fraction(1), 1, 0, None),
        (1920, 1088, Fraction(30), 4, 300_000_001, None),
    ],
)
def test_lowest_level(
    width: int, height: int, rate: Fraction, references: int, bit_rate: int, level: int | None
) -> None:
    assert lowest_level(width, height, rate, references, bit_rate) == level


@pytest.mark.parametrize("name", ["cropped", "full_hd", "odd_gray", "constant_rate"])
def test_x264_chooses_the_same_level(sps_clips: dict[str, Path], name: str) -> None:
    sps = parse_sps(_first_sps(sps_clips[name]))
    rate = Fraction(sps.time_scale, 2 * sps.num_units_in_tick)
    bits = 8_000_000 if name == "full_hd" else 0
    assert lowest_level(sps.coded_width, sps.coded_height, rate, sps.max_num_ref_frames, bits) == sps.level_idc


def _answers(data: bytes) -> None:
    """Everything that takes bytes answers, or says what is broken."""
    for attempt in (
        lambda: parse_sps(data),
        lambda: parse_pps(data),
        lambda: split_avcc(data),
        lambda: parameter_sets(data),
        lambda: list(split_lengths(data, 4)),
        lambda: list(split_annexb(data)),
    ):
        with suppress(BrokenVideo):
            attempt()


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200), st.sampled_from([b"", b"\x67", b"\x67\x64\x00\x1f", b"\x68", b"\x01\x64\x00\x1f\xff"]))
def test_random_bytes_are_answered_or_refused(data: bytes, start: bytes) -> None:
    _answers(start + data)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(SPS_CLIPS)), st.lists(st.tuples(st.integers(0, 255), st.integers(0, 255)), max_size=5))
def test_changed_parameter_sets_are_answered_or_refused(
    sps_clips: dict[str, Path], name: str, changes: list[tuple[int, int]]
) -> None:
    nal = bytearray(_first_sps(sps_clips[name]))
    for at, value in changes:
        nal[at % len(nal)] = value
    _answers(bytes(nal))
