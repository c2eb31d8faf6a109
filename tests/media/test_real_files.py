"""What cameras of the last twenty years write, as far as FFmpeg makes the like: in, counted, and out again."""

from __future__ import annotations

from pathlib import Path

import pytest

from clips import Clips, ffmpeg, picture_source
from conversions import converted
from oracles import frame_md5s
from orthanc_video.model import Action, Rational, Wishes

_SMALL = picture_source(seconds=0.6, rate="25", size="320x240")
_PAL = picture_source(seconds=0.4, rate="25", size="720x576", then="setfield=bff")
_HD = picture_source(seconds=0.4, rate="50", size="1440x1080", then="interlace=scan=tff,setsar=4/3")
_T, _R = Action.TRANSCODE, Action.REMUX

# Name → its pictures, how they are coded, what is done, a word of the reasons.
_FILES: dict[str, tuple[str, str, Action, str]] = {
    "dv.avi": (_PAL, "-c:v dvvideo -pix_fmt yuv420p", _T, "50 moments per second become 25"),
    "dv.mov": (_PAL, "-c:v dvvideo -pix_fmt yuv420p", _T, "dvvideo"),
    "raw.dv": (_PAL, "-c:v dvvideo -pix_fmt yuv420p", _T, "dvvideo"),
    "prores.mov": (_SMALL, "-c:v prores_ks -pix_fmt yuv422p10le", _T, "prores"),
    "dnxhr.mxf": (_SMALL, "-c:v dnxhd -profile:v dnxhr_sq -pix_fmt yuv422p", _T, "dnxhd"),
    "mjpeg.avi": (_SMALL, "-c:v mjpeg -pix_fmt yuvj422p", _T, "studio range"),
    "cinepak.avi": (_SMALL, "-c:v cinepak", _T, "cinepak"),
    "asp.avi": (_SMALL, "-c:v mpeg4 -bf 2", _T, "mpeg4"),
    "h263.3gp": (_SMALL, "-c:v h263 -s 352x288", _T, "h263"),
    "wmv1.wmv": (_SMALL, "-c:v wmv1", _T, "wmv1"),
    "wmv2.wmv": (_SMALL, "-c:v wmv2", _T, "wmv2"),
    "theora.ogv": (_SMALL, "-c:v libtheora -q:v 7", _T, "theora"),
    "ffv1.mkv": (_SMALL, "-c:v ffv1 -pix_fmt yuv422p10le", _T, "10 bits a sample become 8"),
    "huffyuv.avi": (_SMALL, "-c:v huffyuv -pix_fmt rgb24", _T, "Red, green and blue"),
    "flash.flv": (_SMALL, "-c:v flv", _T, "flv1"),
    "real.rm": (_SMALL, "-c:v rv10", _T, "rv10"),
    "avchd.m2ts": (_HD, "-c:v libx264 -preset veryfast -flags +ildct+ilme -x264-params tff=1 -mpegts_m2ts_mode 1", _T,
                   "Pixels are 4:3"),
    "mbaff.mp4": (_HD.replace(",setsar=4/3", ""), "-c:v libx264 -preset veryfast -flags +ildct+ilme -x264-params tff=1",
                  _R, "index lies at its end"),
    "xdcam.mxf": (_SMALL, "-c:v mpeg2video -q:v 3", _R, "becomes a program stream"),
    "raw.h264": (_SMALL, "-c:v libx264 -pix_fmt yuv420p", _R, "becomes MP4"),
    "raw.h265": (_SMALL, "-c:v libx265 -x265-params log-level=none -pix_fmt yuv420p", _R, "becomes MP4"),
    "grey.mp4": (_SMALL, "-c:v libx264 -pix_fmt gray", _T, "The pictures are gray"),
}  # fmt: skip


@pytest.mark.parametrize("name", _FILES)
def test_every_frame_comes_out(tmp_path: Path, name: str) -> None:
    pictures, coded, action, word = _FILES[name]
    source = tmp_path / name
    ffmpeg("-f", "lavfi", "-i", pictures, *coded.split(), source)
    result = converted(source, tmp_path / "o")
    assert result.plan.action is action, result.said
    assert word in result.said
    frames = frame_md5s(source)
    assert result.info.video.frames == len(frames) == result.dataset.NumberOfFrames
    shown = frame_md5s(result.stream)
    assert len(shown) == len(frames)
    assert float(result.dataset.FrameTime) == 40
    if action is _R:
        assert shown == frames


def test_the_largest_of_several_videos_is_taken(clips: Clips, tmp_path: Path) -> None:
    source = tmp_path / "two.mkv"
    ffmpeg(
        "-i", clips.conforming(size="80x60"), "-i", clips.conforming(), "-map", "0", "-map", "1", "-c", "copy", source
    )
    result = converted(source, tmp_path / "o")
    assert (result.dataset.Columns, result.dataset.Rows) == (160, 120)
    assert "another video of 80 × 60" in result.said


def test_covers_subtitles_and_timecodes_are_left_out(clips: Clips, tmp_path: Path) -> None:
    words = tmp_path / "words.srt"
    words.write_text("1\n00:00:00,000 --> 00:00:01,000\nJane Doe\n", encoding="utf-8")
    source = tmp_path / "more.mov"
    ffmpeg("-i", clips.conforming(rate="25"), "-i", words, "-c", "copy", "-c:s", "mov_text", "-timecode", "01:02:03:04",
           source)  # fmt: skip
    result = converted(source, tmp_path / "o")
    assert "2 other stream(s)" in result.said
    assert b"Jane" not in result.path.read_bytes()
    assert frame_md5s(result.stream) == frame_md5s(clips.conforming(rate="25"))


@pytest.mark.parametrize("rate", [Rational(30000, 1001), Rational(25), Rational(12)])
def test_a_constant_rate_is_kept_to_and_counted(clips: Clips, tmp_path: Path, rate: Rational) -> None:
    result = converted(clips.variable_rate(), tmp_path / "o", Wishes(constant_rate=rate))
    even = result.info.evened
    assert even is not None
    assert even.frames == result.info.video.frames - even.dropped + even.doubled
    assert f"{even.dropped} are left out, and {even.doubled} times one is shown again" in result.said
    assert float(result.dataset.FrameTime) == pytest.approx(1000 / float(rate), rel=1e-12)
    assert result.dataset.NumberOfFrames == even.frames == len(frame_md5s(result.stream))


def test_a_constant_rate_that_is_there_changes_nothing(clips: Clips, tmp_path: Path) -> None:
    wishes = Wishes(constant_rate=Rational(30000, 1001))
    assert converted(clips.conforming(), tmp_path / "o", wishes).plan.action is Action.WRAP
