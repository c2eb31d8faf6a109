"""The data set of a video object: attributes of the video IODs (PS3.3 A.32.5 to A.32.7), all but Pixel Data."""

from __future__ import annotations

import datetime
import math
import uuid
from fractions import Fraction

from pydicom.datadict import dictionary_VR
from pydicom.dataelem import empty_value_for_VR
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import UID
from pydicom.valuerep import DSdecimal

from orthanc_video import __version__
from orthanc_video.dicom import audio, frametimes, identity, moments, syntaxes
from orthanc_video.dicom.classes import VideoClass, class_for
from orthanc_video.dicom.history import History, contribution, derivation, history_of
from orthanc_video.model import Action, Made, MediaInfo, Plan, Upload

IMPLEMENTATION_CLASS_UID = "2.25.224463173513573470227903853943172843563"
IMPLEMENTATION_VERSION_NAME = "ORTHANC_VIDEO"
_NAMESPACE = uuid.UUID("5f2b7d0e-9d0c-5d0a-8a55-5f3c35a1b7a1")


def derived_uid(*parts: str) -> str:
    """A UID that is the same whenever the parts are (PS3.5 B.2, form 2.25)."""
    return f"2.25.{uuid.uuid5(_NAMESPACE, chr(0).join(parts)).int}"


def identify(upload: Upload, plan: Plan, part: int = 1) -> dict[str, str]:
    """StudyInstanceUID, SeriesInstanceUID, SOPInstanceUID and PatientID of the object that this upload becomes.

    ``part`` is its number (from 1) where the film is so long that it becomes several.

    They follow from the content, the target study and the plan alone: the same upload always names the same object.
    Where the sender has named it, that is what it is called.
    """
    if upload.identity:
        return upload.identity
    given = upload.attributes
    patient = given.get("PatientID", "")
    if not patient and not upload.inherited:  # a patient in Orthanc may have an empty one
        patient = f"UNASSIGNED-{upload.sha256[:8].upper()}"
    study = given.get("StudyInstanceUID", "") or derived_uid(
        "study", upload.sha256, patient, given.get("AccessionNumber", ""), given.get("StudyID", "")
    )
    series = given.get("SeriesInstanceUID", "") or derived_uid("series", upload.sha256, study, upload.sop_class)
    parts = ["instance", upload.sha256, study, series, upload.sop_class, plan.action, plan.transfer_syntax]
    parts += [f"part {part}"] if part > 1 else []
    # Another sound or rate is another object; without either wish the UIDs are those of earlier versions.
    parts += [f"{plan.sound.codec} {plan.sound.rate} {plan.sound.channels}"] if plan.sound else []
    parts += [f"{plan.target.rate.fraction} Hz"] if plan.target and plan.target.rate else []
    instance = derived_uid(*parts)
    return {"PatientID": patient, "StudyInstanceUID": study, "SeriesInstanceUID": series, "SOPInstanceUID": instance}


def build(upload: Upload, info: MediaInfo, plan: Plan, made: Made) -> Dataset:
    """The whole data set but Pixel Data, with file meta information."""
    kind = class_for(upload.sop_class)
    ids = identify(upload, plan, made.part)
    dataset = Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.SOPClassUID = kind.uid
    dataset.Modality = kind.modality
    _patient_and_study(dataset, upload, info)
    for element in identity.elements(upload.inherited):
        dataset.add(element)
    for keyword, value in (upload.attributes | ids).items():
        if keyword not in upload.inherited:
            setattr(dataset, keyword, value)
    if made.parts > 1:
        _part(dataset, upload, info, made)
    dataset.update(of_stream(plan, made))
    _history(dataset, upload, plan, history_of(upload, plan, made))
    fill(dataset, kind)
    dataset.file_meta = file_meta(dataset, plan)
    return dataset


def of_stream(plan: Plan, made: Made) -> Dataset:
    """What the stream itself says: its pictures, their times, its sound, and that it is lossy."""
    dataset = Dataset()
    _picture(dataset, plan, made)
    _time(dataset, made)
    if plan.sound:
        dataset.MultiplexedAudioChannelsDescriptionCodeSequence = audio.described(plan.sound)
    _lossy(dataset, plan, made)
    return dataset


