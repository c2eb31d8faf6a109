"""The data set of an object that is made of a stored film for an archive which cannot take that: all but Pixel Data.

It is the film's own, with UIDs of its own that follow from the film's and from the form alone: what is made twice is
one object. It names its source, says what was done, and forgets no lossy step (PS3.3 C.7.6.1.1.3, C.7.6.1.1.5,
C.12.4.1.1).
"""

from __future__ import annotations

import copy
import datetime
import json
from collections.abc import Sequence as Several
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import UID
from pydicom.valuerep import DSdecimal

from orthanc_video import __version__
from orthanc_video.dicom import classes, frametimes, identity, moments, syntaxes
from orthanc_video.dicom.assigned import to_unicode
from orthanc_video.dicom.build import (
    IMPLEMENTATION_CLASS_UID,
    IMPLEMENTATION_VERSION_NAME,
    code,
    derived_uid,
    ds,
    fill,
    zone,
)
from orthanc_video.dicom.classes import VideoClass
from orthanc_video.dicom.said import items, missing, text, values, whole, written
from orthanc_video.errors import BadRequest
from orthanc_video.film import Coded
from orthanc_video.form import Form, Kind
from orthanc_video.plain import to_json

# What says how the pixels are coded, what they mean, and when each is shown: of the source, not of what is made.
_PIXELS = (
    "SamplesPerPixel", "PhotometricInterpretation", "PlanarConfiguration", "Rows", "Columns", "PixelAspectRatio",
    "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation", "SmallestImagePixelValue",
    "LargestImagePixelValue", "PixelPaddingValue", "PixelPaddingRangeLimit", "RedPaletteColorLookupTableDescriptor",
    "GreenPaletteColorLookupTableDescriptor", "BluePaletteColorLookupTableDescriptor", "RedPaletteColorLookupTableData",
    "GreenPaletteColorLookupTableData", "BluePaletteColorLookupTableData", "ModalityLUTSequence", "VOILUTSequence",
    "RescaleIntercept", "RescaleSlope", "RescaleType", "WindowCenter", "WindowWidth", "VOILUTFunction",
    "WindowCenterWidthExplanation", "PresentationLUTShape", "IconImageSequence", "ExtendedOffsetTable",
    "ExtendedOffsetTableLengths", "EncapsulatedPixelDataValueTotalLength", "StereoPairsPresent",
    "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence", "DimensionIndexSequence",
    "DimensionOrganizationSequence", "MultiplexedAudioChannelsDescriptionCodeSequence",
)  # fmt: skip
_TIMES = (
    "NumberOfFrames", "FrameIncrementPointer", "FrameTime", "FrameTimeVector", "CineRate", "FrameDelay",
    "RecommendedDisplayFrameRate", "EffectiveDuration", "ActualFrameDuration", "StartTrim", "StopTrim",
    "RepresentativeFrameNumber", "FrameNumbersOfInterest",
)  # fmt: skip
# Of a picture's place and size: right for pictures of the source's size alone.
PLACES = ("SequenceOfUltrasoundRegions", "PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing")
_VISIBLE_LIGHT = ("AcquisitionContextSequence", "AnatomicRegionSequence")
# By these words a form is known again.
_MAKER, _MADE = "orthanc-video", "form:"
_VECTOR, _TIME = 0x00181065, 0x00181063
# A value's length is a number of 16 bits (PS3.5 7.1.2): of frame numbers so many fit in any case.
_MOST_NUMBERS = 1000
LOSSY = code("113040", "DCM", "Lossy Compression")
_MODIFYING = code("109103", "DCM", "Modifying Equipment")
_RESAMPLED = code("113085", "DCM", "Spatial resampling")
_FROM_LOSSY = code("121330", "DCM", "Lossy compressed predecessor")
_FROM_WHOLE = code("121320", "DCM", "Uncompressed predecessor")


def kind_of(form: Form) -> VideoClass:
    """The class that a form is of; raises BadRequest where such pictures do not go with it."""
    kind = classes.WRITTEN.get(form.sop_class)
    if kind is None:
        raise BadRequest(f"Objects of the class {form.sop_class} are not made of videos.")
    pictures = form.kind in {Kind.FRAMES, Kind.STILLS}
    if form.transfer_syntax not in (kind.images if pictures else kind.videos):
        raise BadRequest(f"The transfer syntax {form.transfer_syntax} does not go with {kind.name}.")
    if kind.single != (form.kind is Kind.STILLS):
        raise BadRequest(f"An object of {kind.name} holds {'one picture' if kind.single else 'a film'}.")
    return kind


