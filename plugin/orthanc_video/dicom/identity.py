"""The modules that say whose a recording is and to which examination it belongs (PS3.3 C.7.1.1, C.7.2.1, C.7.2.2).

As data: their attributes by keyword. Those on de-identification (C.7.1.1) are left out, since they speak of one object
and its pictures, not of the patient.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydicom import config
from pydicom.datadict import dictionary_VR, keyword_for_tag, tag_for_keyword
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence

from orthanc_video.dicom.said import value

PATIENT = frozenset({
    "PatientName", "PatientID", "IssuerOfPatientID", "TypeOfPatientID", "IssuerOfPatientIDQualifiersSequence",
    "SourcePatientGroupIdentificationSequence", "GroupOfPatientsIdentificationSequence", "ReferencedPatientSequence",
    "PatientBirthDate", "PatientBirthDateInAlternativeCalendar", "PatientDeathDateInAlternativeCalendar",
    "PatientAlternativeCalendar", "PatientBirthTime", "PatientSex", "OtherPatientIDs", "OtherPatientIDsSequence",
    "OtherPatientNames", "EthnicGroup", "EthnicGroupCodeSequence", "PatientComments", "QualityControlSubject",
    "PatientSpeciesDescription", "PatientSpeciesCodeSequence", "PatientBreedDescription", "PatientBreedCodeSequence",
    "BreedRegistrationSequence", "StrainDescription", "StrainNomenclature", "StrainCodeSequence",
    "StrainAdditionalInformation", "StrainStockSequence", "GeneticModificationsSequence", "ResponsiblePerson",
    "ResponsiblePersonRole", "ResponsibleOrganization",
})  # fmt: skip
_GENERAL_STUDY = frozenset({
    "StudyInstanceUID", "StudyDate", "StudyTime", "ReferringPhysicianName", "ReferringPhysicianIdentificationSequence",
    "ConsultingPhysicianName", "ConsultingPhysicianIdentificationSequence", "StudyID", "AccessionNumber",
    "IssuerOfAccessionNumberSequence", "StudyDescription", "PhysiciansOfRecord",
    "PhysiciansOfRecordIdentificationSequence", "NameOfPhysiciansReadingStudy",
    "PhysiciansReadingStudyIdentificationSequence", "RequestingService", "RequestingServiceCodeSequence",
    "ReferencedStudySequence", "ProcedureCodeSequence", "ReasonForPerformedProcedureCodeSequence",
})  # fmt: skip
_PATIENT_STUDY = frozenset({
    "AdmittingDiagnosesDescription", "AdmittingDiagnosesCodeSequence", "PatientAge", "PatientSize", "PatientWeight",
    "PatientBodyMassIndex", "MeasuredAPDimension", "MeasuredLateralDimension", "PatientSizeCodeSequence",
    "MedicalAlerts", "Allergies", "SmokingStatus", "PregnancyStatus", "LastMenstrualDate", "PatientState", "Occupation",
    "AdditionalPatientHistory", "AdmissionID", "IssuerOfAdmissionIDSequence", "ServiceEpisodeID",
    "IssuerOfServiceEpisodeIDSequence", "ServiceEpisodeDescription", "PatientSexNeutered", "ReasonForVisit",
    "ReasonForVisitCodeSequence",
})  # fmt: skip
STUDY = _GENERAL_STUDY | _PATIENT_STUDY
# By these the study's dates and times are to be read (C.12.1.1.8).
TIMEZONE = "TimezoneOffsetFromUTC"

# Attributes as they travel: text by keyword, sequences as lists of the same.
Attributes = dict[str, Any]

_WHOLE = ("US", "UL", "SS", "SL")
_FRACTION = ("FL", "FD")
_BYTES = ("OB", "OW", "UN", "AT")


def required(dataset: Dataset) -> None:
    """What PS3.3 C.7.1.1 and C.7.2.1 want to be there, if without a value."""
    patient = ("PatientName", "PatientID", "PatientBirthDate", "PatientSex")
    for keyword in (*patient, "StudyDate", "StudyTime", "ReferringPhysicianName", "StudyID", "AccessionNumber"):
        if keyword not in dataset:
            setattr(dataset, keyword, "")


def taken(said: Dataset, wanted: Iterable[str]) -> Attributes:
    """Those of ``wanted`` that an object has and that can be read, in Unicode whatever its character sets are."""
    found = {keyword: _text(said, keyword) for keyword in sorted(wanted) if keyword in said}
    return {keyword: text for keyword, text in found.items() if text is not None}


def _text(said: Dataset, keyword: str) -> Any:
    """None for what is no text and stands for none."""
    found = value(said, keyword)
    if isinstance(found, Sequence):
        return [taken(item, filter(None, map(keyword_for_tag, item.keys()))) for item in found]
    several = found if isinstance(found, MultiValue) else [found]
    if any(isinstance(one, bytes) for one in several):
        return None
    return "\\".join("" if one is None else str(one) for one in several)


def elements(attributes: Mapping[str, Any]) -> Iterator[DataElement]:
    """The attributes as pydicom has them: another's, taken as they are; numbers that are none are left out."""
    for keyword, given in attributes.items():
        tag = tag_for_keyword(keyword)
        vr = dictionary_VR(tag) if tag is not None else "UN"
        if tag is None or vr in _BYTES or (vr == "SQ") != isinstance(given, list):
            continue
        try:
            yield DataElement(tag, vr, _value(vr, given), validation_mode=config.IGNORE)
        except (ValueError, TypeError, OverflowError):  # pydicom's sentence quotes the value
            continue


def _value(vr: str, given: Any) -> Any:
    if vr == "SQ":
        return Sequence(_item(item) for item in given)
    if given and vr in _WHOLE + _FRACTION:
        numbers = [int(part) if vr in _WHOLE else float(part) for part in given.split("\\")]
        return numbers[0] if len(numbers) == 1 else numbers
    return None if vr in _WHOLE + _FRACTION else given


def _item(attributes: Mapping[str, Any]) -> Dataset:
    item = Dataset()
    for element in elements(attributes):
        item.add(element)
    return item
