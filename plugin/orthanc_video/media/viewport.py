"""Which part of a picture a viewport shows, and how large (PS3.18 8.3.5.1.3). Pure."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from orthanc_video.errors import BadRequest
from orthanc_video.picture import LEAST_SIDE, Viewport


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """Whole pixels of the source, ``mirrored`` left to right and ``upturned`` upside down as they are shown."""

    left: int
    top: int
    width: int
    height: int
    mirrored: bool = False
    upturned: bool = False


def cut(viewport: Viewport, columns: int, rows: int) -> Cut:
    """What is shown of a picture of this size: as much of the region as lies in it; raises BadRequest for nothing."""
    region = viewport.region
    left, width = _stretch(region.left, region.width, columns)
    top, height = _stretch(region.top, region.height, rows)
    if width < 1 or height < 1:
        raise BadRequest(f"viewport's region lies outside the picture, which has {columns} × {rows} pixels.")
    return Cut(
        left=left,
        top=top,
        width=width,
        height=height,
        mirrored=(region.width or 0) < 0,
        upturned=(region.height or 0) < 0,
    )


def _stretch(begin: float, length: float | None, size: int) -> tuple[int, int]:
    first = min(round(begin), size)
    end = size if length is None else min(size, round(begin + abs(length)))
    return first, end - first


def fitted(viewport: Viewport, width: int, height: int, aspect: Fraction) -> tuple[int, int]:
    """The largest even size within the viewport that keeps the proportions of ``width`` × ``height`` pixels, each
    ``aspect`` as wide as high. Raises BadRequest where none has an encoder's least size."""
    scale = min(Fraction(viewport.width) / (width * aspect), Fraction(viewport.height, height))
    wide, high = _even(width * aspect * scale, viewport.width), _even(height * scale, viewport.height)
    if min(wide, high) < LEAST_SIDE:
        raise BadRequest(f"A video in this viewport would have {wide} × {high} pixels: ask for a larger one.")
    return wide, high


def _even(length: Fraction, most: int) -> int:
    return min(2 * round(length / 2), most - most % 2)