def uids(said: Dataset, form: Form, number: int = 0) -> tuple[str, str]:
    """SeriesInstanceUID and SOPInstanceUID; ``number`` is the still's.

    The stills of each film are a series of their own: among those of another they would have its numbers.
    """
    how = json.dumps(to_json(form), sort_keys=True)
    source, group = text(said, "SOPInstanceUID"), text(said, "SeriesInstanceUID")
    if number:
        return derived_uid("form series", group, source, how), derived_uid("form", source, how, str(number))
    return derived_uid("form series", group, how), derived_uid("form", source, how)


def is_form(said: Dataset) -> bool:
    """Whether an object was made of another one for a destination."""
    by = items(said, "ContributingEquipmentSequence")
    return any(
        text(one, "Manufacturer") == _MAKER and text(one, "ContributionDescription").startswith(_MADE) for one in by
    )


def of_pictures(
    said: FileDataset, source_syntax: str, form: Form, coded: Coded, times: Several[int], size: int, still: int = 0
) -> Dataset:
    """Of the object that holds ``coded``, or the picture of it with number ``still`` (from 1).

    ``said`` are the source's attributes, ``times`` the microseconds of the frames after the first of them, ``size``
    the bytes that the pictures take.
    """
    kind = kind_of(form)
    dataset = taken(said, kind)
    pixels(dataset, coded)
    scaled = coded.rows != whole(said, "Rows")
    if scaled:
        remove(dataset, PLACES)
    start = coded.start.fraction
    if still:
        start += Fraction(times[still - 1], 10**6)
        dataset.InstanceNumber = still
    else:
        cine(dataset, coded, times)
    moments.shift(dataset, start)
    remember_form(dataset, said, kind, source_syntax, form, lossy=is_lossy(form.transfer_syntax), scaled=scaled)
    lossy(dataset, source_syntax, form.transfer_syntax, coded, size, 1 if still else coded.frames)
    item = dataset.SourceImageSequence[0]
    numbers = range(coded.first, coded.first + coded.frames * form.step, form.step)
    if still:
        item.ReferencedFrameNumber = numbers[still - 1]
    elif coded.frames != whole(said, "NumberOfFrames") and coded.frames <= _MOST_NUMBERS:
        item.ReferencedFrameNumber = list(numbers)
    dataset.SeriesInstanceUID, dataset.SOPInstanceUID = uids(said, form, still)
    fill(dataset, kind)
    dataset.file_meta = meta(dataset, form.transfer_syntax)
    return dataset


def taken(said: FileDataset, kind: VideoClass) -> Dataset:
    """The source's attributes without those of its pixels and their times; in Unicode."""
    dataset = Dataset()
    dataset.update(copy.deepcopy(said))
    to_unicode(dataset)
    remove(dataset, (*_PIXELS, *_TIMES))
    for tag in [tag for tag in dataset if tag.tag.group & 0xFF01 == 0x6000]:
        del dataset[tag.tag]
    if text(said, "SOPClassUID") != kind.uid:
        _become(dataset, kind)
    _complete(dataset, kind)
    if kind.modalities and text(dataset, "Modality") not in kind.modalities:
        dataset.Modality = kind.modality
    return dataset


def _become(dataset: Dataset, kind: VideoClass) -> None:
    """What another class needs, and does not know."""
    dataset.SOPClassUID = kind.uid
    needs = {need.keyword for module in kind.modules for need in module.needs}
    remove(dataset, [keyword for keyword in _VISIBLE_LIGHT if keyword not in needs])
    if "ConversionType" in needs and "ConversionType" not in dataset:
        dataset.ConversionType = "WSD"
    if "BurnedInAnnotation" in needs and text(dataset, "BurnedInAnnotation") not in {"YES", "NO"}:
        dataset.BurnedInAnnotation = "YES"  # unknown: who trusts in a NO shows it to anybody
    if "PresentationLUTShape" in needs:
        dataset.PresentationLUTShape = "IDENTITY"
        dataset.RescaleIntercept, dataset.RescaleSlope, dataset.RescaleType = "0", "1", "US"


def _complete(dataset: Dataset, kind: VideoClass) -> None:
    """What a class demands of what is shown, and a source does not say: that nobody knows it, as with uploads."""
    needs = {need.keyword for module in kind.modules for need in module.needs}
    if "AnatomicRegionSequence" not in needs:
        return
    if missing(dataset, "AnatomicRegionSequence") and "SpecimenDescriptionSequence" not in dataset:
        dataset.AnatomicRegionSequence = Sequence([code("111176", "DCM", "Unspecified")])
    if "ImageLaterality" not in needs and not any(one in dataset for one in ("Laterality", "ImageLaterality")):
        dataset.ImageLaterality = ""


