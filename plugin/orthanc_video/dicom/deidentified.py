"""A data set without what names people, places and times: the Basic Application Level Confidentiality Profile.

PS3.15 E.2 and Table E.1-1, whose actions the package dicom-anonymizer lists; what it does with them leaves sequences as
they are, and gives UIDs that are others each time. Here sequences are gone through, what the standard leaves to the
object's class follows the class, and UIDs and the patient's pseudonym are made of the old ones with a secret key:
objects of one study stay together, and nobody without the key can tell by trying which patient or object it was.
The table has no entry for some of what names people, times and objects: that is told by its value representation.
"""

from __future__ import annotations

import functools
import hashlib
import hmac
import uuid
from collections.abc import Callable

from dicomanonymizer.dicom_anonymization_databases import dicomfields_2026c as table
from pydicom.config import IGNORE
from pydicom.datadict import dictionary_has_tag, dictionary_is_retired, dictionary_VR, keyword_for_tag
from pydicom.dataelem import DataElement, empty_value_for_VR
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag
from pydicom.uid import UID

from orthanc_video.dicom.build import code
from orthanc_video.dicom.classes import VideoClass
from orthanc_video.dicom.said import text

_EDITION = "2026c"
_PROFILE = ("113100", "DCM", "Basic Application Confidentiality Profile")
_CLEAN_PIXELS = ("113101", "DCM", "Clean Pixel Data Option")
_EQUIPMENT = ("109104", "DCM", "De-identifying Equipment")
_WORDS = frozenset({"AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UT"})
_DUMMIES: dict[str, object] = {
    **dict.fromkeys(_WORDS, "ANONYMIZED"),
    **dict.fromkeys(("DS", "IS"), "0"),
    **dict.fromkeys(("FD", "FL", "SL", "SS", "UL", "US", "SV", "UV"), 0),
    "AS": "000Y",
    "DA": "19000101",
    "TM": "000000",
    "DT": "19000101000000",
    "UR": "http://anonymized.invalid",
}
# The table's actions (PS3.15 E.1.1), each as what an attribute becomes that its class demands with a value (1),
# demands as there (2), and does not demand.
_REMOVE, _EMPTY, _DUMMY, _UID = "X", "Z", "D", "U"
_ACTIONS: tuple[tuple[list[tuple[int, ...]], str, str, str], ...] = (
    (table.X_TAGS, _REMOVE, _REMOVE, _REMOVE),
    (table.Z_TAGS, _EMPTY, _EMPTY, _EMPTY),
    (table.D_TAGS, _DUMMY, _DUMMY, _DUMMY),
    (table.U_TAGS, _UID, _UID, _UID),
    (table.Z_D_TAGS, _DUMMY, _EMPTY, _DUMMY),  # of what may be demanded with a value under a condition
    (table.X_Z_TAGS, _EMPTY, _EMPTY, _REMOVE),
    (table.X_D_TAGS, _DUMMY, _DUMMY, _REMOVE),
    (table.X_Z_D_TAGS, _DUMMY, _EMPTY, _REMOVE),
    (table.X_Z_U_STAR_TAGS, _REMOVE, _REMOVE, _REMOVE),
)
# What becomes of attributes that the table has not, where they are not among those that stay.
_BY_VR: dict[str, tuple[str, str, str]] = {
    "UI": (_UID, _UID, _UID),
    **dict.fromkeys(
        ("AE", "AS", "DA", "DT", "LO", "LT", "PN", "SH", "ST", "TM", "UC", "UR", "UT"), (_DUMMY, _EMPTY, _REMOVE)
    ),
    **dict.fromkeys(("OB", "OB or OW", "OW", "UN"), (_REMOVE, _REMOVE, _REMOVE)),
}
# Codes, the make of the equipment, and what colours mean: of nobody, and a video says little without.
_STAY = frozenset({
    "CodeValue", "LongCodeValue", "URNCodeValue", "CodeMeaning", "CodingSchemeDesignator", "CodingSchemeVersion",
    "CodingSchemeRegistry", "MappingResourceName",
    "Manufacturer", "ManufacturerModelName", "ManufacturerModelVersion", "ManufacturerRelatedModelGroup",
    "SoftwareVersions", "SecondaryCaptureDeviceManufacturer", "SecondaryCaptureDeviceManufacturerModelName",
    "SecondaryCaptureDeviceSoftwareVersions", "DigitalImageFormatAcquired", "VideoImageFormatAcquired",
    "ICCProfile", "ModalityLUTType", "RescaleType", "RedPaletteColorLookupTableData",
    "GreenPaletteColorLookupTableData", "BluePaletteColorLookupTableData",
})  # fmt: skip
# Of other kinds: a name of the source, what cannot be read here, free words in a code's dress, and what is nothing
# without a text or date that goes (PS3.3 C.7.1.1, 10.7.1.3).
_GO = frozenset({
    "FrameExtractionSequence", "EncryptedAttributesSequence", "ContentLabel", "PatientAlternativeCalendar",
    "PixelSpacingCalibrationType",
})  # fmt: skip
# Context groups, of which pydicom's registry has none (PS3.16 5), and code systems that HL7 registers (PS3.16 8).
_KNOWN_ROOTS = ("1.2.840.10008.6.1.", "2.16.840.1.113883.6.")


