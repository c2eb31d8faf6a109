"""The values that describe a film of pictures which are coded each by itself: frozen, as those of ``model``."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from itertools import accumulate

from orthanc_video.model import Rational, Span


class WindowFunction(StrEnum):
    """How values become brightness within a window (PS3.3 C.11.2.1.2, C.11.2.1.3)."""

    LINEAR = "LINEAR"
    LINEAR_EXACT = "LINEAR_EXACT"
    SIGMOID = "SIGMOID"


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The range of values that is shown, in the units that the Modality LUT or rescale makes."""

    center: float
    width: float
    function: WindowFunction = WindowFunction.LINEAR


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    """A table of ``bits`` bits; ``first`` is the value that its first entry stands for, all below it and above its end
    being taken for its first and last."""

    first: int
    bits: int
    entries: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pixels:
    """The Image Pixel module (PS3.3 C.7.6.3), and how grey values become visible (C.11.1, C.11.2).

    ``aspect`` is a pixel's width to its height. ``palette`` is red, green and blue for PALETTE COLOR, else empty.
    Where there is neither ``window`` nor ``voi``, the object does not say what of its values is shown.
    """

    rows: int
    columns: int
    samples: int
    photometric: str
    bits_allocated: int
    bits_stored: int
    high_bit: int
    signed: bool = False
    planar: bool = False
    aspect: Rational = Rational(1)  # noqa: RUF009
    slope: float = 1.0
    intercept: float = 0.0
    modality: Lookup | None = None
    window: Window | None = None
    voi: Lookup | None = None
    palette: tuple[Lookup, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Cadence:
    """When frames are shown. ``step`` is the seconds from one to the next, the mean where they differ.

    ``starts``: when each begins, in seconds; empty where all are one step apart. ``source`` names the attribute that
    says so; empty where none does, and ``step`` is a guess.
    """

    step: Rational
    starts: tuple[Rational, ...] = ()
    source: str = ""

    def start(self, frame: int) -> Fraction:
        """When a frame (from 0) begins, in seconds; that of the frame after the last is the end."""
        if not self.starts:
            return frame * self.step.fraction
        if frame < len(self.starts):
            return self.starts[frame].fraction
        return self.starts[-1].fraction + (frame + 1 - len(self.starts)) * self.step.fraction

    def of(self, frames: Sequence[int]) -> Cadence:
        """That of these frames (from 0) shown one after the other, each for as long as it was."""
        if not self.starts:
            return self
        ends = list(accumulate(self.start(frame + 1) - self.start(frame) for frame in frames))
        starts = tuple(Rational.of(one) for one in (Fraction(0), *ends[:-1]))
        return dataclasses.replace(self, step=Rational.of(ends[-1] / len(ends)), starts=starts)


@dataclass(frozen=True, slots=True, kw_only=True)
class MultiFrame:
    """A stored object of pictures that are coded each by itself, and are shown one after the other.

    ``frames`` are the spans of each frame within the object, one for each of its fragments. ``remarks`` are sentences
    on what was wrong with finding them.
    """

    transfer_syntax: str
    sop_class: str
    sop_instance: str
    pixels: Pixels
    cadence: Cadence
    frames: tuple[tuple[Span, ...], ...]
    remarks: tuple[str, ...] = ()

    @property
    def seconds(self) -> float:
        return float(self.cadence.start(len(self.frames)))

    def of(self, frames: Sequence[int]) -> MultiFrame:
        """These of its frames (from 0), one after the other."""
        return dataclasses.replace(
            self, frames=tuple(self.frames[frame] for frame in frames), cadence=self.cadence.of(frames)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Coded:
    """Pictures taken out of a film and coded each by itself, in a file one after the other.

    ``index`` is a file with the length in bytes of each of them and its time in microseconds after the film's first
    frame, both as unsigned numbers of 64 bits, little endian. ``photometric`` is what their samples mean, of which
    each pixel has ``samples``. ``step`` is the seconds from one to the next where that is always the same (of one
    picture 0), and ``start`` those from the film's first frame to the first that was taken, which is number ``first``
    (from 1). ``aspect`` is a pixel's width to its height. ``numbers`` are those of frames that were named one by one.
    ``copied`` of them are not coded anew, but as they were.
    """

    path: str
    index: str
    frames: int
    rows: int
    columns: int
    samples: int
    photometric: str
    step: Rational | None
    start: Rational
    first: int
    aspect: Rational = Rational(1)  # noqa: RUF009
    numbers: tuple[int, ...] = ()
    copied: int = 0
