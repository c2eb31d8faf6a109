"""SEI messages, what they say of two eyes, and where decoding can begin: against ffmpeg's own tools."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import views
from bitstream.helpers import ffmpeg, nal_of, shown_pictures, ue
from clips import Clips
from orthanc_video.bitstream import opening, sei
from orthanc_video.bitstream.h264 import parse_sps, parse_subset_sps
from orthanc_video.bitstream.nal import split_annexb
from orthanc_video.bitstream.stereo import Stereo
from orthanc_video.errors import BrokenVideo

# What ffmpeg calls the arrangements of Table D-8.
_NAMES = {
    "checkerboard": "checkerboard",
    "column by column": "interleaved columns",
    "row by row": "interleaved lines",
    "side by side": "side by side",
    "top and bottom": "top and bottom",
    "one after the other": "frame alternate",
}


def _units(clip: Path) -> list[bytes]:
    return list(split_annexb(clip.read_bytes()))


def _packed(clips: Clips, arrangement: int) -> Path:
    return clips.encoded(f"packing-{arrangement}.h264", f"-x264-params frame-packing={arrangement}")


@pytest.mark.parametrize("arrangement", [0, 1, 2, 3, 4, 5])
def test_frame_packing_is_what_ffmpeg_traces_and_decodes(clips: Clips, arrangement: int) -> None:
    clip = _packed(clips, arrangement)
    found = [message for unit in _units(clip) if unit[0] & 31 == 6 for message in sei.messages(unit, 1)]
    kinds = [message.kind for message in found]
    assert kinds.count(sei.FRAME_PACKING) >= 1
    assert kinds.count(sei.UNREGISTERED_USER_DATA) == 1  # x264's settings
    packing = sei.frame_packing(next(message.payload for message in found if message.kind == sei.FRAME_PACKING))
    assert (packing.cancelled, packing.arrangement) == (False, arrangement)
    assert packing.left_first is True
    stereo = Stereo("h264")
    for unit in _units(clip):
        stereo.add(unit)
    told = re.search(
        r"stereoscopic information: type - (.*)",
        ffmpeg("-i", clip, "-vf", "showinfo", "-frames:v", "1", "-f", "null", "-"),
    )
    assert told is not None
    assert (_NAMES[stereo.packing], stereo.views) == (told[1].strip(), 1)


def test_messages_of_any_type_and_size() -> None:
    """Types and sizes over 255 take more than one byte (7.3.2.3.1)."""
    unit = b"\x06" + b"\xff\x05" + b"\xff\xff\x01" + b"\x55" * 511 + b"\x05\x03\x00\x00\x03\x01" + b"\x06\x00"
    found = [sei.Message(260, b"\x55" * 511), sei.Message(5, b"\x00\x00\x01"), sei.Message(6, b"")]
    for end in (b"\x80", b"\x80\x00\x00"):
        assert list(sei.messages(unit + end, 1)) == found
        assert list(sei.messages(b"\x4e\x01" + unit[1:] + end, 2)) == found


def test_a_cancelled_packing_says_nothing() -> None:
    assert sei.frame_packing(b"\xc0") == sei.FramePacking(cancelled=True)
    stereo = Stereo("h264")
    stereo.add(b"\x06\x2d\x01\xc0\x80")
    assert stereo.packing == ""


@pytest.mark.parametrize(
    ("unit", "sentence"),
    [
        (b"\x06\x2d", "the supplemental enhancement information (SEI) is cut short: it ends after 2 bytes"),
        (b"\x06\xff\xff", "the supplemental enhancement information (SEI) is cut short: it ends after 3 bytes"),
        (
            b"\x06\x2d\x09\xc0\x80",
            "the supplemental enhancement information (SEI) is cut short: a message of 9 bytes has only 2",
        ),
    ],
)
def test_cut_off_messages_are_refused_in_a_sentence(unit: bytes, sentence: str) -> None:
    with pytest.raises(BrokenVideo) as caught:
        list(sei.messages(unit, 1))
    assert caught.value.sentence == sentence


def test_the_subset_parameter_set_says_how_many_views(clips: Clips) -> None:
    base = next(unit for unit in _units(views.multiview(clips).with_name("left.h264")) if unit[0] & 31 == 7)
    for count in (1, 2, 5):
        found = parse_subset_sps(views.subset_of(base, count))
        assert (found.views, found.sps.profile_idc) == (count, 128)
        plain = parse_sps(base)
        assert (found.sps.width, found.sps.height, found.sps.level_idc) == (plain.width, plain.height, plain.level_idc)
        assert found.sps.max_dec_frame_buffering == plain.max_dec_frame_buffering
    with pytest.raises(BrokenVideo, match="subset sequence parameter set is expected, but the NAL unit has type 7"):
        parse_subset_sps(base)
    with pytest.raises(BrokenVideo, match="cut short"):
        parse_subset_sps(views.subset_of(base)[:-12])


def _layered(layers: int) -> bytes:
    """The start of a video parameter set of H.265 (7.3.2.1)."""
    profile = f"{0:02b}0{1:05b}" + "011" + "0" * 29 + "1001" + "0" * 44 + f"{93:08b}"
    return nal_of(
        b"\x40\x01",
        f"{0:04b}11{layers - 1:06b}{0:03b}1" + "1" * 16 + profile + "1" + ue(4) + ue(2) + ue(0) + "0" * 6 + ue(0) + "0",
    )


def test_layers_of_h265_are_views() -> None:
    for layers in (1, 2, 3):
        stereo = Stereo("hevc")
        stereo.add(_layered(layers))
        assert stereo.views == layers


def _opening(clip: Path, after: int = 0) -> opening.Opening | None:
    """Of the picture that is coded after so many others."""
    slices = {1, 5}
    units, count = _units(clip), 0
    for at, unit in enumerate(units):
        if unit[0] & 31 in slices:
            if count == after:
                start = at
                while start and units[start - 1][0] & 31 not in slices:
                    start -= 1
                return opening.of_units("h264", units[start:])
            count += 1
    raise AssertionError("there are not so many pictures")


def test_where_decoding_of_h264_can_begin(clips: Clips) -> None:
    """x264 says so itself: key frames of open groups are no IDR pictures, but have a recovery point."""
    closed = clips.encoded("closed.h264", "-g 10 -x264-params scenecut=0")
    opened = clips.encoded("open.h264", "-g 10 -x264-params open-gop=1:scenecut=0:bframes=3")
    for clip in (closed, opened):
        frames = shown_pictures(clip)
        coded = sorted(range(len(frames)), key=lambda shown: int(frames[shown]["coded_picture_number"]))
        keys = [bool(frames[shown]["key_frame"]) for shown in coded]
        assert sum(keys) >= 3
        found = [_opening(clip, number) for number in range(len(keys))]
        assert [each is not None and each.key for each in found] == keys
        assert found[0] == opening.Opening(key=True, closed=True)
    assert [each for each in found[1:] if each and each.key] == [opening.Opening(key=True, closed=False)] * 2


def test_an_i_picture_without_a_message_can_be_decoded(clips: Clips) -> None:
    clip = clips.encoded(
        "intra.h264", "-bf 0 -x264-params keyint=infinite:keyint_min=1000:scenecut=0 -force_key_frames 0"
    )
    units = [unit for unit in _units(clip) if unit[0] & 31 in {1, 5}]
    assert opening.of_units("h264", units[:1]) == opening.Opening(key=True, closed=True)
    assert opening.of_units("h264", units[1:]) == opening.Opening(key=False, closed=False)
    plain = nal_of(b"\x41", ue(0) + ue(7) + ue(0))
    assert opening.of_units("h264", [plain]) == opening.Opening(key=True, closed=False)


def test_a_gradual_refresh_is_no_beginning() -> None:
    refresh, at_once = (b"\x06\x06\x01" + bits + b"\x80" for bits in (b"\x28", b"\x84"))
    inter = nal_of(b"\x41", ue(0) + ue(5) + ue(0))
    assert opening.of_units("h264", [at_once, inter]) == opening.Opening(key=True, closed=False)
    assert opening.of_units("h264", [refresh, inter]) == opening.Opening(key=False, closed=False)


@pytest.mark.parametrize(
    ("kind", "found"),
    [
        (1, (False, False)),
        (16, (True, False)),
        (17, (True, True)),
        (19, (True, True)),
        (20, (True, True)),
        (21, (True, False)),
    ],
)
def test_where_decoding_of_h265_can_begin(kind: int, found: tuple[bool, bool]) -> None:
    assert opening.of_units("hevc", [b"\x40\x01", bytes([kind << 1, 1, 0])]) == opening.Opening(*found)


def test_where_decoding_of_mpeg2_can_begin(mpeg2_clips: dict[str, Path]) -> None:
    data = mpeg2_clips["open"].read_bytes()
    assert opening.of_mpeg2(data) == opening.Opening(key=True, closed=True)
    second = data.index(b"\x00\x00\x01\xb8", data.index(b"\x00\x00\x01\xb8") + 1)
    assert opening.of_mpeg2(data[second:]) == opening.Opening(key=True, closed=False)
    picture = data.index(b"\x00\x00\x01\x00", data.index(b"\x00\x00\x01\x00") + 1)
    assert opening.of_mpeg2(data[picture:]) == opening.Opening(key=False, closed=False)
    assert opening.of_mpeg2(data[:20]) is None


_STARTS = [b"\x06", b"\x06\x2d", b"\x4e\x01\x2d", b"\x6f\x80\x00\x0a", b"\x40\x01", b"\x41", b""]


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(["h264", "hevc", "vp9"]),
    st.lists(st.tuples(st.sampled_from(_STARTS), st.binary(max_size=80)), max_size=5),
)
def test_random_units_are_answered_or_refused(codec: str, parts: list[tuple[bytes, bytes]]) -> None:
    units = [start + data for start, data in parts]
    stereo = Stereo(codec)
    for unit in units:
        stereo.add(unit)
        for header in (1, 2):
            with suppress(BrokenVideo):
                assert sum(len(message.payload) for message in sei.messages(unit, header)) <= len(unit)
    assert stereo.packing in {"", *sei.ARRANGEMENTS.values()}
    assert 1 <= stereo.views <= 1024
    opening.of_units(codec, units)
    opening.of_mpeg2(b"".join(units))
    for parse in (sei.frame_packing, sei.recovery_point):
        with suppress(BrokenVideo):
            parse(b"".join(units))
