"""A sender's data set and its stream put together: what is derived, what is replaced, what is refused. Pure."""

from __future__ import annotations

import copy
import dataclasses
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataset import Dataset

from orthanc_video.dicom import jsonmodel, sent
from orthanc_video.dicom.sent import Completed
from orthanc_video.errors import BadRequest, Nonconforming, UnsupportedClass, UnsupportedMedia
from orthanc_video.model import Action, Made, MediaInfo, Plan, Rational, Sound, Upload, VideoStream
from stow import described

_VIDEO = VideoStream(
    codec="h264", width=1280, height=720, coded_width=1280, coded_height=720, pixel_format="yuv420p", bit_depth=8,
    frames=300, rate=Rational(30000, 1001), constant_rate=True, seconds=10.01, profile="High", profile_idc=100,
    level=31,
)  # fmt: skip
_INFO = MediaInfo(
    container="mov,mp4,m4a,3gp,3g2,mj2", size=3_000_000, video=_VIDEO, brand="isom", entry="avc1", streamable=True
)
_UPLOAD = Upload(id="1", path="", size=3_000_000, sha256="ab" * 32, received="2026-03-04T05:06:07+00:00")
_AAC = Sound(codec="aac", rate=48000, channels=2, bit_rate=128_000)


def _said(**more: Any) -> Dataset:
    return jsonmodel.read(described("1", **more)).dataset


def _completed(said: Dataset, info: MediaInfo = _INFO) -> Completed:
    made = Made(path="", size=info.size, video=info.video, probed=info)
    return sent.completed(said, _UPLOAD, sent.unchanged(info), made)


def test_what_is_left_out_is_derived_and_nothing_else_changes() -> None:
    said = _said(CineRate=30)
    before = copy.deepcopy(said)
    done = _completed(said)
    assert (done.coerced, done.filled) == ((), ())
    assert "OriginalAttributesSequence" not in done.dataset
    assert all(done.dataset[element.tag] == element for element in before)
    added = {element.keyword for element in done.dataset} - {element.keyword for element in before}
    assert added == {
        "SamplesPerPixel", "PhotometricInterpretation", "PlanarConfiguration", "Rows", "Columns", "BitsAllocated",
        "BitsStored", "HighBit", "PixelRepresentation", "NumberOfFrames", "FrameIncrementPointer", "FrameTime",
        "LossyImageCompression", "LossyImageCompressionRatio", "LossyImageCompressionMethod",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("wrong", "true"),
    [
        ({"Rows": 480}, {"Rows": 720}),
        ({"SamplesPerPixel": 1}, {"SamplesPerPixel": 3}),
        ({"PhotometricInterpretation": "RGB"}, {"PhotometricInterpretation": "YBR_PARTIAL_420"}),
        ({"BitsStored": 10}, {"BitsStored": 8}),
        ({"NumberOfFrames": 299}, {"NumberOfFrames": 300}),
        ({"CineRate": 25}, {"CineRate": 30}),
        ({"FrameTime": 40, "FrameIncrementPointer": 0x00181063}, {"FrameIncrementPointer": 0x00181063}),
        ({"PixelAspectRatio": ["1", "1"]}, {"PixelAspectRatio": None}),
        ({"LossyImageCompression": "00"}, {"LossyImageCompression": "01"}),
        ({"FrameIncrementPointer": 0x00181065, "FrameTimeVector": ["0", "33"]}, {"FrameTimeVector": None}),
    ],
)
def test_what_contradicts_the_stream_is_replaced_and_kept_as_it_was(
    wrong: dict[str, Any], true: dict[str, Any]
) -> None:
    done = _completed(_said(**wrong))
    (item,) = done.dataset.OriginalAttributesSequence
    (old,) = item.ModifiedAttributesSequence
    assert {element.keyword for element in old} == set(done.coerced) <= set(wrong)
    for keyword in done.coerced:
        assert old[keyword].value == _said(**wrong)[keyword].value
    for keyword, value in true.items():
        assert done.dataset.get(keyword) == value
    assert _completed(done.dataset).coerced == (), "what was made right is right"


