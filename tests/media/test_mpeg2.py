"""Which of MPEG-2's formats a video becomes."""

from __future__ import annotations

from fractions import Fraction

import pytest

from orthanc_video.dicom import syntaxes
from orthanc_video.media.mpeg2 import format_of
from orthanc_video.model import Rational, VideoStream


def video(width: int, height: int, rate: Fraction) -> VideoStream:
    return VideoStream(
        codec="h264", width=width, height=height, coded_width=width, coded_height=height, pixel_format="yuv420p",
        bit_depth=8, frames=10, rate=Rational.of(rate), constant_rate=True, seconds=1.0,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("uid", "size", "rate", "made"),
    [
        (syntaxes.MPEG2_MAIN, (1920, 1080), Fraction(25), (576, Fraction(25))),
        (syntaxes.MPEG2_MAIN, (1920, 1080), Fraction(30000, 1001), (480, Fraction(30000, 1001))),
        (syntaxes.MPEG2_MAIN, (640, 480), Fraction(60), (480, Fraction(30))),
        (syntaxes.MPEG2_HIGH, (1920, 1080), Fraction(60), (720, Fraction(60))),
        (syntaxes.MPEG2_HIGH, (1920, 1080), Fraction(30), (1080, Fraction(30))),
        (syntaxes.MPEG2_HIGH, (1280, 720), Fraction(25), (720, Fraction(25))),
        (syntaxes.MPEG2_HIGH, (640, 480), Fraction(24), (720, Fraction(25))),
        (syntaxes.MPEG2_HIGH, (1600, 1000), Fraction(30), (1080, Fraction(30))),
    ],
)
def test_the_rate_comes_first_then_the_rows(
    uid: str, size: tuple[int, int], rate: Fraction, made: tuple[int, Fraction]
) -> None:
    found, at = format_of(syntaxes.BY_UID[uid], video(*size, rate))
    assert (found.height, at) == made
