"""De-identified data sets: nothing that was planted is left, at any depth; what has to be there is there."""

from __future__ import annotations

import copy
import io

import pytest
from dicomanonymizer.dicom_anonymization_databases import dicomfields_2026c as table
from pydicom import dcmwrite
from pydicom._dicom_dict import DicomDictionary
from pydicom.datadict import dictionary_has_tag, dictionary_VR
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.tag import Tag

from orthanc_video.dicom.classes import BY_CHOICE, BY_UID, VideoClass
from orthanc_video.dicom.deidentified import cleaned, uid

_KEY, _OTHER = b"k" * 32, b"o" * 32
_KIND = BY_CHOICE["endoscopic"]
_SAID = "Something was done."
# A value of each kind that can be found again in the bytes of a data set.
_PLANTED: dict[str, object] = {
    **dict.fromkeys(("AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UT", "UR"), "PLANTED"),
    "DA": "19720229",
    "DT": "19720229141516",
    "TM": "141516.171819",
    "AS": "077Y",
    "DS": "7777.125",
    "IS": "77771251",
    "UI": "1.2.3.77771251",
    "OB": b"PLANTED!",
    "OW": b"PLANTED!",
    "UN": b"PLANTED!",
    "US": 0x7A7B,
}
_TRACES = (b"PLANTED", b"19720229", b"141516", b"077Y", b"7777.125", b"77771251", b"\x7b\x7a")


# Kinds of attributes of which the table has not all.
_TELLING = frozenset(
    ("AE", "AS", "DA", "DT", "LO", "LT", "OB", "OB or OW", "OW", "PN", "SH", "ST", "TM", "UC", "UI", "UN", "UR", "UT")
)
# What a reader of PS3.6 finds to name neither people nor places, times or objects.
_HARMLESS = frozenset({
    "CodeValue", "LongCodeValue", "URNCodeValue", "CodeMeaning", "CodingSchemeDesignator", "CodingSchemeVersion",
    "CodingSchemeRegistry", "MappingResourceName", "Manufacturer", "ManufacturerModelName", "ManufacturerModelVersion",
    "ManufacturerRelatedModelGroup", "SoftwareVersions", "SecondaryCaptureDeviceManufacturer",
    "SecondaryCaptureDeviceManufacturerModelName", "SecondaryCaptureDeviceSoftwareVersions",
    "DigitalImageFormatAcquired", "VideoImageFormatAcquired", "RescaleType", "ModalityLUTType", "ICCProfile",
    "RedPaletteColorLookupTableData", "GreenPaletteColorLookupTableData", "BluePaletteColorLookupTableData",
})  # fmt: skip


def _planted() -> Dataset:
    """All attributes of Table E.1-1, and all others of the kinds that can tell, each with something to be found."""
    dataset = Dataset()
    tabled = {Tag(*tag) for tag in table.ALL_TAGS if len(tag) == 2 and dictionary_has_tag(Tag(*tag))}
    others = {
        Tag(number)
        for number, (vr, _, _, _, keyword) in DicomDictionary.items()
        if vr in _TELLING | {"SQ"} and keyword not in _HARMLESS
    }
    for tag in sorted(tabled | others):
        if tag.group < 8 or tag == 0x7FE00010:
            continue
        vr = dictionary_VR(tag)
        if vr == "SQ":
            item = Dataset()
            setattr(item, "CodeMeaning" if tag in tabled else "TextValue", "PLANTED")
            dataset.add(DataElement(tag, "SQ", Sequence([item])))
        elif vr.partition(" ")[0] in _PLANTED:
            vr = vr.partition(" ")[0]
            dataset.add(DataElement(tag, vr, _PLANTED[vr]))
    dataset.ContentLabel = "PLANTED"
    return dataset


def _bytes(dataset: Dataset) -> bytes:
    written = io.BytesIO()
    dcmwrite(written, dataset, implicit_vr=False, little_endian=True)
    return written.getvalue()


def _whole() -> Dataset:
    """As ``_planted``, the same in sequences that stay, private attributes and overlays."""
    dataset, item = _planted(), _planted()
    item.CodeValue = "T-1"
    deeper = _planted()
    item.AnatomicRegionModifierSequence = Sequence([deeper])
    dataset.AnatomicRegionSequence = Sequence([item])
    block = dataset.private_block(0x0011, "PLANTED", create=True)
    block.add_new(1, "LO", "PLANTED")
    dataset.add(DataElement(Tag(0x60020022), "LO", "PLANTED"))
    dataset.add(DataElement(Tag(0x60023000), "OW", b"PLANTED!"))
    dataset.add(DataElement(Tag(0x50023000), "OW", b"PLANTED!"))
    dataset.add(DataElement(Tag(0x00081FFE), "LO", "PLANTED"))  # of no standard
    dataset.Manufacturer = "Endoscopes Ltd"
    return dataset


def test_nothing_that_was_planted_is_left() -> None:
    dataset = _whole()
    assert all(trace in _bytes(dataset) for trace in _TRACES)
    cleaned(dataset, _KEY, _KIND, _SAID, pixels=False)
    assert [trace for trace in _TRACES if trace in _bytes(dataset)] == []
    assert dataset.Manufacturer == "Endoscopes Ltd"
    assert dataset.AnatomicRegionSequence[0].CodeValue == "T-1"


