"""The attributes that say what an image's samples mean, as one value (PS3.3 C.7.6.3, C.11.1, C.11.2)."""

from __future__ import annotations

import struct
from itertools import zip_longest
from typing import Any

from pydicom.dataset import Dataset

from orthanc_video.dicom.said import item, number, numbers, text, value, values, whole
from orthanc_video.errors import BrokenVideo
from orthanc_video.film import Lookup, Pixels, Window, WindowFunction
from orthanc_video.model import Rational

_LONGEST_TABLE = 65536
_LARGEST = (1 << 16) - 1
_NARROWEST = 1e-9
_COLOURS = ("Red", "Green", "Blue")


def of(said: Dataset) -> Pixels:
    """Raises BrokenVideo where they contradict one another, or ask for what is not shown here."""
    allocated = _among(said, "BitsAllocated", (8, 16))
    stored = _within(said, "BitsStored", allocated, default=allocated)
    high = whole(said, "HighBit")
    signed = whole(said, "PixelRepresentation") == 1
    photometric = text(said, "PhotometricInterpretation")
    grey = _of_frames(said, "PixelValueTransformationSequence")
    return Pixels(
        rows=_within(said, "Rows", _LARGEST),
        columns=_within(said, "Columns", _LARGEST),
        samples=_among(said, "SamplesPerPixel", (1, 3)),
        photometric=photometric,
        bits_allocated=allocated,
        bits_stored=stored,
        high_bit=high if high is not None and stored - 1 <= high < allocated else stored - 1,
        signed=signed,
        planar=whole(said, "PlanarConfiguration") == 1,
        aspect=_aspect(said),
        slope=number(grey, "RescaleSlope") or 1.0,
        intercept=number(grey, "RescaleIntercept") or 0.0,
        modality=table(item(said, "ModalityLUTSequence"), "LUT", signed=signed),
        window=next((window for window, _ in windows(_of_frames(said, "FrameVOILUTSequence"))), None),
        voi=table(item(said, "VOILUTSequence"), "LUT", signed=signed),
        palette=_palette(said, signed=signed) if photometric == "PALETTE COLOR" else (),
    )


def _within(said: Dataset, keyword: str, most: int, default: int | None = None) -> int:
    found = whole(said, keyword)
    found = default if found is None else found
    if found is None:
        raise BrokenVideo(f"The required attribute {keyword} is missing or no number.")
    if not 1 <= found <= most:
        raise BrokenVideo(f"{keyword} is {found}; it must be from 1 to {most}.")
    return found


def _among(said: Dataset, keyword: str, known: tuple[int, ...]) -> int:
    found = _within(said, keyword, _LARGEST)
    if found not in known:
        raise BrokenVideo(f"{keyword} is {found}; what is shown here has {' or '.join(map(str, known))}.")
    return found


def _of_frames(said: Dataset, keyword: str) -> Dataset:
    """An enhanced object says it in a functional group, for all frames or for the first; others themselves."""
    for groups in ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"):
        group = item(said, groups)
        found = item(group, keyword) if group is not None else None
        if found is not None:
            return found
    return said


def _aspect(said: Dataset) -> Rational:
    """Pixel Aspect Ratio is height \\ width (C.7.6.3.1.7)."""
    ratio = numbers(said, "PixelAspectRatio")
    if len(ratio) != 2 or min(ratio) <= 0:
        return Rational(1)
    aspect = Rational.of((ratio[1] / ratio[0]).limit_denominator(1000))
    return aspect if 0.1 <= float(aspect) <= 10 else Rational(1)


def windows(said: Dataset) -> list[tuple[Window, str]]:
    """With what each is called; a width that its function does not allow makes it none (C.11.2.1.2)."""
    named = text(said, "VOILUTFunction") or WindowFunction.LINEAR
    if named not in list(WindowFunction):
        return []
    function, names = WindowFunction(named), values(said, "WindowCenterWidthExplanation")
    least = 1 if function is WindowFunction.LINEAR else _NARROWEST
    both = zip_longest(numbers(said, "WindowCenter"), numbers(said, "WindowWidth"), names)
    return [
        (Window(center=float(center), width=float(width), function=function), name or "")
        for center, width, name in both
        if center is not None and width is not None and width >= least
    ]


def _palette(said: Dataset, *, signed: bool) -> tuple[Lookup, ...]:
    tables = [table(said, f"{colour}PaletteColorLookupTable", signed=signed) for colour in _COLOURS]
    found = tuple(one for one in tables if one is not None)
    if len(found) < len(_COLOURS):
        kind = "segmented" if "SegmentedRedPaletteColorLookupTableData" in said else "missing or damaged"
        raise BrokenVideo(f"The object's colours are in a palette that is {kind}.")
    return found


def table(said: Dataset | None, name: str, *, signed: bool) -> Lookup | None:
    """A table with its descriptor: number of entries (0 for 65536), first value, bits of an entry (C.11.1.1.1)."""
    if said is None:
        return None
    descriptor = [int(one) for one in numbers(said, f"{name}Descriptor")]
    if len(descriptor) != 3:
        return None
    count, first, bits = descriptor[0] % _LONGEST_TABLE or _LONGEST_TABLE, descriptor[1], descriptor[2]
    if first > _LARGEST // 2 and signed:
        first -= _LONGEST_TABLE  # written as an unsigned number
    entries = _entries(value(said, f"{name}Data"), count, bits)
    if not 1 <= bits <= 16 or not entries:
        return None
    return Lookup(first=first, bits=bits, entries=entries)


def _entries(data: Any, count: int, bits: int) -> tuple[int, ...]:
    """Words; where an entry has eight bits, two of them may share one."""
    if isinstance(data, bytes):
        if bits <= 8 and len(data) < 2 * count:
            found = tuple(data[:count])
        else:
            words = min(count, len(data) // 2)
            found = struct.unpack(f"<{words}H", data[: 2 * words])
    else:
        several = data[:count] if hasattr(data, "__len__") else [data]
        found = tuple(int(one) & _LARGEST for one in several if isinstance(one, int))
    return found if len(found) == count else ()
