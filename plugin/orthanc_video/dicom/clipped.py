"""The data set of a clip: a derived object that says of which frames of which object it is. All but Pixel Data.

It is in the study of its source, in a series with the other clips of the source's series. UIDs follow from the source's
and from the frames: the same clip made twice is one object.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence as Several

from pydicom.dataset import Dataset, FileDataset
from pydicom.sequence import Sequence

from orthanc_video.clip import Cut, numbers
from orthanc_video.dicom import build, classes, derived, moments, perframe, series
from orthanc_video.dicom.assigned import to_unicode
from orthanc_video.dicom.said import text, value
from orthanc_video.errors import BadRequest
from orthanc_video.film import MultiFrame
from orthanc_video.model import Made, Plan

# The one step of PS3.16 CID 7203 that takes out frames by their time; of films it knows none.
_TAKEN_OUT = build.code("113092", "DCM", "Temporally-related frames extracted from the set of volumes")
_EXTRACTED = build.code("109105", "DCM", "Frame Extracting Equipment")


def of_clip(said: FileDataset, source_syntax: str, cuts: Several[Cut], plan: Plan, made: Made) -> Dataset:
    """``said`` are the source's attributes, ``made`` the clip's stream with its ``plan``, which is to wrap it.

    Raises BadRequest where the source is of a class that no clips are made of.
    """
    kind = classes.WRITTEN.get(text(said, "SOPClassUID"))
    if kind is None or plan.transfer_syntax not in kind.videos:
        raise BadRequest(f"No clips are made as objects of the class {text(said, 'SOPClassUID')}.")
    dataset = derived.taken(said, kind)
    dataset.update(build.of_stream(plan, made))
    derived.accumulate(dataset, [said], anew=any(one.anew for one in cuts))
    moments.shift(dataset, cuts[0].start.fraction)
    _identify(dataset, said, source_syntax, cuts)
    build.fill(dataset, kind)
    dataset.file_meta = derived.meta(dataset, plan.transfer_syntax)
    return dataset


def of_film(said: FileDataset, film: MultiFrame, cuts: Several[Cut]) -> Dataset:
    """``said`` are the attributes of the multi-frame object ``film``: the same class, coding and pixels, fewer frames.

    Raises BadRequest where something that is said of single frames cannot be cut along.
    """
    which = numbers(cuts)
    dataset = Dataset()
    dataset.update(copy.deepcopy(said))
    to_unicode(dataset)
    perframe.take(dataset, film, which)
    dataset.NumberOfFrames = len(which)
    if "EffectiveDuration" in dataset:
        dataset.EffectiveDuration = build.ds(film.cadence.of(which).start(len(which)))
    if derived.is_lossy(film.transfer_syntax):
        dataset.LossyImageCompression = "01"
    if film.cadence.source:  # else nobody knows when a frame is shown
        moments.shift(dataset, cuts[0].start.fraction)
    _identify(dataset, said, film.transfer_syntax, cuts)
    kind = classes.WRITTEN.get(film.sop_class)
    if kind is not None:
        build.fill(dataset, kind)
    dataset.file_meta = derived.meta(dataset, film.transfer_syntax)
    return dataset


def _identify(dataset: Dataset, said: Dataset, source_syntax: str, cuts: Several[Cut]) -> None:
    """What it is, and of what."""
    frames = [(one.first, one.last) for one in cuts]
    named = " and ".join(f"{first} to {last}" for first, last in frames)
    anew = sum(one.anew for one in cuts)
    how = f", {anew} of them coded anew" if anew else ""
    done = derived.Done(
        sentence=f"frames {named} of the video{how}, cut out by orthanc-video"[:900],
        steps=(_TAKEN_OUT, derived.LOSSY) if anew else (_TAKEN_OUT,),
        by=_EXTRACTED,
    )
    derived.remember(dataset, said, None, source_syntax, done)
    # Where the source was cut out of another one that stays known (PS3.3 C.12.3).
    earlier = [copy.deepcopy(one) for one in value(said, "FrameExtractionSequence") or []]
    dataset.FrameExtractionSequence = Sequence([*earlier, derived.extraction(said, frames)])
    series.join(dataset, said, "clips")
    which = [str(number) for one in cuts for number in (one.first, one.last, one.anew)]
    dataset.SOPInstanceUID = build.derived_uid("clip", text(said, "SOPInstanceUID"), *which)
    dataset.InstanceNumber = cuts[0].first
