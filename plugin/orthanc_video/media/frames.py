"""Single pictures out of a stream: the poster of a video."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from orthanc_video.errors import BrokenVideo
from orthanc_video.media.probe import pictures
from orthanc_video.media.source import opened
from orthanc_video.model import Span

# Where in a film a representative frame is looked for first, as parts of its length.
LOOKS = (0.1, 0.3, 0.5, 0.7, 0.9, 0.97, 0.0)
# How far grey values from 0 to 255 spread in a picture that shows something, and in one that shows it clearly: amid a
# fade it is less.
_LIVELY, _CLEAR = 24.0, 48.0
# So many pixels from one that is looked at to the next, across and down.
_COARSE = 4
# At so many places more, for so many seconds in all: what is black throughout has no better frame, however long it is.
BETWEEN = 32
_SECONDS = 4.0


def thumbnail(path: Path, spans: tuple[Span, ...], target: Path, width: int) -> None:
    """Writes a representative frame as JPEG, ``width`` pixels wide."""
    write(representative(path, spans), target, width)


def representative(path: Path, spans: tuple[Span, ...]) -> av.VideoFrame:
    """A frame that is neither black nor blank, where the film has one."""
    starts: set[float] = set()
    return liveliest(_key_frames(path, spans, starts), _between(path, spans, starts))


def liveliest(first: Iterable[av.VideoFrame], more: Iterable[av.VideoFrame]) -> av.VideoFrame:
    """Of ``first`` the first frame that shows something; else that of all which shows most.

    Of ``more`` as many are looked at as time allows, and none after one that shows something clearly.
    """
    best: tuple[float, av.VideoFrame] | None = None
    for candidates, enough in ((first, _LIVELY), (more, _CLEAR)):
        stop = time.monotonic() + _SECONDS
        for frame in candidates:
            spread = float(np.std(frame.reformat(format="gray").to_ndarray()[::_COARSE, ::_COARSE]))
            if best is None or spread > best[0]:
                best = (spread, frame)
            if spread >= enough or time.monotonic() > stop:
                break
        if best is not None and best[0] >= _LIVELY:
            break
    if best is None:
        raise BrokenVideo("No frame of the stored video can be decoded.")
    return best[1]


def write(frame: av.VideoFrame, target: Path, width: int, aspect: Fraction = Fraction(1)) -> None:
    """As JPEG, ``width`` pixels wide; ``aspect`` is a pixel's width to its height."""
    height = max(2, round(frame.height * width / (frame.width * aspect)))
    image = frame.reformat(width=width, height=height, format="yuvj420p", dst_color_range="JPEG")
    with av.open(str(target), "w", format="image2", options={"update": "1"}) as output:
        stream = output.add_stream("mjpeg", rate=1)
        stream.width, stream.height, stream.pix_fmt = image.width, image.height, "yuvj420p"
        image.pts = 0
        for packet in (*stream.encode(image), *stream.encode()):
            output.mux(packet)


def _key_frames(path: Path, spans: tuple[Span, ...], starts: set[float]) -> Iterator[av.VideoFrame]:
    """The key frames near the places, which cost least; ``starts`` gets the times (seconds) of those that there are."""
    for place in LOOKS:
        frame = _key_frame_near(path, spans, place)
        if frame is not None:
            starts.add(frame.time or 0.0)
            yield frame


def _between(path: Path, spans: tuple[Span, ...], starts: set[float]) -> Iterator[av.VideoFrame]:
    """Frames from each of those key frames to the next, the latest first: more films begin with black than end so."""
    begins = sorted(starts, reverse=True)[:-1]
    # The first one, or whatever there is instead, is found without being looked for.
    begins.append(-math.inf)
    for start, end in zip(begins, (math.inf, *begins), strict=False):
        yield from _from_there(path, spans, start, end, _SECONDS / len(begins))


def _from_there(
    path: Path, spans: tuple[Span, ...], start: float, end: float, seconds: float
) -> Iterator[av.VideoFrame]:
    """Some of the frames that are shown from ``start`` to ``end``, as far as can be decoded in ``seconds``."""
    stop = time.monotonic() + seconds
    with opened(path, spans, hurried=True) as container:
        stream = pictures(container)
        stream.codec_context.skip_frame = "NONREF"  # half as many where there are B frames, and none is missed
        first = (container.start_time or 0) / av.time_base
        last = first + (container.duration or 0) / av.time_base
        step, due = (min(end, last) - max(start, first)) / BETWEEN, start
        with suppress(av.error.FFmpegError):  # what comes before the damage has been looked at
            if start > first:
                container.seek(round(start * av.time_base))
            for frame in container.decode(stream):
                at = frame.time or 0.0
                if at >= due:
                    due = at + step
                    yield frame
                if at >= end or time.monotonic() > stop:
                    return


def _key_frame_near(path: Path, spans: tuple[Span, ...], place: float) -> av.VideoFrame | None:
    with opened(path, spans, hurried=True) as container:
        stream = pictures(container)
        stream.codec_context.skip_frame = "NONKEY"
        duration = container.duration or 0
        try:
            if place:  # an index that leads nowhere is no hindrance to begin at the beginning
                container.seek(int(duration * place) + (container.start_time or 0))
            for packet in container.demux(stream):
                if not packet.is_keyframe:
                    continue
                # A decoder keeps what it has until more comes; told that this is all, it gives it out.
                found = [*stream.decode(packet), *stream.decode(None)]
                if found:
                    found[0].time_base = packet.time_base  # what comes out at the end has none
                    return found[0]
                stream.codec_context.flush_buffers()
        except av.error.FFmpegError:
            return None  # nothing there to look at: another place is tried
    return None
