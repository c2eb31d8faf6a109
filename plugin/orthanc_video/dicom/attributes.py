"""DICOM attributes that a request may set by keyword: which, and whether their values are legal (PS3.5 6.2)."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import TypeVar

from pydicom import config
from pydicom.datadict import dictionary_VM, dictionary_VR, tag_for_keyword
from pydicom.valuerep import validate_value

from orthanc_video.dicom.modules import ENUMERATED
from orthanc_video.errors import BadRequest

T = TypeVar("T")

# What a person or a device may know of a recording: of these modules (PS3.3) what is text and stands on its own. All
# else follows from the stream, the conversion or the archive, or means something only together with other attributes.
ALLOWED = frozenset({
    # C.7.1.1 Patient
    "PatientName", "PatientID", "IssuerOfPatientID", "PatientBirthDate", "PatientBirthTime", "PatientSex",
    "OtherPatientNames", "EthnicGroup", "PatientComments",
    # C.7.2.1 General Study
    "StudyInstanceUID", "StudyDate", "StudyTime", "StudyID", "StudyDescription", "AccessionNumber",
    "ReferringPhysicianName", "ConsultingPhysicianName", "PhysiciansOfRecord", "NameOfPhysiciansReadingStudy",
    # C.7.2.2 Patient Study
    "AdmittingDiagnosesDescription", "PatientAge", "PatientSize", "PatientWeight", "MedicalAlerts", "Allergies",
    "SmokingStatus", "Occupation", "AdditionalPatientHistory", "AdmissionID", "ServiceEpisodeID",
    "ServiceEpisodeDescription", "PatientState",
    # C.7.3.1 General Series
    "SeriesInstanceUID", "SeriesNumber", "SeriesDate", "SeriesTime", "SeriesDescription", "Laterality",
    "PerformingPhysicianName", "ProtocolName", "OperatorsName", "BodyPartExamined", "PerformedProcedureStepID",
    "PerformedProcedureStepStartDate", "PerformedProcedureStepStartTime", "PerformedProcedureStepDescription",
    "CommentsOnThePerformedProcedureStep",
    # C.7.5.1 General Equipment
    "Manufacturer", "InstitutionName", "InstitutionAddress", "StationName", "InstitutionalDepartmentName",
    "ManufacturerModelName", "DeviceSerialNumber", "SoftwareVersions",
    # C.7.6.1 General Image, C.12.1 SOP Common
    "InstanceNumber", "ContentDate", "ContentTime", "AcquisitionNumber", "AcquisitionDate", "AcquisitionTime",
    "AcquisitionDateTime", "ImageComments", "BurnedInAnnotation", "ImageLaterality", "TimezoneOffsetFromUTC",
})  # fmt: skip
_OFFSET = re.compile(r"(\+(0\d|1[0-3])[0-5]\d|\+1400|-(0\d|1[01])[0-5]\d|-1200)", re.ASCII)
_PARAGRAPHS = frozenset({"LT", "ST", "UT"})
_LONGEST = 10240
# Characters, says PS3.5 6.2; dciodvfy counts bytes, and so may those who reserve room for them.
_BYTES = {"LT": 10240, "ST": 1024}


def same(keyword: str, one: str, other: str) -> bool:
    """Whether two values say the same: spaces around them, and delimiters at the end of a name, mean nothing."""
    tag = tag_for_keyword(keyword)
    meaningless = " ^=" if tag is not None and dictionary_VR(tag) == "PN" else " "
    return one.strip().rstrip(meaningless) == other.strip().rstrip(meaningless)


def gathered(pairs: Iterable[tuple[str, T]], given: Mapping[str, T] | None = None) -> dict[str, T]:
    """``given`` and the pairs; raises BadRequest where one keyword has two values: neither is known to be meant."""
    found = dict(given or {})
    for keyword, value in pairs:
        kept = found.setdefault(keyword, value)
        if kept is not value and kept != value:  # what is no number is not equal to itself
            raise BadRequest(f'"{keyword}" is given twice, with different values. Send it once.')
    return found


def settable(keyword: str) -> bool:
    """Whether a request may set it."""
    return keyword in ALLOWED


def checked(attributes: Mapping[str, str]) -> dict[str, str]:
    """The attributes of a request, each keyword known, allowed and its value legal; raises BadRequest."""
    return {keyword: _checked(keyword, value) for keyword, value in attributes.items()}


def _checked(keyword: str, value: str) -> str:
    tag = tag_for_keyword(keyword)
    if tag is None:
        raise BadRequest(f'"{keyword}" is no DICOM keyword. Attributes are named by keyword, such as PatientID.')
    if keyword not in ALLOWED:
        raise BadRequest(f'"{keyword}" cannot be set by a request. What can be is listed in docs/http.md.')
    vr = dictionary_VR(tag)
    if not isinstance(value, str) or len(value) > _LONGEST:
        raise BadRequest(f'The value of "{keyword}" must be a string of at most {_LONGEST} characters.')
    value = value.strip()
    room = _BYTES.get(vr)
    if room is not None and len(value.encode("utf-8", "replace")) > room:
        raise BadRequest(f'The value of "{keyword}" takes more than {room} bytes in UTF-8. Shorten it.')
    parts = [value] if vr in _PARAGRAPHS else value.split("\\")
    if len(parts) > 1 and dictionary_VM(tag) == "1":
        raise BadRequest(f'"{keyword}" has one value; a backslash parts several.')
    try:
        for part in parts:
            validate_value(vr, part, config.RAISE)
            if vr == "DS" and part and not math.isfinite(float(part)):
                raise ValueError(part)
    except (ValueError, OverflowError) as error:
        # pydicom's sentence quotes the value, which may be a patient's.
        raise BadRequest(
            f'The value of "{keyword}" is no legal {vr}: see the limits on length and characters in PS3.5 6.2.'
        ) from error
    breaks = "\n\r\t\f" if vr in _PARAGRAPHS else ""
    if any(ord(character) < 32 and character not in breaks for character in value):
        raise BadRequest(f'The value of "{keyword}" holds control characters.')
    _meant(keyword, value)
    return value


def _meant(keyword: str, value: str) -> None:
    """Values that the standard enumerates; empty is unknown."""
    known = ENUMERATED.get(keyword)
    if known and value and value not in known:
        raise BadRequest(f'"{keyword}" must be one of {", ".join(known)}, or empty.')
    if keyword == "TimezoneOffsetFromUTC" and (not _OFFSET.fullmatch(value) or value == "-0000"):
        raise BadRequest('"TimezoneOffsetFromUTC" must be an offset such as +0100 (PS3.3 C.12.1.1.8).')
