"""Frames of a stored film as pictures coded each by itself: decoded in order, encoded by all processors at once.

Constant memory: as many frames are under way as there are processors, and some. What is written are the items of
Pixel Data (PS3.5 A.4), each a frame in one fragment; end to end where they are not encapsulated.
"""

from __future__ import annotations

import errno
import math
import os
import struct
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import IO, Protocol

import av
import numpy as np

from orthanc_video.clip import Moment
from orthanc_video.dicom.syntaxes import LARGEST_FRAGMENT
from orthanc_video.edit import Edit
from orthanc_video.errors import BadRequest, BrokenVideo, TooLarge
from orthanc_video.film import Coded, MultiFrame
from orthanc_video.form import Form, Kind
from orthanc_video.media import cine, exact, moments, planes, timing
from orthanc_video.media.coders import Coder, coder_like, encoded
from orthanc_video.media.edit.retouching import Retouched
from orthanc_video.media.seen import Picture
from orthanc_video.model import Progress, Rational, Span

Listener = Callable[[Progress], None]
Spans = tuple[Span, ...]
Shown = av.VideoFrame | Picture
# As many as a film of single pictures may have that is read here (dicom/multiframe.py).
MOST_FRAMES = 100_000
GREY, COLOURS, EITHER = "grey", "colours", "either"
# Of a grey film that went through a video encoder.
_NEARLY_GREY = 8
_EVERY = 16
# So many pictures wait beyond those being encoded, so that neither decoder nor encoders stand still.
_AHEAD = 4
_ITEM, _PLACE = struct.Struct("<HHI"), struct.Struct("<QQ")
_ADVICE = "Ask for fewer frames, for every n-th of them, or for fewer rows."
_MICROSECOND = Fraction(1, 1_000_000)
# Ticks a second that any container counts in.
_FINEST = 10**9


class _Source(Protocol):
    """``aspect`` is a pixel's width to its height, ``is_grey`` whether the pictures have no colours by their nature.

    ``unchanged`` is a frame that is not coded anew, as it is to be written; None of all others.
    """

    aspect: Fraction
    is_grey: bool
    timed: moments.Timed

    def __len__(self) -> int: ...
    def frame(self, number: int) -> Shown: ...
    def unchanged(self, number: int) -> bytes | None: ...
    def start(self, number: int) -> Fraction: ...


def code(
    path: Path,
    stored: MultiFrame | Spans,
    form: Form,
    shades: str,
    target: Path,
    listener: Listener,
    named: Sequence[Moment] = (),
    edit: Edit | None = None,
) -> Coded:
    """Writes the frames that ``form`` asks for, or those that are ``named``, each once, and beside them their index.

    Of single pictures with the crop and the masks of an ``edit``; frames that it does not touch are copied where they
    can be.

    ``shades``: what the SOP class holds, ``grey``, ``colours`` or ``either``. Raises BadRequest where the film has no
    such frames, or colours that the class does not hold; BrokenVideo where a frame cannot be decoded.
    """
    photometric = stored.pixels.photometric if edit and isinstance(stored, MultiFrame) else ""
    coder = coder_like(form.transfer_syntax, photometric)
    if coder is None:
        raise BadRequest(f"Single pictures are not written in the transfer syntax {form.transfer_syntax}.")
    with _opened(path, stored, edit, coder) as source:
        numbers: Sequence[int] = chosen(len(source), form)
        if named:
            numbers = sorted({source.timed.number(moment) for moment in named})
        as_grey = shades == GREY or (shades == EITHER and source.is_grey)
        work = _Work(source, coder, form, as_grey=as_grey)
        index = target.with_name(f"{target.name}.index")
        starts = [source.start(number) for number in range(len(source))]
        first = starts[numbers[0]]
        with _too_large_told(), target.open("wb") as file, index.open("wb") as places:
            for at, data in enumerate(work.frames(numbers)):
                since = round((starts[numbers[at]] - first) / _MICROSECOND)
                places.write(_PLACE.pack(_write(file, data, coder), since))
                if at % _EVERY == 0:
                    part = at / len(numbers)
                    listener(Progress(stage="transcode", part=part, frames=at, total=len(numbers)))
                    _refuse_beyond(coder, form, len(data) * len(numbers))
        rows, columns = work.size
        return Coded(
            path=str(target),
            index=str(index),
            frames=len(numbers),
            rows=rows,
            columns=columns,
            samples=1 if as_grey else 3,
            photometric="MONOCHROME2" if as_grey else coder.photometric,
            step=step_between(starts, numbers) if isinstance(numbers, range) else None,
            start=Rational.of(first),
            first=numbers[0] + 1,
            aspect=Rational.of(source.aspect),
            numbers=() if isinstance(numbers, range) else tuple(number + 1 for number in numbers),
            copied=work.copied,
        )


