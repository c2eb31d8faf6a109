"""The data set of an edited video: a derived object that says of what it was made, and what was done. All but Pixel
Data.

It is in the study of its source, in a series with the other edits of the source's series. UIDs follow from the source's
and from the edit: the same edit made twice is one object.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from collections.abc import Sequence as Several
from dataclasses import dataclass

from pydicom.dataset import Dataset, FileDataset
from pydicom.sequence import Sequence

from orthanc_video.dicom import build, classes, deidentified, derived, joined, series
from orthanc_video.dicom.classes import VideoClass
from orthanc_video.dicom.said import number, text
from orthanc_video.edit import DROP, Edit
from orthanc_video.errors import BadRequest
from orthanc_video.film import Coded
from orthanc_video.model import Made, Plan, Region
from orthanc_video.plain import to_json

_MASKED = build.code("113047", "DCM", "Pixel by pixel mask")
_MODIFYING = build.code("109103", "DCM", "Modifying Equipment")
_CORNERS = (
    ("RegionLocationMinX0", "RegionLocationMaxX1", "ReferencePixelX0"),
    ("RegionLocationMinY0", "RegionLocationMaxY1", "ReferencePixelY0"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """An object that was edited: its attributes and transfer syntax."""

    said: FileDataset
    syntax: str


def kind_of(said: Dataset) -> VideoClass:
    """The class that an edit of this object is of; raises BadRequest where none is made of it."""
    kind = classes.WRITTEN.get(text(said, "SOPClassUID"))
    if kind is None:
        raise BadRequest(f"No edits are made of objects of the class {text(said, 'SOPClassUID')}.")
    return kind


def of_edit(sources: Several[Source], edit: Edit, plan: Plan, made: Made, anew: int, key: bytes) -> Dataset:
    """``made`` is the edited stream with its ``plan``, which is to wrap it; ``anew`` of its frames were coded anew.

    The attributes are those of the first source; others are joined to it, with what was done to them before. ``key`` is
    the secret by which a de-identified object gets its UIDs and its patient: it names no source, and is in another
    study.
    """
    kind = kind_of(sources[0].said)
    if plan.transfer_syntax not in kind.videos:
        raise BadRequest(f"Objects of the class {kind.name} hold no video in the transfer syntax of this edit.")
    dataset = derived.taken(sources[0].said, kind)
    dataset.update(build.of_stream(plan, made))
    derived.accumulate(dataset, [one.said for one in sources], anew=bool(anew))
    _place(dataset, edit.crop)
    how = f"{anew} of {made.video.frames} frames coded anew" if anew else "no picture coded anew"
    _finish(dataset, sources, edit, how, plan.transfer_syntax, key, lossy=bool(anew))
    return dataset


def of_pictures(source: Source, edit: Edit, coded: Coded, times: Several[int], size: int, key: bytes) -> Dataset:
    """Of a film of single pictures, ``coded`` in its own transfer syntax; ``times`` and ``size`` as a form's."""
    dataset = derived.taken(source.said, kind_of(source.said))
    derived.pixels(dataset, coded)
    derived.cine(dataset, coded, times)
    derived.lossy(dataset, source.syntax, source.syntax, coded, size, coded.frames)
    _place(dataset, edit.crop)
    lossy = derived.is_lossy(source.syntax)
    which = f"{coded.frames - coded.copied} of {coded.frames}" if coded.copied else f"all {coded.frames}"
    how = f"{which} frames coded anew{'' if lossy else ' without loss'}"
    _finish(dataset, [source], edit, how, source.syntax, key, lossy=lossy)
    return dataset


