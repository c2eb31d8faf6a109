"""A first look at a stored video: where its attributes, its fragments and its bit stream contradict one another.

Pure. A finding is a sentence with both sides of the contradiction; it quotes numbers and names, never a free text.
"""

from __future__ import annotations

from collections.abc import Iterator

from pydicom.dataset import Dataset

from orthanc_video.dicom import syntaxes
from orthanc_video.dicom.fit import objections
from orthanc_video.dicom.said import missing, number, value
from orthanc_video.model import Located, MultiFrame, VideoStream

# Type 1 in every video IOD (PS3.3 A.32.5 to A.32.7), as far as it concerns the pictures and who they belong to.
_REQUIRED = (
    *("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "Modality"),
    *("SamplesPerPixel", "PhotometricInterpretation", "Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit"),
    *("PixelRepresentation", "NumberOfFrames", "FrameIncrementPointer"),
)


def of_object(said: Dataset, located: Located) -> list[str]:
    """What contradicts the standard in the object itself, its stream unseen."""
    return [*_attributes(said), *_fragments(located)]


def of_stream(said: Dataset, located: Located, seen: VideoStream) -> list[str]:
    """Where the object says something else than its stream; they have to agree (PS3.5 8.2.5 to 8.2.11)."""
    return [*_pictures(said, seen), *_rate(said, seen), *objections(syntaxes.BY_UID[located.transfer_syntax], seen)]


def of_frames(said: Dataset, found: MultiFrame) -> list[str]:
    """What contradicts the standard, or itself, in a film of single pictures, the pictures unseen."""
    return [*_attributes(said), *found.remarks, *_layout(found), *_cadence(found)]


def _attributes(said: Dataset) -> Iterator[str]:
    for keyword in _REQUIRED:
        if missing(said, keyword):
            yield f"The required attribute {keyword} is missing or empty."
    if value(said, "FrameIncrementPointer") == 0x00181063 and number(said, "FrameTime") is None:
        yield "FrameIncrementPointer names FrameTime, which is missing or no number."


def _fragments(located: Located) -> Iterator[str]:
    count = len(located.spans)
    syntax = syntaxes.BY_UID[located.transfer_syntax]
    if count > 1 and not syntax.fragmentable:
        yield f"The stream lies in {count} fragments; this transfer syntax demands one (PS3.5 8.2.5 to 8.2.8)."
    odd = sum(span.length % 2 for span in located.spans)
    if odd:
        yield f"{odd} of {count} fragments have an odd length; it must be even (PS3.5 A.4)."


def _layout(found: MultiFrame) -> Iterator[str]:
    spans = [span for frame in found.frames for span in frame]
    odd = sum(span.length % 2 for span in spans)
    if odd and not syntaxes.IMAGES[found.transfer_syntax].native:
        yield f"{odd} of {len(spans)} fragments have an odd length; it must be even (PS3.5 A.4)."


def _cadence(found: MultiFrame) -> Iterator[str]:
    if not found.cadence.source:
        rate = float(1 / found.cadence.step.fraction)
        yield f"No attribute says how long a frame is shown; {rate:g} frames per second are taken."


def _pictures(said: Dataset, seen: VideoStream) -> Iterator[str]:
    for keyword, true in (("NumberOfFrames", seen.frames), ("Rows", seen.height), ("Columns", seen.width)):
        told = number(said, keyword)
        if told is not None and told != true:
            yield f"{keyword} is {told:g}, but the stream has {true}."


def _rate(said: Dataset, seen: VideoStream) -> Iterator[str]:
    """Frame Time is wrong when it makes the video longer or shorter by more than a frame; Cine Rate is whole."""
    rate = float(seen.rate)
    frame_time = number(said, "FrameTime")
    if frame_time is not None and seen.constant_rate and seen.frames > 1:
        drift = abs(frame_time - 1000 / rate) * seen.frames
        if drift > 1000 / rate:
            yield f"FrameTime is {frame_time:g} ms, but the stream's frames last {1000 / rate:.6g} ms."
    cine_rate = number(said, "CineRate")
    if cine_rate is not None and abs(cine_rate - rate) > 0.5:
        yield f"CineRate is {cine_rate:g}, but the stream has {rate:.6g} frames per second."
