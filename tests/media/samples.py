"""Model values for tests that need no file."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from orthanc_video.model import MediaInfo, Rational, VideoStream

# 1080p30, High profile, level 4.1: what most cameras write.
CAMERA = VideoStream(
    codec="h264",
    width=1920,
    height=1080,
    coded_width=1920,
    coded_height=1088,
    pixel_format="yuv420p",
    bit_depth=8,
    frames=300,
    rate=Rational(30),
    constant_rate=True,
    seconds=10.0,
    profile="High",
    profile_idc=100,
    level=41,
    reference_frames=4,
    bit_rate=8_000_000,
)
MP4 = MediaInfo(
    container="mov,mp4,m4a,3gp,3g2,mj2", size=10_000_000, video=CAMERA, brand="isom", streamable=True
)  # fmt: skip


def media(info: dict[str, Any] | None = None, **video: Any) -> MediaInfo:
    """The camera's MP4 with some fields of the file (``info``) and of its pictures changed."""
    return replace(MP4, video=replace(CAMERA, **video), **(info or {}))


def sized(width: int, height: int, **video: Any) -> MediaInfo:
    coded = {"coded_width": -(-width // 16) * 16, "coded_height": -(-height // 16) * 16}
    return media(width=width, height=height, **{**coded, **video})


def hevc(info: dict[str, Any] | None = None, **video: Any) -> MediaInfo:
    """The same camera's pictures as H.265."""
    coded = {"codec": "hevc", "profile": "Main", "profile_idc": 1, "level": 120, "coded_height": 1080}
    return media(info, **coded | video)


def mpeg2(info: dict[str, Any] | None = None, **video: Any) -> MediaInfo:
    """A DVD's pictures."""
    size = {"width": 720, "height": 576, "coded_width": 720, "coded_height": 576, "rate": Rational(25)}
    coded = {"codec": "mpeg2video", "profile": "Main", "profile_idc": 4, "level": 8, "reference_frames": 2}
    return media({"container": "mpeg", "streamable": False, "brand": ""} | (info or {}), **size | coded | video)