@contextmanager
def _too_large_told() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno != errno.EFBIG:
            raise
        raise TooLarge(f"The pictures take more than one object may have. {_ADVICE}") from error


def _refuse_beyond(coder: Coder, form: Form, total: int) -> None:
    """Known with the first picture of them: without compression all have one size."""
    if coder.native and form.kind is Kind.FRAMES and total > LARGEST_FRAGMENT:
        raise TooLarge(
            f"Uncompressed the pictures take {total} bytes, more than one object can have (4 GiB). {_ADVICE}"
        )


def chosen(count: int, form: Form) -> range:
    """The frames, from 0, that a form takes of a film of ``count``; raises BadRequest where it takes none."""
    last = min(form.last or count, count)
    numbers = range(max(1, form.first) - 1, last, max(1, form.step))
    if not numbers:
        raise BadRequest(f"There is no frame from {form.first} to {form.last or count}: the film has {count}.")
    if len(numbers) > MOST_FRAMES:
        raise BadRequest(f"{len(numbers)} frames are more than {MOST_FRAMES}, the most that one object is given.")
    return numbers


def _write(file: IO[bytes], data: bytes, coder: Coder) -> int:
    """The length of the frame; padding makes its item even."""
    if coder.native:
        return file.write(data)
    pad = len(data) % 2
    file.write(_ITEM.pack(0xFFFE, 0xE000, len(data) + pad) + data + b"\x00" * pad)
    return len(data)


def step_between(starts: Sequence[Fraction], numbers: range) -> Rational | None:
    """The exact time from one of these frames of a film to the next, ``starts`` being when all of it are shown.

    A constant rate is found again whatever a container has rounded it to; None where frames last differently long.
    """
    if len(numbers) < 2:
        return Rational(0)
    constant = _constant(starts)
    if constant is not None:
        return Rational.of(constant * numbers.step)
    taken = {starts[later] - starts[earlier] for earlier, later in pairwise(numbers)}
    return Rational.of(taken.pop()) if len(taken) == 1 else None


def _constant(starts: Sequence[Fraction]) -> Fraction | None:
    steps = {later - earlier for earlier, later in pairwise(starts)}
    if len(steps) == 1:
        return steps.pop()
    ticks = math.lcm(*{start.denominator for start in starts})
    if ticks > _FINEST:
        return None
    found = timing.measure(np.array([int(start * ticks) for start in starts], dtype=np.int64), Fraction(1, ticks))
    return 1 / found.rate if found.constant else None


