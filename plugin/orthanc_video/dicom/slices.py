"""The order of a series' pictures: by their places in the body, else by their numbers. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_NO_NUMBER = 1 << 40
# Cosines of directions that differ by less are the same direction, written by another.
_SAME = 1e-3

Vector = tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """An instance by its ``name``: Instance Number, Number of Frames, and Image Position and Orientation (Patient)
    (PS3.3 C.7.6.2.1.1), empty where they are not told."""

    name: str
    number: int = _NO_NUMBER
    frames: int = 1
    position: Vector = ()
    orientation: Vector = ()

    @classmethod
    def of(cls, name: str, said: Mapping[str, str]) -> Slice:
        return cls(
            name=name,
            number=_whole(said.get("InstanceNumber", ""), _NO_NUMBER),
            frames=max(1, _whole(said.get("NumberOfFrames", ""), 1)),
            position=_decimals(said.get("ImagePositionPatient", ""), 3),
            orientation=_decimals(said.get("ImageOrientationPatient", ""), 6),
        )


def ordered(slices: Sequence[Slice]) -> list[tuple[str, int]]:
    """Each frame's instance and its number in it, from 1."""
    if _is_stack(slices):
        normal = _normal(slices[0].orientation)
        # Along the normal to a thousandth of a millimetre: slices at one place go by their numbers.
        slices = sorted(slices, key=lambda one: (round(_dot(one.position, normal), 3), one.number, one.name))
    else:
        slices = sorted(slices, key=lambda one: (one.number, one.name))
    return [(one.name, number) for one in slices for number in range(1, one.frames + 1)]


def _is_stack(slices: Sequence[Slice]) -> bool:
    """Whether all lie parallel, so that one direction puts them in order."""
    if not all(one.position and one.orientation for one in slices):
        return False
    normals = [_normal(one.orientation) for one in slices]
    return all(_dot(normal, normals[0]) > 1 - _SAME for normal in normals)


def _normal(orientation: Vector) -> Vector:
    """The direction across a slice: of its rows' direction and its columns' the cross product, of length 1."""
    (a, b, c), (d, e, f) = orientation[:3], orientation[3:]
    across = (b * f - c * e, c * d - a * f, a * e - b * d)
    length = math.sqrt(_dot(across, across))
    return tuple(part / length for part in across) if length > 0 else (0.0, 0.0, 0.0)


def _dot(one: Vector, other: Vector) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


def _whole(text: str, otherwise: int) -> int:
    text = text.strip()
    digits = text.removeprefix("-")
    return int(text) if digits.isascii() and digits.isdigit() and len(digits) < 13 else otherwise


def _decimals(text: str, count: int) -> Vector:
    try:
        found = tuple(float(part) for part in text.split("\\"))
    except ValueError:
        return ()
    return found if len(found) == count and all(map(math.isfinite, found)) else ()