def pixels(dataset: Dataset, coded: Coded) -> None:
    """Image Pixel module (PS3.3 C.7.6.3)."""
    dataset.SamplesPerPixel = coded.samples
    dataset.PhotometricInterpretation = coded.photometric
    if coded.samples > 1:
        dataset.PlanarConfiguration = 0
    dataset.Rows, dataset.Columns = coded.rows, coded.columns
    dataset.BitsAllocated = dataset.BitsStored = 8
    dataset.HighBit, dataset.PixelRepresentation = 7, 0
    if coded.aspect.fraction != 1:  # the vertical side first (PS3.3 C.7.6.3.1.7)
        dataset.PixelAspectRatio = [coded.aspect.denominator, coded.aspect.numerator]


def cine(dataset: Dataset, coded: Coded, times: Several[int]) -> None:
    """Cine and Multi-frame modules (PS3.3 C.7.6.5, C.7.6.6)."""
    dataset.NumberOfFrames = coded.frames
    steps = [0, *(later - earlier for earlier, later in pairwise(times))]
    vector = () if coded.step is not None else frametimes.vector(steps)
    mean = Fraction(times[-1], 10**6) / max(1, coded.frames - 1)
    step = coded.step.fraction if coded.step is not None else mean
    if vector:
        dataset.FrameIncrementPointer = _VECTOR
        dataset.FrameTimeVector = [DSdecimal(one) for one in vector]
    else:
        dataset.FrameIncrementPointer = _TIME
        dataset.FrameTime = ds(1000 * step) if step else "0"
    if step:
        dataset.CineRate = dataset.RecommendedDisplayFrameRate = max(1, round(1 / step))
        dataset.EffectiveDuration = ds(step * coded.frames)


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What was done, in words, and as codes of steps (PS3.16 CID 7203); ``by`` is the purpose of the equipment that did
    it (CID 7005), ``mark`` stands before its words where such objects are to be known again."""

    sentence: str
    steps: tuple[Dataset, ...]
    by: Dataset
    mark: str = ""


def _as_form(source_syntax: str, form: Form, *, lossy: bool, scaled: bool) -> Done:
    sentence = (
        f"{_named(source_syntax)} to {_named(form.transfer_syntax)} by orthanc-video for an archive that takes this"
    )
    if form.step > 1:
        sentence += f", every frame of {form.step}"
    steps = (*((_RESAMPLED,) if scaled else ()), *((LOSSY,) if lossy else ()))
    return Done(sentence=sentence, steps=steps, by=_MODIFYING, mark=f"{_MADE} ")


def remember_form(
    dataset: Dataset, said: Dataset, kind: VideoClass, source_syntax: str, form: Form, *, lossy: bool, scaled: bool
) -> None:
    """That it was made for a destination."""
    remember(dataset, said, kind, source_syntax, _as_form(source_syntax, form, lossy=lossy, scaled=scaled))


def remember(dataset: Dataset, said: Dataset, kind: VideoClass | None, source_syntax: str, done: Done) -> None:
    """What it was made of, how, and by what; ``kind`` is its class, None for its source's own."""
    kinds = values(said, "ImageType")
    further = kinds[2:] if kind is None or text(said, "SOPClassUID") == kind.uid else ()
    second = kinds[1] if len(kinds) > 1 and kinds[1] in {"PRIMARY", "SECONDARY"} else "PRIMARY"
    dataset.ImageType = ["DERIVED", second, *further]
    before = text(said, "DerivationDescription")
    dataset.DerivationDescription = f"{before} {done.sentence}.".strip()[-1024:]
    earlier = [copy.deepcopy(one) for one in items(said, "DerivationCodeSequence")]
    if earlier or done.steps:
        dataset.DerivationCodeSequence = Sequence([*earlier, *map(copy.deepcopy, done.steps)])
    source = referenced(said)
    predecessor = _FROM_LOSSY if text(said, "LossyImageCompression") == "01" or is_lossy(source_syntax) else _FROM_WHOLE
    source.PurposeOfReferenceCodeSequence = Sequence([copy.deepcopy(predecessor)])
    dataset.SourceImageSequence = Sequence([source])
    local = now(said)
    dataset.InstanceCreationDate, dataset.InstanceCreationTime = f"{local:%Y%m%d}", f"{local:%H%M%S}"
    by = Dataset()
    by.PurposeOfReferenceCodeSequence = Sequence([copy.deepcopy(done.by)])
    by.Manufacturer = by.ManufacturerModelName = _MAKER
    by.SoftwareVersions = __version__
    by.ContributionDateTime = f"{local.astimezone(datetime.UTC):%Y%m%d%H%M%S}+0000"
    by.ContributionDescription = f"{done.mark}{done.sentence}."
    dataset.ContributingEquipmentSequence = Sequence([*items(dataset, "ContributingEquipmentSequence"), by])


