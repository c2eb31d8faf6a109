"""An object whose data set its sender has written, and whose stream came beside it (PS3.18 10.5).

What the sender says stays as it is. What it leaves out about the pictures, the stream says; what contradicts the stream
is replaced, and kept in Original Attributes Sequence (PS3.3 C.12.1).
"""

from __future__ import annotations

import copy
import datetime
import re
from dataclasses import dataclass

from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import RE_VALID_UID

from orthanc_video.dicom import build, check, classes, syntaxes
from orthanc_video.dicom.assigned import original
from orthanc_video.dicom.checks import attributes
from orthanc_video.dicom.fit import candidates
from orthanc_video.dicom.history import derivation, history_of
from orthanc_video.dicom.said import missing, text, values
from orthanc_video.errors import BadRequest, Nonconforming, UnsupportedClass, UnsupportedMedia
from orthanc_video.model import Action, Located, Made, MediaInfo, Plan, Upload

_TIMES = ("FrameIncrementPointer", "FrameTime", "FrameTimeVector")
_LOSSY = ("LossyImageCompression", "LossyImageCompressionRatio", "LossyImageCompressionMethod")
_SOUND = "MultiplexedAudioChannelsDescriptionCodeSequence"
# Left out, these are derived: the Image Pixel module (PS3.18 10.5.2), and as a courtesy what follows from the stream.
_DERIVED = (
    *("SamplesPerPixel", "PhotometricInterpretation", "PlanarConfiguration", "Rows", "Columns", "BitsAllocated"),
    *("BitsStored", "HighBit", "PixelRepresentation", "PixelAspectRatio", "NumberOfFrames", "StereoPairsPresent"),
    *(*_LOSSY, _SOUND),
)
# What a finding says is wrong, by its code: these attributes are then as the stream has them.
_CONTRADICTED: dict[str, tuple[str, ...]] = {
    "samples": ("SamplesPerPixel",),
    "photometric": ("PhotometricInterpretation",),
    "planar": ("PlanarConfiguration",),
    "bits": ("BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation"),
    "rows": ("Rows",),
    "columns": ("Columns",),
    "aspect": ("PixelAspectRatio",),
    "aspect-forbidden": ("PixelAspectRatio",),
    "frame-count": ("NumberOfFrames",),
    "frame-increment-pointer": _TIMES,
    "frame-time": _TIMES,
    "frame-time-vector": _TIMES,
    "cine-rate": ("CineRate",),
    "stereo": ("StereoPairsPresent",),
    "stereo-plain": ("StereoPairsPresent",),
    "lossy-flag": _LOSSY,
    "lossy-ratio": _LOSSY,
    "lossy-method": _LOSSY,
    "sound-absent": (_SOUND,),
}
# Of a transcode.
_HISTORY = ("ImageType", "DerivationDescription", "DerivationCodeSequence")
_LONGEST_UID = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Completed:
    """The whole data set but Pixel Data, with what was changed and what was added empty, by keyword."""

    dataset: Dataset
    coerced: tuple[str, ...] = ()
    filled: tuple[str, ...] = ()


