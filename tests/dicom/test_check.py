"""Objects against their streams, and what of damaged ones is said. What ``check`` finds: test_planted.py."""

from __future__ import annotations

import dataclasses
import functools
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies
from pydicom.dataset import Dataset

from clips import Clips
from dicom.films import attributes, fragmented
from dicom.objects import Counting, item
from dicom.planting import described, header, pixel_data
from orthanc_video.dicom import check, syntaxes
from orthanc_video.dicom.checks.finding import KINDS
from orthanc_video.errors import Nonconforming, VideoError
from orthanc_video.film import MultiFrame
from orthanc_video.model import Located, MediaInfo, Rational, Span, VideoStream

SIZE = 2_000_000

SEEN = VideoStream(
    codec="h264",
    width=640,
    height=480,
    coded_width=640,
    coded_height=480,
    pixel_format="yuv420p",
    bit_depth=8,
    frames=300,
    rate=Rational(30000, 1001),
    constant_rate=True,
    seconds=10.01,
    profile="High",
    profile_idc=100,
    level=40,
)

HEVC: dict[str, object] = {"codec": "hevc", "profile": "Main", "profile_idc": 1, "level": 90}
MPEG2: dict[str, object] = {"codec": "mpeg2video", "profile": "Main", "profile_idc": 4, "level": 8}


def located(syntax: str = syntaxes.H264_HIGH_41) -> Located:
    return Located(transfer_syntax=syntax, sop_class="", sop_instance="", spans=(Span(1000, SIZE),), length=SIZE)


def said() -> Dataset:
    dataset = Dataset()
    dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.77.1.4.1"
    dataset.SamplesPerPixel = 3
    dataset.PhotometricInterpretation = "YBR_PARTIAL_420"
    dataset.Rows, dataset.Columns = 480, 640
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 8, 8, 7, 0
    dataset.NumberOfFrames = 300
    dataset.FrameIncrementPointer = 0x00181063
    dataset.FrameTime = "33.367"
    dataset.CineRate = 30
    return dataset


def findings(dataset: Dataset, where: Located | None = None, **seen: object) -> list[str]:
    stream = dataclasses.replace(SEEN, **seen)  # type: ignore[arg-type]
    return [one.sentence for one in check.of_stream(dataset, where or located(), stream)]


def test_nothing_is_found_where_all_agrees() -> None:
    assert findings(said()) == []


@pytest.mark.parametrize(
    ("keyword", "value", "finding"),
    [
        ("NumberOfFrames", 299, "NumberOfFrames is 299, but the stream has 300."),
        ("Rows", 486, "Rows is 486, but the stream has 480."),
        ("Columns", 720, "Columns is 720, but the stream has 640."),
        ("FrameTime", "40", "FrameTime is 40 ms, but the stream's frames last 33.3667 ms."),
        ("CineRate", 25, "CineRate is 25, but the stream has 29.97 frames per second."),
        ("CineRate", "", ""),
    ],
)
def test_what_the_object_says_wrong(keyword: str, value: object, finding: str) -> None:
    dataset = said()
    setattr(dataset, keyword, value)
    assert findings(dataset) == ([finding] if finding else [])


@pytest.mark.parametrize("frame_time", ["33.37", "33.366", "33.3666666666667"])
def test_a_rounded_frame_time_is_none(frame_time: str) -> None:
    dataset = said()
    dataset.FrameTime = frame_time
    assert findings(dataset) == []


def test_a_rounding_that_adds_up_to_more_than_a_frame_is_one() -> None:
    dataset = said()
    dataset.FrameTime, dataset.NumberOfFrames = "33.33", 3000
    assert len(findings(dataset, frames=3000)) == 1


def test_one_large_picture_exceeds_no_level() -> None:
    dataset = said()
    dataset.NumberOfFrames = 1
    assert findings(dataset, frames=1, seconds=0.0334, bit_rate=150_000_000) == []
    long = "The pictures' size, rate and buffering need level 5.1."
    assert findings(said(), seconds=10.01, bit_rate=250_000_000) == [long]