def _named(syntax: str) -> str:
    known = syntaxes.BY_UID.get(syntax) or syntaxes.IMAGES.get(syntax)
    return known.name if known else syntax


def is_lossy(syntax: str) -> bool:
    """Whether pictures of it have lost something."""
    known = syntaxes.BY_UID.get(syntax) or syntaxes.IMAGES.get(syntax)
    return known is not None and bool(known.method)


def lossy(dataset: Dataset, source_syntax: str, syntax: str, coded: Coded, size: int, frames: int) -> None:
    """The flag stays for good; ratio and method of each step, in their order (PS3.3 C.7.6.1.1.5)."""
    was = text(dataset, "LossyImageCompression") == "01" or is_lossy(source_syntax)
    ratios, methods = written(dataset, "LossyImageCompressionRatio"), values(dataset, "LossyImageCompressionMethod")
    if is_lossy(syntax):
        ratio = frames * coded.rows * coded.columns * coded.samples / max(1, size)
        ratios, methods = (*ratios, f"{ratio:.2f}"), (*methods, syntaxes.IMAGES[syntax].method)
        was = True
    if not was:
        dataset.LossyImageCompression = "00"
        return
    dataset.LossyImageCompression = "01"
    if ratios and len(ratios) == len(methods):
        dataset.LossyImageCompressionRatio, dataset.LossyImageCompressionMethod = list(ratios), list(methods)


def accumulate(dataset: Dataset, sources: Several[Dataset], *, anew: bool) -> None:
    """Of a stream's data set: its sources' steps, and its own as one more where pictures were coded anew (PS3.3
    C.7.6.1.1.5); else the last one's ratio is that of its own bytes.

    What two sources went through alike is one step of the whole: none of its pictures had more.
    """
    ratios: list[str] = []
    methods: list[str] = []
    for said in sources:
        by, how = written(said, "LossyImageCompressionRatio"), values(said, "LossyImageCompressionMethod")
        if len(by) == len(how) and not _is_within(how, methods):
            ratios += by
            methods += how
    if not methods:
        return
    if not anew:
        del ratios[-1], methods[-1]
    ratios.append(text(dataset, "LossyImageCompressionRatio"))
    methods.append(text(dataset, "LossyImageCompressionMethod"))
    dataset.LossyImageCompressionRatio, dataset.LossyImageCompressionMethod = ratios, methods


def _is_within(few: Several[str], many: Several[str]) -> bool:
    """Whether all of the few are among the many, in the same order."""
    rest = iter(many)
    return all(one in rest for one in few)


def extraction(said: Dataset, frames: Several[tuple[int, int]]) -> Dataset:
    """An item of Frame Extraction Sequence (PS3.3 C.12.3): of this object the frames from the first to the last of each
    pair, as triplets of first, last and step."""
    item = Dataset()
    item.MultiFrameSourceSOPInstanceUID = text(said, "SOPInstanceUID")
    item.CalculatedFrameList = [number for first, last in frames for number in (first, last, 1)]
    return item


def remove(dataset: Dataset, keywords: Several[str]) -> None:
    """Takes out those that are there."""
    for keyword in keywords:
        tag = tag_for_keyword(keyword)
        if tag is not None and tag in dataset:
            del dataset[tag]


def referenced(said: Dataset) -> Dataset:
    """An item that names the object (PS3.3 10.8)."""
    item = Dataset()
    item.ReferencedSOPClassUID = text(said, "SOPClassUID")
    item.ReferencedSOPInstanceUID = text(said, "SOPInstanceUID")
    return item


def now(said: Dataset) -> datetime.datetime:
    """By the clocks of where the object says that it is from."""
    return datetime.datetime.now(datetime.UTC).astimezone(zone(text(said, identity.TIMEZONE)))


def meta(dataset: Dataset, syntax: str) -> FileMetaDataset:
    """File meta information."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    meta.TransferSyntaxUID = UID(syntax)
    meta.ImplementationClassUID = UID(IMPLEMENTATION_CLASS_UID)
    meta.ImplementationVersionName = IMPLEMENTATION_VERSION_NAME
    return meta
