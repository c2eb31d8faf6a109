"""H.265 sequence parameter sets, decoder configurations and levels, against what ffmpeg's own tools read."""

from __future__ import annotations

from contextlib import suppress
from fractions import Fraction
from pathlib import Path

import av
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitstream.conftest import HEVC_CLIPS
from bitstream.helpers import ffmpeg, nal_of, probed, traced, ue
from orthanc_video.bitstream import hevc_levels
from orthanc_video.bitstream.hevc import SPS, VPS, is_slice, nal_type, parameter_sets, parse_sps, split_hvcc
from orthanc_video.bitstream.hevc_vps import parse_vps
from orthanc_video.bitstream.nal import split_annexb, split_lengths
from orthanc_video.bitstream.vui import Signal
from orthanc_video.errors import BrokenVideo


def _first_sps(clip: Path) -> bytes:
    return next(nal for nal in split_annexb(clip.read_bytes()) if nal_type(nal) == SPS)


@pytest.mark.parametrize("name", HEVC_CLIPS)
def test_sps_fields_are_those_that_ffmpeg_traces(hevc_clips: dict[str, Path], name: str) -> None:
    sps, said = parse_sps(_first_sps(hevc_clips[name])), traced(hevc_clips[name], "Sequence Parameter Set")
    assert sps.profile.idc == said["general_profile_idc"]
    assert sps.profile.space == said["general_profile_space"]
    assert sps.profile.high_tier == bool(said["general_tier_flag"])
    assert sps.profile.level_idc == said["general_level_idc"]
    assert sps.profile.compatible == {n for n in range(32) if said[f"general_profile_compatibility_flag[{n}]"]}
    assert sps.profile.progressive_source == bool(said["general_progressive_source_flag"])
    assert sps.profile.interlaced_source == bool(said["general_interlaced_source_flag"])
    assert sps.profile.frames == bool(said["general_frame_only_constraint_flag"])
    assert sps.chroma_format_idc == said["chroma_format_idc"]
    assert sps.bit_depth_luma == said["bit_depth_luma_minus8"] + 8
    assert sps.bit_depth_chroma == said["bit_depth_chroma_minus8"] + 8
    assert (sps.coded_width, sps.coded_height) == (
        said["pic_width_in_luma_samples"],
        said["pic_height_in_luma_samples"],
    )
    last = said["sps_max_sub_layers_minus1"]
    assert sps.max_dec_pic_buffering == said[f"sps_max_dec_pic_buffering_minus1[{last}]"] + 1
    assert sps.max_num_reorder == said[f"sps_max_num_reorder_pics[{last}]"]
    assert sps.field_sequence == bool(said.get("field_seq_flag"))
    assert sps.num_units_in_tick == said.get("vui_num_units_in_tick", 0)
    assert sps.time_scale == said.get("vui_time_scale", 0)
    assert sps.signal == Signal(
        full_range=bool(said.get("video_full_range_flag")),
        primaries=said.get("colour_primaries", 2),
        transfer=said.get("transfer_characteristics", 2),
        matrix=said.get("matrix_coefficients", 2),
    )


@pytest.mark.parametrize("name", HEVC_CLIPS)
def test_sps_describes_the_pictures_as_ffprobe_and_pyav_do(hevc_clips: dict[str, Path], name: str) -> None:
    sps, found = parse_sps(_first_sps(hevc_clips[name])), probed(hevc_clips[name])
    assert (sps.width, sps.height) == (found["width"], found["height"])
    assert sps.profile.level_idc == found["level"]
    assert "{}:{}".format(*sps.sample_aspect) == found.get("sample_aspect_ratio", "1:1")
    assert sps.max_num_reorder == found["has_b_frames"]
    with av.open(hevc_clips[name]) as container:
        frame = next(container.decode(video=0))
    assert (sps.width, sps.height) == (frame.width, frame.height)
    assert {component.bits for component in frame.format.components} == {sps.bit_depth_luma}


