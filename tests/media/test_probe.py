"""What probe says of every container, codec and oddity; and every refusal."""

from __future__ import annotations

import struct
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from clips import MATRIX, Clips, ffmpeg, picture_source
from oracles import frame_md5s
from orthanc_video.bitstream.nal import split_annexb
from orthanc_video.dicom.syntaxes import H264_BD
from orthanc_video.errors import BrokenVideo, NotVideo
from orthanc_video.media.plan import plan
from orthanc_video.media.probe import probe
from orthanc_video.model import Action, Rational, Wishes
from references import data_reference

_DEMUXERS = {"mp4": "mov", "mov": "mov", "webm": "matroska", "mkv": "matroska", "avi": "avi", "mpg": "mpeg"}
_NAMES = {"mpeg2": "mpeg2video"}


@pytest.mark.parametrize(("codec", "container"), MATRIX)
def test_every_codec_in_every_container(clips: Clips, codec: str, container: str) -> None:
    path = clips.video(codec, container)
    info = probe(path)
    video = info.video
    assert info.container.startswith(_DEMUXERS.get(container, "mpegts"))
    assert info.size == path.stat().st_size
    assert (video.codec, video.width, video.height) == (_NAMES.get(codec, codec), 160, 120)
    assert (video.frames, video.rate.fraction, video.constant_rate) == (30, Fraction(30000, 1001), True)
    assert video.seconds == pytest.approx(1.001)
    assert (video.bit_depth, video.progressive, video.rotation) == (8, True, 0)
    assert (info.audio_codecs, info.other_streams) == ((), 0)
    kept = Action.WRAP if codec == "mpeg2" and container in {"mpg", "ts"} else Action.REMUX
    assert plan(info).action is (kept if codec in {"h264", "hevc", "mpeg2"} else Action.TRANSCODE)


_FILM = {"frames": 24, "progressive": True, "constant_rate": False, "coded_rate": Rational(30000, 1001)}

# A clip → what must be found in its pictures, and in the file.
_ODDITIES: dict[str, tuple[Callable[[Clips], Path], dict[str, Any], dict[str, Any]]] = {
    "conforming": (Clips.conforming, {"level": 11, "profile_idc": 100}, {"streamable": True, "brand": "isom"}),
    "odd length": (Clips.odd_length, {"frames": 30}, {"streamable": True}),
    "index at end": (Clips.index_at_end, {"frames": 30}, {"streamable": False, "fragmented": False}),
    "fragmented": (Clips.fragmented, {"frames": 30, "constant_rate": True}, {"streamable": False, "fragmented": True}),
    "sound": (Clips.with_sound, {"frames": 30}, {"audio_codecs": ("aac",)}),
    "level": (Clips.relabelled, {"level": 51, "coded_width": 160, "coded_height": 128}, {}),
    "variable rate": (Clips.variable_rate, {"frames": 26, "constant_rate": False}, {}),
    "recorder's WebM": (Clips.recorder_webm, {"frames": 26, "constant_rate": False}, {"audio_codecs": ("opus",)}),
    "recorder's MP4": (Clips.recorder_mp4, {"frames": 26, "constant_rate": False}, {"fragmented": True}),
    "interlaced": (Clips.interlaced, {"progressive": False, "frames": 25}, {}),
    "interlaced MPEG-2": (Clips.interlaced_mpeg2, {"progressive": False, "frames": 25}, {}),
    "anamorphic": (Clips.anamorphic, {"width": 160, "height": 120}, {}),
    "anamorphic as the stream says": (Clips.anamorphic_stream, {"pixel_aspect": Rational(4, 3)}, {}),
    "H.265, likewise": (lambda c: c.anamorphic_stream("hevc"), {"pixel_aspect": Rational(4, 3)}, {}),
    "film for television": (lambda c: c.film_mpeg2("m2v"), _FILM, {"packet": 0}),
    "film for television in MP4": (lambda c: c.film_mpeg2("mp4"), {"frames": 24, "progressive": True}, {}),
    "transport stream": (lambda c: c.video("h264", "ts"), {}, {"packet": 188}),
    "M2TS": (Clips.m2ts, {}, {"packet": 192}),
    "4:2:2": (Clips.chroma_422, {"pixel_format": "yuv422p", "profile_idc": 122, "bit_depth": 8}, {}),
    "10 bits": (Clips.ten_bit, {"pixel_format": "yuv420p10le", "bit_depth": 10}, {}),
    "odd size": (Clips.odd_size, {"width": 161, "height": 121}, {}),
    "cut by edits": (Clips.cut_by_edits, {}, {"simple_edits": False}),
}


