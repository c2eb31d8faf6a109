"""Which attributes a request may set, and to what."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from orthanc_video.dicom.attributes import checked, gathered
from orthanc_video.errors import BadRequest


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("PatientID", "4711"),
        ("PatientName", "Müller^Jörg"),
        ("PatientName", "Yamada^Tarou=山田^太郎"),
        ("PatientBirthDate", "19700101"),
        ("StudyInstanceUID", "1.2.840.113619.2.55"),
        ("StudyTime", "101112.123456"),
        ("StudyDescription", "Gastroskopie"),
        ("PatientComments", "two\nlines \\ and a backslash"),
        ("OtherPatientNames", "A^B\\C^D"),
        ("PatientSex", ""),
        ("Laterality", "R"),
        ("TimezoneOffsetFromUTC", "-0330"),
        ("PatientWeight", "71.5"),
    ],
)
def test_legal_values_are_kept(keyword: str, value: str) -> None:
    assert checked({keyword: value}) == {keyword: value}


def test_blanks_around_are_dropped() -> None:
    assert checked({"PatientID": " 4711 "}) == {"PatientID": "4711"}


@pytest.mark.parametrize(
    ("keyword", "words"),
    [
        ("PatientNmae", "no DICOM keyword"),
        ("", "cannot be set"),
        ("FrameTimeVector", "cannot be set"),
        ("PixelAspectRatio", "cannot be set"),
        ("LossyImageCompression", "cannot be set"),
        ("PatientIdentityRemoved", "cannot be set"),
        ("00100010", "no DICOM keyword"),
        ("SOPInstanceUID", "cannot be set"),
        ("SOPClassUID", "cannot be set"),
        ("Rows", "cannot be set"),
        ("NumberOfFrames", "cannot be set"),
        ("FrameTime", "cannot be set"),
        ("TransferSyntaxUID", "cannot be set"),
        ("SpecificCharacterSet", "cannot be set"),
        ("PixelData", "cannot be set"),
        ("MediaStorageSOPInstanceUID", "cannot be set"),
        ("AnatomicRegionSequence", "cannot be set"),
        ("DigitalSignaturesSequence", "cannot be set"),
    ],
)
def test_unknown_and_unfit_keywords_are_refused_by_name(keyword: str, words: str) -> None:
    with pytest.raises(BadRequest, match=words) as caught:
        checked({keyword: "1"})
    assert f'"{keyword}"' in caught.value.sentence


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("PatientBirthDate", "1.1.1970"),
        ("PatientSex", "männlich"),
        ("StudyInstanceUID", "1.2.x"),
        ("StudyInstanceUID", "1." + "2" * 64),
        ("PatientID", "x" * 65),
        ("PatientAge", "12"),
        ("AccessionNumber", "x" * 17),
        ("PatientWeight", "heavy"),
        ("PatientID", "a\x00b"),
        ("Allergies", "a\tb"),
        ("PatientName", "A^B\\C^D"),
        ("PatientSex", "Z"),
        ("BurnedInAnnotation", "MAYBE"),
        ("Laterality", "Q"),
        ("PatientWeight", "1e999"),
        ("TimezoneOffsetFromUTC", "-0000"),
        ("TimezoneOffsetFromUTC", "xyz"),
        ("PatientName", "a\x1bb"),
        ("PatientComments", "x" * 10241),
    ],
)
def test_illegal_values_are_refused_without_repeating_them(keyword: str, value: str) -> None:
    with pytest.raises(BadRequest) as caught:
        checked({keyword: value})
    assert value not in caught.value.sentence
    assert caught.value.status == 400


@given(st.text(max_size=80))
def test_what_is_accepted_can_be_written_and_read_back(value: str) -> None:
    try:
        accepted = checked({"PatientID": value, "PatientComments": value})
    except BadRequest:
        return
    dataset = Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 192"
    for keyword, text in accepted.items():
        setattr(dataset, keyword, text)
    again = Dataset.from_json(dataset.to_json())
    assert str(again.PatientComments or "") == accepted["PatientComments"]


def test_a_keyword_has_one_value() -> None:
    pairs = [("PatientID", "1"), ("PatientName", "A"), ("PatientID", "1")]
    assert gathered(pairs, {"PatientName": "A"}) == {"PatientID": "1", "PatientName": "A"}
    for more in ([*pairs, ("PatientID", "2")], [("PatientName", "B")]):
        with pytest.raises(BadRequest, match=r'"Patient(ID|Name)" is given twice'):
            gathered(more, {"PatientName": "A"})
    (number,) = gathered([("start", float("nan"))]).values()
    assert math.isnan(number)


@pytest.mark.parametrize(
    ("keyword", "characters", "room"), [("ImageComments", 5120, 10240), ("InstitutionAddress", 512, 1024)]
)
def test_long_texts_are_measured_as_they_are_stored(keyword: str, characters: int, room: int) -> None:
    """dciodvfy counts bytes: one more is an Error of its."""
    assert checked({keyword: "é" * characters})
    assert checked({keyword: "e" * room})
    with pytest.raises(BadRequest, match=f"more than {room} bytes"):
        checked({keyword: "é" * characters + "e"})
