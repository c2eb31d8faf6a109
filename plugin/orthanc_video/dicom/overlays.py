"""The drawings that lie over an object's frames: its overlay planes (PS3.3 C.9.2, C.9.3).

Those that lie within the bits of pixel data are retired since 2004, and are not read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydicom.dataset import Dataset

from orthanc_video.errors import BrokenVideo, UnsupportedMedia

# Repeating groups: 6000 to 601E, even ones (PS3.5 7.6).
_GROUPS = range(0x6000, 0x6020, 2)
_ROWS, _COLUMNS, _FRAMES, _KIND, _ORIGIN, _FIRST = 0x0010, 0x0011, 0x0015, 0x0040, 0x0050, 0x0051
_BITS, _LABEL, _DATA = 0x0100, 0x1500, 0x3000
_MOST_POINTS = 1 << 27  # of a plane's frames together: 16 MiB
_LONGEST_LABEL = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Plane:
    """One overlay plane: ``rows`` × ``columns`` points of one bit, ``bits`` having the first in its lowest one.

    ``kind`` is "Graphics" or "ROI". ``origin`` is the row and column of the image at which its upper left point lies,
    from 1. ``first`` is the image's frame, from 1, that its own first one lies over, and ``frames`` how many it has,
    one after the other; 0: one, which lies over all.
    """

    group: str
    kind: str
    label: str
    rows: int
    columns: int
    origin: tuple[int, int]
    first: int
    frames: int
    bits: bytes


def groups(said: Dataset) -> list[int]:
    """Those that have a plane, which can be shown or not."""
    return [group for group in _GROUPS if (group, _ROWS) in said]


def planes(said: Dataset) -> tuple[tuple[Plane, ...], tuple[str, ...]]:
    """Those that can be shown, and of each other one a sentence."""
    found, refused = [], []
    for group in _GROUPS:
        if (group, _ROWS) not in said and (group, _DATA) not in said:
            continue
        try:
            found.append(_plane(said, group))
        except (BrokenVideo, UnsupportedMedia) as error:
            refused.append(f"Overlay plane {group:04X}: {error}")
    return tuple(found), tuple(refused)


def _plane(said: Dataset, group: int) -> Plane:
    if _whole(said, group, _BITS, 1) != 1:
        raise UnsupportedMedia("It lies within the pixel data, which is retired, and is not shown.")
    rows, columns = _whole(said, group, _ROWS), _whole(said, group, _COLUMNS)
    several = _whole(said, group, _FRAMES, 0)
    first = _whole(said, group, _FIRST, 0)
    # Said of one plane alone: it lies over that frame; not said: over all of them.
    frames = several or min(first, 1)
    points = rows * columns * (frames or 1)
    if not 0 < points <= _MOST_POINTS:
        raise BrokenVideo(f"It has {rows} rows and {columns} columns in {frames or 1} frames, which is not shown.")
    bits = _bits(said, group, (points + 7) // 8)
    kind = "ROI" if _text(said, group, _KIND) == "R" else "Graphics"
    return Plane(
        group=f"{group:04X}", kind=kind, label=_text(said, group, _LABEL)[:_LONGEST_LABEL],
        rows=rows, columns=columns, origin=_origin(said, group), first=max(first, 1), frames=frames, bits=bits,
    )  # fmt: skip


def _bits(said: Dataset, group: int, length: int) -> bytes:
    found = _value(said, group, _DATA)
    if not isinstance(found, bytes) or len(found) < length:
        raise BrokenVideo("It has fewer bits than it says that it has points.")
    # Of words in big endian pydicom hands over the words as they lie (PS3.5 7.3, 8.1.2).
    if said.original_encoding[1] is False and said[group, _DATA].VR == "OW":
        swapped = bytearray(found)
        swapped[0::2], swapped[1::2] = found[1::2], found[0::2]
        found = bytes(swapped)
    return found[:length]


def _origin(said: Dataset, group: int) -> tuple[int, int]:
    found = _value(said, group, _ORIGIN)
    try:
        row, column = found or (1, 1)
        return int(row), int(column)
    except (TypeError, ValueError):
        raise BrokenVideo("Its Overlay Origin is no row and column.") from None


def _whole(said: Dataset, group: int, element: int, otherwise: int | None = None) -> int:
    found = _value(said, group, element)
    if found is None or found == "":
        if otherwise is None:
            raise BrokenVideo("It does not say how many rows and columns it has.")
        return otherwise
    try:
        return int(found)
    except (TypeError, ValueError):
        raise BrokenVideo(f"What it says by ({group:04X},{element:04X}) is no whole number.") from None


def _text(said: Dataset, group: int, element: int) -> str:
    found = _value(said, group, element)
    return "" if found is None else str(found).strip()


def _value(said: Dataset, group: int, element: int) -> Any:
    try:
        return said[group, element].value if (group, element) in said else None
    except Exception:  # as of said.value: pydicom converts on access, and has no end of errors for damaged values
        return None
