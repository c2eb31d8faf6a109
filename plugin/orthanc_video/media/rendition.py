"""A stored stream that browsers cannot play as an MP4 that they can: H.264, 8-bit 4:2:0, silent, the index in front.

Pictures that browsers know pass through (H.264 in an MPEG transport stream); all others are re-encoded in their size.
"""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from orthanc_video.dicom import syntaxes
from orthanc_video.dicom.fit import objections
from orthanc_video.files import SpanSource
from orthanc_video.media import plan, probe, remux, transcode
from orthanc_video.model import MediaInfo, Progress, Span

Listener = Callable[[Progress], None]
_BLOCK = 1 << 20


def render(
    source: Path, spans: tuple[Span, ...], target: Path, preset: str, crf: int, listener: Listener
) -> tuple[int, int]:
    """Writes the MP4 of the stream that ``spans`` of ``source`` hold; how many frames are in it, and came out.

    Every frame keeps its own time. ``target``'s folder is to work in. Raises BrokenVideo or NotVideo with a sentence.
    """
    with _in_one_piece(source, spans, target.with_suffix(".stream")) as (path, span):
        info = probe.probe(path, (span,))
        video = info.video
        if not _passes(info):
            aim = plan.target_of(video, plan.BROWSERS_LEVEL)
            made = transcode.streamable(path, target, video, aim, preset, crf, listener, span)
            return video.frames, made.video.frames
        remux.remux(path, target, video, 0, listener, (span,))
        return video.frames, video.frames


def _passes(info: MediaInfo) -> bool:
    """Whether browsers know the pictures as they are, whatever their level."""
    known = objections(syntaxes.BY_UID[syntaxes.H264_HIGH_42], dataclasses.replace(info.video, level=42)) == []
    return known and not any(plan.container_reasons(info))


@contextmanager
def _in_one_piece(source: Path, spans: tuple[Span, ...], joined: Path) -> Iterator[tuple[Path, Span]]:
    """Where the stream lies without gaps: as a rule in the object itself, else in a copy for as long as it is needed.

    ffmpeg reads one span of a file; most transfer syntaxes allow a stream no more than that (PS3.5 8.2.5 to 8.2.8).
    """
    if len(spans) == 1:
        yield source, spans[0]
        return
    try:
        with SpanSource(source, spans) as parts, joined.open("wb") as whole:
            shutil.copyfileobj(parts, whole, _BLOCK)
        yield joined, Span(0, joined.stat().st_size)
    finally:
        joined.unlink(missing_ok=True)