@pytest.mark.parametrize("name", HEVC_CLIPS)
def test_vps_fields_are_those_that_ffmpeg_traces(hevc_clips: dict[str, Path], name: str) -> None:
    units = list(split_annexb(hevc_clips[name].read_bytes()))
    vps = parse_vps(next(unit for unit in units if nal_type(unit) == VPS))
    said = traced(hevc_clips[name], "Video Parameter Set")
    assert (vps.layers, vps.sub_layers) == (said["vps_max_layers_minus1"] + 1, said["vps_max_sub_layers_minus1"] + 1)
    assert vps.profile == parse_sps(next(unit for unit in units if nal_type(unit) == SPS)).profile
    assert (vps.num_units_in_tick, vps.time_scale) == (
        said.get("vps_num_units_in_tick", 0), said.get("vps_time_scale", 0)
    )  # fmt: skip


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ((0, 0x42), "an H.265 video parameter set is expected, but the NAL unit has type 33, not 32"),
        ((3, 0xFF), "the H.265 video parameter set has 8 sub-layers; at most 7 are allowed"),
    ],
)
def test_hostile_vps_is_refused_in_a_sentence(
    hevc_clips: dict[str, Path], change: tuple[int, int], sentence: str
) -> None:
    nal = bytearray(next(unit for unit in split_annexb(hevc_clips["full_hd"].read_bytes()) if nal_type(unit) == VPS))
    for length in range(2, len(nal) - 1):
        with pytest.raises(BrokenVideo, match="cut short"):
            parse_vps(bytes(nal[:length]))
    at, value = change
    nal[at] = value
    with pytest.raises(BrokenVideo) as caught:
        parse_vps(bytes(nal))
    assert caught.value.sentence == sentence


def test_clips_reach_the_rarer_syntax(hevc_clips: dict[str, Path]) -> None:
    """Guards the tests above: these clips say what they are made for."""
    said = {name: traced(clip, "Sequence Parameter Set") for name, clip in hevc_clips.items()}
    assert said["layers"]["sps_max_sub_layers_minus1"] == 1
    assert said["scaling"]["scaling_list_enabled_flag"] == 1
    assert said["fields"]["field_seq_flag"] == 1
    assert said["high_tier"]["general_tier_flag"] == 1
    assert said["ten_bit"]["transfer_characteristics"] == 16
    assert said["cropped"]["conformance_window_flag"] == 1


def _sps(sets: str, after: str = "0") -> bytes:
    """A hand-made SPS of the Main profile, level 3, 64×32, its reference picture sets as given."""
    profile = f"{0:02b}0{1:05b}" + "011" + "0" * 29 + "1001" + "0" * 44 + f"{90:08b}"
    size = ue(64) + ue(32) + "0"
    tools = ue(0) + ue(1) + ue(0) + ue(2) + ue(0) + ue(0) + "0" + "00" + "0"
    bits = f"{0:04b}{0:03b}1" + profile + ue(0) + ue(1) + size + ue(0) + ue(0) + ue(4) + "1" + ue(4) + ue(2) + ue(0)
    return nal_of(b"\x42\x01", bits + tools + sets + "0" + "11" + after + "0")


# Sets of pictures before and after, the later ones told by the earlier: the lengths of these depend on those.
_CODED = ue(2) + ue(2) + (ue(0) + "1") + (ue(1) + "1") + (ue(0) + "1") + (ue(2) + "0")  # -1 -3 +1 +4
_MOVED = "1" + "1" + ue(0) + "1" + "01" + "00" + "01" + "1"  # by -1, five flags: -2 -4, nothing at 0, +3, -1
_AGAIN = "1" + "0" + ue(1) + "1" + "1" + "01" + "1" + "01"  # by +2, five flags, as many as the set before has and one


def test_reference_picture_sets_are_passed_over(hevc_clips: dict[str, Path], tmp_path: Path) -> None:
    """In a hand-made SPS, as x265 writes none; ffmpeg reads the same behind them."""
    nal = _sps(ue(3) + _CODED + _MOVED + _AGAIN, after="1" + ("1" + f"{14:08b}") + "0" + "0" + "0" * 3 + "0" * 4)
    assert parse_sps(nal).sample_aspect == (4, 3)
    clip = hevc_clips["full_hd"].read_bytes()
    vps = next(split_annexb(clip))
    stream = tmp_path / "handmade.hevc"
    code = b"\x00\x00\x00\x01"
    stream.write_bytes(code + vps + code + nal + clip)
    said = traced(stream, "Sequence Parameter Set")
    assert said["num_short_term_ref_pic_sets"] == 3
    assert said["aspect_ratio_idc"] == 14