def test_a_varying_rate_has_no_frame_time_to_compare() -> None:
    dataset = said()
    dataset.FrameTime, dataset.CineRate = "40", None
    assert findings(dataset, constant_rate=False) == [
        "The stream's frames last differently long: 29.97 per second on average."
    ]


@pytest.mark.parametrize(
    ("syntax", "seen", "part"),
    [
        (syntaxes.H264_HIGH_41, {"codec": "hevc"}, "the stream's codec is hevc"),
        (syntaxes.H264_HIGH_41, {"level": 42}, "allows level 4.1, but the stream says level 4.2"),
        (syntaxes.H264_HIGH_41, {"profile_idc": 122, "profile": "High 4:2:2"}, "profile, High 4:2:2."),
        (syntaxes.H264_HIGH_41, {"profile_idc": 88, "profile": "Baseline"}, "profile, Baseline."),
        (syntaxes.H264_HIGH_42, {"profile_idc": 128, "profile": "Stereo High"}, "profile, Stereo High."),
        (syntaxes.HEVC_MAIN, HEVC | {"profile": "Main 10", "profile_idc": 2}, "profile, Main 10."),
        (syntaxes.HEVC_MAIN, HEVC | {"high_tier": True}, "High tier"),
        (syntaxes.HEVC_MAIN, HEVC | {"level": 156}, "allows level 5.1, but the stream says level 5.2"),
        (syntaxes.HEVC_MAIN_10, HEVC, "10-bit 4:2:0"),
        (syntaxes.MPEG2_MAIN, MPEG2 | {"profile": "4:2:2", "profile_idc": 0}, "profile, 4:2:2."),
        (syntaxes.MPEG2_MAIN, MPEG2 | {"level": 4}, "allows level Main, but the stream says level High"),
        (syntaxes.MPEG2_MAIN, MPEG2 | {"bit_rate": 16_000_000}, "16 Mbit/s are more than the 15"),
        (syntaxes.MPEG2_HIGH, MPEG2, "640 × 480 progressive at 29.97 frames/s is none of the formats"),
        (syntaxes.H264_BD, {}, "none of the formats"),
        (syntaxes.H264_HIGH_41, {"pixel_aspect": Rational(4, 3)}, "Pixels are 4:3, but must be square (PS3.5 8.2.7)"),
        (syntaxes.H264_HIGH_41, {"pixel_format": "yuv444p"}, "yuv444p"),
    ],
)
def test_another_coding_than_the_transfer_syntax(syntax: str, seen: dict[str, object], part: str) -> None:
    (finding,) = findings(said(), located(syntax), **seen)
    assert part in finding


@pytest.mark.parametrize(
    ("syntax", "seen"),
    [
        (syntaxes.H264_HIGH_41, {"profile_idc": 66, "profile": "Constrained Baseline"}),
        (syntaxes.H264_HIGH_41 + ".1", {"profile_idc": 77, "profile": "Main"}),
        ("1.2.840.10008.1.2.4.106", {"views": 2, "level": 42}),
        (syntaxes.HEVC_MAIN_10, HEVC | {"profile": "Main 10", "profile_idc": 2, "bit_depth": 10}),
        (syntaxes.HEVC_MAIN, HEVC),
        (syntaxes.MPEG2_MAIN, MPEG2),
        (syntaxes.MPEG2_MAIN, MPEG2 | {"pixel_aspect": Rational(8, 9), "progressive": False}),
    ],
)
def test_what_decoders_of_the_transfer_syntax_must_know(syntax: str, seen: dict[str, object]) -> None:
    dataset = said()
    if "pixel_aspect" in seen:
        dataset.PixelAspectRatio = [9, 8]  # height first
    assert findings(dataset, located(syntax), **seen) == []


