"""Clips that take more than one step to make."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from clips import Clips, ffmpeg, picture_source
from corpus.case import Make

_UUID = "086f3693b7b34f2c965321492feee5b8"


def _made(clips: Clips, name: str, *arguments: str | Path) -> Path:
    path = clips.conforming().with_name(f"corpus-{name}")
    if not path.exists():
        ffmpeg(*arguments, path)
    return path


def camera(file: str, coded: str, **pictures: Any) -> Make:
    """Coded by an encoder of another time."""
    source = picture_source(**{"seconds": 0.4, "rate": "25", **pictures})
    return lambda clips: _made(clips, file, "-f", "lavfi", "-i", source, "-c:v", *coded.split())


def copied(file: str, arguments: str, before: str = "") -> Make:
    """The conforming clip's packets in another file."""
    return lambda clips: _made(clips, file, *before.split(), "-i", clips.conforming(), "-c", "copy", *arguments.split())


def beheaded(codec: str, kind: str, packets: int) -> Make:
    """Groups of ten frames, open, of which the first ``packets`` frames are missing."""
    opens = {
        "h264": "-g 10 -x264-params open-gop=1:bframes=2:b-adapt=0:repeat-headers=1:scenecut=0",
        "hevc": "-g 10 -x265-params log-level=none:open-gop=1:bframes=2:repeat-headers=1:scenecut=0:b-adapt=0",
        "mpeg2": "-g 10 -bf 2",
    }
    dropped = f"noise=drop=lt(n\\,{packets})"

    def make(clips: Clips) -> Path:
        whole = clips.encoded(f"whole-{codec}.{kind}", opens[codec], codec=codec)
        return _made(clips, f"beheaded-{codec}-{packets}.{kind}", "-i", whole, "-c", "copy", "-copyinkf", "-bsf:v",
                     dropped)  # fmt: skip

    return make


def keyless(clips: Clips) -> Path:
    whole = clips.encoded("one-key.mkv", "-g 100")
    return _made(clips, "keyless.mkv", "-i", whole, "-c", "copy", "-copyinkf", "-bsf:v", "noise=drop=lt(n\\,1)")


def noted(clips: Clips) -> Path:
    """Words in an SEI message before a picture, as MISB, DJI and others have it."""
    words = f"h264_metadata=sei_user_data={_UUID}+Doe"
    plain = clips.encoded("in-order.mp4", "-bf 0")
    return _made(clips, "noted.mp4", "-i", plain, "-c", "copy", "-bsf:v", words, "-movflags", "+faststart")


def two_videos(clips: Clips) -> Path:
    small, large = clips.conforming(size="80x60"), clips.conforming()
    return _made(clips, "two.mkv", "-i", large, "-i", small, "-map", "0", "-map", "1", "-c", "copy")


def subtitled(clips: Clips) -> Path:
    words = clips.conforming().with_name("words.srt")
    words.write_text("1\n00:00:00,000 --> 00:00:01,000\nJane Doe\n", encoding="utf-8")
    return _made(clips, "subtitled.mov", "-i", clips.conforming(rate="25"), "-i", words, "-c", "copy", "-c:s",
                 "mov_text", "-timecode", "01:02:03:04")  # fmt: skip


def empty(clips: Clips) -> Path:
    path = clips.conforming().with_name("empty.mp4")
    path.touch()
    return path