def test_a_rounded_frame_time_that_never_drifts_by_a_frame_stays() -> None:
    done = _completed(_said(FrameTime="33.37", FrameIncrementPointer=0x00181063))
    assert (done.coerced, str(done.dataset.FrameTime)) == ((), "33.37")


def test_compressions_before_the_streams_own_stay_before_it() -> None:
    said = _said(LossyImageCompression="01", LossyImageCompressionRatio="10", LossyImageCompressionMethod="ISO_10918_1")
    done = _completed(said)
    assert list(done.dataset.LossyImageCompressionMethod) == ["ISO_10918_1", "ISO_14496_10"]
    assert [float(one) for one in done.dataset.LossyImageCompressionRatio] == [10, 276.48]
    assert set(done.coerced) == {"LossyImageCompressionRatio", "LossyImageCompressionMethod"}


def test_type_2_is_filled_and_told() -> None:
    said = _said()
    del said.Manufacturer
    done = _completed(said)
    assert (done.filled, done.dataset.Manufacturer) == (("Manufacturer",), "")


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("PatientBirthDate", "notadate"), ("StudyDate", "2026-13-45"), ("StudyDate", "20260230"),
        ("StudyDate", "20260101-20260102"), ("StudyTime", "99"), ("AcquisitionDateTime", "20261301"),
        ("SeriesNumber", 99999999999), ("SeriesNumber", 3.5), ("FrameTime", "x"), ("PatientAge", "45"),
        ("PatientName", {"Alphabetic": "x" * 300}), ("StudyDescription", "x" * 500), ("AccessionNumber", "x" * 100),
        ("StudyID", "x" * 50), ("Laterality", "left"), ("ImageComments", "x" * 10_241),
    ],
)  # fmt: skip
def test_values_that_the_standard_forbids_are_discarded(keyword: str, value: Any) -> None:
    """PS3.5 6.2."""
    tag = f"{tag_for_keyword(keyword):08X}"
    model = described("1") | {tag: {"vr": dictionary_VR(keyword), "Value": [value]}}
    said = jsonmodel.read(model)
    assert (said.discarded, keyword in said.dataset) == ((keyword,), False)
    done = _completed(said.dataset)
    assert keyword == "FrameTime" or not done.dataset.get(keyword)


@pytest.mark.parametrize(
    ("keyword", "value", "kept"),
    [("StudyID", "内" * 16, "内" * 16), ("SeriesNumber", 3.0, "3"), ("StudyDate", "20240229", "20240229"),
     ("PatientName", {"Alphabetic": "x" * 64, "Ideographic": "x" * 64}, "x" * 64 + "=" + "x" * 64)],
)  # fmt: skip
def test_values_that_just_fit_stay(keyword: str, value: Any, kept: str) -> None:
    tag = f"{tag_for_keyword(keyword):08X}"
    said = jsonmodel.read(described("1") | {tag: {"vr": dictionary_VR(keyword), "Value": [value]}})
    assert (said.discarded, str(said.dataset[keyword].value)) == ((), kept)


def test_sound_that_dicom_allows_stays_and_is_described() -> None:
    info = dataclasses.replace(_INFO, sounds=(_AAC,), audio_codecs=("aac",))
    done = _completed(_said(), info)
    assert len(done.dataset.MultiplexedAudioChannelsDescriptionCodeSequence) == 1