def _finish(
    dataset: Dataset, sources: Several[Source], edit: Edit, how: str, syntax: str, key: bytes, *, lossy: bool
) -> None:
    """What was done, and what the object is called."""
    all_said = [one.said for one in sources]
    said, kind = all_said[0], kind_of(all_said[0])
    if edit.burned_in:
        dataset.BurnedInAnnotation = edit.burned_in
    steps = [_MASKED] * bool(edit.masks) + [derived.LOSSY] * lossy
    sentence = f"{'; '.join(_deeds(len(sources), edit))}, {how}, by orthanc-video"[:900]
    done = derived.Done(sentence=sentence, steps=tuple(steps), by=_MODIFYING)
    derived.remember(dataset, joined.derivation(all_said), kind, sources[0].syntax, done)
    joined.name(dataset, all_said)
    series.join(dataset, said, "edits")
    which = [text(one.said, "SOPInstanceUID") for one in sources]
    dataset.SOPInstanceUID = build.derived_uid("edit", json.dumps(to_json(edit), sort_keys=True), *which)
    if edit.deidentify:
        deidentified.cleaned(dataset, key, kind, f"{sentence}.", pixels=bool(edit.masks))
    build.fill(dataset, kind)
    dataset.file_meta = derived.meta(dataset, syntax)


def refuse_strangers(sources: Several[Source]) -> None:
    """Raises BadRequest unless all are videos of one patient's one study."""
    for keyword, name in (("PatientID", "patients"), ("StudyInstanceUID", "studies"), ("SOPClassUID", "SOP classes")):
        if len({text(one.said, keyword) for one in sources}) > 1:
            raise BadRequest(f"The videos are of several {name}; those of one study and class alone can be joined.")


def in_time(sources: Several[Source]) -> list[int]:
    """The places of the sources in the order in which they were recorded; raises BadRequest where one does not say."""
    moments = [_moment(one.said) for one in sources]
    if not all(moments):
        raise BadRequest("Not all of the videos say when they were recorded: name them in the order that is wanted.")
    numbers = [number(one.said, "InstanceNumber") or 0 for one in sources]
    return sorted(range(len(sources)), key=lambda at: (moments[at], numbers[at]))


def _moment(said: Dataset) -> str:
    pairs = (("AcquisitionDate", "AcquisitionTime"), ("ContentDate", "ContentTime"))
    return text(said, "AcquisitionDateTime") or next(
        (text(said, date) + text(said, time) for date, time in pairs if text(said, date) and text(said, time)), ""
    )


def _deeds(sources: int, edit: Edit) -> Iterator[str]:
    if sources > 1:
        yield f"{sources} videos joined"
    if edit.masks:
        where = f"in {len(edit.ranges)} range(s)" if edit.ranges else "throughout"
        yield f"{len(edit.masks)} region(s) of the pictures made black {where}"
    if edit.crop:
        yield f"pictures cropped to {edit.crop.width} × {edit.crop.height} at {edit.crop.x}, {edit.crop.y}"
    if edit.audio == DROP:
        yield "sound left out"
    if edit.strip or edit.deidentify:
        yield "what the container and the stream told beside pictures left out"


def _place(dataset: Dataset, crop: Region | None) -> None:
    """What lies at a place of the picture: moved with a crop, gone where pictures were scaled."""
    if crop is None:
        return
    if (dataset.Columns, dataset.Rows) != (crop.width, crop.height):
        derived.remove(dataset, derived.PLACES)
    elif "SequenceOfUltrasoundRegions" in dataset:
        kept = [one for one in dataset.SequenceOfUltrasoundRegions if _moved(one, crop)]
        dataset.SequenceOfUltrasoundRegions = Sequence(kept)
        if not kept:
            del dataset.SequenceOfUltrasoundRegions


def _moved(region: Dataset, crop: Region) -> bool:
    """An ultrasound region (PS3.3 C.8.5.5) within what stays; False where nothing of it does.

    Its reference pixel counts from its own corner.
    """
    for (least, most, reference), begin, length in zip(
        _CORNERS, (crop.x, crop.y), (crop.width, crop.height), strict=True
    ):
        low, high = number(region, least), number(region, most)
        if low is None or high is None or high < begin or low >= begin + length:
            return False
        left_out = max(0, begin - int(low))
        setattr(region, least, max(0, int(low) - begin))
        setattr(region, most, min(length - 1, int(high) - begin))
        if reference in region:
            setattr(region, reference, int(number(region, reference) or 0) - left_out)
    return True
