"""Single pictures out of a stream: the poster of a video."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from orthanc_video.errors import BrokenVideo
from orthanc_video.media.probe import pictures
from orthanc_video.media.source import opened
from orthanc_video.model import Span

# Where in a film a representative frame is looked for, as parts of its length.
LOOKS = (0.1, 0.3, 0.5, 0.7, 0.9, 0.0)
_LIVELY = 24.0


def thumbnail(path: Path, spans: tuple[Span, ...], target: Path, width: int) -> None:
    """Writes a representative frame as JPEG, ``width`` pixels wide: not black, not blank, where the film has one."""
    found = (_key_frame_near(path, spans, place) for place in LOOKS)
    write(liveliest(frame for frame in found if frame is not None), target, width)


def liveliest(candidates: Iterable[av.VideoFrame]) -> av.VideoFrame:
    """The first that shows something, else that which shows most."""
    best: tuple[float, av.VideoFrame] | None = None
    for frame in candidates:
        spread = float(np.std(frame.reformat(format="gray").to_ndarray()))
        if best is None or spread > best[0]:
            best = (spread, frame)
        if spread >= _LIVELY:
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


def _key_frame_near(path: Path, spans: tuple[Span, ...], place: float) -> av.VideoFrame | None:
    with opened(path, spans) as container:
        stream = pictures(container)
        stream.codec_context.skip_frame = "NONKEY"
        duration = container.duration or 0
        try:
            container.seek(int(duration * place) + (container.start_time or 0))
            for frame in container.decode(stream):
                return frame
        except av.error.FFmpegError:
            return None  # nothing there to look at: another place is tried
    return None
