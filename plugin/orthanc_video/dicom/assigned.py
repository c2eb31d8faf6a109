"""A stored object as it is when it belongs to another study or patient: new attributes before the same Pixel Data.

The old values stay with it (Original Attributes Sequence, PS3.3 C.12.1). The pictures are not derived from others, so
nothing is said of a source image.
"""

from __future__ import annotations

import copy
import datetime
import io
import re
from collections.abc import Mapping

from pydicom import dcmread
from pydicom.datadict import dictionary_has_tag, dictionary_VR, tag_for_keyword
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileDataset
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag
from pydicom.uid import UID

from orthanc_video import __version__
from orthanc_video.dicom import identity
from orthanc_video.dicom.build import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME, code, derived_uid, zone
from orthanc_video.dicom.said import text
from orthanc_video.dicom.stored import Header
from orthanc_video.dicom.whose import IDENTITY, Parent
from orthanc_video.dicom.write import Envelope, replacing
from orthanc_video.errors import BrokenVideo, Conflict
from orthanc_video.model import Assignment

_PATIENTS_GROUPS = {0x0010}
# Clinical trial, order and visit.
_STUDYS_GROUPS = {0x0012, 0x0032, 0x0038}
# What ties a series to the order that it was made for.
_ORDER = ("RequestAttributesSequence", "ReferencedPerformedProcedureStepSequence")
# Of another study these are still when it was recorded.
_WHEN = ("StudyDate", "StudyTime")
# Of type 2: they are there, known or not (PS3.3 C.7.1.1, C.7.2.1).
_ALWAYS = ("PatientName", "PatientBirthDate", "PatientSex", *_WHEN, "ReferringPhysicianName", "StudyID",
           "AccessionNumber")  # fmt: skip
_TEXT = frozenset({"LO", "LT", "PN", "SH", "ST", "UC", "UT"})
_MOMENTS = ("Content", "Acquisition", "Series", "InstanceCreation")


def identify(said: Dataset, attributes: Mapping[str, str], parent: Parent | None) -> dict[str, str]:
    """PatientID, StudyInstanceUID, SeriesInstanceUID and SOPInstanceUID of the new object.

    They follow from the old ones and the target: objects of one series are in one series again, and what is done twice
    makes one object. Raises Conflict where the object belongs there already.
    """
    inherited = parent.attributes if parent is not None else {}
    known = dict(attributes) | {keyword: inherited[keyword] for keyword in IDENTITY if keyword in inherited}
    patient = known.get("PatientID", text(said, "PatientID"))
    old = {keyword: text(said, keyword) for keyword in (*IDENTITY, "SeriesInstanceUID", "SOPInstanceUID")}
    stays = patient.strip() == old["PatientID"]
    study = known.get("StudyInstanceUID", "")
    if stays and study in {"", old["StudyInstanceUID"]}:
        what = "study" if study else "patient"
        raise Conflict(f"The video belongs to this {what} already. Name another one.")
    study = study or derived_uid(
        "moved study", old["StudyInstanceUID"], patient, known.get("AccessionNumber", ""), known.get("StudyID", "")
    )
    series = known.get("SeriesInstanceUID", "") or derived_uid("moved series", old["SeriesInstanceUID"], study, patient)
    instance = derived_uid("moved instance", old["SOPInstanceUID"], patient, study, series)
    return {"PatientID": patient, "StudyInstanceUID": study, "SeriesInstanceUID": series, "SOPInstanceUID": instance}


def moved(old: Header, size: int, task: Assignment) -> Envelope:
    """The new object around what the old one, of ``size`` bytes, holds from its Pixel Data on. Raises BrokenVideo."""
    try:
        parts = replacing(_moved(old.said, task), old.at, size)
        # A damaged element may swallow those behind it, whose the video is among them: what will be read counts.
        read = dcmread(io.BytesIO(parts.before), stop_before_pixels=True)
        if any(text(read, keyword) != value.strip() for keyword, value in task.identity.items()):
            raise ValueError
    except Exception as error:  # pydicom has no end of them for damaged values
        raise BrokenVideo("The stored object's attributes are damaged: they cannot be written anew.") from error
    return parts


def _moved(said: FileDataset, task: Assignment) -> FileDataset:
    """All attributes of the new object but Pixel Data; ``said`` are those of the old one, and are changed."""
    to_unicode(said)
    new = _new(said, task)
    _move_times(said, task)
    old = _replace(said, task, new)
    now = datetime.datetime.fromisoformat(task.requested).astimezone(datetime.UTC)
    _remember(said, old, now)
    written = now.astimezone(zone(text(said, identity.TIMEZONE)))
    said.InstanceCreationDate, said.InstanceCreationTime = f"{written:%Y%m%d}", f"{written:%H%M%S}"
    said.file_meta.MediaStorageSOPInstanceUID = UID(task.identity["SOPInstanceUID"])
    said.file_meta.ImplementationClassUID = UID(IMPLEMENTATION_CLASS_UID)
    said.file_meta.ImplementationVersionName = IMPLEMENTATION_VERSION_NAME
    return said


