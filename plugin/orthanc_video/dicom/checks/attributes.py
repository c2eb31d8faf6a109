"""Whether an object has the attributes that its class demands, with values that the standard knows. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from pydicom.datadict import keyword_for_tag
from pydicom.dataset import Dataset

from orthanc_video.dicom import classes, modules, syntaxes
from orthanc_video.dicom.checks.finding import Finding, finding
from orthanc_video.dicom.modules import When
from orthanc_video.dicom.said import is_there, missing, number, numbers, tags, text, values, whole, written
from orthanc_video.dicom.syntaxes import VideoSyntax

_VECTOR = 0x00181065
# What a grey picture needs to be shown, which these IODs exclude (PS3.3 A.32.5.3 to A.32.7.3), but for overlays.
_FORBIDDEN = ("ModalityLUTSequence", "VOILUTSequence", "WindowCenter", "GraphicAnnotationSequence")
_DECIMALS = ("FrameTime", "EffectiveDuration", "FrameDelay", "LossyImageCompressionRatio")
_LONGEST_DECIMAL = 16


def of(said: Dataset) -> Iterator[Finding]:
    """Of any film."""
    yield from _required(said)
    yield from _enumerated(said)
    yield from _pointer(said)
    yield from _trim(said)


def of_video(said: Dataset, syntax: VideoSyntax) -> Iterator[Finding]:
    """Of one whose pixels are a video: what its transfer syntax demands of them (PS3.5 8.2.5 to 8.2.11)."""
    section = f"PS3.5 {syntax.section}"
    depth = syntax.bit_depth
    allocated = 8 if depth == 8 else 16
    for code, keyword, wanted in (
        ("samples", "SamplesPerPixel", 3),
        ("planar", "PlanarConfiguration", 0),
        ("bits", "BitsAllocated", allocated),
        ("bits", "BitsStored", depth),
        ("bits", "HighBit", depth - 1),
        ("bits", "PixelRepresentation", 0),
    ):
        if not missing(said, keyword) and whole(said, keyword) != wanted:
            yield finding(code, f"{keyword} has to be {wanted} with {syntax.name}.", section)
    if not missing(said, "PhotometricInterpretation") and text(said, "PhotometricInterpretation") != "YBR_PARTIAL_420":
        yield finding(
            "photometric", f"PhotometricInterpretation has to be YBR_PARTIAL_420 with {syntax.name}.", section
        )
    if syntax.square and is_there(said, "PixelAspectRatio"):
        yield finding("aspect-forbidden", f"PixelAspectRatio has to be absent with {syntax.name}.", section)
    yield from _laterality(said)
    yield from _stereo(said, syntax)
    yield from _lossy(said, syntax)
    if text(said, "SOPClassUID") in {kind.uid for kind in classes.BY_CHOICE.values()}:
        yield from _forbidden(said)


def _required(said: Dataset) -> Iterator[Finding]:
    kind = classes.BY_UID.get(text(said, "SOPClassUID"))
    needs: dict[str, tuple[int, str]] = {}
    for module in kind.modules if kind else modules.COMMON:
        for need in module.needs:
            if _applies(need.when, said) and need.kind < needs.get(need.keyword, (3, ""))[0]:
                needs[need.keyword] = need.kind, f"PS3.3 {module.section}"
    for keyword, (demanded, section) in needs.items():
        if not is_there(said, keyword):
            yield finding("attribute-missing", f"The required attribute {keyword} is missing.", section)
        elif demanded == 1 and missing(said, keyword):
            yield finding("attribute-empty", f"The required attribute {keyword} has no value.", section)


def _applies(when: When, said: Dataset) -> bool:
    match when:
        case When.COLOUR:
            return (whole(said, "SamplesPerPixel") or 1) > 1
        case When.NO_SPECIMEN:
            return is_there(said, "NumberOfFrames") and not is_there(said, "SpecimenDescriptionSequence")
        case When.LOSSY:
            return text(said, "LossyImageCompression") == "01"
        case When.ALWAYS:
            return True


def _enumerated(said: Dataset) -> Iterator[Finding]:
    for keyword, known in modules.ENUMERATED.items():
        found = text(said, keyword)
        if found and found not in known:
            yield finding("attribute-value", f"{keyword} has a value that is none of {', '.join(known)}.")
    kinds = values(said, "ImageType")
    for place, known in enumerate(modules.IMAGE_TYPE):
        if kinds and (len(kinds) <= place or kinds[place] not in known):
            sentence = f"Value {place + 1} of ImageType is none of {', '.join(known)}."
            yield finding("attribute-value", sentence, "PS3.3 C.7.6.1.1.2")
    for keyword in _DECIMALS:
        if any(len(one) > _LONGEST_DECIMAL for one in written(said, keyword)):
            yield finding("number-too-long", f"{keyword} has more than {_LONGEST_DECIMAL} characters.")


def _pointer(said: Dataset) -> Iterator[Finding]:
    """Frame Increment Pointer has to name attributes that are there with a value, even of one frame."""
    for tag in tags(said, "FrameIncrementPointer"):
        keyword = keyword_for_tag(tag)
        if tag == _VECTOR:
            yield from _vector(said)
        elif keyword == "FrameTime" and number(said, keyword) is None:
            yield finding(
                "frame-increment-pointer", "FrameIncrementPointer names FrameTime, which is missing or no number."
            )
        elif not keyword or missing(said, keyword):
            yield finding("frame-increment-pointer", "FrameIncrementPointer names an attribute without a value.")


def _vector(said: Dataset) -> Iterator[Finding]:
    steps, frames = numbers(said, "FrameTimeVector"), whole(said, "NumberOfFrames")
    if not steps:
        yield finding(
            "frame-increment-pointer", "FrameIncrementPointer names FrameTimeVector, which is missing or no numbers."
        )
    elif frames is not None and len(steps) != frames:
        yield finding("frame-time-vector", f"FrameTimeVector has {len(steps)} values for {frames} frames.")
    elif steps[0] != 0 or any(step < 0 for step in steps):
        yield finding("frame-time-vector", "FrameTimeVector does not begin with 0, or goes back in time.")


def _trim(said: Dataset) -> Iterator[Finding]:
    frames = whole(said, "NumberOfFrames")
    first, last = whole(said, "StartTrim"), whole(said, "StopTrim")
    begin, end = 1 if first is None else first, frames if last is None else last
    if frames is not None and end is not None and not 1 <= begin <= end <= frames:
        yield finding("trim", "StartTrim and StopTrim name no part of the film.")


def _laterality(said: Dataset) -> Iterator[Finding]:
    """Either may be empty; which body parts are paired, only a person knows."""
    if not any(is_there(said, keyword) for keyword in ("Laterality", "ImageLaterality")):
        yield finding(
            "laterality", "Laterality and ImageLaterality are both missing; of a paired body part one is due."
        )


def _stereo(said: Dataset, syntax: VideoSyntax) -> Iterator[Finding]:
    told, section = text(said, "StereoPairsPresent"), f"PS3.5 {syntax.section}"
    if syntax.stereo and told != "YES":
        yield finding("stereo", f"StereoPairsPresent has to be YES with {syntax.name}.", section)
    elif told == "YES" and syntax.uid.startswith(syntaxes.H264_HIGH_42):
        yield finding("stereo", f"StereoPairsPresent may not be YES with {syntax.name}.", section)


def _lossy(said: Dataset, syntax: VideoSyntax) -> Iterator[Finding]:
    if is_there(said, "LossyImageCompression") and text(said, "LossyImageCompression") in {"", "00"}:
        yield finding("lossy-flag", f"LossyImageCompression does not say 01, but {syntax.name} is lossy.")
    ratios, methods = numbers(said, "LossyImageCompressionRatio"), values(said, "LossyImageCompressionMethod")
    if not ratios:
        yield finding("lossy-ratio", "LossyImageCompressionRatio is missing or no number.")
    if not methods or methods[-1] != syntax.method:
        yield finding("lossy-method", f"LossyImageCompressionMethod does not end with {syntax.method}.")
    elif ratios and len(ratios) != len(methods):
        yield finding("lossy-method", f"There are {len(ratios)} compression ratios for {len(methods)} methods.")
    derived = values(said, "ImageType")[:1] == ("DERIVED",)
    told = ("DerivationDescription", "DerivationCodeSequence", "SourceImageSequence")
    if derived and all(missing(said, keyword) for keyword in told):
        yield finding("derivation", "ImageType says DERIVED, but nothing says from what or how.")


def _forbidden(said: Dataset) -> Iterator[Finding]:
    overlays = [tag for tag in said.keys() if tag.group & 0xFF01 == 0x6000]  # noqa: SIM118
    found = [keyword for keyword in _FORBIDDEN if is_there(said, keyword)]
    for name in [*found, *(["Overlay Data"] if overlays else [])]:
        yield finding("attribute-forbidden", f"{name} is excluded from this SOP class.")
