"""The data set of a Key Object Selection document that marks moments of a video (PS3.3 A.35.4, PS3.16 TID 2010).

It is in the study of the video. UIDs follow from the video's and from what is marked: the same made twice is one
object.
"""

from __future__ import annotations

from collections.abc import Sequence as Several

from pydicom.dataset import Dataset, FileDataset
from pydicom.sequence import Sequence

from orthanc_video import __version__
from orthanc_video.dicom import build, derived, identity, series
from orthanc_video.dicom.said import text
from orthanc_video.errors import BadRequest

KEY_OBJECTS, KEY_OBJECTS_NAME = "1.2.840.10008.5.1.4.1.1.88.59", "Key Object Selection Document Storage"
_EXPLICIT = "1.2.840.10008.1.2.1"
_DESCRIPTION = build.code("113012", "DCM", "Key Object Description")
# Of CID 7010 those that a person marks moments by, and that ask for no further code (TID 2010, rows 2 to 4).
TITLES: dict[str, str] = {
    "Of Interest": "113000",
    "For Referring Provider": "113002",
    "For Surgery": "113003",
    "For Teaching": "113004",
    "For Conference": "113005",
    "For Therapy": "113006",
    "For Patient": "113007",
    "For Peer Review": "113008",
    "For Research": "113009",
    "For Printing": "113018",
    "For Report Attachment": "113020",
    "For Litigation": "113021",
}
OF_INTEREST = "Of Interest"
_BY_NAME = {name.lower(): name for name in TITLES}


def title_of(named: str) -> str:
    """The title as PS3.16 has it, whatever its case; without any, Of Interest. Raises BadRequest with the choices."""
    title = _BY_NAME.get((named or OF_INTEREST).strip().lower())
    if title is None:
        raise BadRequest(f'"{named[:40]}" is none of the titles: {", ".join(TITLES)}.')
    return title


def of_frames(said: FileDataset, numbers: Several[int], title: str, words: str) -> Dataset:
    """``said`` are the video's attributes, ``numbers`` the frames' (from 1)."""
    dataset = Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 192"
    for element in identity.elements(identity.taken(said, identity.PATIENT | identity.STUDY | {identity.TIMEZONE})):
        dataset.add(element)
    dataset.SOPClassUID, dataset.Modality = KEY_OBJECTS, "KO"
    source = text(said, "SOPInstanceUID")
    series.join(dataset, said, "marks")
    dataset.SOPInstanceUID = build.derived_uid("mark", source, title, words, *map(str, numbers))
    dataset.ReferencedPerformedProcedureStepSequence = Sequence()
    dataset.Manufacturer = dataset.ManufacturerModelName = "orthanc-video"
    dataset.SoftwareVersions = __version__
    dataset.InstanceNumber = 1
    _now(dataset)
    _evidence(dataset, said)
    _content(dataset, said, numbers, title, words)
    identity.required(dataset)
    dataset.file_meta = derived.meta(dataset, _EXPLICIT)
    return dataset


def _now(dataset: Dataset) -> None:
    now = derived.now(dataset)
    dataset.ContentDate = dataset.InstanceCreationDate = f"{now:%Y%m%d}"
    dataset.ContentTime = dataset.InstanceCreationTime = f"{now:%H%M%S}"


def _evidence(dataset: Dataset, said: FileDataset) -> None:
    """PS3.3 C.17.6.2."""
    group = Dataset()
    group.SeriesInstanceUID = text(said, "SeriesInstanceUID")
    group.ReferencedSOPSequence = Sequence([derived.referenced(said)])
    study = Dataset()
    study.StudyInstanceUID = text(said, "StudyInstanceUID")
    study.ReferencedSeriesSequence = Sequence([group])
    dataset.CurrentRequestedProcedureEvidenceSequence = Sequence([study])


def _content(dataset: Dataset, said: FileDataset, numbers: Several[int], title: str, words: str) -> None:
    """PS3.3 C.17.3: the root, what is said of it in words, and one reference to an image for each frame."""
    dataset.ValueType = "CONTAINER"
    dataset.ConceptNameCodeSequence = Sequence([build.code(TITLES[title], "DCM", title)])
    dataset.ContinuityOfContent = "SEPARATE"
    template = Dataset()
    template.MappingResource, template.TemplateIdentifier = "DCMR", "2010"
    dataset.ContentTemplateSequence = Sequence([template])
    items = []
    if words:
        item = Dataset()
        item.RelationshipType, item.ValueType = "CONTAINS", "TEXT"
        item.ConceptNameCodeSequence = Sequence([_DESCRIPTION])
        item.TextValue = words
        items.append(item)
    for number in numbers:
        item, image = Dataset(), derived.referenced(said)
        image.ReferencedFrameNumber = number
        item.RelationshipType, item.ValueType = "CONTAINS", "IMAGE"
        item.ReferencedSOPSequence = Sequence([image])
        items.append(item)
    dataset.ContentSequence = Sequence(items)