def _began(upload: Upload, info: MediaInfo) -> datetime.datetime:
    return datetime.datetime.fromisoformat(info.created or upload.received).astimezone(zone(_offset(upload)))


def _patient_and_study(dataset: Dataset, upload: Upload, info: MediaInfo) -> None:
    """Defaults that say what is known and no more; what is inherited and the request's attributes go over them."""
    joins, offset, began = _joins(upload), _offset(upload), _began(upload, info)
    unassigned = not upload.inherited and not upload.attributes.get("PatientID")
    dataset.PatientName = "Unassigned^Video" if unassigned else ""
    dataset.ContentDate = f"{began:%Y%m%d}"
    dataset.ContentTime = f"{began:%H%M%S}"
    if offset:
        dataset.TimezoneOffsetFromUTC = offset
    if not joins:
        dataset.StudyDate, dataset.StudyTime, dataset.StudyID = dataset.ContentDate, dataset.ContentTime, "1"
    dataset.SeriesNumber = 1
    if "Laterality" not in upload.attributes:
        dataset.ImageLaterality = ""  # unknown: without either, Laterality would be required (PS3.3 C.7.3.1)
    dataset.InstanceNumber = 1
    dataset.AnatomicRegionSequence = Sequence([code(*(upload.region or ("111176", "DCM", "Unspecified")))])


def _joins(upload: Upload) -> bool:
    """Whether the object comes into a study that is there, whose attributes it has."""
    return "StudyInstanceUID" in upload.inherited


def _offset(upload: Upload) -> str:
    """What dates and times are written by: UTC's where nothing is said; empty in a study that does not say it."""
    told = (upload.attributes | upload.inherited).get(identity.TIMEZONE, "" if _joins(upload) else "+0000")
    return str(told)


def zone(offset: str) -> datetime.tzinfo | None:
    """The zone in which dates and times are written; this machine's own (None) where a study does not name its own."""
    try:
        return datetime.datetime.strptime(offset.strip(), "%z").tzinfo
    except ValueError:
        return None


def _part(dataset: Dataset, upload: Upload, info: MediaInfo, made: Made) -> None:
    """One of several objects of a film: each begins at the very moment at which the one before it ends."""
    dataset.InstanceNumber = int(dataset.InstanceNumber or 1) + made.part - 1
    if "AcquisitionDateTime" not in dataset and "AcquisitionDate" not in dataset:
        dataset.AcquisitionDateTime = f"{_began(upload, info):%Y%m%d%H%M%S}"
    moments.shift(dataset, made.start.fraction)


def _picture(dataset: Dataset, plan: Plan, made: Made) -> None:
    video = made.video
    dataset.SamplesPerPixel = 3
    dataset.PhotometricInterpretation = "YBR_PARTIAL_420"
    dataset.PlanarConfiguration = 0
    dataset.Rows = video.height
    dataset.Columns = video.width
    dataset.BitsAllocated = 8
    dataset.BitsStored = 8
    dataset.HighBit = 7
    dataset.PixelRepresentation = 0
    aspect = video.pixel_aspect
    if aspect.fraction != 1:  # of MPEG-2 Main Level alone (PS3.5 8.2.5): the vertical side first (PS3.3 C.7.6.3.1.7)
        dataset.PixelAspectRatio = [aspect.denominator, aspect.numerator]
    if syntaxes.BY_UID[plan.transfer_syntax].stereo:
        dataset.StereoPairsPresent = "YES"


def _time(dataset: Dataset, made: Made) -> None:
    """Cine module (PS3.3 C.7.6.5): Frame Time carries the exact rate; Cine Rate can only hold a whole number.

    Frames that last differently long have a vector of their times, where it fits. Of a film with pulldown Cine Rate
    is that of its coding, which the transfer syntax lists (PS3.5 8.2.5); Recommended Display Frame Rate, of what is
    shown.
    """
    video = made.video
    coded = video.rate if video.constant_rate else video.coded_rate or video.rate
    whole = max(1, round(float(video.rate)))
    dataset.NumberOfFrames = video.frames
    vector = frametimes.vector(made.probed.steps if made.probed else ())
    if vector:
        dataset.FrameIncrementPointer = 0x00181065
        dataset.FrameTimeVector = [DSdecimal(step) for step in vector]
    else:
        dataset.FrameIncrementPointer = 0x00181063
        dataset.FrameTime = ds(1000 / video.rate.fraction)
    dataset.CineRate = max(1, round(float(coded)))
    dataset.RecommendedDisplayFrameRate = whole
    dataset.EffectiveDuration = ds(Fraction(video.seconds).limit_denominator(10**6))


