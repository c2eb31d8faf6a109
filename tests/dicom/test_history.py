"""What an object tells of its making is found again, whatever its file was called."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orthanc_video.dicom.history import contribution, derivation, history_of, read
from orthanc_video.dicom.syntaxes import H264_HIGH_41
from orthanc_video.model import Action, Counts, Demands, Figure, Made, Plan, Quality, Rational, Upload, VideoStream

_VIDEO = VideoStream(
    codec="h264", width=16, height=16, coded_width=16, coded_height=16, pixel_format="yuv420p", bit_depth=8, frames=1,
    rate=Rational(25), constant_rate=True, seconds=0.04,
)  # fmt: skip
_UPLOAD = Upload(id="1", path="x", size=123, sha256="ab" * 32, filename="a.mp4")
_MADE = Made(path="x", size=1, video=_VIDEO)
_QUALITY = Quality(
    psnr=Figure(whole=44.49, percentile=43.3, lowest=38.0),
    ssim=Figure(whole=0.99432, percentile=0.9927, lowest=-0.1),
    frames=240,
    lowest_frame=17,
    crf=20,
)


def _plan(action: Action) -> Plan:
    return Plan(action=action, transfer_syntax=H264_HIGH_41, reasons=("The codec is vp9.", "It fits."))


_decibels = st.integers(0, 10_000).map(lambda value: value / 100)
_likeness = st.integers(-100_000, 100_000).map(lambda value: value / 100_000)
_large = st.integers(0, 10**7)


def _figures(values: st.SearchStrategy[float]) -> st.SearchStrategy[Figure]:
    return st.builds(Figure, whole=values, percentile=values, lowest=values)


_qualities = st.builds(
    Quality, psnr=_figures(_decibels), ssim=_figures(_likeness), vmaf=st.none() | _figures(_decibels), frames=_large,
    lowest_frame=_large, crf=st.integers(0, 51), attempts=st.integers(1, 2),
    demands=st.builds(Demands, psnr=_decibels, ssim=st.integers(0, 100).map(lambda value: value / 100)),
)  # fmt: skip
_counts = st.builds(
    Counts, coded=_large, decoded=_large, written=_large, damaged=_large, failed=_large, hidden=st.booleans()
)


@given(st.text(max_size=400), _qualities, _counts)
def test_quality_and_counts_of_a_transcode_are_found_again(name: str, quality: Quality, counts: Counts) -> None:
    upload = replace(_UPLOAD, filename=name)
    told = history_of(upload, _plan(Action.TRANSCODE), replace(_MADE, quality=quality, counts=counts))
    words = contribution(upload, told)
    assert len(words) <= 1024
    found = read(words)
    assert found is not None
    assert (found.action, found.sha256, found.quality, found.counts) == ("transcode", "ab" * 32, quality, counts)
    assert told.reasons.startswith(found.reasons)


def test_the_proof_of_a_remux_is_found_again() -> None:
    made = replace(_MADE, pictures="cd" * 32, source_pictures="cd" * 32)
    found = read(contribution(_UPLOAD, history_of(_UPLOAD, _plan(Action.REMUX), made)))
    assert found is not None
    assert (found.pictures, found.reasons) == (("cd" * 32, "cd" * 32), "The codec is vp9. It fits.")


def test_a_part_of_a_film_tells_of_all_of_it() -> None:
    made = replace(_MADE, pictures="cd" * 32, source_pictures="cd" * 32, part=2, parts=3, first=9)
    words = contribution(_UPLOAD, history_of(_UPLOAD, _plan(Action.WRAP), made))
    assert words.startswith("Part 2 of 3, frames 10 to 10 of the film. wrap: source file")
    found = read(words)
    assert found is not None
    assert found == history_of(_UPLOAD, _plan(Action.WRAP), made)
    assert not found.is_file


def test_a_wrap_says_that_it_is_the_file() -> None:
    words = contribution(_UPLOAD, history_of(_UPLOAD, _plan(Action.WRAP), _MADE))
    assert "SHA-256 " + "ab" * 32 + ". The stream is the source file, byte for byte. The codec" in words
    found = read(words)
    assert found is not None
    assert (found.action, found.reasons, found.pictures, found.quality) == (
        "wrap",
        "The codec is vp9. It fits.",
        None,
        None,
    )


def test_what_earlier_versions_wrote_is_read() -> None:
    found = read('remux: source file "a "b" c.mkv", 12 bytes, SHA-256 ' + "ab" * 32 + ". The pictures are H.264.")
    assert found is not None
    assert (found.action, found.sha256, found.reasons) == ("remux", "ab" * 32, "The pictures are H.264.")
    assert (found.quality, found.counts, found.pictures) == (None, None, None)


def test_a_file_name_cannot_tell_a_quality() -> None:
    lie = contribution(_UPLOAD, history_of(_UPLOAD, _plan(Action.TRANSCODE), replace(_MADE, quality=_QUALITY)))
    upload = replace(_UPLOAD, sha256="ef" * 32, filename=lie.partition('"')[2])
    found = read(contribution(upload, history_of(upload, _plan(Action.TRANSCODE), _MADE)))
    assert found is not None
    assert (found.sha256, found.quality) == ("ef" * 32, None)


@pytest.mark.parametrize("words", ["", "Scanned by hand.", "transcode: by another program"])
def test_other_writers_tell_nothing(words: str) -> None:
    assert read(words) is None


def test_a_derivation_says_what_it_cost_and_whether_that_was_too_much() -> None:
    poor = replace(_QUALITY, psnr=Figure(whole=31.5, percentile=30.0, lowest=29.0), attempts=2)
    words = derivation(history_of(_UPLOAD, _plan(Action.TRANSCODE), replace(_MADE, quality=poor)))
    assert "PSNR 31.50" in words
    assert "at attempt 2; at least 35 dB and 0.95 are demanded: not met." in words
