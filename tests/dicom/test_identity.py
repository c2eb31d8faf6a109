"""Attributes of patient and study on their way from one object to another: nothing lost, whatever its writer did."""

from __future__ import annotations

import io
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import config, dcmread
from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import UID, ExplicitVRLittleEndian

from orthanc_video.dicom import identity
from orthanc_video.dicom.attributes import settable
from orthanc_video.model import Upload
from orthanc_video.plain import from_json, to_json

WANTED = identity.PATIENT | identity.STUDY


def _read(dataset: Dataset) -> Dataset:
    """As another program finds it in a file."""
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = dataset.file_meta.MediaStorageSOPInstanceUID = UID("1.2.3")
    file = io.BytesIO()
    dataset.save_as(file, enforce_file_format=True)
    return dcmread(io.BytesIO(file.getvalue()))


def _carried(said: Dataset) -> Dataset:
    """Taken, recorded with a job, and given to a new object in UTF-8."""
    upload = Upload(id="1", path="x", size=1, sha256="x", inherited=identity.taken(said, WANTED))
    other = Dataset()
    other.SpecificCharacterSet = "ISO_IR 192"
    for element in identity.elements(from_json(Upload, to_json(upload)).inherited):
        other.add(element)
    return _read(other)


def test_every_keyword_is_one() -> None:
    assert [keyword for keyword in WANTED if tag_for_keyword(keyword) is None] == []
    assert not identity.PATIENT & identity.STUDY


def test_what_a_request_may_set_of_them_is_among_them() -> None:
    belongs = {"PatientComments", "AdmissionID", "PatientAge", "AccessionNumber", "EthnicGroup", "OtherPatientNames"}
    assert all(settable(keyword) and keyword in WANTED for keyword in belongs)


@pytest.mark.parametrize(
    ("sets", "name"),
    [
        ("ISO_IR 100", "Äneas^Rüdiger"),
        ("ISO_IR 192", "Wang^XiaoDong=王^小东"),
        ("GB18030", "Wang^XiaoDong=王^小东"),
        (["", "ISO 2022 IR 87"], "Yamada^Tarou=山田^太郎=やまだ^たろう"),
        (["ISO 2022 IR 13", "ISO 2022 IR 87"], "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう"),  # PS3.5 H.3.2
        (["", "ISO 2022 IR 149"], "Hong^Gildong=洪^吉洞=홍^길동"),
        ("ISO_IR 144", "Люкceмбypг"),
    ],
)
def test_character_sets(sets: str | list[str], name: str) -> None:
    said, item = Dataset(), Dataset()
    said.SpecificCharacterSet = sets
    said.PatientName, item.PatientID, item.IssuerOfPatientID = name, "1", name.partition("=")[2][:5]
    said.OtherPatientIDsSequence = Sequence([item])
    found = _carried(_read(said))
    assert str(found.PatientName) == name
    assert found.OtherPatientIDsSequence[0].IssuerOfPatientID == item.IssuerOfPatientID


def test_every_kind_of_value() -> None:
    said = Dataset()
    said.PatientWeight, said.PregnancyStatus, said.PatientComments = "061.50", 4, "a\\b\r\nc"
    said.MedicalAlerts, said.PatientBirthDate, said.StudyInstanceUID = ["x", "y"], "", "1.2.3"
    said.OtherPatientIDs = []
    found = _carried(_read(said))
    assert found.PatientWeight.original_string == "061.50"
    assert (found.PregnancyStatus, found.PatientComments) == (4, "a\\b\r\nc")
    assert (list(found.MedicalAlerts), found.PatientBirthDate, found.StudyInstanceUID) == (["x", "y"], "", "1.2.3")


def test_illegal_values_pass_and_nothing_is_said_of_them() -> None:
    """A study has them as they are; pydicom's warnings would quote them."""
    said = Dataset()
    with config.disable_value_validation():
        said.PatientID, said.PatientBirthDate, said.StudyInstanceUID = "x" * 70, "1.1.1970", "1.02.3"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        taken = identity.taken(said, WANTED)
        found = {element.keyword: element.value for element in identity.elements(taken)}
        other = Dataset()
        for element in identity.elements(taken):
            other.add(element)
        _read(other)
    assert found == {"PatientID": "x" * 70, "PatientBirthDate": "1.1.1970", "StudyInstanceUID": "1.02.3"}


_TEXT = st.text(st.characters(exclude_categories=["C"], exclude_characters="\\^= "), max_size=12)


@given(st.dictionaries(st.sampled_from(["PatientID", "PatientName", "StudyDescription", "PatientComments"]), _TEXT))
def test_text_is_carried(values: dict[str, str]) -> None:
    said = Dataset()
    said.SpecificCharacterSet = "ISO_IR 192"
    for keyword, value in values.items():
        setattr(said, keyword, value)
    assert identity.taken(_carried(_read(said)), values) == identity.taken(_read(said), values)


@given(st.dictionaries(st.sampled_from(sorted(WANTED)), st.text(max_size=8) | st.lists(st.just({"PatientID": "1"}))))
def test_whatever_is_recorded_can_be_read(inherited: dict[str, object]) -> None:
    assert {element.keyword for element in identity.elements(inherited)} <= set(inherited)
