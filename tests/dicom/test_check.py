"""The first look: nothing is found of what this project writes, and each contradiction once."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, strategies
from pydicom.dataset import Dataset

from dicom.conftest import Prepared
from dicom.films import attributes, fragmented
from dicom.objects import Counting
from orthanc_video.dicom import check, multiframe, syntaxes
from orthanc_video.dicom.build import build
from orthanc_video.model import Action, Located, MultiFrame, Rational, Span, VideoStream

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


def located(syntax: str = syntaxes.H264_HIGH_41, *lengths: int) -> Located:
    spans = tuple(Span(1000, length) for length in lengths or (2000,))
    return Located(transfer_syntax=syntax, sop_class="", sop_instance="", spans=spans, length=2000)


def said() -> Dataset:
    dataset = Dataset()
    dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.77.1.4.1"
    dataset.SOPInstanceUID = dataset.StudyInstanceUID = dataset.SeriesInstanceUID = "2.25.1"
    dataset.Modality = "XC"
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
    place, stream = where or located(), dataclasses.replace(SEEN, **seen)  # type: ignore[arg-type]
    return check.of_object(dataset, place) + check.of_stream(dataset, place, stream)


@pytest.mark.parametrize("action", Action)
def test_nothing_is_found_of_what_this_project_writes(prepared: Callable[[Action], Prepared], action: Action) -> None:
    one = prepared(action)
    dataset = build(one.upload, one.info, one.plan, one.made)
    place = located(one.plan.transfer_syntax)
    assert check.of_object(dataset, place) == []
    assert check.of_stream(dataset, place, one.made.video) == []


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
        ("Modality", "", "The required attribute Modality is missing or empty."),
        ("FrameTime", "", "FrameIncrementPointer names FrameTime, which is missing or no number."),
    ],
)
def test_what_the_object_says_wrong(keyword: str, value: object, finding: str) -> None:
    dataset = said()
    setattr(dataset, keyword, value)
    assert findings(dataset) == [finding]


@pytest.mark.parametrize("frame_time", ["33.37", "33.366", "33.3666666666667"])
def test_a_rounded_frame_time_is_none(frame_time: str) -> None:
    dataset = said()
    dataset.FrameTime = frame_time
    assert findings(dataset) == []


def test_a_rounding_that_adds_up_to_more_than_a_frame_is_one() -> None:
    dataset = said()
    dataset.FrameTime, dataset.NumberOfFrames = "33.33", 3000
    assert len(findings(dataset, frames=3000)) == 1


def test_a_varying_rate_has_no_frame_time_to_compare() -> None:
    dataset = said()
    dataset.FrameTime, dataset.CineRate = "40", None
    assert findings(dataset, constant_rate=False) == []


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
    assert findings(said(), located(syntax), **seen) == []


def test_fragments() -> None:
    one, many = "1.2.840.10008.1.2.4.102", (1000, 999, 1)
    assert findings(said(), located(one, *many)) == [
        "The stream lies in 3 fragments; this transfer syntax demands one (PS3.5 8.2.5 to 8.2.8).",
        "2 of 3 fragments have an odd length; it must be even (PS3.5 A.4).",
    ]
    assert findings(said(), located(f"{one}.1", 1000, 1000)) == []


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


def _film(**more: Any) -> tuple[Dataset, MultiFrame]:
    dataset = attributes(StudyInstanceUID="2.25.2", SeriesInstanceUID="2.25.3", **more)
    return dataset, multiframe.locate(Counting(fragmented([b"\xff\xd8ab"] * 3, dataset)))


def test_nothing_is_found_of_a_film_where_all_agrees() -> None:
    assert check.of_frames(*_film()) == []


@pytest.mark.parametrize(
    ("more", "finding"),
    [
        ({"NumberOfFrames": 4}, "NumberOfFrames is 4, but the object holds 3."),
        ({"Modality": None}, "The required attribute Modality is missing or empty."),
        (
            {"FrameTime": None, "FrameIncrementPointer": 0x00280008},
            "No attribute says how long a frame is shown; 25 frames per second are taken.",
        ),
    ],
)
def test_what_a_film_says_wrong(more: dict[str, object], finding: str) -> None:
    assert check.of_frames(*_film(**more)) == [finding]


def test_fragments_of_odd_length_are_found() -> None:
    dataset, found = _film()
    first, *others = found.frames
    odd = dataclasses.replace(found, frames=((Span(first[0].offset, 3),), *others))
    assert check.of_frames(dataset, odd) == ["1 of 3 fragments have an odd length; it must be even (PS3.5 A.4)."]