@pytest.mark.parametrize("name", _ODDITIES)
def test_oddities(clips: Clips, name: str) -> None:
    make, pictures, file = _ODDITIES[name]
    info = probe(make(clips))
    assert {key: getattr(info.video, key) for key in pictures} == pictures
    assert {key: getattr(info, key) for key in file} == file


@pytest.mark.parametrize("make", [Clips.variable_rate, Clips.recorder_webm, Clips.recorder_mp4])
def test_a_variable_rate_lasts_as_long_as_it_is_shown(clips: Clips, make: Callable[[Clips], Path]) -> None:
    """26 frames, the first at 0 and the last ending at 1.001 s, whatever order they are coded in."""
    video = probe(make(clips)).video
    assert video.seconds == pytest.approx(1.001, abs=0.0015)
    assert float(video.rate) == pytest.approx(26 / 1.001, rel=0.002)


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_rotation_is_found(clips: Clips, degrees: int) -> None:
    assert probe(clips.rotated(degrees)).video.rotation in {degrees, 360 - degrees}
    assert plan(probe(clips.rotated(degrees))).action is Action.TRANSCODE


_R = 0.7071


@pytest.mark.parametrize(
    ("matrix", "sentence"),
    [
        ((-1, 0, 0, 1), "The container shows the pictures mirrored"),
        ((1, 0, 0, -1), "The container shows the pictures mirrored"),
        ((0, 1, 1, 0), "The container shows the pictures mirrored"),
        ((0, -1, -1, 0), "The container shows the pictures mirrored"),
        ((_R, _R, -_R, _R), "The container turns the pictures by 45°"),
        ((-1, 0, 0, -1), "The container turns the pictures by 180°"),
        ((0, 1, -1, 0), "The container turns the pictures by 90°"),
    ],
)
def test_whatever_the_container_does_to_the_pictures_is_told(
    clips: Clips, matrix: tuple[float, float, float, float], sentence: str
) -> None:
    info = probe(clips.shown_by(*matrix))
    planned = plan(info)
    assert planned.action is Action.TRANSCODE
    assert planned.reasons[0].startswith(sentence)
    assert info.video.mirrored == ("mirrored" in sentence)


def test_pixel_aspect_is_found(clips: Clips) -> None:
    assert probe(clips.anamorphic()).video.pixel_aspect.fraction == Fraction(4, 3)


def test_full_range_is_found(clips: Clips) -> None:
    assert probe(clips.video("mjpeg", "avi")).video.full_range
    assert not probe(clips.conforming()).video.full_range


def test_frames_are_those_that_ffmpeg_decodes(clips: Clips) -> None:
    for path in (clips.recorder_webm(), clips.recorder_mp4(), clips.interlaced_mpeg2(), clips.ten_bit()):
        assert probe(path).video.frames == len(frame_md5s(path))


def test_the_name_does_not_matter(clips: Clips, tmp_path: Path) -> None:
    disguised = tmp_path / "holiday.jpg"
    disguised.write_bytes(clips.video("vp9", "webm").read_bytes())
    assert probe(disguised).video.codec == "vp9"


def test_creation_time(clips: Clips) -> None:
    dated = clips.encoded("dated.mp4", "-metadata creation_time=2021-02-03T04:05:06Z")
    assert probe(dated).created == "2021-02-03T04:05:06+00:00"
    unset = clips.encoded("unset.mp4", "-metadata creation_time=1970-01-01T00:00:00Z")
    assert probe(unset).created == probe(clips.conforming()).created == ""


