"""What an object says of grey values of more than eight bits, for whoever makes them visible (PS3.3 C.11.1, C.11.2)."""

from __future__ import annotations

from dataclasses import dataclass

from pydicom.dataset import Dataset

from orthanc_video.dicom import pixels
from orthanc_video.dicom.said import item, items, number, text, whole
from orthanc_video.film import Lookup, Pixels, Window

_LONGEST_NAME = 64
_GREY = frozenset({"MONOCHROME1", "MONOCHROME2"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """How a frame's stored values become the modality's, and the windows that are proposed for these, with their names
    (Window Center & Width Explanation)."""

    slope: float
    intercept: float
    windows: tuple[tuple[Window, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Values:
    """``frames`` has one for each frame, or one for all of them; of a ``modality`` LUT, slopes do not count.
    ``tables`` are VOI LUTs with their names (LUT Explanation). ``padding`` are the lowest and the highest stored value
    that are no measurement (C.7.5.1.1.2)."""

    frames: tuple[Frame, ...]
    tables: tuple[tuple[Lookup, str], ...]
    padding: tuple[int, int] | None
    modality: Lookup | None = None


def is_there(about: Pixels) -> bool:
    """Whether there is more in the pixels than the eight bits that are drawn of them."""
    return about.samples == 1 and about.bits_stored > 8 and about.photometric in _GREY


def of(said: Dataset, about: Pixels, count: int) -> Values:
    """Of an object with so many frames."""
    rescales = _of_each(said, "PixelValueTransformationSequence", count)
    windows = [_windows(one) for one in _of_each(said, "FrameVOILUTSequence", count)]
    frames = [
        Frame(
            slope=number(rescales[at % len(rescales)], "RescaleSlope") or 1.0,
            intercept=number(rescales[at % len(rescales)], "RescaleIntercept") or 0.0,
            windows=windows[at % len(windows)],
        )
        for at in range(max(len(rescales), len(windows)))
    ]
    alike = all(frame == frames[0] for frame in frames)
    return Values(
        frames=tuple(frames[:1] if alike else frames),
        tables=_tables(said, about),
        padding=_padding(said, about),
        modality=about.modality,
    )


def _of_each(said: Dataset, keyword: str, count: int) -> list[Dataset]:
    """Where each frame's are said; one for all of them where they are said once."""
    shared = item(said, "SharedFunctionalGroupsSequence")
    found = item(shared, keyword) if shared is not None else None
    if found is not None:
        return [found]
    groups = items(said, "PerFrameFunctionalGroupsSequence")
    each = [item(group, keyword) for group in groups]
    if len(each) != count or not any(one is not None for one in each):
        return [said]
    return [said if one is None else one for one in each]


def _windows(said: Dataset) -> tuple[tuple[Window, str], ...]:
    return tuple((window, name[:_LONGEST_NAME]) for window, name in pixels.windows(said))


def _tables(said: Dataset, about: Pixels) -> tuple[tuple[Lookup, str], ...]:
    read = [(pixels.table(one, "LUT", signed=about.signed), one) for one in items(said, "VOILUTSequence")]
    return tuple((table, text(one, "LUTExplanation")[:_LONGEST_NAME]) for table, one in read if table is not None)


def _padding(said: Dataset, about: Pixels) -> tuple[int, int] | None:
    first = whole(said, "PixelPaddingValue")
    if first is None:
        return None
    last = whole(said, "PixelPaddingRangeLimit")
    # Either may be written as an unsigned number.
    both = [
        one - (1 << 16) if about.signed and one >= 1 << 15 else one for one in (first, first if last is None else last)
    ]
    return min(both), max(both)
