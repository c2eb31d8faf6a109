"""Decoded video as the Y, Cb and Cr that JPEG has in DICOM: full range, BT.601, chroma as coarse as the video's.

Photometric Interpretation is YBR_FULL_422, whichever way the JPEG halves its chroma (PS3.3 C.7.6.3.1.2, note). Across,
that puts Cb and Cr where every second Y is, as video does (ITU-T H.264 Annex E, type 0); downwards JPEG has those of
4:2:0 between two lines, as video has, too. Of interlaced pictures they lie between two lines of one field, which no
JPEG does: there they are interpolated to 4:2:2. Matrix and range are one linear step (FFmpeg's filter colorspace),
without a detour over red, green and blue, which would clip and take twice as long.
"""

from __future__ import annotations

import functools
from fractions import Fraction
from typing import NamedTuple

import av
import numpy as np
import numpy.typing as npt
from av.filter import Graph
from av.video.reformatter import VideoReformatter

Plane = npt.NDArray[np.uint8]

# ITU-T H.273: matrix coefficients; PyAV's codes of them are the same. The filter's names.
BT709, UNSAID, _BT601 = 1, 2, 6
_MATRICES = {1: "bt709", 4: "fcc", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 9: "bt2020nc"}
_FULL = 2  # av.video.reformatter.ColorRange.JPEG
_DIRECT = {"yuv420p": 2, "yuvj420p": 2, "yuv422p": 1, "yuvj422p": 1}


def matrix_of(frame: av.VideoFrame) -> int:
    """The matrix that the stream names, else that of television of its size, as browsers have it."""
    named = int(frame.colorspace)
    if named != UNSAID:
        return named
    large = max(frame.width, frame.height) >= 1280 or min(frame.width, frame.height) > 576
    return BT709 if large else _BT601


def can_be_direct(frame: av.VideoFrame) -> bool:
    """Whether its matrix is one of those that are known here, and its chroma lies between whole pixels."""
    known = matrix_of(frame) in _MATRICES and frame.format.name.startswith("yuv")
    return known and frame.width % 2 == 0 and frame.height % 2 == 0


class _Sort(NamedTuple):
    """What frames have in common that are converted alike."""

    name: str
    width: int
    height: int
    matrix: int
    full: bool


class Planes:
    """Makes them; one object for each thread, which keeps its filters."""

    def __init__(self) -> None:
        self._graphs: dict[_Sort, Graph | None] = {}
        self._scaler = VideoReformatter()

    def of(self, frame: av.VideoFrame) -> tuple[Plane, Plane, Plane]:
        """Y, Cb and Cr, until the next ones are made; both chroma have half the columns, and half the rows or all."""
        plain = frame
        if frame.format.name not in _DIRECT:
            plain = frame.reformat(format="yuv420p", interpolation="BICUBIC")
        full = _is_full(frame)
        sort = _Sort(plain.format.name, plain.width, plain.height, matrix_of(frame), full)
        if sort not in self._graphs:
            self._graphs[sort] = _graph(sort, plain)
        graph = self._graphs[sort]
        if graph is not None:
            graph.push(plain)
            plain = graph.pull()  # type: ignore[assignment]
        luma, blue, red = (_plane(plain, number) for number in range(3))
        if _DIRECT[plain.format.name] == 1 or not frame.interlaced_frame or frame.height % 4:
            return luma, blue, red
        return luma, self._tall(blue), self._tall(red)

    def _tall(self, plane: Plane) -> Plane:
        """Twice as many rows of chroma, of each field by itself: a quarter of the way from one to the next, then three
        quarters."""
        made = np.empty((2 * plane.shape[0], plane.shape[1]), np.uint8)
        for field in range(2):
            own = av.VideoFrame.from_numpy_buffer(np.ascontiguousarray(plane[field::2]), format="gray")
            made[field::2] = _plane(self._scaler.reformat(own, height=len(plane), interpolation="BILINEAR"), 0)
        return made


def _is_full(frame: av.VideoFrame) -> bool:
    return frame.color_range == _FULL or frame.format.name.startswith("yuvj")


def _graph(sort: _Sort, frame: av.VideoFrame) -> Graph | None:
    """None where nothing is to be done."""
    matrix = _MATRICES[sort.matrix]
    if sort.full and matrix in {"bt470bg", "smpte170m"}:
        return None
    graph = Graph()
    graph.threads = 1
    given = f"iall=bt709:ispace={matrix}:irange={'pc' if sort.full else 'tv'}"
    nodes = [
        graph.add_buffer(
            width=sort.width, height=sort.height, format=frame.format, time_base=frame.time_base or Fraction(1)
        ),
        graph.add("colorspace", f"{given}:all=bt709:space=smpte170m:range=pc:fast=1"),
        graph.add("buffersink"),
    ]
    graph.link_nodes(*nodes).configure()
    return graph


def grey(frame: av.VideoFrame) -> Plane:
    """Luma alone, in full range."""
    plain = frame if frame.format.name in {*_DIRECT, "gray"} else frame.reformat(format="yuv420p")
    luma = _plane(plain, 0)
    return luma.copy() if _is_full(frame) else _stretched()[luma]


def is_colourful(frame: av.VideoFrame, tolerance: int) -> bool:
    """Whether any of its pixels' chroma is farther from none than that."""
    if frame.format.name.startswith("gray"):
        return False
    plain = frame if frame.format.name in _DIRECT else frame.reformat(format="yuv420p")
    chroma = (_plane(plain, number) for number in (1, 2))
    return any(int(plane.max()) > 128 + tolerance or int(plane.min()) < 128 - tolerance for plane in chroma)


def _plane(frame: av.VideoFrame, number: int) -> Plane:
    plane = frame.planes[number]
    lines = np.frombuffer(memoryview(plane), np.uint8)[: plane.height * plane.line_size]
    return lines.reshape(plane.height, plane.line_size)[:, : plane.width]


@functools.cache
def _stretched() -> Plane:
    values = np.rint((np.arange(256) - 16) * 255 / 219)
    made: Plane = np.clip(values, 0, 255).astype(np.uint8)
    return made