@pytest.mark.parametrize("kind", BY_UID.values(), ids=lambda kind: kind.name)
def test_what_its_class_demands_is_there(kind: VideoClass) -> None:
    dataset = _whole()
    before = copy.deepcopy(dataset)
    cleaned(dataset, _KEY, kind, _SAID, pixels=False)
    for module in kind.modules:
        for need in module.needs:
            if need.keyword in before:
                assert need.keyword in dataset, need.keyword
                assert need.kind == 2 or dataset[need.keyword].VM > 0, need.keyword


def test_it_says_that_it_is_and_by_what() -> None:
    dataset = _whole()
    cleaned(dataset, _KEY, _KIND, _SAID, pixels=True)
    assert dataset.PatientIdentityRemoved == "YES"
    codes = [one.CodeValue for one in dataset.DeidentificationMethodCodeSequence]
    assert codes == ["113100", "113101"]
    assert len(dataset.DeidentificationMethod) <= 64
    assert "SourceImageSequence" not in dataset
    assert dataset.DerivationDescription == _SAID
    cleaned(dataset, _KEY, _KIND, _SAID, pixels=False)
    assert [one.CodeValue for one in dataset.DeidentificationMethodCodeSequence] == ["113100"]


def test_uids_stay_together_and_follow_from_the_key() -> None:
    one, other, third = _whole(), _whole(), _whole()
    other.SOPInstanceUID = "1.2.3.4"
    for dataset, key in ((one, _KEY), (other, _KEY), (third, _OTHER)):
        cleaned(dataset, key, _KIND, _SAID, pixels=False)
    assert (one.StudyInstanceUID, one.PatientID) == (other.StudyInstanceUID, other.PatientID)
    assert one.SOPInstanceUID != other.SOPInstanceUID
    assert third.StudyInstanceUID != one.StudyInstanceUID
    assert third.PatientID != one.PatientID
    assert one.StudyInstanceUID == uid(_KEY, "1.2.3.77771251")
    assert one.StudyInstanceUID.is_valid


def test_two_who_have_no_patient_id_do_not_become_one() -> None:
    patients = []
    for study in ("1.2.3", "1.2.4", "1.2.4"):
        dataset = Dataset()
        dataset.PatientID, dataset.StudyInstanceUID = "", study
        cleaned(dataset, _KEY, _KIND, _SAID, pixels=False)
        patients.append(dataset.PatientID)
    assert patients[0] != patients[1] == patients[2]


def test_what_tells_nothing_stays() -> None:
    """Codes, the make of the equipment, and the UIDs that the standard itself gives."""
    dataset = Dataset()
    dataset.SOPClassUID = _KIND.uid
    dataset.Manufacturer, dataset.SoftwareVersions = "Endoscopes Ltd", "2.1"
    dataset.SynchronizationFrameOfReferenceUID = "1.2.840.10008.15.1.1"
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = "4596009", "SCT", "Larynx"
    item.ContextUID, item.CodingSchemeUID = "1.2.840.10008.6.1.2", "2.16.840.1.113883.6.96"
    dataset.AnatomicRegionSequence = Sequence([copy.deepcopy(item)])
    cleaned(dataset, _KEY, _KIND, _SAID, pixels=False)
    assert dataset.SOPClassUID == _KIND.uid
    assert (dataset.Manufacturer, dataset.SoftwareVersions) == ("Endoscopes Ltd", "2.1")
    assert dataset.SynchronizationFrameOfReferenceUID == "1.2.840.10008.15.1.1"
    assert dataset.AnatomicRegionSequence[0] == item


@pytest.mark.parametrize(
    "keyword",
    ["FrameExtractionSequence", "EncryptedAttributesSequence", "ContentLabel", "RetrieveURL", "ContentDescription",
     "PatientBirthDateInAlternativeCalendar", "PlacerOrderNumberProcedure", "ImageID", "EvaluatorName", "OwnerID",
     "DateOfGainCalibration", "WaveformData"],
)  # fmt: skip
def test_what_the_table_does_not_name_is_gone_all_the_same(keyword: str) -> None:
    dataset = _planted()
    assert keyword in dataset
    cleaned(dataset, _KEY, _KIND, _SAID, pixels=False)
    assert keyword not in dataset


def test_a_uid_that_the_table_does_not_name_is_replaced_as_others_are() -> None:
    dataset = Dataset()
    dataset.SOPInstanceUID = dataset.SOPInstanceUIDOfConcatenationSource = "1.2.3.4"
    dataset.SOPClassesInStudy = ["1.2.3.4", _KIND.uid]
    cleaned(dataset, _KEY, _KIND, _SAID, pixels=False)
    assert dataset.SOPInstanceUIDOfConcatenationSource == dataset.SOPInstanceUID == uid(_KEY, "1.2.3.4") != "1.2.3.4"
    assert list(dataset.SOPClassesInStudy) == [uid(_KEY, "1.2.3.4"), _KIND.uid]