def test_a_cover_picture_is_not_the_video(clips: Clips, tmp_path: Path) -> None:
    covered = tmp_path / "song.mp4"
    ffmpeg(
        "-i", clips.sound_only(), "-i", clips.jpeg(), "-map", "0", "-map", "1", "-c", "copy",
        "-disposition:v:0", "attached_pic", covered,
    )  # fmt: skip
    with pytest.raises(NotVideo, match="sound only"):
        probe(covered)


_NOT_VIDEO: dict[str, tuple[Callable[[Clips], Path], str]] = {
    "text": (Clips.text, "text"),
    "PDF": (Clips.pdf, "PDF"),
    "JPEG": (Clips.jpeg, "JPEG"),
    "MP3": (Clips.mp3, "MP3"),
    "sound in MP4": (Clips.sound_only, "sound only"),
}


@pytest.mark.parametrize("name", _NOT_VIDEO)
def test_what_is_no_video_is_refused_by_name(clips: Clips, name: str) -> None:
    make, words = _NOT_VIDEO[name]
    with pytest.raises(NotVideo, match=words):
        probe(make(clips))


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    empty = tmp_path / "empty.mp4"
    empty.touch()
    with pytest.raises(NotVideo, match="empty"):
        probe(empty)


def test_bytes_of_no_kind_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "bytes.mp4"
    path.write_bytes(bytes(range(256)) * 64)
    with pytest.raises(NotVideo):
        probe(path)


_BROKEN: dict[str, tuple[Callable[[Clips], Path], str]] = {
    "zero samples": (Clips.zero_samples, "no frames"),
    "index beyond the file": (Clips.moov_beyond, "truncated"),
    "header of 100,000 × 100,000": (Clips.huge_header, "size|pixels"),
    "parameter set of 100,000 × 100,000": (Clips.huge_parameter_set, "larger than|pixels|decoded"),
    "20,000 pixels wide": (Clips.too_wide, "20000 × 32"),
    "encrypted": (Clips.encrypted, "encrypted"),
    "noise for pictures": (Clips.noise_for_pictures, "decoded"),
}


@pytest.mark.parametrize("name", _BROKEN)
def test_broken_videos_are_refused(clips: Clips, name: str) -> None:
    make, words = _BROKEN[name]
    with pytest.raises(BrokenVideo, match=words):
        probe(make(clips))


@pytest.mark.parametrize("container", ["mp4", "mkv", "webm", "avi"])
def test_containers_without_frames_are_broken(clips: Clips, container: str) -> None:
    with pytest.raises(BrokenVideo):
        probe(clips.zero_frames(container))


@pytest.mark.parametrize("container", ["mp4", "mkv", "avi", "mpg"])
def test_noise_that_begins_like_a_video_is_broken(clips: Clips, container: str) -> None:
    with pytest.raises(BrokenVideo):
        probe(clips.lying(container))


_WHOLE: dict[str, Callable[[Clips], Path]] = {
    "index in front": Clips.conforming,
    "index at the end": Clips.index_at_end,
    "fragmented": Clips.fragmented,
    "MOV": lambda clips: clips.video("mjpeg", "mov"),
    "AVI": lambda clips: clips.video("mpeg4", "avi"),
    "MKV": lambda clips: clips.video("h264", "mkv"),
    "WebM": lambda clips: clips.video("vp9", "webm"),
}


@pytest.mark.parametrize("percent", [1, 10, 50, 90, 100])
@pytest.mark.parametrize("name", _WHOLE)
def test_a_truncated_file_is_refused(clips: Clips, name: str, percent: int) -> None:
    """100 stands for all but the last byte."""
    with pytest.raises(BrokenVideo, match="truncated"):
        probe(clips.truncated(_WHOLE[name](clips), percent))


_STREAMS: dict[str, Callable[[Clips], Path]] = {
    "TS": lambda clips: clips.video("mpeg2", "ts"),
    "PS": lambda clips: clips.video("mpeg2", "mpg"),
    "recorder's WebM": Clips.recorder_webm,
}


@pytest.mark.parametrize("name", _STREAMS)
def test_streams_that_announce_no_length_are_taken_as_far_as_they_go(clips: Clips, name: str) -> None:
    """A recording that was interrupted: every frame that arrived counts, none is made up."""
    whole = _STREAMS[name](clips)
    half = probe(clips.truncated(whole, 50)).video
    assert 0 < half.frames < probe(whole).video.frames
    assert half.frames >= len(frame_md5s(clips.truncated(whole, 50))) - 1


