"""Single pictures of a stored object, by the numbers of its frames: exact, rendered as asked, one after the other."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import IO, Protocol

import av
import numpy as np
from av.video.reformatter import Colorspace

from orthanc_video.errors import NotFound, TooLarge
from orthanc_video.film import MultiFrame
from orthanc_video.media import cine, exact, frames, probe
from orthanc_video.media.planes import BT709, UNSAID, matrix_of
from orthanc_video.media.source import opened
from orthanc_video.media.stills import Picture, Still, Stills
from orthanc_video.model import Span
from orthanc_video.picture import MOST_FRAMES, SAMPLES, Drawing, Rendering, Said

Spans = tuple[Span, ...]
# What is sent in one answer is a file first.
MOST_BYTES = 1 << 30


class _Frames(Protocol):
    """An object's frames; numbers count from 0. ``aspect`` is a pixel's width to its height."""

    aspect: Fraction

    def __len__(self) -> int: ...
    def picture(self, number: int) -> Picture: ...
    def samples(self, number: int) -> bytes: ...
    def start(self, number: int) -> Fraction: ...


def draw(path: Path, stored: MultiFrame | Spans, drawing: Drawing, said: Said, target: Path) -> list[int]:
    """Writes the pictures one after the other into ``target``; the length of each in bytes.

    Raises NotFound where a frame is asked for that there is not, TooLarge where they come to more than is sent,
    BadRequest for a viewport that the picture does not have, BrokenVideo where a frame cannot be decoded.
    """
    if drawing.representative:
        picture, aspect = _representative(path, stored, drawing.rendering)
        made = Stills(drawing.rendering, said, aspect).encoded(Still(picture), drawing.kind)
        return [target.write_bytes(made)]
    with _opened(path, stored, drawing.rendering) as source, target.open("wb") as file:
        stills = Stills(drawing.rendering, said, source.aspect)
        numbers = _numbers(source, drawing.frames)
        if drawing.moving:
            return _written(file, [stills.moving(_timed(source, numbers))])
        if drawing.kind == SAMPLES:
            return _written(file, map(source.samples, numbers))
        return _written(file, (stills.encoded(_still(source, one), drawing.kind) for one in numbers))


def _representative(path: Path, stored: MultiFrame | Spans, rendering: Rendering) -> tuple[Picture, Fraction]:
    """A frame that shows something, and its pixels' width to their height."""
    if isinstance(stored, MultiFrame):
        film = _windowed(stored, rendering)
        with cine.opened(path, film) as pictures:
            if len(film.frames) == 1:
                return pictures.picture(0), film.pixels.aspect.fraction
            found = cine.representative(pictures, len(film.frames)).to_ndarray()
            return np.asarray(found, dtype=np.uint8), film.pixels.aspect.fraction
    with opened(path, stored) as container:
        aspect = exact.aspect_of(probe.pictures(container))
    return rgb(frames.representative(path, stored)), aspect


@contextmanager
def _opened(path: Path, stored: MultiFrame | Spans, rendering: Rendering) -> Iterator[_Frames]:
    if isinstance(stored, MultiFrame):
        film = _windowed(stored, rendering)
        with cine.opened(path, film) as pictures:
            yield _Film(pictures, film)
    else:
        with exact.video(path, stored) as video:
            yield _Video(video)


def _windowed(film: MultiFrame, rendering: Rendering) -> MultiFrame:
    """The request's window goes before the object's own; colours have none."""
    if rendering.window is None or film.pixels.samples > 1:
        return film
    return dataclasses.replace(film, pixels=dataclasses.replace(film.pixels, window=rendering.window))


def _numbers(source: _Frames, asked: tuple[int, ...]) -> list[int]:
    beyond = [number for number in asked if number > len(source)]
    if beyond:
        raise NotFound(f"There is no frame {beyond[0]}: the object has {len(source)}.")
    if not asked and len(source) > MOST_FRAMES:
        raise TooLarge(
            f"The object has {len(source)} frames, and one request may have {MOST_FRAMES}. Ask for some of them "
            "(/frames/1,2,3/rendered), or for the video."
        )
    return [number - 1 for number in asked] or list(range(len(source)))


def _still(source: _Frames, number: int) -> Still:
    return Still(source.picture(number), f"Frame {number + 1} of {len(source)}" if len(source) > 1 else "")


def _timed(source: _Frames, numbers: list[int]) -> Iterator[tuple[Still, int]]:
    """Each with how long it is shown, in hundredths of a second: rounding adds up to nothing."""
    starts = [round(100 * source.start(number)) for number in numbers]
    lasts = [later - earlier for earlier, later in pairwise(starts)]
    lasts.append(lasts[-1] if lasts else 100)
    for number, last in zip(numbers, lasts, strict=True):
        yield _still(source, number), max(2, last)  # browsers show nothing shorter for as long as it says


def _written(file: IO[bytes], pieces: Iterable[bytes]) -> list[int]:
    lengths: list[int] = []
    for piece in pieces:
        lengths.append(file.write(piece))
        if sum(lengths) > MOST_BYTES:
            raise TooLarge(
                f"The frames come to more than {MOST_BYTES >> 20} MiB after {len(lengths)} of them. Ask for fewer."
            )
    return lengths


class _Film:
    def __init__(self, pictures: cine.Cine, film: MultiFrame) -> None:
        self._film = film
        self._pictures = pictures
        self.picture = pictures.picture
        self.samples = pictures.samples
        self.start = film.cadence.start
        self.aspect = film.pixels.aspect.fraction

    def __len__(self) -> int:
        return len(self._film.frames)


class _Video:
    def __init__(self, video: exact.Exact) -> None:
        self._video = video
        self.start = video.start
        self.aspect = video.aspect

    def __len__(self) -> int:
        return len(self._video)

    def picture(self, number: int) -> Picture:
        return rgb(self._video.frame(number))

    def samples(self, number: int) -> bytes:
        return self.picture(number).tobytes()


def rgb(frame: av.VideoFrame) -> Picture:
    """By the matrix that the stream names, else that of television of its size, as browsers have it."""
    matrix = None
    if frame.colorspace == UNSAID:
        matrix = Colorspace.ITU709 if matrix_of(frame) == BT709 else Colorspace.ITU601
    found = frame.reformat(format="rgb24", src_colorspace=matrix, interpolation="BICUBIC")
    return np.asarray(found.to_ndarray(), dtype=np.uint8)