def cleaned(dataset: Dataset, key: bytes, kind: VideoClass, sentence: str, *, pixels: bool) -> None:
    """Makes ``dataset``, an edited video's, one of a patient without a name.

    ``sentence`` says what was done, ``pixels`` that names in the pictures were masked.
    """
    # Of those without an ID each study is another patient's.
    who = text(dataset, "PatientID") or text(dataset, "StudyInstanceUID")
    patient = _digest(key, "patient", who, text(dataset, "IssuerOfPatientID"))
    needs = {need.keyword: need.kind for module in kind.modules for need in module.needs}
    _clean(dataset, key, lambda keyword: needs.get(keyword, 3))
    pseudonym = patient.hex()[:12].upper()
    dataset.PatientID, dataset.PatientName = f"ANON-{pseudonym}", f"Anonymous^{pseudonym}"
    dataset.PatientIdentityRemoved = "YES"
    dataset.LongitudinalTemporalInformationModified = "REMOVED"
    dataset.DeidentificationMethod = f"orthanc-video: PS3.15 {_EDITION} Table E.1-1, Basic Profile"
    codes = (_PROFILE, _CLEAN_PIXELS) if pixels else (_PROFILE,)
    dataset.DeidentificationMethodCodeSequence = Sequence([code(*one) for one in codes])
    dataset.DerivationDescription = sentence
    equipment = Dataset()
    equipment.Manufacturer = equipment.ManufacturerModelName = "orthanc-video"
    equipment.PurposeOfReferenceCodeSequence = Sequence([code(*_EQUIPMENT)])
    dataset.ContributingEquipmentSequence = Sequence([equipment])


def _clean(dataset: Dataset, key: bytes, need: Callable[[str], int]) -> None:
    for tag in list(dataset.keys()):
        action = _action(tag, need(keyword_for_tag(tag)))
        if action == _REMOVE:
            del dataset[tag]
        elif action:
            _replace(dataset, tag, action, key)
        elif dictionary_VR(tag) == "SQ":
            _clean_items(dataset, tag, key)


def _clean_items(dataset: Dataset, tag: BaseTag, key: bytes) -> None:
    element = dataset[tag]
    if element.VR != "SQ":  # it is damaged: what it holds cannot be told
        del dataset[tag]
        return
    for item in element.value:
        _clean(item, key, _nothing)


def _nothing(_keyword: str) -> int:
    """Of the items of sequences it is not known what they demand: what has a dummy keeps one."""
    return 1


def _action(tag: BaseTag, need: int) -> str:
    """Empty for what stays. What no standard knows goes, since nobody can say what it tells, and with it the curves and
    overlays, whose groups are not in the dictionary."""
    if tag.is_private or not dictionary_has_tag(tag):
        return _REMOVE
    found = _single().get((tag.group, tag.element)) or _untabled(tag)
    return found[min(need, 3) - 1] if found else ""


def _untabled(tag: BaseTag) -> tuple[str, str, str] | None:
    """As the table would have it; None for what stays."""
    keyword = keyword_for_tag(tag)
    if keyword in _STAY:
        return None
    if keyword in _GO or dictionary_is_retired(tag):
        return _REMOVE, _REMOVE, _REMOVE
    return _BY_VR.get(dictionary_VR(tag))


@functools.cache
def _single() -> dict[tuple[int, ...], tuple[str, str, str]]:
    return {tag: (one, two, three) for tags, one, two, three in _ACTIONS for tag in tags if len(tag) == 2}


def _replace(dataset: Dataset, tag: BaseTag, action: str, key: bytes) -> None:
    vr = dictionary_VR(tag)
    if action == _EMPTY:
        dataset[tag] = DataElement(tag, vr, Sequence() if vr == "SQ" else empty_value_for_VR(vr))
    elif vr == "UI":
        value = dataset[tag].value
        several = value if isinstance(value, MultiValue) else [value] if value else []
        dataset[tag] = DataElement(tag, vr, [uid(key, str(one)) for one in several])
    elif vr in _DUMMIES:
        dataset[tag] = DataElement(tag, vr, _DUMMIES[vr])
    else:  # of sequences and bytes there is no dummy that means nothing
        del dataset[tag]


def uid(key: bytes, old: str) -> str:
    """Another one for the old (PS3.5 B.2), the same each time. What the standard itself names so names no object."""
    if UID(old, IGNORE).type or old.startswith(_KNOWN_ROOTS):
        return old
    return f"2.25.{uuid.UUID(bytes=_digest(key, 'uid', old)[:16], version=5).int}"


def _digest(key: bytes, *parts: str) -> bytes:
    return hmac.digest(key, "\0".join(parts).encode(), hashlib.sha256)
