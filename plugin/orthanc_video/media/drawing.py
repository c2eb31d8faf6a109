"""Single pictures of a stored object, by the numbers of its frames: exact, rendered as asked, one after the other."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import IO, Protocol

import av
import numpy as np

from orthanc_video.errors import NotFound, TooLarge
from orthanc_video.film import MultiFrame
from orthanc_video.media import cine, exact, frames, probe
from orthanc_video.media.seen import Picture, rgb
from orthanc_video.media.source import opened
from orthanc_video.media.stills import Still, Stills
from orthanc_video.model import Span
from orthanc_video.picture import MOST_FRAMES, SAMPLES, Drawing, Rendering, Said

Spans = tuple[Span, ...]
# What is sent in one answer is a file first.
MOST_BYTES = 1 << 30
# Frames that lie farther apart are each decoded by themselves.
_FAR = 16
# So many hundredths of a second each frame of a preview is shown.
_PREVIEW = 40


class _Frames(Protocol):
    """An object's frames; numbers count from 0. ``aspect`` is a pixel's width to its height, known once there was a
    picture."""

    @property
    def aspect(self) -> Fraction: ...
    def __len__(self) -> int: ...
    def picture(self, number: int) -> Picture | av.VideoFrame: ...
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
    with _opened(path, stored, drawing) as source, target.open("wb") as file:
        numbers = _numbers(source, drawing)
        if drawing.kind == SAMPLES:
            return _written(file, map(source.samples, numbers))
        drawn = (_still(source, number) for number in numbers)
        first = next(drawn)
        stills, pictures = Stills(drawing.rendering, said, source.aspect), itertools.chain((first,), drawn)
        if drawing.moving:
            lasting = [_PREVIEW] * len(numbers) if drawing.spread else _lasting(source, numbers)
            return _written(file, [stills.moving(zip(pictures, lasting, strict=True))])
        if drawing.columns:
            return _written(file, [stills.together(pictures, drawing.columns)])
        return _written(file, (stills.encoded(one, drawing.kind) for one in pictures))


def _representative(
    path: Path, stored: MultiFrame | Spans, rendering: Rendering
) -> tuple[Picture | av.VideoFrame, Fraction]:
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
    return frames.representative(path, stored), aspect


@contextmanager
def _opened(path: Path, stored: MultiFrame | Spans, drawing: Drawing) -> Iterator[_Frames]:
    if isinstance(stored, MultiFrame):
        film = _windowed(stored, drawing.rendering)
        with cine.opened(path, film) as pictures:
            yield _Film(pictures, film)
    else:
        apart = bool(drawing.spread) or bool(drawing.frames)
        apart = apart and all(later - earlier > _FAR for earlier, later in pairwise(drawing.frames))
        with exact.video(path, stored, threads=True, hurried=True) as video:
            yield _Video(video, apart=apart)


def _windowed(film: MultiFrame, rendering: Rendering) -> MultiFrame:
    """The request's window goes before the object's own; colours have none."""
    if rendering.window is None or film.pixels.samples > 1:
        return film
    return dataclasses.replace(film, pixels=dataclasses.replace(film.pixels, window=rendering.window))


def _numbers(source: _Frames, drawing: Drawing) -> list[int]:
    asked = drawing.frames
    if drawing.spread:
        return spread(len(source), drawing.spread)
    beyond = [number for number in asked if number > len(source)]
    if beyond:
        raise NotFound(f"There is no frame {beyond[0]}: the object has {len(source)}.")
    if not asked and len(source) > MOST_FRAMES:
        raise TooLarge(
            f"The object has {len(source)} frames, and one request may have {MOST_FRAMES}. Ask for some of them "
            "(/frames/1,2,3/rendered), or for the video."
        )
    return [number - 1 for number in asked] or list(range(len(source)))


def spread(count: int, wanted: int) -> list[int]:
    """So many numbers of ``count``, from 0: those in the middle of equal parts."""
    taken = min(count, wanted)
    return [(2 * at + 1) * count // (2 * taken) for at in range(taken)]


def _still(source: _Frames, number: int) -> Still:
    return Still(source.picture(number), f"Frame {number + 1} of {len(source)}" if len(source) > 1 else "")


def _lasting(source: _Frames, numbers: list[int]) -> list[int]:
    """How long each is shown, in hundredths of a second: rounding adds up to nothing."""
    starts = [round(100 * source.start(number)) for number in numbers]
    lasts = [later - earlier for earlier, later in pairwise(starts)]
    lasts.append(lasts[-1] if lasts else 100)
    return [max(2, last) for last in lasts]  # browsers show nothing shorter for as long as it says


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
    """``apart``: between the frames that are wanted lie many others."""

    def __init__(self, video: exact.Exact, *, apart: bool) -> None:
        self._video = video
        self.start = video.start
        self.picture = video.alone if apart else video.frame

    @property
    def aspect(self) -> Fraction:
        return self._video.aspect

    def __len__(self) -> int:
        return len(self._video)

    def samples(self, number: int) -> bytes:
        return rgb(self.picture(number)).tobytes()