def _new(said: Dataset, task: Assignment) -> dict[BaseTag, DataElement]:
    """What is set, by tag."""
    texts = {**task.attributes, **task.identity, **task.inherited}
    if "StudyInstanceUID" not in task.inherited:
        texts = {keyword: text(said, keyword) for keyword in _WHEN} | texts
    if not _another_patient(said, task):
        texts = {keyword: text(said, keyword) for keyword in _ALWAYS if keyword in identity.PATIENT} | texts
    texts = dict.fromkeys(_ALWAYS, "") | texts
    return {element.tag: element for element in identity.elements(texts)}


def _another_patient(said: Dataset, task: Assignment) -> bool:
    return bool(task.inherited) or task.identity["PatientID"].strip() != text(said, "PatientID")


def _replace(said: Dataset, task: Assignment, new: Mapping[BaseTag, DataElement]) -> Dataset:
    """Puts the new attributes in the place of the old ones; those that were changed or removed, as they were."""
    gone = _tags(said, identity.STUDY | set(_ORDER), _STUDYS_GROUPS)
    if _another_patient(said, task):
        gone |= _tags(said, identity.PATIENT, _PATIENTS_GROUPS)
    old = Dataset()
    for tag in sorted(gone | (set(new) & set(_all(said)))):
        before = said[tag]
        if tag not in new or new[tag].value != before.value:
            old[tag] = copy.deepcopy(before)
        del said[tag]
    for element in new.values():
        said.add(element)
    return old


def _tags(said: Dataset, keywords: frozenset[str] | set[str], groups: set[int]) -> set[BaseTag]:
    named = {tag_for_keyword(keyword) for keyword in keywords}
    return {tag for tag in _all(said) if tag in named or tag.group in groups}


def _remember(said: Dataset, old: Dataset, now: datetime.datetime) -> None:
    """What was changed, when and by what: before it, what others had changed."""
    item = original(old, now, "CORRECT")
    said.OriginalAttributesSequence = Sequence([*said.get("OriginalAttributesSequence", []), item])
    by = Dataset()
    by.PurposeOfReferenceCodeSequence = Sequence([code("109103", "DCM", "Modifying Equipment")])
    by.Manufacturer = by.ManufacturerModelName = "orthanc-video"
    by.SoftwareVersions = __version__
    by.ContributionDateTime = item.AttributeModificationDateTime
    by.ContributionDescription = "assign: moved here from another study or patient; the pixel data is unchanged."
    said.ContributingEquipmentSequence = Sequence([*said.get("ContributingEquipmentSequence", []), by])


def original(old: Dataset, now: datetime.datetime, reason: str) -> Dataset:
    """An item of Original Attributes Sequence (PS3.3 C.12.1): attributes as they were until ``now`` in UTC."""
    item = Dataset()
    item.SourceOfPreviousValues = ""
    item.AttributeModificationDateTime = f"{now:%Y%m%d%H%M%S}+0000"
    item.ModifyingSystem = "orthanc-video"
    item.ReasonForTheAttributeModification = reason
    item.ModifiedAttributesSequence = Sequence([old])
    return item


def to_unicode(said: Dataset) -> None:
    """All text in UTF-8. What is no text stays as its bytes are: of another writer's values some may be damaged."""
    _decode(said)
    said.SpecificCharacterSet = "ISO_IR 192"


def _decode(said: Dataset) -> None:
    """pydicom decodes an element when it is first looked at, by the character set that its data set then has."""
    for tag in _all(said):
        if (kind := _kind(said, tag)) == "SQ":
            for item in said[tag].value:
                _decode(item)
                item.pop("SpecificCharacterSet", None)
        elif kind in _TEXT:
            said[tag]


def _all(said: Dataset) -> list[BaseTag]:
    """Not by iteration, which would convert each element."""
    return sorted(said.keys())


def _kind(said: Dataset, tag: BaseTag) -> str:
    """An element's VR; of one that says none (implicit VR), the dictionary's."""
    vr: str | None = getattr(said.get_item(tag), "VR", None)
    return vr or (dictionary_VR(tag) if dictionary_has_tag(tag) else "UN")


def _move_times(said: Dataset, task: Assignment) -> None:
    """An object's dates and times have one offset from UTC (PS3.3 C.12.1.1.8): they follow those of its new study."""
    before, after = text(said, identity.TIMEZONE), task.inherited.get(identity.TIMEZONE, "").strip()
    if "StudyInstanceUID" not in task.inherited or not before or before == after:
        return
    for what in _MOMENTS:
        seconds, point, fraction = text(said, f"{what}Time").partition(".")
        try:
            moment = datetime.datetime.strptime(text(said, f"{what}Date") + seconds + before, "%Y%m%d%H%M%S%z")
        except ValueError:  # not both are known, to the second
            continue
        moment = moment.astimezone(zone(after))
        setattr(said, f"{what}Date", f"{moment:%Y%m%d}")
        setattr(said, f"{what}Time", f"{moment:%H%M%S}{point}{fraction}")
    moment_of_acquisition = text(said, "AcquisitionDateTime")
    if moment_of_acquisition and not re.search(r"[+-]\d{4}$", moment_of_acquisition):
        said.AcquisitionDateTime = moment_of_acquisition + before
    del said[identity.TIMEZONE]