@pytest.mark.parametrize(("rate", "exact"), [("25", Fraction(25)), ("30000/1001", Fraction(30000, 1001))])
def test_a_raw_stream_has_its_own_frame_rate(tmp_path: Path, rate: str, exact: Fraction) -> None:
    """FFmpeg's base rate of raw H.264 counts fields."""
    path = tmp_path / "raw.264"
    source = ["-f", "lavfi", "-i", f"testsrc2=s=160x120:r={rate}", "-frames:v", "50", "-pix_fmt", "yuv420p"]
    ffmpeg(*source, str(path))
    video = probe(path).video
    assert (video.frames, video.rate.fraction) == (50, exact)


def test_frames_that_lie_years_apart_are_refused(clips: Clips, tmp_path: Path) -> None:
    """Times that no rate can be told of: an IVF whose time base is 2,000,000,000 seconds."""
    data = bytearray(clips.encoded("keys.ivf", "-g 1 -frames:v 8", codec="vp8").read_bytes())
    struct.pack_into("<II", data, 16, 1, 2_000_000_000)
    path = tmp_path / "slow.ivf"
    path.write_bytes(data)
    with pytest.raises(BrokenVideo, match="seconds apart"):
        probe(path)


def test_another_video_is_told_by_its_size(clips: Clips, tmp_path: Path) -> None:
    """Not as a cover or as data: somebody may miss it."""
    path = tmp_path / "two.mkv"
    small = clips.conforming(size="80x60")
    ffmpeg("-i", small, "-i", clips.conforming(), "-map", "0:v", "-map", "1:v", "-c", "copy", path)
    info = probe(path)
    assert (info.video.width, info.other_videos, info.other_streams) == (160, ("80 × 60",), 0)
    reasons = plan(info).reasons
    assert any("another video of 80 × 60" in reason for reason in reasons)
    assert not any("subtitles" in reason for reason in reasons)


def test_another_video_is_told_of_a_transcode_too(clips: Clips, tmp_path: Path) -> None:
    path = tmp_path / "two.webm"
    small, large = (
        clips.encoded(f"two-{size}.webm", codec="vp8", source=picture_source(size=size))
        for size in ("80x60", "160x120")
    )
    ffmpeg("-i", small, "-i", large, "-map", "0:v", "-map", "1:v", "-c", "copy", path)
    planned = plan(probe(path))
    assert planned.action is Action.TRANSCODE
    assert any("another video of 80 × 60" in reason for reason in planned.reasons)


def test_a_container_is_not_believed_that_calls_any_picture_a_key_frame(clips: Clips, tmp_path: Path) -> None:
    """Without its table of key frames an MP4 says that all are; and here the first one is missing."""
    whole = clips.encoded("late-key.h264", "-bf 0 -g 15")
    units = list(split_annexb(whole.read_bytes()))
    first = next(at for at, unit in enumerate(units) if unit[0] & 31 == 5)
    raw, path = tmp_path / "late.h264", tmp_path / "late.mp4"
    raw.write_bytes(b"".join(b"\x00\x00\x00\x01" + unit for at, unit in enumerate(units) if at != first))
    ffmpeg("-fflags", "+genpts", "-r", "25", "-i", raw, "-c", "copy", "-copyinkf", path)
    path.write_bytes(path.read_bytes().replace(b"stss", b"free"))
    info = probe(path)
    assert not info.video.starts_with_key
    assert "The stream does not begin with a key frame." in plan(info).reasons


def test_a_scrambled_transport_stream_is_called_so(clips: Clips, tmp_path: Path) -> None:
    data = bytearray(clips.video("h264", "ts").read_bytes())
    scrambled = [at for at in range(0, len(data), 188) if data[at + 1] & 0x1F == 1]
    for at in scrambled:
        data[at + 3] |= 0x80
        data[at + 12 : at + 188] = bytes(byte ^ 0x5A for byte in data[at + 12 : at + 188])
    path = tmp_path / "scrambled.ts"
    path.write_bytes(data)
    with pytest.raises(BrokenVideo, match="its transport stream is scrambled"):
        probe(path)
    # One packet that only looks it is damage.
    once = bytearray(clips.video("h264", "ts").read_bytes())
    once[scrambled[5] + 3] |= 0x80
    path.write_bytes(once)
    assert probe(path).video.codec == "h264"


