"""The decision: wrap, remux or transcode, with its reasons in sentences. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from orthanc_video.bitstream import levels
from orthanc_video.dicom import syntaxes
from orthanc_video.errors import BrokenVideo
from orthanc_video.model import Action, MediaInfo, Plan, Target, VideoStream

# Profiles that a High profile decoder must decode (H.264 A.2): Baseline only without slice groups
# (the probe reports those as 88, Extended, which High decoders need not take).
_HIGH_DECODABLE = {66: "Baseline", 77: "Main", 100: "High"}
_HIGHEST_LEVEL = 42
_REFERENCES = 4


def plan(info: MediaInfo) -> Plan:
    """What to do with a probed file so that a .102 or .104 object comes out (PS3.5 8.2.7, 8.2.8); never I/O."""
    video = info.video
    _refuse_hopeless(video)
    must = tuple(transcode_reasons(info))
    if must:
        target = target_of(video)
        syntax = syntaxes.h264_for_level(target.level)
        if syntax is None:
            raise BrokenVideo(f"No H.264 level up to 4.2 holds {target.width} × {target.height} pixels.")
        return Plan(
            action=Action.TRANSCODE,
            transfer_syntax=syntax.uid,
            target=target,
            reasons=(*must, *_target_reasons(video, target), _fits(target.level, syntax)),
        )
    level = max(video.level, _needed_level(video) or 0)
    relabel = level > _HIGHEST_LEVEL
    if relabel:
        level = _needed_level(video) or _HIGHEST_LEVEL
    syntax = syntaxes.h264_for_level(level)
    assert syntax is not None  # noqa: S101 -- transcode_reasons has sent everything above 4.2 to a transcode
    kept = f"The pictures are H.264 {_HIGH_DECODABLE[video.profile_idc]} profile and pass through unchanged."
    layout = tuple(_remux_reasons(info))
    if relabel:
        layout += (
            f"The stream claims level {_named(video.level)} but needs only {_named(level)}; the label is corrected.",
        )
    reasons = (kept, *layout, _fits(level, syntax))
    if not layout:
        return Plan(action=Action.WRAP, transfer_syntax=syntax.uid, reasons=reasons)
    target = Target(width=video.width, height=video.height, level=level if relabel else 0)
    return Plan(action=Action.REMUX, transfer_syntax=syntax.uid, reasons=reasons, target=target)


def _refuse_hopeless(video: VideoStream) -> None:
    if video.frames < 1:
        raise BrokenVideo("The video holds no frames.")
    if video.seconds <= 0:
        raise BrokenVideo("The video has no duration: the times of its frames are damaged.")


def _needed_level(video: VideoStream) -> int | None:
    return levels.lowest_level(
        video.coded_width, video.coded_height, video.rate.fraction, video.reference_frames, video.bit_rate
    )


def transcode_reasons(info: MediaInfo, highest: int = _HIGHEST_LEVEL) -> Iterator[str]:
    """Why the pictures cannot stay as they are; nothing when they can. ``highest`` is a level_idc."""
    video = info.video
    if video.codec != "h264":
        yield f"The codec is {video.codec}; this version stores H.264, so it is re-encoded."
    elif video.profile_idc not in _HIGH_DECODABLE:
        yield f"H.264 profile {video.profile or video.profile_idc} need not be decoded by a High profile decoder."
    elif (_needed_level(video) or 99) > highest:
        size = (
            f"{video.width} × {video.height} at {float(video.rate):.4g} frames/s and {video.bit_rate / 1e6:.3g} Mbit/s"
        )
        yield f"{size} with {video.reference_frames} reference frames exceeds H.264 level 4.2, DICOM's highest."
    if video.bit_depth != 8 or not _is_420(video.pixel_format):
        yield f"The pictures are {video.pixel_format}; DICOM's video syntaxes here are 8-bit 4:2:0."
    if video.pixel_aspect.fraction != 1:
        aspect = video.pixel_aspect
        yield f"Pixels are {aspect.numerator}:{aspect.denominator}, but must be square (PS3.5 8.2.7)."
    if video.rotation:
        yield f"The container turns the pictures by {video.rotation}°, which Rows and Columns cannot say."
    if not info.simple_edits:
        yield "The container's edit list shows only a part of the stream, so that part is cut out."
    if video.codec == "h264" and not video.starts_with_key:
        yield "The stream does not begin with a key frame."


def _is_420(pixel_format: str) -> bool:
    return pixel_format in {"yuv420p", "yuvj420p", "nv12"}


def _remux_reasons(info: MediaInfo) -> Iterator[str]:
    """Why the container has to change although the pictures may stay."""
    if "mp4" not in info.container:
        yield f"The container is {info.container}; it becomes MP4, which DICOM allows (PS3.5 8.2.7) and browsers play."
    elif info.brand.startswith("qt"):
        yield "The container is QuickTime (MOV), which is not MP4 (ISO/IEC 14496-14)."
    elif info.fragmented:
        yield "The MP4 is fragmented; one index is written so that any frame is found at once."
    elif not info.streamable:
        yield "The MP4's index lies at its end; it is moved to the front so that playing begins at once."
    if info.delayed:
        yield "The container lets time pass before the first frame; the pictures now begin at once."
    if info.audio_codecs:
        yield f"The sound ({', '.join(info.audio_codecs)}) is left out: clinical recordings pick up conversations."
    if info.other_streams:
        yield f"{info.other_streams} other stream(s) (subtitles, data, covers) are left out."


def target_of(video: VideoStream, highest: int = _HIGHEST_LEVEL) -> Target:
    """Even, square-pixel dimensions within level ``highest`` (a level_idc), and the lowest level that holds them."""
    width, height = _upright(video)
    rate = video.rate.fraction
    while True:
        width, height = width + width % 2, height + height % 2
        coded = -(-width // 16) * 16, -(-height // 16) * 16
        level = levels.lowest_level(*coded, rate, _REFERENCES)
        if level is not None and level <= highest:
            return Target(width=width, height=height, level=level)
        if max(width, height) < 64:
            raise BrokenVideo(f"{float(rate):.4g} frames/s exceed every H.264 level that DICOM knows.")
        shrink = _shrink(width, height)
        width, height = max(2, round(width * shrink)), max(2, round(height * shrink))


def _shrink(width: int, height: int) -> float:
    """The next factor to try: at once down to Full HD where larger, then in small steps."""
    full_hd = min(1920 / max(width, height), 1080 / min(width, height))
    return full_hd if full_hd < 1 else 0.9


def _upright(video: VideoStream) -> tuple[int, int]:
    """Displayed size with square pixels, after the container's rotation."""
    aspect = video.pixel_aspect.fraction
    width = round(video.width * aspect) if aspect > 1 else video.width
    height = round(video.height / aspect) if aspect < 1 else video.height
    return (height, width) if video.rotation in {90, 270} else (width, height)


def _target_reasons(video: VideoStream, target: Target) -> Iterator[str]:
    width, height = _upright(video)
    even = (width + width % 2, height + height % 2)
    if (target.width, target.height) != even:
        yield f"The pictures are scaled from {width} × {height} to {target.width} × {target.height} to fit level 4.2."
    elif even != (width, height):
        yield f"The odd size {width} × {height} is padded to {even[0]} × {even[1]}: 4:2:0 needs even sizes."
    if not video.progressive:
        yield "Interlaced fields are combined into whole frames."
    if not video.constant_rate:
        yield f"The frame rate varies; frames keep their times, FrameTime says the mean ({float(video.rate):.5g}/s)."


def _fits(level: int, syntax: syntaxes.VideoSyntax) -> str:
    return f"The result needs level {_named(level)}, so its transfer syntax is {syntax.name}."


def _named(level: int) -> str:
    return f"{level // 10}.{level % 10}"