def ds(value: Fraction) -> DSdecimal:
    """A decimal string with all the digits that its 16 characters hold (PS3.5 6.2)."""
    digits = 15 - max(1, math.floor(math.log10(value)) + 1) if value >= 1 else 14
    text = f"{float(value):.{digits}f}".rstrip("0").rstrip(".")
    return DSdecimal(text)


def _lossy(dataset: Dataset, plan: Plan, made: Made) -> None:
    """Lossy compression (PS3.3 C.7.6.1.1.5): the ratio of the uncompressed frames to the stream, and its method.

    What the camera's own codec lost before is told in Contributing Equipment: most such codecs have no defined term.
    """
    video = made.video
    uncompressed = video.width * video.height * 3 * video.frames
    dataset.LossyImageCompression = "01"
    dataset.LossyImageCompressionRatio = f"{uncompressed / max(1, made.size):.2f}"
    dataset.LossyImageCompressionMethod = syntaxes.BY_UID[plan.transfer_syntax].method


def _history(dataset: Dataset, upload: Upload, plan: Plan, history: History) -> None:
    """What was done, by what, to which file: Contributing Equipment (PS3.3 C.12.1), and derivation for a transcode."""
    now = datetime.datetime.now(datetime.UTC)
    dataset.InstanceCreationDate = f"{now:%Y%m%d}"
    dataset.InstanceCreationTime = f"{now:%H%M%S}"
    dataset.ImageType = ["ORIGINAL", "PRIMARY"]
    dataset.ContributingEquipmentSequence = Sequence([contributed(upload, history, now)])
    if plan.action is Action.TRANSCODE:
        dataset.ImageType = ["DERIVED", "PRIMARY"]
        dataset.DerivationDescription = derivation(history)
        dataset.DerivationCodeSequence = Sequence([code("113040", "DCM", "Lossy Compression")])


def contributed(upload: Upload, history: History, now: datetime.datetime) -> Dataset:
    """An item of Contributing Equipment Sequence: what was done here, at ``now`` in UTC."""
    item = Dataset()
    item.PurposeOfReferenceCodeSequence = Sequence([code("109103", "DCM", "Modifying Equipment")])
    item.Manufacturer = "orthanc-video"
    item.ManufacturerModelName = "orthanc-video"
    item.SoftwareVersions = __version__
    item.ContributionDateTime = f"{now:%Y%m%d%H%M%S}+0000"
    item.ContributionDescription = contribution(upload, history)
    return item


def fill(dataset: Dataset, kind: VideoClass) -> tuple[str, ...]:
    """What the class demands and nobody knows is there without a value (type 2, PS3.5 7.4.3); what was missing."""
    needs = [need.keyword for module in kind.modules for need in module.needs if need.kind == 2]
    absent = tuple(keyword for keyword in dict.fromkeys(needs) if keyword not in dataset)
    for keyword in absent:
        setattr(dataset, keyword, empty_value_for_VR(dictionary_VR(keyword)))
    return absent


def code(value: str, scheme: str, meaning: str) -> Dataset:
    """An item of a code sequence (PS3.3 8)."""
    item = Dataset()
    item.CodeValue = value
    item.CodingSchemeDesignator = scheme
    item.CodeMeaning = meaning
    return item


def file_meta(dataset: Dataset, plan: Plan) -> FileMetaDataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    meta.TransferSyntaxUID = UID(plan.transfer_syntax)
    meta.ImplementationClassUID = UID(IMPLEMENTATION_CLASS_UID)
    meta.ImplementationVersionName = IMPLEMENTATION_VERSION_NAME
    return meta