@given(
    value=strategies.one_of(strategies.text(max_size=12), strategies.floats(), strategies.integers()),
    keyword=strategies.sampled_from(["Rows", "NumberOfFrames", "FrameTime", "CineRate"]),
    rate=strategies.fractions(Fraction(1, 100), 10_000),
)
def test_hostile_values_are_findings_at_worst(value: object, keyword: str, rate: Fraction) -> None:
    class Odd(Dataset):
        def get(self, key: object, default: object = None) -> object:  # type: ignore[override]
            return value if key == keyword else super().get(key, default)  # type: ignore[call-overload]

    odd = Odd()
    odd.update(said())
    assert all(isinstance(one, str) for one in findings(odd, rate=Rational.of(rate)))


@given(data=strategies.data())
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_damaged_header_is_a_sentence_or_findings(clips: Clips, data: strategies.DataObject) -> None:
    whole = whole_object(clips)
    damaged = bytearray(whole)
    for _ in range(data.draw(strategies.integers(1, 4))):
        at = data.draw(strategies.integers(132, len(damaged) - 1))
        kind = data.draw(strategies.sampled_from(["change", "insert", "remove", "cut"]))
        if kind == "change":
            damaged[at : at + 1] = data.draw(strategies.binary(min_size=1, max_size=1))
        elif kind == "insert":
            damaged[at:at] = data.draw(strategies.binary(min_size=1, max_size=8))
        elif kind == "remove":
            del damaged[at : at + data.draw(strategies.integers(1, 8))]
        elif at > 1000:
            del damaged[at:]
    try:
        examined = check.examine(Counting(bytes(damaged)))
    except VideoError:
        return
    if isinstance(examined.found, Located):
        check.of_media(examined.said, examined.found, MediaInfo(container="mpegts", size=SIZE, video=SEEN))
    assert all(one.sentence and one.code in KINDS for one in examined.findings)


@functools.cache
def whole_object(clips: Clips) -> bytes:
    """A clean one, its stream cut to what an MP4's beginning is."""
    path = clips.conforming()
    return header(described(path)) + pixel_data([path.read_bytes()[:256]])


def _film(**more: Any) -> tuple[str, ...]:
    dataset = attributes(**more)
    examined = check.examine(Counting(fragmented([b"\xff\xd8ab"] * 3, dataset)))
    assert isinstance(examined.found, MultiFrame)
    return tuple(f"{one.code}: {one.sentence}" for one in examined.findings)


def test_nothing_is_found_of_a_film_where_all_agrees() -> None:
    assert _film() == ()


@pytest.mark.parametrize(
    ("more", "finding"),
    [
        ({"NumberOfFrames": 4}, "frame-layout: NumberOfFrames is 4, but the object holds 3."),
        ({"Modality": None}, "attribute-missing: The required attribute Modality is missing."),
        (
            {"FrameTime": None, "FrameIncrementPointer": 0x00280008},
            "cadence: No attribute says how long a frame is shown; 25 frames per second are taken.",
        ),
    ],
)
def test_what_a_film_says_wrong(more: dict[str, object], finding: str) -> None:
    assert _film(**more) == (finding,)


def test_a_films_fragments_of_odd_length_are_found() -> None:
    odd = fragmented([b"\xff\xd8ab"] * 3, attributes()).replace(item(4) + b"\xff\xd8ab", item(3) + b"\xff\xd8a", 1)
    assert [one.code for one in check.examine(Counting(odd)).findings] == ["fragment-odd"]


def test_what_is_about_to_be_stored_is_refused_with_its_errors() -> None:
    stored = Counting(fragmented([b"\xff\xd8ab"] * 3, attributes(Modality="", PatientSex="W")))
    with pytest.raises(Nonconforming, match=r"Modality has no value\. \(PS3\.3 C\.7\.3\.1\) PatientSex has a value"):
        check.refuse_faulty(stored, SEEN, None)
    known = check.errors(check.examine(stored).findings)
    with pytest.raises(Nonconforming, match="not stored: PatientSex has a value"):
        check.refuse_faulty(stored, SEEN, None, known[:1])
    check.refuse_faulty(stored, SEEN, None, known)
    check.refuse_faulty(Counting(fragmented([b"\xff\xd8ab"] * 3, attributes())), SEEN, None)