def test_transport_streams_with_check_sums_are_taken(clips: Clips, tmp_path: Path) -> None:
    data = clips.video("h264", "ts").read_bytes()
    path = tmp_path / "dvb.ts"
    path.write_bytes(b"".join(data[at : at + 188] + bytes(16) for at in range(0, len(data), 188)))
    info = probe(path)
    assert (info.container, info.video.frames) == ("mpegts", 30)


@pytest.mark.parametrize("kind", [b"url ", b"urn ", b"alis"])
def test_pictures_that_are_said_to_lie_in_another_file(clips: Clips, tmp_path: Path, kind: bytes) -> None:
    """Where they lie in this one nevertheless, the name of the other must not be stored; else there are none."""
    plain = clips.conforming().read_bytes()
    assert plan(probe(clips.conforming())).action is Action.WRAP
    path = tmp_path / "named.mp4"
    path.write_bytes(data_reference(plain, kind, "http://127.0.0.1:9/x.mp4"))
    if kind != b"alis":  # of these FFmpeg reads nothing at all
        planned = plan(probe(path))
        assert planned.action is Action.REMUX
        assert any("names another file" in reason for reason in planned.reasons)
    data = path.read_bytes()
    pictures = data.index(b"mdat") + 4
    path.write_bytes(data[:pictures] + bytes(len(data) - pictures))
    with pytest.raises(BrokenVideo, match="only names another"):
        probe(path)


@pytest.mark.parametrize("rate", ["24000/1001", "30000/1001", "48000/1001", "60000/1001"])
@pytest.mark.parametrize("kind", ["mkv", "flv", "ts of mkv", "mp4 of 1000 ticks"])
def test_rates_of_television_come_back_out_of_milliseconds(clips: Clips, tmp_path: Path, rate: str, kind: str) -> None:
    """FFmpeg takes 60000/1001 in Matroska for 19001/317."""
    whole = clips.encoded(f"ntsc-{rate.split('/')[0]}.mkv", source=picture_source(seconds=3, rate=rate, size="64x64"))
    path = tmp_path / f"copy.{kind.split()[0]}"
    ffmpeg("-i", whole, "-c", "copy", *(["-video_track_timescale", "1000"] if kind.startswith("mp4") else []), path)
    video = probe(path).video
    assert (video.rate.fraction, video.constant_rate) == (Fraction(rate), True)


def test_59_94_in_matroska_is_a_format_of_blu_ray_and_already_even(clips: Clips) -> None:
    path = clips.encoded(
        "bd.mkv", "-profile:v main -level 3.2", source=picture_source(seconds=1, rate="60000/1001", size="1280x720")
    )
    assert plan(probe(path), Wishes(transfer_syntax=H264_BD)).action is Action.REMUX
    assert probe(path, wishes=Wishes(constant_rate=Rational(60000, 1001))).evened is None


def test_an_edit_that_holds_every_frame_of_a_varying_rate_is_simple(clips: Clips, tmp_path: Path) -> None:
    """However long its last sample claims to last: an edit list says how long it is shown."""
    path = clips.encoded(
        "varying-end.mp4", "-bf 0 -movflags +faststart", gaps=True, source=picture_source(seconds=26 * 1.001 / 30)
    )
    assert probe(path).simple_edits
    data = bytearray(path.read_bytes())
    table = data.index(b"stts")
    last = table + 12 + 8 * (int.from_bytes(data[table + 8 : table + 12]) - 1)
    assert int.from_bytes(data[last : last + 4]) == 1
    data[last + 4 : last + 8] = (20 * int.from_bytes(data[last + 4 : last + 8])).to_bytes(4)
    longer = tmp_path / "longer.mp4"
    longer.write_bytes(data)
    assert probe(longer).simple_edits
