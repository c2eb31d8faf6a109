"""The level limits of H.264 (ITU-T H.264 Table A-1 and section A.3)."""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple


class Level(NamedTuple):
    """One row of Table A-1.

    ``idc`` is level_idc (41 is level 4.1); ``max_mbps`` macroblocks per second; ``max_fs`` macroblocks per frame;
    ``max_dpb_mbs`` macroblocks in the decoded picture buffer; ``max_br`` the video bit rate in units of 1000 bit/s
    for the Baseline and Main profiles. The High profile may use 1.25 times that (Table A-2, cpbBrVclFactor 1250).
    """

    idc: int
    max_mbps: int
    max_fs: int
    max_dpb_mbs: int
    max_br: int


# Level 1b is left out: its level_idc depends on the profile, and it differs from level 1 in bit rate only.
LEVELS = (
    Level(10, 1_485, 99, 396, 64),
    Level(11, 3_000, 396, 900, 192),
    Level(12, 6_000, 396, 2_376, 384),
    Level(13, 11_880, 396, 2_376, 768),
    Level(20, 11_880, 396, 2_376, 2_000),
    Level(21, 19_800, 792, 4_752, 4_000),
    Level(22, 20_250, 1_620, 8_100, 4_000),
    Level(30, 40_500, 1_620, 8_100, 10_000),
    Level(31, 108_000, 3_600, 18_000, 14_000),
    Level(32, 216_000, 5_120, 20_480, 20_000),
    Level(40, 245_760, 8_192, 32_768, 20_000),
    Level(41, 245_760, 8_192, 32_768, 50_000),
    Level(42, 522_240, 8_704, 34_816, 50_000),
    Level(50, 589_824, 22_080, 110_400, 135_000),
    Level(51, 983_040, 36_864, 184_320, 240_000),
    Level(52, 2_073_600, 36_864, 184_320, 240_000),
)

_HIGH_PROFILE_BITS = 1250
_MOST_FRAMES = 16  # A.3.1: MaxDpbFrames is never more, however small the pictures


def lowest_level(
    coded_width: int, coded_height: int, rate: Fraction, reference_frames: int, bit_rate: int = 0
) -> int | None:
    """The lowest level_idc that High profile pictures fit (H.264 A.3.1), or None when they fit none up to 5.2.

    ``coded_width`` × ``coded_height`` in pixels (height of a frame, not a field); ``rate`` in frames per second;
    ``reference_frames`` those that the decoder must hold; ``bit_rate`` in bit/s, 0 when it does not matter.
    """
    width, height = -(-coded_width // 16), -(-coded_height // 16)
    size = width * height
    if reference_frames > _MOST_FRAMES:
        return None
    for level in LEVELS:
        if (
            size <= level.max_fs
            and max(width, height) ** 2 <= 8 * level.max_fs
            and size * rate <= level.max_mbps
            and size * reference_frames <= level.max_dpb_mbs
            and bit_rate <= level.max_br * _HIGH_PROFILE_BITS
        ):
            return level.idc
    return None


def maximum_bit_rate(level_idc: int) -> int:
    """The highest bit rate, in bit/s, of a High profile stream at this level (H.264 Tables A-1 and A-2)."""
    return next(level.max_br for level in LEVELS if level.idc == level_idc) * _HIGH_PROFILE_BITS
