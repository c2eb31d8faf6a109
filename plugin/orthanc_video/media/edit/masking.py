"""Black regions in some of a film's frames: those are coded anew, and of the others as many as can be are copied.

Nothing of what was there stays in the film: what leans on a masked frame is coded anew as well, until a key frame.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from av.filter import Graph
from av.video.frame import VideoFrame
from av.video.plane import VideoPlane
from av.video.stream import VideoStream as AvStream

from orthanc_video.clip import Range
from orthanc_video.errors import UnsupportedMedia
from orthanc_video.media import exact
from orthanc_video.media.clip import cut
from orthanc_video.media.clip.choosing import chosen
from orthanc_video.media.clip.pieces import Anew, Piece
from orthanc_video.media.clip.source import Source
from orthanc_video.media.edit import reframing
from orthanc_video.model import Region, Span

_FULL_RANGE = 2  # AVCOL_RANGE_JPEG
# ITU-R BT.601 and BT.709: black in studio range, and no colour, in 8 bits.
_BLACK, _GREY = 16, 128


@dataclass(frozen=True, slots=True)
class Masked:
    """How many frames were coded ``anew``; ``silenced`` says why the sound was left out, if it was."""

    anew: int
    silenced: str


def mask(path: Path, regions: Sequence[Region], ranges: Sequence[Range], target: Path, *, progressive: bool) -> Masked:
    """Writes the film with ``regions`` black in the frames of ``ranges``.

    Raises BadRequest for frames that there are none of, BrokenVideo where a frame is damaged, UnsupportedMedia for a
    coding that frames are not coded anew in.
    """
    spans = (Span(0, path.stat().st_size),)
    with exact.video(path, spans, threads=True) as video:
        hidden = united(chosen(video, one) for one in ranges)
        masker = Masker(video.stream, regions, progressive=progressive)

        def changed(number: int, frame: VideoFrame) -> VideoFrame:
            return masker.masked(frame) if any(first <= number <= last for first, last in hidden) else frame

        film = Source(video, changed)
        planned = _pieces(film, hidden, len(video))
        _, silenced = cut.write(film, planned, target, path, spans)
    return Masked(sum(one.last - one.first + 1 for one in planned if isinstance(one, Anew)), silenced)


def united(ranges: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """The same frames in their order, each once."""
    found: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if found and first <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(found[-1][1], last))
        else:
            found.append((first, last))
    return found


def _pieces(film: Source, hidden: Sequence[tuple[int, int]], count: int) -> list[Piece]:
    """All frames, those that are masked coded anew, with their neighbours where these are, too."""
    planned: list[Piece] = []
    passed = 0
    for first, last in hidden:
        if first > passed:
            planned += film.plan(passed, first - 1, precise=True)
        planned.append(Anew(first, last))
        passed = last + 1
    if passed < count:
        planned += film.plan(passed, count - 1, precise=True)
    joined: list[Piece] = []
    for piece in planned:
        if joined and isinstance(piece, Anew) and isinstance(joined[-1], Anew):
            joined[-1] = Anew(joined[-1].first, piece.last)
        else:
            joined.append(piece)
    return joined


class Masker:
    """Makes regions of a stream's frames black, whatever their depth, range and chroma."""

    def __init__(self, stream: AvStream, regions: Sequence[Region], *, progressive: bool) -> None:
        self._stream = stream
        self._graph: Graph | None = None
        context = stream.codec_context
        size = context.width, context.height
        self._regions = [reframing.grown(one, *size, progressive=progressive) for one in regions]

    def masked(self, frame: VideoFrame) -> VideoFrame:
        """A copy: the decoder may still lean on the frame itself."""
        copied = self._copied(frame)
        name = copied.format.name
        if not name.startswith(("yuv", "gray")):
            raise UnsupportedMedia(f"Pictures of the format {name} are masked throughout only.")
        is_full = name.startswith("yuvj") or copied.color_range == _FULL_RANGE
        for number, plane in enumerate(copied.planes):
            bits = copied.format.components[number].bits
            value = (_GREY if number else 0 if is_full else _BLACK) << (bits - 8)
            self._paint(copied, plane, "u1" if bits == 8 else "<u2", value)
        return copied

    def _copied(self, frame: VideoFrame) -> VideoFrame:
        if self._graph is None:
            self._graph = Graph()
            nodes = (self._graph.add_buffer(template=self._stream), self._graph.add("copy"))
            self._graph.link_nodes(*nodes, self._graph.add("buffersink")).configure()
        self._graph.push(frame)
        made = self._graph.pull()
        assert isinstance(made, VideoFrame)  # noqa: S101
        return made

    def _paint(self, frame: VideoFrame, plane: VideoPlane, kind: str, value: int) -> None:
        values: npt.NDArray[Any] = np.frombuffer(memoryview(plane), dtype=kind)
        values = values.reshape(-1, plane.line_size // values.itemsize)
        across, down = (2 if plane.width < frame.width else 1), (2 if plane.height < frame.height else 1)
        for one in self._regions:
            bottom, right = -(-(one.y + one.height) // down), -(-(one.x + one.width) // across)
            values[one.y // down : bottom, one.x // across : min(right, plane.width)] = value
