"""Where an object says something else than its stream: they have to agree (PS3.5 8.2.5 to 8.2.11). Pure."""

from __future__ import annotations

from collections.abc import Iterator

from pydicom.dataset import Dataset

from orthanc_video.bitstream.needed import needed_level
from orthanc_video.dicom.checks.finding import Finding, finding
from orthanc_video.dicom.fit import named_level, named_objections
from orthanc_video.dicom.said import number, numbers, tags, text
from orthanc_video.dicom.syntaxes import VideoSyntax
from orthanc_video.model import VideoStream

_VECTOR = 0x00181065
# Seconds and part by which Effective Duration may be another: it tells of the acquisition, too (PS3.3 C.7.6.5).
_SLACK, _SLACK_PART = 0.5, 0.02
# How many times the compression ratio may be another: what is uncompressed may have been 4:2:0 or RGB.
_RATIO_SLACK = 4.0


def of(said: Dataset, syntax: VideoSyntax, seen: VideoStream, size: int) -> Iterator[Finding]:
    """``size`` is the stream's, in bytes."""
    section = f"PS3.5 {syntax.section}"
    for code, sentence in named_objections(syntax, seen):
        yield finding(code, sentence, section)
    yield from _label(syntax, seen)
    yield from _pictures(said, seen)
    yield from _aspect(said, syntax, seen)
    yield from _rate(said, seen)
    yield from _duration(said, seen)
    yield from _eyes(said, syntax, seen)
    yield from _ratio(said, seen, size)
    if not seen.starts_with_key:
        yield finding("first-frame", "The stream does not begin with a key frame.", section)
    if seen.hollow:
        yield finding("hollow", f"{seen.hollow} packet(s) of the stream hold no picture and are no frames.")
    if seen.disordered:
        yield finding("disordered", "The times of the stream contradict the order of its frames.")
    if seen.change:
        yield finding("changing", f"Half-way the pictures change to {seen.change}.", section)


def _label(syntax: VideoSyntax, seen: VideoStream) -> Iterator[Finding]:
    """A level that the pictures exceed. MPEG-2's is what it says."""
    if seen.codec != syntax.codec or seen.codec == "mpeg2video":
        return
    needed = needed_level(seen)
    if needed is None or needed > max(syntax.levels):
        told = "exceed every level" if needed is None else f"need level {named_level(seen.codec, needed)}"
        yield finding("level", f"The pictures' size, rate and buffering {told}.", f"PS3.5 {syntax.section}")
    elif needed > seen.level:
        named, says = named_level(seen.codec, needed), named_level(seen.codec, seen.level)
        yield finding("level-too-low", f"The stream says level {says}, but its pictures need {named}.")


def _pictures(said: Dataset, seen: VideoStream) -> Iterator[Finding]:
    for code, keyword, true in (
        ("frame-count", "NumberOfFrames", seen.frames),
        ("rows", "Rows", seen.height),
        ("columns", "Columns", seen.width),
    ):
        told = number(said, keyword)
        if told is not None and told != true:
            yield finding(code, f"{keyword} is {told:g}, but the stream has {true}.")


def _aspect(said: Dataset, syntax: VideoSyntax, seen: VideoStream) -> Iterator[Finding]:
    """Pixel Aspect Ratio is height \\ width; without it pixels are square (PS3.3 C.7.6.3.1.7)."""
    if syntax.square:
        return
    told = numbers(said, "PixelAspectRatio")
    height, width = told if len(told) == 2 else (1, 1)
    aspect = seen.pixel_aspect
    if height * aspect.numerator != width * aspect.denominator:
        true = f"{aspect.denominator}\\{aspect.numerator}"
        yield finding("aspect", f"The stream's pixels are {true} (height\\width), but PixelAspectRatio says otherwise.")


def _rate(said: Dataset, seen: VideoStream) -> Iterator[Finding]:
    """Frame Time is wrong when it makes the video longer or shorter by more than a frame; Cine Rate is whole."""
    rate = float(seen.rate)
    vector = _VECTOR in tags(said, "FrameIncrementPointer")
    frame_time = number(said, "FrameTime")
    if frame_time is not None and seen.constant_rate and seen.frames > 1:
        drift = abs(frame_time - 1000 / rate) * seen.frames
        if drift > 1000 / rate:
            sentence = f"FrameTime is {frame_time:g} ms, but the stream's frames last {1000 / rate:.6g} ms."
            yield finding("frame-time", sentence)
    if not seen.constant_rate and not vector:
        yield finding("varying-rate", f"The stream's frames last differently long: {rate:.5g} per second on average.")
    cine_rate = number(said, "CineRate")
    rates = {rate} | ({float(seen.coded_rate)} if seen.coded_rate else set())  # either is right of a film with pulldown
    # A whole number, and one film in a while.
    if cine_rate is not None and all(abs(cine_rate - max(1, each)) > 0.5 for each in rates):
        yield finding("cine-rate", f"CineRate is {cine_rate:g}, but the stream has {rate:.6g} frames per second.")
    display = number(said, "RecommendedDisplayFrameRate")
    if display is not None and abs(display - max(1, rate)) > 0.5:
        sentence = f"RecommendedDisplayFrameRate is {display:g}, but the stream has {rate:.6g} frames per second."
        yield finding("display-rate", sentence)
    actual = number(said, "ActualFrameDuration")  # a whole number of milliseconds
    if actual is not None and abs(actual - 1000 / rate) > max(1, _SLACK_PART * 1000 / rate):
        sentence = f"ActualFrameDuration is {actual:g} ms, but the stream's frames last {1000 / rate:.6g} ms."
        yield finding("frame-duration", sentence)


def _duration(said: Dataset, seen: VideoStream) -> Iterator[Finding]:
    for keyword in ("EffectiveDuration", "AcquisitionDuration"):
        told = number(said, keyword)
        if told is not None and abs(told - seen.seconds) > max(_SLACK, _SLACK_PART * seen.seconds):
            yield finding("duration", f"{keyword} is {told:g} s, but the stream takes {seen.seconds:.3f} s.")
    steps = numbers(said, "FrameTimeVector")
    if len(steps) == seen.frames > 1 and float(sum(steps)) / 1000 > seen.seconds + 1 / float(seen.rate):
        sentence = f"FrameTimeVector takes {float(sum(steps)) / 1000:g} s, but the stream {seen.seconds:.3f} s."
        yield finding("frame-time-vector", sentence)


def _eyes(said: Dataset, syntax: VideoSyntax, seen: VideoStream) -> Iterator[Finding]:
    """Where the transfer syntax is of plain pictures and does not speak of two views; H.265's may hold them."""
    if syntax.stereo or syntax.packed is not None:
        return
    if seen.packing and syntax.codec == "h264":
        sentence = (
            f"The stream says that two views lie in each picture ({seen.packing}), {syntax.name} is of plain ones."
        )
        yield finding("stereo-plain", sentence)
    elif text(said, "StereoPairsPresent") == "YES" and not seen.packing:
        yield finding("stereo-plain", "StereoPairsPresent is YES, but the stream says of no two views.")


def _ratio(said: Dataset, seen: VideoStream, size: int) -> Iterator[Finding]:
    told = numbers(said, "LossyImageCompressionRatio")
    true = seen.width * seen.height * 3 * seen.frames / max(1, size)
    if told and not true / _RATIO_SLACK < float(told[-1]) < true * _RATIO_SLACK:
        yield finding("lossy-ratio", f"LossyImageCompressionRatio is {float(told[-1]):g}, but it is about {true:.3g}.")
