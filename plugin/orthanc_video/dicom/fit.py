"""Whether a stream may be called by a transfer syntax: the table's constraints against the stream's own bits. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction

from orthanc_video.dicom import syntaxes
from orthanc_video.dicom.syntaxes import Format, VideoSyntax
from orthanc_video.model import VideoStream

# FFmpeg's names of 4:2:0; the first two hold 8 bits a sample, in studio range and full range.
_420 = frozenset({"yuv420p", "yuvj420p", "nv12", "yuv420p10le", "p010le"})
_MPEG2_LEVELS = {10: "Low", 8: "Main", 6: "High 1440", 4: "High"}
_LEVEL_1B = 9  # of H.264


def candidates(video: VideoStream, wanted: str) -> tuple[VideoSyntax, ...] | None:
    """The transfer syntaxes that the stream may be of as it is, the least demanding first."""
    if wanted:
        return (syntaxes.BY_UID[wanted],)
    if video.codec == "h264" and video.views > 1:
        return syntaxes.MULTIVIEW
    if video.codec == "h264" and video.packing:
        return syntaxes.PACKED
    known = syntaxes.PREFERRED.get(video.codec)
    # MPEG-2's have no size in common.
    return known and (tuple(one for one in known if _holds(one, video)) or known)


def _holds(syntax: VideoSyntax, video: VideoStream) -> bool:
    """Whether the pictures are no larger than one of the formats that the syntax may be of at most."""
    return not syntax.formats or any(
        video.width <= one.width and video.height <= one.height for one in syntax.formats if one.at_most
    )


def objections(syntax: VideoSyntax, video: VideoStream) -> list[str]:
    """Sentences that say what of the stream its transfer syntax does not allow; none when it is that syntax."""
    return [sentence for _, sentence in named_objections(syntax, video)]


def named_objections(syntax: VideoSyntax, video: VideoStream) -> Iterator[tuple[str, str]]:
    """As ``objections``, each with a word for what it is about."""
    if video.codec != syntax.codec:
        yield "codec", f"The transfer syntax is {syntax.name}, but the stream's codec is {video.codec}."
        return
    for about, find in _SUBJECTS:
        for sentence in find(syntax, video):
            yield about, sentence


def named_level(codec: str, level: int) -> str:
    """A level as people call it: 4.1, 5.1, Main."""
    if (codec, level) == ("h264", _LEVEL_1B):
        return "1b"
    if codec == "mpeg2video":
        return _MPEG2_LEVELS.get(level, str(level))
    tenths = level // 3 if codec == "hevc" else level
    return f"{tenths // 10}.{tenths % 10}"


def _profile(syntax: VideoSyntax, video: VideoStream) -> Iterator[str]:
    # H.264 Baseline (66) here has no slice groups, else it is told as Extended (88).
    if video.profile_idc not in syntax.profiles:
        told = video.profile or video.profile_idc
        yield f"The transfer syntax is {syntax.name}, whose decoders need not know the stream's profile, {told}."
    if video.high_tier:
        yield f"The stream is of H.265's High tier; {syntax.name} is of the Main tier (PS3.5 {syntax.section})."


def _level(syntax: VideoSyntax, video: VideoStream) -> Iterator[str]:
    highest = named_level(syntax.codec, max(syntax.levels) if syntax.codec != "mpeg2video" else min(syntax.levels))
    if video.level not in syntax.levels:
        told = named_level(video.codec, video.level)
        yield f"The transfer syntax allows level {highest}, but the stream says level {told}."
    most = syntax.bit_rate * video.seconds + syntax.buffer
    if syntax.bit_rate and video.bit_rate * video.seconds > most:
        yield f"{video.bit_rate / 1e6:.3g} Mbit/s are more than the {syntax.bit_rate / 1e6:.3g} of level {highest}."


def _samples(syntax: VideoSyntax, video: VideoStream) -> Iterator[str]:
    if video.bit_depth != syntax.bit_depth or video.pixel_format not in _420:
        yield (
            f"The pictures are {video.pixel_format}; {syntax.name} is {syntax.bit_depth}-bit 4:2:0 "
            f"(PS3.5 {syntax.section})."
        )


def _square(syntax: VideoSyntax, video: VideoStream) -> Iterator[str]:
    aspect = video.pixel_aspect
    if syntax.square and aspect.fraction != 1:
        yield f"Pixels are {aspect.numerator}:{aspect.denominator}, but must be square (PS3.5 {syntax.section})."


def _eyes(syntax: VideoSyntax, video: VideoStream) -> Iterator[str]:
    if syntax.packed is not None and syntax.packed != bool(video.packing):
        told = f"says that two views lie in each picture ({video.packing})" if video.packing else "says of no two views"
        yield f"The stream {told}, which is not {syntax.name} (PS3.5 {syntax.section}, Table 8-8)."
    if syntax.views != video.views:
        has, needs = (f"{count} view{'s' * (count > 1)}" for count in (video.views, syntax.views))
        yield f"The stream is coded as {has}; {syntax.name} is of {needs} (PS3.5 {syntax.section})."


def _format(syntax: VideoSyntax, video: VideoStream) -> Iterator[str]:
    if syntax.formats and not any(_is(each, video) for each in syntax.formats):
        coded = _coded_rate(video)
        rate = f"{float(coded):.4g}" if coded else "varying"
        scan = "progressive" if video.progressive else "interlaced"
        yield (
            f"{video.width} × {video.height} {scan} at {rate} frames/s is none of the formats of {syntax.name} "
            f"(PS3.5 {syntax.section})."
        )


def _is(allowed: Format, video: VideoStream) -> bool:
    size = (video.width, video.height)
    fits = size[0] <= allowed.width and size[1] <= allowed.height
    return (
        (fits if allowed.at_most else size == (allowed.width, allowed.height))
        and _coded_rate(video) in allowed.rates
        and allowed.progressive in {None, video.progressive}
    )


def _coded_rate(video: VideoStream) -> Fraction | None:
    """What a transfer syntax lists: the rate of the stream's own header where that says one, else that of its times.

    A film for television (MPEG-2's repeat_first_field) is coded as 30 frames per second of which a fifth is repeated.
    """
    if video.coded_rate is not None:
        return video.coded_rate.fraction
    return video.rate.fraction if video.constant_rate else None


_SUBJECTS: tuple[tuple[str, Callable[[VideoSyntax, VideoStream], Iterator[str]]], ...] = (
    ("profile", _profile),
    ("level", _level),
    ("sampling", _samples),
    ("square", _square),
    ("format", _format),
    ("stereo", _eyes),
)
