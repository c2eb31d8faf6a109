"""DICOM attributes that a request may set by keyword: which, and whether their values are legal (PS3.5 6.2)."""

from __future__ import annotations

from collections.abc import Mapping

from pydicom import config
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.valuerep import validate_value

from orthanc_video.errors import BadRequest

# What the stream, the conversion or the archive decides is not for a request to say.
_OURS = frozenset({
    "SOPInstanceUID", "SOPClassUID", "TransferSyntaxUID", "Modality", "NumberOfFrames", "Rows", "Columns", "FrameTime",
    "FrameIncrementPointer", "CineRate", "RecommendedDisplayFrameRate", "SpecificCharacterSet", "EffectiveDuration",
})  # fmt: skip
_TEXT_VRS = frozenset({"AE", "AS", "CS", "DA", "DS", "DT", "IS", "LO", "LT", "PN", "SH", "ST", "TM", "UC", "UI", "UT"})
_DATA_GROUPS = range(0x0008, 0x0041)
_LONGEST = 10240


def checked(attributes: Mapping[str, str]) -> dict[str, str]:
    """The attributes of a request, each keyword known, allowed and its value legal; raises BadRequest."""
    return {keyword: _checked(keyword, value) for keyword, value in attributes.items()}


def _checked(keyword: str, value: str) -> str:
    tag = tag_for_keyword(keyword)
    if tag is None:
        raise BadRequest(f'"{keyword}" is no DICOM keyword. Attributes are named by keyword, such as PatientID.')
    vr = dictionary_VR(tag)
    if keyword in _OURS or tag >> 16 not in _DATA_GROUPS or vr not in _TEXT_VRS:
        raise BadRequest(f'"{keyword}" cannot be set by a request: it follows from the video, or is no text attribute.')
    if not isinstance(value, str) or len(value) > _LONGEST:
        raise BadRequest(f'The value of "{keyword}" must be a string of at most {_LONGEST} characters.')
    value = value.strip()
    try:
        for part in [value] if vr in {"LT", "ST", "UT"} else value.split("\\"):
            validate_value(vr, part, config.RAISE)
    except (ValueError, OverflowError) as error:
        raise BadRequest(f'The value of "{keyword}" is no legal {vr} (PS3.5 6.2): {_reason(error)}') from error
    if any(ord(character) < 32 and character not in "\n\r\t\f" for character in value):
        raise BadRequest(f'The value of "{keyword}" holds control characters.')
    return value


def _reason(error: Exception) -> str:
    # pydicom's sentences quote the value, which may be a patient's; keep what is said after it.
    return "see the standard's limits on length and characters." if str(error) else ""