@pytest.mark.parametrize(
    ("info", "words"),
    [
        (dataclasses.replace(_INFO, brand="qt  "), "QuickTime"),
        (dataclasses.replace(_INFO, container="matroska,webm"), "container"),
        (dataclasses.replace(_INFO, container="h264", brand=""), "container"),
        (dataclasses.replace(_INFO, video=dataclasses.replace(_VIDEO, codec="vp9")), "vp9"),
        (dataclasses.replace(_INFO, video=dataclasses.replace(_VIDEO, level=52)), "level"),
        (dataclasses.replace(_INFO, video=dataclasses.replace(_VIDEO, pixel_format="yuv422p")), "4:2:0"),
        (dataclasses.replace(_INFO, video=dataclasses.replace(_VIDEO, pixel_aspect=Rational(4, 3))), "square"),
        (
            dataclasses.replace(_INFO, sounds=(dataclasses.replace(_AAC, rate=44100),), audio_codecs=("aac",)),
            "sound",
        ),
    ],
)
def test_streams_that_do_not_conform_are_named_for_what_does_not(info: MediaInfo, words: str) -> None:
    with pytest.raises(UnsupportedMedia, match=words):
        sent.unchanged(info)


@pytest.mark.parametrize(
    "info",
    [
        dataclasses.replace(_INFO, streamable=False),
        dataclasses.replace(_INFO, container="mpegts", brand="", packet=188),
        dataclasses.replace(_INFO, extras=("titles",), user_data=True),
    ],
)
def test_what_is_merely_unhandy_is_stored_as_it_is(info: MediaInfo) -> None:
    assert sent.unchanged(info).action is Action.WRAP


@pytest.mark.parametrize(
    ("keyword", "value", "error"),
    [
        ("SOPInstanceUID", "", BadRequest),
        ("SOPInstanceUID", "1.02", BadRequest),
        ("SOPClassUID", "1." * 40 + "1", BadRequest),
        ("SOPClassUID", "1.2.840.10008.5.1.4.1.1.2", UnsupportedClass),
        ("StudyInstanceUID", "", Nonconforming),
        ("SeriesInstanceUID", "x", Nonconforming),
    ],
)
def test_who_it_is_has_to_be_said(keyword: str, value: str, error: type[Exception]) -> None:
    said = _said()
    setattr(said, keyword, value)
    with pytest.raises(error):
        sent.identity(said)


def test_the_history_of_a_transcode_is_told() -> None:
    plan = Plan(action=Action.TRANSCODE, transfer_syntax="1.2.840.10008.1.2.4.102", reasons=("It was VP9.",))
    done = sent.completed(_said(), _UPLOAD, plan, Made(path="", size=3_000_000, video=_VIDEO, probed=_INFO))
    assert done.coerced == ("ImageType",)
    assert list(done.dataset.ImageType) == ["DERIVED", "PRIMARY"]
    assert "It was VP9." in done.dataset.ContributingEquipmentSequence[0].ContributionDescription


_NUMBERS = st.integers(0, 65535)


@settings(deadline=None)
@given(
    st.fixed_dictionaries(
        {},
        optional={
            "Rows": _NUMBERS, "Columns": _NUMBERS, "SamplesPerPixel": _NUMBERS, "HighBit": _NUMBERS,
            "NumberOfFrames": st.integers(-5, 10**9), "FrameTime": st.integers(-5, 10**5),
            "CineRate": st.integers(0, 500),
            "PhotometricInterpretation": st.sampled_from(["RGB", "", "YBR_FULL"]),
            "LossyImageCompression": st.sampled_from(["00", "01", ""]),
            "LossyImageCompressionRatio": st.lists(st.integers(1, 500), max_size=3),
            "LossyImageCompressionMethod": st.lists(st.sampled_from(["ISO_10918_1", "ISO_14496_10"]), max_size=3),
            "FrameIncrementPointer": st.sampled_from([0x00181063, 0x00181065, 0x00280010]),
            "StereoPairsPresent": st.sampled_from(["YES", "NO"]),
            "PixelAspectRatio": st.just(["4", "3"]),
        },
    )
)  # fmt: skip
def test_whatever_is_said_the_object_agrees_with_its_stream(more: dict[str, Any]) -> None:
    done = _completed(_said(**more))
    assert _completed(copy.deepcopy(done.dataset)).coerced == ()
    assert ("OriginalAttributesSequence" in done.dataset) == bool(done.coerced)
    assert (done.dataset.Rows, done.dataset.Columns, done.dataset.NumberOfFrames) == (720, 1280, 300)