class _Work:
    """``size`` are the rows and columns of the frames, once one is coded; ``copied`` counts those that are not."""

    def __init__(self, source: _Source, coder: Coder, form: Form, *, as_grey: bool) -> None:
        self._source, self._coder, self._form, self._as_grey = source, coder, form, as_grey
        self.size = (0, 0)
        self.copied = 0

    def frames(self, numbers: Sequence[int]) -> Iterator[bytes]:
        """In their order."""
        processors = os.cpu_count() or 1
        waiting: deque[Future[bytes]] = deque()
        with ThreadPoolExecutor(processors) as pool:
            try:
                for number in numbers:
                    waiting.append(self._begun(pool, number))
                    if len(waiting) > processors + _AHEAD:
                        yield waiting.popleft().result()
                while waiting:
                    yield waiting.popleft().result()
            finally:
                for left in waiting:
                    left.cancel()

    def _begun(self, pool: ThreadPoolExecutor, number: int) -> Future[bytes]:
        own = self._source.unchanged(number)
        if own is None:
            return pool.submit(self._encoded, self._fitted(self._source.frame(number), number), number)
        self.copied += 1
        done: Future[bytes] = Future()
        done.set_result(own)
        return done

    def _encoded(self, shown: Shown, number: int) -> bytes:
        if self._as_grey and _is_colourful(shown):
            raise BadRequest(
                f"Frame {number + 1} has colours, which an object of the class {self._form.sop_class} cannot hold. "
                "Choose a class for colours."
            )
        return encoded(self._coder, shown, self._form.quality, as_grey=self._as_grey)

    def _fitted(self, shown: Shown, number: int) -> Shown:
        """Scaled to the most rows that are wanted; all frames have the size of the first."""
        rows, columns = _size(shown)
        if not self.size[0]:
            self._first = (rows, columns)
            self.size = scaled(rows, columns, self._form.rows)
        if (rows, columns) != self._first:
            raise BrokenVideo(
                f"Frame {number + 1} has {columns} × {rows} pixels, those before it {self._first[1]} × "
                f"{self._first[0]}: one object holds pictures of one size."
            )
        if self.size == (rows, columns):
            return shown
        frame = shown if isinstance(shown, av.VideoFrame) else cine.as_frame(shown)
        smaller = frame.reformat(width=self.size[1], height=self.size[0], interpolation="AREA")
        return smaller if isinstance(shown, av.VideoFrame) else np.asarray(smaller.to_ndarray(), dtype=np.uint8)


def scaled(rows: int, columns: int, most: int) -> tuple[int, int]:
    """Rows and columns, both even, of a picture that has no more than ``most`` rows (0: any)."""
    if not most or rows <= most:
        return rows, columns
    height = max(2, most - most % 2)
    return height, max(2, 2 * round(columns * height / rows / 2))


def _size(shown: Shown) -> tuple[int, int]:
    return (shown.height, shown.width) if isinstance(shown, av.VideoFrame) else (shown.shape[0], shown.shape[1])


def _is_colourful(shown: Shown) -> bool:
    if isinstance(shown, av.VideoFrame):
        return planes.is_colourful(shown, _NEARLY_GREY)
    return shown.ndim == 3


@contextmanager
def _opened(path: Path, stored: MultiFrame | Spans, edit: Edit | None, coder: Coder) -> Iterator[_Source]:
    if isinstance(stored, MultiFrame):
        with cine.opened(path, stored) as pictures:
            yield Retouched(pictures, stored, edit, coder.photometric) if edit else _Film(pictures, stored)
    else:
        with exact.video(path, stored, threads=True) as video:
            yield _Video(video)


class _Anew:
    """Of which every frame is coded anew."""

    def unchanged(self, _number: int) -> bytes | None:
        return None


class _Film(_Anew):
    def __init__(self, pictures: cine.Cine, film: MultiFrame) -> None:
        self._film = film
        self.frame = pictures.picture
        self.start = film.cadence.start
        self.aspect = film.pixels.aspect.fraction
        self.is_grey = film.pixels.samples == 1 and not film.pixels.palette
        self.timed = moments.of_film(film)

    def __len__(self) -> int:
        return len(self._film.frames)


class _Video(_Anew):
    def __init__(self, video: exact.Exact) -> None:
        self._video = video
        self.frame = video.frame
        self.start = video.start
        self.aspect = video.aspect
        self.is_grey = video.is_grey
        self.timed = moments.of_video(video)

    def __len__(self) -> int:
        return len(self._video)
