"""The decision as a table of cases."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.samples import hevc, media, mpeg2, sized
from orthanc_video.bitstream.levels import lowest_level
from orthanc_video.dicom.syntaxes import BY_UID
from orthanc_video.errors import BrokenVideo, UnsupportedMedia
from orthanc_video.media.plan import plan
from orthanc_video.model import Action, MediaInfo, Most, Rational, Stretch, Target, Wishes
from reasons import untold

_41, _42 = "1.2.840.10008.1.2.4.102", "1.2.840.10008.1.2.4.104"
_MP_ML, _MP_HL, _HEVC = (f"1.2.840.10008.1.2.4.{number}" for number in (100, 101, 107))
_3D, _STEREO = (f"1.2.840.10008.1.2.4.{number}" for number in (105, 106))
_BD = "1.2.840.10008.1.2.4.103"
_WRAP, _REMUX, _TRANSCODE = Action.WRAP, Action.REMUX, Action.TRANSCODE

_HD: dict[str, Any] = {"level": 4, "width": 1920, "height": 1080}
_NTSC_DVD: dict[str, Any] = {"height": 480, "rate": Rational(24000, 1001), "constant_rate": False}

# What arrives → what is done, as which transfer syntax, and words that a reason has to hold.
_CASES: dict[str, tuple[MediaInfo, Action, str, str]] = {
    "conforming": (media(), _WRAP, _41, "pass through unchanged"),
    "main profile": (media(profile_idc=77, profile="Main"), _WRAP, _41, "Main profile"),
    "baseline profile": (media(profile_idc=66), _WRAP, _41, "Baseline profile"),
    "lower level": (media(level=31, width=1280, height=720, coded_width=1280, coded_height=720), _WRAP, _41, "3.1"),
    "level 4.2": (media(level=42, rate=Rational(60)), _WRAP, _42, "4.2"),
    "full range": (media(pixel_format="yuvj420p", full_range=True), _WRAP, _41, "unchanged"),
    "variable rate": (media(constant_rate=False), _WRAP, _41, "unchanged"),
    "1080p60 that claims 4.1": (media(level=41, rate=Rational(60)), _REMUX, _42, "claims level 4.1 but needs 4.2; the"),
    "high bit rate that claims 4.0": (media(level=40, bit_rate=40_000_000), _REMUX, _41, "needs 4.1; the label is"),
    "a moment of high bit rate": (media(level=40, bit_rate=40_000_000, seconds=0.5), _WRAP, _41, "unchanged"),
    "level 1b, needs 1": (sized(160, 120, level=9, rate=Rational(12), bit_rate=90_000), _WRAP, _41, "needs level 1b"),
    "claims 5.1, needs 4.0": (media(level=51), _REMUX, _41, "label is corrected"),
    "claims 5.2, needs 4.2": (media(level=52, rate=Rational(60000, 1001)), _REMUX, _42, "label is corrected"),
    "index at the end": (media({"streamable": False}), _REMUX, _41, "moved to the front"),
    "fragmented": (media({"streamable": False, "fragmented": True}), _REMUX, _41, "fragmented"),
    "quicktime": (media({"brand": "qt"}), _REMUX, _41, "QuickTime"),
    "matroska": (media({"container": "matroska,webm", "streamable": False}), _REMUX, _41, "becomes MP4"),
    "transport stream": (media({"container": "mpegts", "streamable": False}), _REMUX, _41, "becomes MP4"),
    "sound": (media({"audio_codecs": ("aac",)}), _REMUX, _41, "aac"),
    "an empty stretch first": (media({"delayed": True}), _REMUX, _41, "begin at once"),
    "another file's name": (media({"elsewhere": True}), _REMUX, _41, "names another file"),
    "subtitles": (media({"other_streams": 2}), _REMUX, _41, "2 other stream"),
    "H.265": (hevc(), _WRAP, _HEVC, "H.265 Main profile and pass through"),
    "H.265 in 4K": (hevc(width=3840, height=2160, level=153, rate=Rational(60)), _WRAP, _HEVC, "level 5.1"),
    "H.265 of Matroska": (hevc({"container": "matroska,webm"}), _REMUX, _HEVC, "becomes MP4"),
    "H.265 that claims 6.2": (hevc(level=186), _REMUX, _HEVC, "claims level 6.2 but needs only 4.0"),
    "H.265 that claims 3.1": (hevc(level=93), _REMUX, _HEVC, "claims level 3.1 but needs 4.0; the label"),
    "H.265 Main 10": (hevc(profile_idc=2, profile="Main 10", bit_depth=10), _TRANSCODE, _41, "profile, Main 10"),
    "H.265 High tier": (hevc(high_tier=True), _TRANSCODE, _41, "High tier"),
    "H.265 in 8K": (hevc(width=7680, height=4320, coded_width=7680, coded_height=4320), _TRANSCODE, _41, "level 6"),
    "MPEG-2 of a DVD": (mpeg2(), _WRAP, _MP_ML, "MPEG-2 Main profile and pass through"),
    "MPEG-2 with wide pixels": (mpeg2(pixel_aspect=Rational(64, 45)), _WRAP, _MP_ML, "unchanged"),
    "MPEG-2 with sound": (mpeg2({"audio_codecs": ("mp2",)}), _REMUX, _MP_ML, "mp2"),
    "MPEG-2 of AVI": (mpeg2({"container": "avi"}), _REMUX, _MP_ML, "The container is avi"),
    "MPEG-2 in HD": (mpeg2(level=4, width=1920, height=1080), _WRAP, _MP_HL, "level High"),
    "MPEG-2 of a size of its own": (mpeg2(width=800, height=600, level=4), _TRANSCODE, _41, "none of the formats"),
    "MPEG-2 at a rate of its own": (mpeg2(rate=Rational(15)), _TRANSCODE, _41, "none of the formats"),
    "MPEG-2 of SD, told which it nearly is": (mpeg2(rate=Rational(15)), _TRANSCODE, _41, "Main Profile / Main Level"),
    "MPEG-2 of film": (mpeg2(**_NTSC_DVD, coded_rate=Rational(30000, 1001)), _WRAP, _MP_ML, "frames keep their times"),
    "MPEG-2 that varies": (mpeg2(**_NTSC_DVD), _TRANSCODE, _41, "at varying frames/s"),
    "MPEG-2 4:2:2": (mpeg2(profile_idc=0, profile="4:2:2", pixel_format="yuv422p"), _TRANSCODE, _41, "profile, 4:2:2"),
    "MPEG-2 above its bit rate": (mpeg2(level=4, bit_rate=90_000_000), _TRANSCODE, _41, "90 Mbit/s"),
    "MPEG-2 above its bit rate for a moment": (mpeg2(**_HD, bit_rate=90_000_000, seconds=0.9), _WRAP, _MP_HL, "High"),
    "other codec": (media(codec="vp9", profile_idc=0, level=0), _TRANSCODE, _41, "codec is vp9"),
    "high 4:2:2": (media(profile_idc=122, pixel_format="yuv422p"), _TRANSCODE, _41, "yuv422p; MPEG-4"),
    "ten bits": (media(profile_idc=110, pixel_format="yuv420p10le", bit_depth=10), _TRANSCODE, _41, "8-bit 4:2:0"),
    "grey": (media(pixel_format="gray"), _TRANSCODE, _41, "are gray"),
    "extended profile": (media(profile_idc=88, profile="Extended"), _TRANSCODE, _41, "profile, Extended"),
    "4K": (sized(3840, 2160, level=51), _TRANSCODE, _41, "level 4.2"),
    "1080p120": (media(level=51, rate=Rational(120)), _TRANSCODE, _42, "level 4.2, but the stream says level 5.1"),
    "bit rate beyond 4.2": (media(bit_rate=80_000_000), _TRANSCODE, _41, "says level 5.0"),
    "17 reference frames": (media(reference_frames=17), _TRANSCODE, _41, "exceeds"),
    "anamorphic": (media(pixel_aspect=Rational(4, 3)), _TRANSCODE, _41, "4:3"),
    "rotated": (media(rotation=90), _TRANSCODE, _41, "90°"),
    "upside down": (media(rotation=180), _TRANSCODE, _41, "180°"),
    "cut by an edit list": (media({"simple_edits": False}), _TRANSCODE, _41, "edit list"),
    "side by side": (media(packing="side by side"), _WRAP, _3D, "For 3D Video"),
    "side by side that claims 5.1": (media(packing="side by side", level=51), _REMUX, _3D, "label is corrected"),
    "side by side on its side": (media(packing="side by side", rotation=90), _TRANSCODE, _41, "no longer says so"),
    "side by side in VP9": (media(codec="vp9", packing="side by side"), _TRANSCODE, _3D, "For 3D Video"),
    "two views": (media(views=2), _WRAP, _STEREO, "Stereo High"),
    "two views that claim 3.1": (media(views=2, level=31), _WRAP, _STEREO, "unchanged"),
    "two views that claim 5.1": (media(views=2, level=51), _TRANSCODE, _41, "only the base view is kept"),
    "H.265 of two views": (hevc(views=2), _TRANSCODE, _41, "coded as 2 views"),
    "H.265, side by side": (hevc(packing="side by side"), _WRAP, _HEVC, "unchanged"),
    "sets among the pictures": (media({"entry": "avc3"}), _REMUX, _41, "takes them up (avc1)"),
    "sets in the index": (media({"entry": "avc1"}), _WRAP, _41, "unchanged"),
    "H.265 with sets among the pictures": (hevc({"entry": "hev1"}), _REMUX, _HEVC, "takes them up (hvc1)"),
    "begins without a key frame": (media(starts_with_key=False), _TRANSCODE, _41, "key frame"),
}


@pytest.mark.parametrize("name", _CASES)
def test_the_ladder(name: str) -> None:
    info, action, syntax, words = _CASES[name]
    planned = plan(info)
    assert (planned.action, planned.transfer_syntax) == (action, syntax), planned.reasons
    assert words in " ".join(planned.reasons)
    assert untold(planned.reasons) == []
    assert all((reason[0].isupper() or reason[0].isdigit()) and reason.endswith(".") for reason in planned.reasons)


_STRETCH = Stretch(bytes=5_240_000, seconds=39.96)


@pytest.mark.parametrize(
    ("most", "told"),
    [
        (Most(bytes=1 << 20), True),
        (Most(bytes=1 << 30, seconds=30), True),
        (Most(bytes=1 << 30, seconds=60), False),
        (Most(bytes=1 << 30), False),
    ],
)
def test_what_cannot_be_cut_as_configured_is_told_and_kept(most: Most, told: bool) -> None:
    planned = plan(media({"uncut": _STRETCH}), most=most)
    assert planned.action is _WRAP
    sentence = "Up to 5.24 MB (39.96 s) of the pictures have no place to cut at (open groups of pictures"
    assert (sentence in " ".join(planned.reasons)) is told


def test_what_no_object_can_hold_is_re_encoded_so_that_it_can_be_cut() -> None:
    stretch = replace(_STRETCH, bytes=5_000_000_000)
    for info in (media({"uncut": stretch}), mpeg2({"uncut": stretch})):
        planned = plan(info)
        assert (planned.action, planned.transfer_syntax) == (_TRANSCODE, _41)
        assert planned.reasons[0].startswith("5 GB of the pictures have no place to cut at (open groups of pictures")
    why = plan(media({"uncut": stretch}, codec="vp9")).reasons
    assert "no place to cut at" not in " ".join(why)


_CINEMA, _NTSC = Rational(24000, 1001), Rational(30000, 1001)
_720: dict[str, Any] = {"width": 1280, "height": 720, "coded_width": 1280, "coded_height": 720}

# What arrives → the transfer syntax that is asked for, and what is done.
_ASKED: dict[str, tuple[MediaInfo, str, Action]] = {
    "BD, 1080p24": (media(rate=Rational(24)), _BD, _WRAP),
    "BD, 1080p23.976": (media(rate=_CINEMA), _BD, _WRAP),
    "BD, 1080i25": (media(rate=Rational(25), progressive=False), _BD, _WRAP),
    "BD, 1080i29.97": (media(rate=_NTSC, progressive=False), _BD, _WRAP),
    "BD, 720p59.94": (media(**_720, rate=Rational(60000, 1001)), _BD, _WRAP),
    "BD, 720p50 that claims 5.1": (media(**_720, rate=Rational(50), level=51), _BD, _REMUX),
    "BD, 720p24 in MKV": (media({"container": "matroska,webm"}, **_720, rate=Rational(24)), _BD, _REMUX),
    "4.2 for what is 4.1": (media(), _42, _WRAP),
    "4.2 for 60 frames/s": (media(level=42, rate=Rational(60)), _42, _WRAP),
    "4.1 for what is 4.1": (media(), _41, _WRAP),
    "4.2 for VP9": (media(codec="vp9"), _42, _TRANSCODE),
    "4.1 for VP9": (media(codec="vp9"), _41, _TRANSCODE),
    "3D": (media(packing="top and bottom"), _3D, _WRAP),
    "two views": (media(views=2), _STEREO, _WRAP),
    "4.1 for two views": (media(views=2), _41, _TRANSCODE),
    "H.265": (hevc(), _HEVC, _WRAP),
    "MPEG-2, High Level for a DVD's": (mpeg2(width=1280, height=720), _MP_HL, _WRAP),
}


@pytest.mark.parametrize("name", _ASKED)
def test_a_transfer_syntax_that_is_asked_for(name: str) -> None:
    info, asked, action = _ASKED[name]
    planned = plan(info, Wishes(transfer_syntax=asked))
    assert (planned.action, planned.transfer_syntax) == (action, asked), planned.reasons
    assert untold(planned.reasons) == []


# What arrives → the transfer syntax that is asked for in vain, and words that the refusal has to hold.
_IN_VAIN: dict[str, tuple[MediaInfo, str, str]] = {
    "BD, 1080p30": (media(), _BD, "1920 × 1080 progressive at 30 frames/s is none of the formats"),
    "BD, 1080p25": (media(rate=Rational(25)), _BD, "none of the formats"),
    "BD, 720i50": (media(**_720, rate=Rational(50), progressive=False), _BD, "interlaced at 50"),
    "BD, 720p60": (media(**_720, rate=Rational(60)), _BD, "none of the formats"),
    "BD, varying": (media(rate=Rational(24), constant_rate=False), _BD, "at varying frames/s"),
    "BD, 1440 × 1080": (media(width=1440, rate=Rational(24)), _BD, "1440 × 1080"),
    "BD for VP9": (media(codec="vp9", rate=Rational(24)), _BD, "the stream's codec is vp9"),
    "BD on its side": (media(rate=Rational(24), rotation=90), _BD, "turns the pictures by 90°"),
    "4.1 for 60 frames/s": (media(rate=Rational(60)), _41, "allows level 4.1, but the stream says level 4.2"),
    "4.1 for VP9 at 60 frames/s": (media(codec="vp9", rate=Rational(60)), _41, "codec is vp9"),
    "3D for plain pictures": (media(), _3D, "says of no two views"),
    "2D for side by side": (media(packing="side by side"), _42, "two views lie in each picture (side by side)"),
    "two views for one": (media(), _STEREO, "coded as 1 view;"),
    "H.265 for H.264": (media(), _HEVC, "codec is h264"),
    "H.264 for MPEG-2's": (media(), _MP_ML, "codec is h264"),
}


@pytest.mark.parametrize("name", _IN_VAIN)
def test_a_transfer_syntax_that_is_asked_for_in_vain(name: str) -> None:
    info, asked, words = _IN_VAIN[name]
    with pytest.raises(UnsupportedMedia) as caught:
        plan(info, Wishes(transfer_syntax=asked))
    assert BY_UID[asked].name in caught.value.sentence
    assert words in caught.value.sentence


# Pictures to re-encode → size and lowest level that a High profile stream of them needs.
_TARGETS: dict[str, tuple[MediaInfo, Target]] = {
    "as it is": (sized(1280, 720, codec="vp9"), Target(width=1280, height=720, level=31)),
    "60 frames/s": (sized(1280, 720, codec="vp9", rate=Rational(60)), Target(width=1280, height=720, level=32)),
    "Full HD": (sized(1920, 1080, codec="vp9"), Target(width=1920, height=1080, level=40)),
    "Full HD at 60": (sized(1920, 1080, codec="vp9", rate=Rational(60)), Target(width=1920, height=1080, level=42)),
    "odd": (sized(641, 481, codec="vp9"), Target(width=642, height=482, level=30)),
    "4K": (sized(3840, 2160, codec="av1"), Target(width=1920, height=1080, level=40)),
    "upright 4K": (sized(2160, 3840, codec="av1"), Target(width=1080, height=1920, level=40)),
    "wide pixels": (sized(720, 576, codec="dvvideo", rate=Rational(25), pixel_aspect=Rational(16, 11)),
                    Target(width=1048, height=576, level=31)),
    "high pixels": (sized(720, 480, codec="dvvideo", pixel_aspect=Rational(8, 9)),
                    Target(width=720, height=540, level=31)),
    "on its side": (sized(1920, 1080, codec="av1", rotation=90), Target(width=1080, height=1920, level=40)),
    "tiny": (sized(2, 2, codec="vp8", rate=Rational(1)), Target(width=2, height=2, level=10)),
}  # fmt: skip


@pytest.mark.parametrize("name", _TARGETS)
def test_targets_are_even_square_and_within_the_lowest_level(name: str) -> None:
    info, target = _TARGETS[name]
    planned = plan(info)
    assert planned.target == target
    assert untold(planned.reasons) == []


def test_what_is_done_to_the_pictures_is_said() -> None:
    reasons = " ".join(plan(sized(3841, 2161, codec="vp9", progressive=False, constant_rate=False)).reasons)
    assert "scaled from 3841 × 2161" in reasons
    assert "Interlaced" in reasons
    assert "rate varies" in reasons
    assert "padded" in " ".join(plan(sized(161, 121, codec="vp9")).reasons)


@pytest.mark.parametrize(
    "video",
    [{"frames": 0}, {"seconds": 0.0}, {"seconds": -1.0}, {"codec": "vp9", "rate": Rational(1_000_000)}],
)
def test_the_hopeless_is_refused(video: dict[str, Any]) -> None:
    with pytest.raises(BrokenVideo):
        plan(media(**video))


@given(
    width=st.integers(1, 16384),
    height=st.integers(1, 8192),
    rate=st.fractions(Fraction(1, 10), 300, max_denominator=1001),
    rotation=st.sampled_from([0, 90, 180, 270]),
    aspect=st.fractions(Fraction(1, 2), 2, max_denominator=40),
)
def test_every_transcode_fits_what_it_says(
    width: int, height: int, rate: Fraction, rotation: int, aspect: Fraction
) -> None:
    info = sized(
        width, height, codec="vp9", rate=Rational.of(rate), rotation=rotation, pixel_aspect=Rational.of(aspect)
    )
    planned = plan(info)
    assert untold(planned.reasons) == []
    target = planned.target
    assert target is not None
    assert target.width % 2 == target.height % 2 == 0
    assert target.width > 0
    assert target.height > 0
    coded = -(-target.width // 16) * 16, -(-target.height // 16) * 16
    assert lowest_level(*coded, rate, 4) == target.level
    assert planned.transfer_syntax == (_42 if target.level == 42 else _41)
    assert target.level <= 42


def test_the_same_file_has_the_same_plan() -> None:
    assert plan(media(codec="vp9")) == plan(media(codec="vp9"))
