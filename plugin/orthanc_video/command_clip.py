"""``orthanc-video clip``: a part of a video file, or of a DICOM video, with no server."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from orthanc_video.clip import Clip, Range, moment
from orthanc_video.command_files import (
    DEFAULTS,
    DICOM,
    PROGRAM_STREAM,
    VIDEOS,
    beside,
    ending_of,
    is_dicom,
    limits_of,
    refuse_missing,
    writable,
)
from orthanc_video.dicom.moving import described
from orthanc_video.errors import BadRequest
from orthanc_video.files import Bytes, SpanSource
from orthanc_video.film import MultiFrame
from orthanc_video.jobs import clipping
from orthanc_video.jobs.processes import Limits, MediaProcess, close
from orthanc_video.model import Span
from orthanc_video.saying import say


def run(source: Path, target: Path, ranges: Iterable[Iterable[str]], *, precise: bool) -> None:
    """Writes the clip and prints what it holds. Nothing is left behind when it fails; raises VideoError."""
    try:
        made = clip(source, target, [Range(*map(moment, one)) for one in ranges], precise=precise)
    finally:
        close()
    for one in made.cuts:
        how = f"{one.anew} of them coded anew" if one.anew else "all copied"
        say(f"Frames {one.first} to {one.last} ({one.frames}), {how}.")
    say(f"Sound: {made.sound}." if made.sound else made.silenced or "No sound.")
    say(f"clip: {target}")


def clip(source: Path, target: Path, ranges: list[Range], *, precise: bool) -> Clip:
    """As ``run``, and prints nothing; media processes are the caller's to end."""
    refuse_missing(source)
    final, kind = writable(source, target), ending_of(target, "video", VIDEOS)
    with beside(target, final.parent) as scratch:
        made = scratch / f"made{kind}"
        told = _cut(source, ranges, made, limits_of(), precise=precise)
        made.replace(final)
    return told


def _cut(source: Path, ranges: list[Range], made: Path, limits: Limits, *, precise: bool) -> Clip:
    process = MediaProcess()
    if made.suffix == DICOM:
        if not is_dicom(source):
            raise BadRequest(f"{source} is no DICOM file, so a clip of it is none: name an MP4, or convert it first.")
        return clipping.of_object(process, limits, source, ranges, made, precise=precise)
    if is_dicom(source):
        if made.suffix == PROGRAM_STREAM and _holds_pictures(source):
            raise BadRequest(f"{source} holds single pictures, which are no MPEG-2 video: name an MP4.")
        return clipping.of_film(process, limits, DEFAULTS, source, ranges, made, precise=precise)
    spans = (Span(0, source.stat().st_size),)
    return clipping.cut(process, limits, source, spans, ranges, made, precise=precise)


def _holds_pictures(source: Path) -> bool:
    with SpanSource(source) as file:
        return isinstance(described(Bytes(file))[0], MultiFrame)
