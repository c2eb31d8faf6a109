"""What pictures become when they are coded anew as H.264: the size that a level holds, and that level. Pure."""

from __future__ import annotations

import dataclasses
from fractions import Fraction

from orthanc_video.bitstream import levels
from orthanc_video.model import Target, VideoStream

# What transcodes aim at.
HIGHEST_LEVEL = 42
_REFERENCES = 4


def whole(width: int, height: int, rate: Fraction, highest: int = HIGHEST_LEVEL) -> Target | None:
    """Even dimensions within level ``highest`` (a level_idc), and the lowest level that holds them; the pictures are
    upright, with square pixels. None where the rate is too high for any that show something."""
    while True:
        width, height = width + width % 2, height + height % 2
        level = _level(width, height, rate)
        if level is not None and level <= highest:
            return Target(width=width, height=height, level=level)
        if max(width, height) < 64:
            return None
        shrink = _shrink(width, height)
        width, height = max(2, round(width * shrink)), max(2, round(height * shrink))


def within(rows: int, target: Target, rate: Fraction) -> Target:
    """Of the same shape, with at most so many rows; both sides stay even."""
    height = max(2, rows // 2 * 2)
    width = max(2, round(target.width * height / target.height / 2) * 2)
    level = _level(width, height, rate) or target.level
    return dataclasses.replace(target, width=width, height=height, level=level)


def _level(width: int, height: int, rate: Fraction) -> int | None:
    return levels.lowest_level(-(-width // 16) * 16, -(-height // 16) * 16, rate, _REFERENCES)


def _shrink(width: int, height: int) -> float:
    """The next factor to try: at once down to Full HD where larger, then in small steps."""
    full_hd = min(1920 / max(width, height), 1080 / min(width, height))
    return full_hd if full_hd < 1 else 0.9


def upright(video: VideoStream) -> tuple[int, int]:
    """Displayed size with square pixels, after the container's rotation."""
    aspect = video.pixel_aspect.fraction
    width = round(video.width * aspect) if aspect > 1 else video.width
    height = round(video.height / aspect) if aspect < 1 else video.height
    return (height, width) if video.rotation in {90, 270} else (width, height)


def packing_kept(video: VideoStream) -> str:
    """How two views lie in one picture, where they still do after turning and scaling."""
    plain = not video.rotation and not video.mirrored and not video.change
    return video.packing if plain and video.packing in {"side by side", "top and bottom"} else ""