def identity(said: Dataset) -> dict[str, str]:
    """PatientID, StudyInstanceUID, SeriesInstanceUID and SOPInstanceUID as the sender has them.

    Raises BadRequest where class or instance are not named, Nonconforming for study and series, UnsupportedClass.
    """
    for keyword in ("SOPClassUID", "SOPInstanceUID"):
        if not _is_uid(text(said, keyword)):
            raise BadRequest(f"{keyword} is missing, or no UID.")
    if text(said, "SOPClassUID") not in classes.BY_UID:
        names = ", ".join(kind.name for kind in classes.BY_UID.values())
        raise UnsupportedClass(
            f"Metadata with bulk data are taken of these SOP classes alone: {names}. Send others as application/dicom."
        )
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID"):
        if not _is_uid(text(said, keyword)):
            raise Nonconforming(f"{keyword} is missing, or no UID.")
    known = {keyword: text(said, keyword) for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")}
    return {"PatientID": text(said, "PatientID"), **known}


def _is_uid(found: str) -> bool:
    return len(found) <= _LONGEST_UID and re.fullmatch(RE_VALID_UID, found) is not None


def unchanged(info: MediaInfo, wanted: str = "") -> Plan:
    """The plan to store a stream as it came, as the transfer syntax that its bits are, or the ``wanted`` UID.

    Raises UnsupportedMedia with what of it does not conform.
    """
    against: list[str] = []
    for syntax in candidates(info.video, wanted) or ():
        plan = Plan(
            action=Action.WRAP,
            transfer_syntax=syntax.uid,
            reasons=("The sender's stream conforms and is stored byte for byte.",),
            sound=info.sounds[0] if info.sounds else None,
            sound_copied=bool(info.sounds),
        )
        made = Made(path="", size=info.size, video=info.video, probed=info)
        located = Located(transfer_syntax=syntax.uid, sop_class="", sop_instance="", spans=(), length=info.size)
        found = check.errors(check.of_media(build.of_stream(plan, made), located, info))
        if not found:
            return plan
        against = [f"{one.sentence} ({one.section})" for one in found]
    told = " ".join(against) or f"DICOM has no transfer syntax for {info.video.codec}."
    raise UnsupportedMedia(f"The stream is not stored as it is: {told}")


def completed(said: Dataset, upload: Upload, plan: Plan, made: Made) -> Completed:
    """The sender's data set with what the stream says; ``said`` is changed."""
    seen = build.of_stream(plan, made)
    before = copy.deepcopy(said)
    said.file_meta = build.file_meta(said, plan)
    _derive(said, seen)
    wrong = {keyword for code in _contradictions(said, plan, made) for keyword in _CONTRADICTED[code]}
    for keyword in wrong.difference(_LOSSY):
        _replace(said, seen, keyword)
    if wrong.intersection(_LOSSY):
        _compressed(said, seen)
    if plan.action is not Action.WRAP:
        _tell(said, upload, plan, made)
    coerced = tuple(
        keyword
        for keyword in sorted(wrong.union(_HISTORY))
        if not missing(before, keyword) and (keyword not in said or said[keyword] != before[keyword])
    )
    _remember(said, before, coerced, upload)
    filled = build.fill(said, classes.BY_UID[text(said, "SOPClassUID")])
    return Completed(dataset=said, coerced=coerced, filled=filled)


def _derive(said: Dataset, seen: Dataset) -> None:
    for keyword in _DERIVED:
        if keyword in seen and missing(said, keyword):
            said[keyword] = seen[keyword]
    if missing(said, "FrameIncrementPointer"):
        named = next((one for one in ("FrameTimeVector", "FrameTime") if not missing(said, one)), "")
        said.FrameIncrementPointer = tag_for_keyword(named) if named else seen.FrameIncrementPointer
    for keyword in _TIMES[1:]:
        if keyword in seen and missing(said, keyword) and said.FrameIncrementPointer == seen.FrameIncrementPointer:
            said[keyword] = seen[keyword]


def _contradictions(said: Dataset, plan: Plan, made: Made) -> set[str]:
    """Codes of ``_CONTRADICTED`` that the project's own check finds."""
    syntax = syntaxes.BY_UID[plan.transfer_syntax]
    located = Located(transfer_syntax=syntax.uid, sop_class="", sop_instance="", spans=(), length=made.size)
    found = [*attributes.of(said), *attributes.of_video(said, syntax)]
    found += check.of_media(said, located, made.probed) if made.probed else check.of_stream(said, located, made.video)
    return {one.code for one in found}.intersection(_CONTRADICTED)


def _replace(said: Dataset, seen: Dataset, keyword: str) -> None:
    if keyword in seen:
        said[keyword] = seen[keyword]
    elif keyword == "StereoPairsPresent":
        said.StereoPairsPresent = "NO"
    elif keyword in said:
        del said[keyword]


def _compressed(said: Dataset, seen: Dataset) -> None:
    """The stream's own compression comes last, after those that the sender tells of (PS3.3 C.7.6.1.1.5)."""
    methods, ratios = values(said, "LossyImageCompressionMethod"), values(said, "LossyImageCompressionRatio")
    own = str(seen.LossyImageCompressionMethod)
    earlier = len(methods) - (methods[-1:] == (own,)) if len(methods) == len(ratios) else 0
    said.LossyImageCompression = "01"
    said.LossyImageCompressionMethod = [*methods[:earlier], own]
    said.LossyImageCompressionRatio = [*ratios[:earlier], str(seen.LossyImageCompressionRatio)]


def _tell(said: Dataset, upload: Upload, plan: Plan, made: Made) -> None:
    """What was done to a stream that could not stay as it came."""
    history = history_of(upload, plan, made)
    by = build.contributed(upload, history, _received(upload))
    said.ContributingEquipmentSequence = Sequence([*said.get("ContributingEquipmentSequence", []), by])
    if plan.action is Action.TRANSCODE:
        said.ImageType = ["DERIVED", *(values(said, "ImageType")[1:] or ("PRIMARY",))]
        said.DerivationDescription = derivation(history)
        said.DerivationCodeSequence = Sequence([build.code("113040", "DCM", "Lossy Compression")])


def _remember(said: Dataset, before: Dataset, coerced: tuple[str, ...], upload: Upload) -> None:
    if not coerced:
        return
    old = Dataset()
    for keyword in coerced:
        old[keyword] = before[keyword]
    item = original(old, _received(upload), "COERCE")
    said.OriginalAttributesSequence = Sequence([*said.get("OriginalAttributesSequence", []), item])


def _received(upload: Upload) -> datetime.datetime:
    """The same at each attempt of a job."""
    return datetime.datetime.fromisoformat(upload.received).astimezone(datetime.UTC)
