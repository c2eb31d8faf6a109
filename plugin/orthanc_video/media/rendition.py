"""A stored stream that browsers cannot play as an MP4 that they can: H.264, 8-bit 4:2:0, silent, the index in front.

Pictures that browsers know pass through (H.264 in an MPEG transport stream); all others are re-encoded in their size,
or as a request wants them (PS3.18 8.3.5.1). What is re-encoded can be played meanwhile (``media/growing.py``): it
begins before the stream has been read to its end, by what its beginning says.
"""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from orthanc_video.dicom import syntaxes
from orthanc_video.dicom.fit import objections
from orthanc_video.errors import VideoError
from orthanc_video.files import SpanSource
from orthanc_video.media import growing, plan, probe, remux, shaping, sniff, transcode
from orthanc_video.media.shaping import How
from orthanc_video.model import MediaInfo, Progress, Rational, Span, VideoStream

Listener = Callable[[Progress], None]
_BLOCK = 1 << 20
# As much of a stream says what it is; to read through more would take a second or longer.
_BEGINNING = 16 << 20
# Containers that can be read so far as they go.
_CAN_BE_CUT = ("mpeg", "mpegvideo", "mpegts")


def render(source: Path, spans: tuple[Span, ...], target: Path, how: How, listener: Listener) -> tuple[int, int]:
    """Writes the MP4 of the stream that ``spans`` of ``source`` hold; how many frames are in it, and came out.

    Every frame keeps its own time. ``target``'s folder is to work in. Raises BrokenVideo or NotVideo with a sentence,
    BadRequest for a viewport that shows nothing or is too large.
    """
    with _in_one_piece(source, spans, target.with_suffix(".stream")) as (path, span):
        begin = _beginning(path, span)
        if how.reshapes or not _passes(begin):
            try:
                return _encoded(path, span, begin.video, target, how, listener)
            except _Otherwise as error:
                return _encoded(path, span, error.video, target, how, listener)
        video = probe.probe(path, (span,)).video
        remux.remux(path, target, video, 0, listener, (span,))
        return video.frames, video.frames


class _Otherwise(Exception):
    """The stream turns out to be another than its beginning seemed to be."""

    def __init__(self, video: VideoStream) -> None:
        super().__init__()
        self.video = video


def _encoded(path: Path, span: Span, video: VideoStream, target: Path, how: How, listener: Listener) -> tuple[int, int]:
    """Raises _Otherwise as soon as all of the stream, which is read meanwhile, contradicts ``video``."""
    aim = shaping.target_of(video, how)
    picture = shaping.sized(transcode.decoded(path, video, span), video, aim, how)
    picture = shaping.written(picture, aim, how, target.parent)
    command = transcode.encoded(picture, growing.beside(target), video, aim, how.preset, how.crf, growing=True)
    whole: Future[MediaInfo] | None = None
    with ThreadPoolExecutor(1) as reader:

        def tell(told: Progress) -> None:
            nonlocal whole
            if whole is None and told.frames:  # not before: until there is something to play nothing else counts
                whole = reader.submit(probe.probe, path, (span,))
            if whole is not None and whole.done():
                _agree(video, whole.result().video)
            listener(told.within(0, transcode.ENCODED))

        written = transcode.run(command, video, tell)
        found = (whole or reader.submit(probe.probe, path, (span,))).result().video
    _agree(video, found)
    made = growing.finish(target, written, lambda told: listener(told.within(transcode.ENCODED, 1)))
    return found.frames, made


def _agree(begin: VideoStream, whole: VideoStream) -> None:
    if _coding(begin) != _coding(whole):
        raise _Otherwise(whole)


def _coding(video: VideoStream) -> VideoStream:
    """What a stream's beginning says of all of it, as far as encoding goes by it."""
    rate = video.rate if video.constant_rate else Rational(0)
    return dataclasses.replace(video, frames=0, seconds=0.0, bit_rate=0, rate=rate, leading=0, hollow=0)


def _beginning(path: Path, span: Span) -> MediaInfo:
    """What the stream is by its beginning, where that is much shorter than all of it, and can be read by itself."""
    if span.length > 2 * _BEGINNING:
        with SpanSource(path, (span,)) as source:
            kind = sniff.container(source.read_at(0, sniff.HEAD))
        if kind in _CAN_BE_CUT:
            try:
                info = probe.probe(path, (Span(span.offset, _BEGINNING),))
            except VideoError:
                return probe.probe(path, (span,))
            frames = round(info.video.frames * span.length / _BEGINNING)
            return dataclasses.replace(info, video=dataclasses.replace(info.video, frames=frames))
    return probe.probe(path, (span,))


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
