"""The level limits of H.265, Main tier (ITU-T H.265 Tables A.8 and A.9, section A.4)."""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple


class Level(NamedTuple):
    """``idc`` is general_level_idc (153 is level 5.1); luma samples per picture and per second; bit/s of Main tier."""

    idc: int
    max_luma_ps: int
    max_luma_sr: int
    max_br: int


LEVELS = (
    Level(30, 36_864, 552_960, 128_000),
    Level(60, 122_880, 3_686_400, 1_500_000),
    Level(63, 245_760, 7_372_800, 3_000_000),
    Level(90, 552_960, 16_588_800, 6_000_000),
    Level(93, 983_040, 33_177_600, 10_000_000),
    Level(120, 2_228_224, 66_846_720, 12_000_000),
    Level(123, 2_228_224, 133_693_440, 20_000_000),
    Level(150, 8_912_896, 267_386_880, 25_000_000),
    Level(153, 8_912_896, 534_773_760, 40_000_000),
    Level(156, 8_912_896, 1_069_547_520, 60_000_000),
    Level(180, 35_651_584, 1_069_547_520, 60_000_000),
    Level(183, 35_651_584, 2_139_095_040, 120_000_000),
    Level(186, 35_651_584, 4_278_190_080, 240_000_000),
)


def lowest_level(
    coded_width: int, coded_height: int, rate: Fraction, held_pictures: int, bit_rate: int = 0
) -> int | None:
    """The lowest general_level_idc of Main tier that such pictures fit (H.265 A.4.1, A.4.2), None above 6.2.

    ``rate`` in pictures per second; ``held_pictures`` those that a decoder must hold, the one being decoded among
    them; ``bit_rate`` in bit/s, 0 when it does not matter.
    """
    size = coded_width * coded_height
    for level in LEVELS:
        if (
            size <= level.max_luma_ps
            and max(coded_width, coded_height) ** 2 <= 8 * level.max_luma_ps
            and size * rate <= level.max_luma_sr
            and held_pictures <= _most_held(size, level)
            and bit_rate <= level.max_br
        ):
            return level.idc
    return None


def _most_held(size: int, level: Level) -> int:
    """MaxDpbSize (A-2): six pictures of the largest size, more of smaller ones."""
    for part, pictures in ((4, 16), (2, 12)):
        if size * part <= level.max_luma_ps:
            return pictures
    return 8 if 4 * size <= 3 * level.max_luma_ps else 6
