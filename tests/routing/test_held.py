"""What the ladder is told of an object, out of what is known of stored videos and films."""

from __future__ import annotations

from fractions import Fraction

import pytest

from orthanc_video.dicom import syntaxes
from orthanc_video.film import Cadence, MultiFrame, Pixels
from orthanc_video.model import Located, MediaInfo, Rational, Span, VideoStream
from orthanc_video.routing import held

_ULTRASOUND = "1.2.840.10008.5.1.4.1.1.3.1"


def test_a_video_is_told_as_its_stream_says() -> None:
    stream = VideoStream(
        codec="h264", width=1280, height=720, coded_width=1280, coded_height=720, pixel_format="yuv420p", bit_depth=8,
        frames=300, rate=Rational(30000, 1001), constant_rate=True, seconds=10.01,
    )  # fmt: skip
    located = Located(
        transfer_syntax=syntaxes.H264_HIGH_41, sop_class="1.2", sop_instance="1.3", spans=(Span(100, 900),), length=900
    )
    found = held.of_video(located, MediaInfo(container="mpegts", size=900, video=stream), "ES", 1000)
    assert (found.rows, found.columns, found.frames, found.rate) == (720, 1280, 300, Fraction(30000, 1001))
    assert (found.size, found.container, found.modality, found.stream) == (1000, "mpegts", "ES", stream)
    assert found.video
    assert found.lossy


@pytest.mark.parametrize(
    ("syntax", "photometric", "before", "grey", "lossy"),
    [
        ("1.2.840.10008.1.2.4.50", "YBR_FULL_422", False, False, True),
        ("1.2.840.10008.1.2.1", "MONOCHROME2", False, True, False),
        ("1.2.840.10008.1.2.1", "MONOCHROME2", True, True, True),
        ("1.2.840.10008.1.2.4.90", "MONOCHROME1", False, True, False),
        ("1.2.840.10008.1.2.4.91", "YBR_ICT", False, False, True),
        ("1.2.840.10008.1.2.4.81", "RGB", False, False, True),
        ("1.2.840.10008.1.2.4.203", "RGB", False, False, True),
        ("1.2.840.10008.1.2.5", "PALETTE COLOR", False, False, False),
    ],
)
def test_a_film_is_told_as_its_pictures_are(
    syntax: str, photometric: str, before: bool, grey: bool, lossy: bool
) -> None:
    pixels = Pixels(
        rows=600, columns=800, samples=1, photometric=photometric, bits_allocated=16, bits_stored=12, high_bit=11
    )
    film = MultiFrame(
        transfer_syntax=syntax, sop_class=_ULTRASOUND, sop_instance="1.3", pixels=pixels,
        cadence=Cadence(step=Rational(1, 40), source="FrameTime"), frames=((Span(0, 5),),) * 7,
    )  # fmt: skip
    found = held.of_film(film, "US", 1000, lossy=before)
    assert (found.grey, found.lossy, found.bits, found.frames, found.rate) == (grey, lossy, 12, 7, Fraction(40))
    assert not found.video
    assert found.stream is None


def test_a_rate_that_is_guessed_is_none() -> None:
    pixels = Pixels(
        rows=6, columns=8, samples=1, photometric="MONOCHROME2", bits_allocated=8, bits_stored=8, high_bit=7
    )
    film = MultiFrame(
        transfer_syntax="1.2.840.10008.1.2", sop_class=_ULTRASOUND, sop_instance="1.3", pixels=pixels,
        cadence=Cadence(step=Rational(1, 25)), frames=((Span(0, 5),),) * 2,
    )  # fmt: skip
    assert held.of_film(film, "US", 1000).rate == 0
