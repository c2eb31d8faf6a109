"""The data set says what is so, and no more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from itertools import accumulate
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import UID

from clips import Clips
from dicom.conftest import Prepared, prepare
from media.samples import CAMERA, MP4
from oracles import DCIODVFY, complaints, frame_times
from orthanc_video.dicom.attributes import checked
from orthanc_video.dicom.build import build, derived_uid, identify
from orthanc_video.dicom.classes import BY_CHOICE, class_for
from orthanc_video.dicom.syntaxes import H264_HIGH_41, H264_HIGH_42, HEVC_MAIN, MPEG2_MAIN
from orthanc_video.errors import BadRequest
from orthanc_video.model import Action, Made, Plan, Rational, Upload

_UPLOAD = Upload(
    id="1", path="x", size=10_000_000, sha256="ab" * 32, filename="a.mp4", received="2026-03-04T05:06:07+00:00"
)
_PLAN = Plan(action=Action.WRAP, transfer_syntax=H264_HIGH_41, reasons=("It fits.",))


def _built(upload: Upload = _UPLOAD, plan: Plan = _PLAN, **video: Any) -> Dataset:
    return build(upload, MP4, plan, Made(path="x", size=10_000_000, video=replace(CAMERA, **video)))


@pytest.mark.parametrize("action", list(Action))
@pytest.mark.parametrize("choice", sorted(BY_CHOICE))
def test_dciodvfy_finds_nothing(
    prepared: Callable[[Action], Prepared], tmp_path: Path, choice: str, action: Action
) -> None:
    ready = prepared(action)
    path = ready.write(tmp_path / "object.dcm", replace(ready.upload, sop_class=choice))
    assert complaints(path) == []


@pytest.mark.parametrize(
    ("name", "arguments", "codec", "syntax"),
    [
        ("dvd.mpg", "-f vob -aspect 16:9 -r 30000/1001", "mpeg2", MPEG2_MAIN),
        ("dvd.ts", "", "mpeg2", MPEG2_MAIN),
        ("h265.mp4", "-movflags faststart -tag:v hvc1", "hevc", HEVC_MAIN),
        ("h265.mkv", "", "hevc", HEVC_MAIN),
    ],
)
def test_other_codecs_pass_through(
    clips: Clips, tmp_path: Path, name: str, arguments: str, codec: str, syntax: str
) -> None:
    """Neither dciodvfy knows H.265: there, the object is judged as if it were H.264."""
    ready = prepare(clips.encoded(name, arguments, codec=codec), tmp_path)
    assert ready.plan.transfer_syntax == syntax
    path = ready.write(tmp_path / "object.dcm")
    found = dcmread(path, stop_before_pixels=True)
    assert found.file_meta.TransferSyntaxUID == syntax
    assert found.NumberOfFrames == 30
    assert ("PixelAspectRatio" in found) == (name == "dvd.mpg")
    if codec == "hevc":
        renamed = dcmread(path)
        renamed.file_meta.TransferSyntaxUID = UID(H264_HIGH_41)
        renamed.LossyImageCompressionMethod = "ISO_14496_10"
        renamed.save_as(path)
    assert complaints(path) == []


def test_dciodvfy_finds_nothing_with_attributes_of_a_request(
    prepared: Callable[[Action], Prepared], tmp_path: Path
) -> None:
    ready = prepared(Action.WRAP)
    given_ones = checked({
        "PatientID": "4711", "PatientName": "Müller^Jörg", "PatientBirthDate": "19700101", "PatientSex": "M",
        "StudyDescription": "Gastroskopie", "AccessionNumber": "A1", "ReferringPhysicianName": "Ärztin^Ada",
        "StudyDate": "20260102", "StudyTime": "101112", "SeriesDescription": "Magen", "Manufacturer": "Hersteller",
    })  # fmt: skip
    path = ready.write(tmp_path / "object.dcm", replace(ready.upload, attributes=given_ones))
    assert complaints(path) == []
    found = dcmread(path, stop_before_pixels=True)
    assert {key: str(found.get(key)) for key in given_ones} == given_ones


def test_dciodvfy_does_find_what_is_wrong(prepared: Callable[[Action], Prepared], tmp_path: Path) -> None:
    """Guards the tests above."""
    path = prepared(Action.WRAP).write(tmp_path / "object.dcm")
    dataset = dcmread(path)
    del dataset.ImageType
    dataset.save_as(path)
    assert {program for program in DCIODVFY if any(str(program) in line for line in complaints(path))} == set(DCIODVFY)


@pytest.mark.parametrize(
    ("rate", "frame_time", "whole"),
    [
        (Rational(30000, 1001), "33.3666666666667", 30),
        (Rational(24000, 1001), "41.7083333333333", 24),
        (Rational(60000, 1001), "16.6833333333333", 60),
        (Rational(25), "40", 25),
        (Rational(30), "33.3333333333333", 30),
        (Rational(1, 10), "10000", 1),
        (Rational(240), "4.16666666666667", 240),
        (Rational(1000), "1", 1000),
        (Rational(3000), "0.33333333333333", 3000),
    ],
)
def test_frame_time_is_exact(rate: Rational, frame_time: str, whole: int) -> None:
    dataset = _built(rate=rate)
    assert str(dataset.FrameTime) == frame_time
    assert dataset.CineRate == dataset.RecommendedDisplayFrameRate == whole
    assert dataset.FrameIncrementPointer == 0x00181063


@given(rate=st.fractions(Fraction(1, 1000), 1000, max_denominator=10_000))
def test_frame_time_drifts_less_than_a_frame_in_a_day(rate: Fraction) -> None:
    text = str(_built(rate=Rational.of(rate)).FrameTime)
    assert len(text) <= 16
    frames_a_day = 86_400 * rate
    assert abs(Fraction(text) - 1000 / rate) * frames_a_day < 1000 / rate


def test_the_picture_is_described() -> None:
    dataset = _built()
    assert (dataset.Rows, dataset.Columns, dataset.NumberOfFrames) == (1080, 1920, 300)
    assert (dataset.SamplesPerPixel, dataset.PlanarConfiguration, dataset.PixelRepresentation) == (3, 0, 0)
    assert dataset.PhotometricInterpretation == "YBR_PARTIAL_420"
    assert (dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit) == (8, 8, 7)
    assert "PixelAspectRatio" not in dataset
    assert float(dataset.EffectiveDuration) == 10
    assert dataset.file_meta.TransferSyntaxUID == H264_HIGH_41


def test_compression_is_told() -> None:
    dataset = _built()
    assert dataset.LossyImageCompression == "01"
    assert dataset.LossyImageCompressionMethod == "ISO_14496_10"
    assert float(dataset.LossyImageCompressionRatio) == pytest.approx(1920 * 1080 * 3 * 300 / 10_000_000, abs=0.01)


def test_what_was_done_is_told() -> None:
    plan = replace(_PLAN, action=Action.TRANSCODE, reasons=("The codec is vp9.", "It fits."))
    dataset = _built(plan=plan)
    told = dataset.ContributingEquipmentSequence[0].ContributionDescription
    assert all(word in told for word in ("transcode", '"a.mp4"', "10000000 bytes", "ab" * 32, "The codec is vp9."))
    assert dataset.DerivationDescription == "The codec is vp9. It fits."
    assert dataset.ImageType == ["DERIVED", "PRIMARY"]
    assert _built().ImageType == ["ORIGINAL", "PRIMARY"]
    assert "DerivationDescription" not in _built()


@pytest.mark.parametrize("name", ["a" * 5000 + ".mp4", "back\\slash.mp4", "ünïcode – 内視鏡.mp4"])
def test_any_file_name_fits(prepared: Callable[[Action], Prepared], tmp_path: Path, name: str) -> None:
    ready = prepared(Action.TRANSCODE)
    path = ready.write(tmp_path / "object.dcm", replace(ready.upload, filename=name))
    assert complaints(path) == []


def test_nothing_clinical_is_invented() -> None:
    dataset = _built()
    region = dataset.AnatomicRegionSequence[0]
    assert (region.CodeValue, region.CodingSchemeDesignator, region.CodeMeaning) == ("111176", "DCM", "Unspecified")
    empty = ("PatientBirthDate", "PatientSex", "ReferringPhysicianName", "AccessionNumber", "Manufacturer",
             "PatientOrientation", "ImageLaterality")  # fmt: skip
    assert all(key in dataset and not dataset.get(key) for key in empty)
    assert "BurnedInAnnotation" not in dataset


def test_times_are_the_recordings_else_the_uploads() -> None:
    assert (_built().ContentDate, _built().ContentTime) == ("20260304", "050607")
    recorded = build(
        _UPLOAD, replace(MP4, created="2021-02-03T23:30:00-02:00"), _PLAN, Made(path="x", size=1, video=CAMERA)
    )
    assert (recorded.StudyDate, recorded.StudyTime) == ("20210204", "013000")
    assert recorded.TimezoneOffsetFromUTC == "+0000"


def test_the_same_content_has_the_same_identity() -> None:
    again = replace(_UPLOAD, id="2", path="y", filename="renamed.mp4", received="2027-01-01T00:00:00+00:00")
    assert identify(_UPLOAD, _PLAN) == identify(again, _PLAN)


@pytest.mark.parametrize(
    "other",
    [
        {"sha256": "cd" * 32},
        {"sop_class": "endoscopic"},
        {"attributes": {"StudyInstanceUID": "1.2.3"}},
        {"attributes": {"PatientID": "4711"}},
        {"attributes": {"AccessionNumber": "A1"}},
        {"attributes": {"SeriesInstanceUID": "1.2.3.4"}},
    ],
)
def test_what_differs_gets_another_instance(other: dict[str, Any]) -> None:
    one, two = identify(_UPLOAD, _PLAN), identify(replace(_UPLOAD, **other), _PLAN)
    assert one["SOPInstanceUID"] != two["SOPInstanceUID"]


def test_another_plan_makes_another_instance_in_the_same_series() -> None:
    one = identify(_UPLOAD, _PLAN)
    two = identify(_UPLOAD, replace(_PLAN, transfer_syntax=H264_HIGH_42))
    assert one["SOPInstanceUID"] != two["SOPInstanceUID"]
    assert one["SeriesInstanceUID"] == two["SeriesInstanceUID"]


def test_given_identity_is_kept() -> None:
    attributes = {"PatientID": "4711", "StudyInstanceUID": "1.2.3", "SeriesInstanceUID": "1.2.3.4"}
    dataset = _built(replace(_UPLOAD, attributes=attributes))
    assert {key: dataset.get(key) for key in attributes} == attributes
    assert str(dataset.PatientName) == ""


def test_videos_of_one_unknown_patient_are_not_mixed_up_with_anothers() -> None:
    ids = {identify(replace(_UPLOAD, sha256=digit * 64), _PLAN)["PatientID"] for digit in "0123"}
    assert len(ids) == 4


@given(st.lists(st.text(max_size=50), max_size=4))
def test_derived_uids_are_uids(parts: list[str]) -> None:
    uid = derived_uid(*parts)
    assert len(uid) <= 64
    assert uid.startswith("2.25.")
    assert str(int(uid[5:])) == uid[5:]


def test_classes_by_choice_and_by_uid() -> None:
    for kind in BY_CHOICE.values():
        assert class_for(kind.choice.upper() + " ") is class_for(kind.uid) is kind
    assert {kind.modality for kind in BY_CHOICE.values()} == {"ES", "GM", "XC"}
    with pytest.raises(BadRequest, match="endoscopic, microscopic, photographic"):
        class_for("surgical")


def test_a_variable_rate_has_a_vector_of_its_times(clips: Clips, tmp_path: Path) -> None:
    path = prepare(clips.variable_rate(), tmp_path).write(tmp_path / "o.dcm")
    dataset = dcmread(path, stop_before_pixels=True)
    assert dataset.NumberOfFrames == 26
    assert float(dataset.EffectiveDuration) == pytest.approx(1.001, abs=0.0015)
    assert dataset.FrameIncrementPointer == 0x00181065
    assert "FrameTime" not in dataset
    told = list(accumulate(Fraction(str(step)) for step in dataset.FrameTimeVector))
    true = sorted(1000 * time for time in frame_times(clips.variable_rate()))
    assert [float(time) for time in told] == pytest.approx([float(time - true[0]) for time in true], abs=0.001)
    assert complaints(path) == []


def test_without_a_vector_a_variable_rate_says_its_mean(clips: Clips, tmp_path: Path) -> None:
    prepared = prepare(clips.variable_rate(), tmp_path)
    silent = replace(prepared, made=replace(prepared.made, probed=None))  # as for frames that are too many for it
    dataset = dcmread(silent.write(tmp_path / "o.dcm"), stop_before_pixels=True)
    assert float(dataset.FrameTime) == pytest.approx(1001 / 26, rel=0.002)
    assert dataset.FrameIncrementPointer == 0x00181063
