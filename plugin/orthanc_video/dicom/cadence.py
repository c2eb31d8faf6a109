"""When the frames of a multi-frame object are shown (PS3.3 C.7.6.5 Cine, C.7.6.6 Multi-frame). Pure."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import accumulate

from pydicom.dataset import Dataset

from orthanc_video.dicom.said import numbers, value
from orthanc_video.film import Cadence
from orthanc_video.model import Rational

# What is shown where no attribute tells: a rate that neither hides motion nor takes long over a heart beat.
DEFAULT_RATE = 25
_VECTOR = 0x00181065
# Milliseconds between frames. Faster than any display or slower than a minute is damage, not a film.
_SHORTEST, _LONGEST = Fraction(1, 2), Fraction(60_000)
# The largest denominator of a rate. Frame Time may have sixteen characters (33.3333333333333), but FFmpeg's rates are
# ratios of numbers of 32 bits: with this, 2,000 frames per second are one. No frame of an hour's film moves by 4 ms.
_FINEST = 1_000_000


def of(said: Dataset, frames: int) -> Cadence:
    """The frames' times: Frame Time, or its vector where the Frame Increment Pointer names that; else a rate; else a
    guess of 25 frames per second."""
    return next(_told(said, frames), Cadence(step=Rational(1, DEFAULT_RATE)))


def _told(said: Dataset, frames: int) -> Iterator[Cadence]:
    vector = _vector(said, frames)
    pointer = value(said, "FrameIncrementPointer")
    if vector is not None and pointer == _VECTOR:
        yield vector
    for step in numbers(said, "FrameTime")[:1]:
        if _SHORTEST <= step <= _LONGEST:
            yield Cadence(step=_step(step / 1000), source="FrameTime")
    if vector is not None:
        yield vector
    for keyword in ("RecommendedDisplayFrameRate", "CineRate"):
        for rate in numbers(said, keyword)[:1]:
            if rate > 0 and _SHORTEST <= 1000 / rate <= _LONGEST:
                yield Cadence(step=_step(1 / rate), source=keyword)


def _step(seconds: Fraction) -> Rational:
    """As it is written, or what is nearest to it of all that fit a rate: 33.3333333333333 ms are 1/30 s."""
    return Rational.of(1 / (1 / seconds).limit_denominator(_FINEST))


def _vector(said: Dataset, frames: int) -> Cadence | None:
    """Frame Time Vector: the milliseconds from each frame's predecessor, the first being 0 (C.7.6.5.1.2)."""
    steps = numbers(said, "FrameTimeVector")
    if len(steps) != frames or frames < 2 or not all(_SHORTEST <= step <= _LONGEST for step in steps[1:]):
        return None
    source = "FrameTimeVector"
    if len(set(steps[1:])) == 1:
        return Cadence(step=_step(steps[1] / 1000), source=source)
    starts = tuple(accumulate(steps[1:], initial=Fraction(0)))
    return Cadence(
        step=Rational.of(starts[-1] / 1000 / (frames - 1)),
        starts=tuple(Rational.of(start / 1000) for start in starts),
        source=source,
    )