def test_hvcc_and_annexb_give_the_same_parameter_sets(hevc_clips: dict[str, Path], tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    ffmpeg("-i", hevc_clips["full_hd"], "-c", "copy", film)
    with av.open(film) as container:
        stream = container.streams.video[0]
        extradata = stream.codec_context.extradata or b""
        packet = bytes(next(container.demux(stream)))
    record = split_hvcc(extradata)
    assert record.nal_length_size == 4
    assert [nal_type(nal) for nal in (*record.vps, *record.sps)] == [VPS, SPS]
    assert parse_sps(record.sps[0]) == parse_sps(_first_sps(hevc_clips["full_hd"]))
    code = b"\x00\x00\x00\x01"
    plain = parameter_sets(code + record.vps[0] + code + record.sps[0] + code + record.pps[0])
    assert (plain.vps, plain.sps, plain.pps) == (record.vps, record.sps, record.pps)
    assert parameter_sets(extradata) == record
    assert parameter_sets(b"").sps == ()
    assert any(is_slice(nal) for nal in split_lengths(packet, 4))
    for length in range(len(extradata)):
        with suppress(BrokenVideo):
            split_hvcc(extradata[:length])


def test_every_shorter_sps_is_refused(hevc_clips: dict[str, Path]) -> None:
    nal = _first_sps(hevc_clips["full_hd"])
    for length in range(len(nal) - 12):  # what follows the timing is not read
        with pytest.raises(BrokenVideo):
            parse_sps(nal[:length])


@pytest.mark.parametrize(
    ("nal", "sentence"),
    [
        (b"\x42", "an H.265 NAL unit is shorter than its header"),
        (b"\x40\x01", "an H.265 sequence parameter set is expected, but the NAL unit has type 32, not 33"),
        (b"\x42\x01\x0e", "the H.265 sequence parameter set has 8 sub-layers; at most 7 are allowed"),
        (b"\x42\x01\x01", "the H.265 sequence parameter set is cut short: it ends after 3 bytes"),
    ],
)
def test_hostile_sps_is_refused_in_a_sentence(nal: bytes, sentence: str) -> None:
    with pytest.raises(BrokenVideo) as caught:
        parse_sps(nal)
    assert caught.value.sentence == sentence


@settings(max_examples=300, deadline=None)
@given(
    st.binary(max_size=200), st.sampled_from([b"", b"\x42\x01\x01", b"\x42\x01\x01" + bytes(12), b"\x01" + bytes(20)])
)
def test_random_bytes_are_answered_or_refused(data: bytes, start: bytes) -> None:
    for attempt in (parse_sps, split_hvcc, parameter_sets):
        with suppress(BrokenVideo):
            attempt(start + data)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(HEVC_CLIPS)), st.lists(st.tuples(st.integers(0, 255), st.integers(0, 255)), max_size=5))
def test_changed_parameter_sets_are_answered_or_refused(
    hevc_clips: dict[str, Path], name: str, changes: list[tuple[int, int]]
) -> None:
    nal = bytearray(_first_sps(hevc_clips[name]))
    for at, value in changes:
        nal[at % len(nal)] = value
    with suppress(BrokenVideo):
        parse_sps(bytes(nal))


@pytest.mark.parametrize(
    ("width", "height", "rate", "held", "bit_rate", "level"),
    [
        (1920, 1080, Fraction(30), 6, 0, 120),
        (1920, 1080, Fraction(60), 6, 0, 123),
        (1920, 1080, Fraction(30), 7, 0, 150),
        (1920, 1080, Fraction(30), 6, 12_000_001, 123),
        (3840, 2160, Fraction(30), 6, 0, 150),
        (3840, 2160, Fraction(60), 6, 0, 153),
        (3840, 2160, Fraction(120), 6, 0, 156),
        (4096, 2304, Fraction(24), 6, 0, 180),
        (320, 240, Fraction(25), 6, 0, 60),
        (8192, 4320, Fraction(120), 6, 0, 186),
        (16384, 8, Fraction(1), 1, 0, 180),
        (16896, 8, Fraction(1), 1, 0, None),
        (64, 64, Fraction(1), 17, 0, None),
    ],
)
def test_lowest_level(width: int, height: int, rate: Fraction, held: int, bit_rate: int, level: int | None) -> None:
    assert hevc_levels.lowest_level(width, height, rate, held, bit_rate) == level


@pytest.mark.parametrize("name", ["cropped", "full_hd", "layers", "gray"])
def test_x265_chooses_the_same_level(hevc_clips: dict[str, Path], name: str) -> None:
    sps = parse_sps(_first_sps(hevc_clips[name]))
    rate = Fraction(sps.time_scale, sps.num_units_in_tick)
    found = hevc_levels.lowest_level(sps.coded_width, sps.coded_height, rate, sps.max_dec_pic_buffering)
    assert found == sps.profile.level_idc
