"""What is to be done to a video: the value that the command line and requests make, of JSON, and editing reads. Frozen.

``{"crop": REGION, "mask": {"regions": [REGION, …], "ranges": [{"start": …, "end": …}, …]}, "audio": "drop",
"strip": true, "deidentify": true, "burnedInAnnotation": "NO"}``; a REGION has x, y, width and height in pixels.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, TypeVar

from orthanc_video.clip import Moment, Range, moment
from orthanc_video.errors import BadRequest
from orthanc_video.model import Rational, Region

T = TypeVar("T")
KEEP, DROP = "keep", "drop"
_MOST = 100  # regions or ranges in one request
_LARGEST = 65_535  # Rows and Columns are numbers of 16 bits
_LATEST = 1e9  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """``crop`` is what stays of each picture. ``masks`` become black in the frames of ``ranges``, in all of them where
    there are no ranges. ``audio`` is ``keep`` or ``drop``; ``strip`` leaves out all that the container and the stream
    tell beside pictures and sound. ``burned_in`` is what the object says of names in its pictures (YES, NO; empty: what
    it said before), which only a person can know.
    """

    crop: Region | None = None
    masks: tuple[Region, ...] = ()
    ranges: tuple[Range, ...] = ()
    audio: str = KEEP
    strip: bool = False
    deidentify: bool = False
    burned_in: str = ""

    @property
    def reframes(self) -> bool:
        """Whether every picture changes."""
        return self.crop is not None or (bool(self.masks) and not self.ranges)


def of_json(asked: Any) -> Edit:
    """Raises BadRequest with a sentence for whatever is no edit."""
    given = _object(asked, "An edit", _KEYS)
    crop = region(given["crop"], '"crop"') if "crop" in given else None
    mask = _object(given.get("mask", {}), '"mask"', ("regions", "ranges"))
    masks = _several(mask.get("regions", []), '"regions"', region)
    ranges = _several(mask.get("ranges", []), '"ranges"', _range)
    if "mask" in given and not masks:
        raise BadRequest('"mask" has no "regions": say which parts of the picture become black.')
    return Edit(
        crop=crop,
        masks=masks,
        ranges=ranges,
        audio=_choice(given, "audio", (KEEP, DROP)) or KEEP,
        strip=_flag(given, "strip"),
        deidentify=_flag(given, "deidentify"),
        burned_in=_choice(given, "burnedInAnnotation", ("YES", "NO")),
    )


_KEYS = ("crop", "mask", "audio", "strip", "deidentify", "burnedInAnnotation")


def region(asked: Any, name: str) -> Region:
    """A part of the picture."""
    given = _object(asked, name, ("x", "y", "width", "height"))
    x, y = (_whole(given, key, name, 0) for key in ("x", "y"))
    width, height = (_whole(given, key, name, 1) for key in ("width", "height"))
    return Region(x, y, width, height)


def _whole(given: Mapping[str, Any], key: str, name: str, least: int) -> int:
    value = given.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= _LARGEST:
        raise BadRequest(f'{name} needs "{key}" as a whole number of pixels, from {least} to {_LARGEST}.')
    return value


def _range(asked: Any, name: str) -> Range:
    given = _object(asked, name, ("start", "end"))
    return Range(_moment(given.get("start")), _moment(given.get("end")))


def _moment(asked: Any) -> Moment:
    """``{"frame": 46}``, seconds as a number, or ``HH:MM:SS.mmm``."""
    if isinstance(asked, str):
        return moment(asked)
    if isinstance(asked, Mapping):
        return Moment(frame=_whole(_object(asked, "A moment", ("frame",)), "frame", "A moment", 1))
    if isinstance(asked, int | float) and not isinstance(asked, bool) and math.isfinite(asked) and 0 <= asked < _LATEST:
        return Moment(seconds=Rational.of(Fraction(str(asked))))
    raise BadRequest('A range needs "start" and "end", each as {"frame": 46} (from 1), 1.5 (seconds) or "00:00:01.5".')


def _object(asked: Any, name: str, known: tuple[str, ...]) -> Mapping[str, Any]:
    if not isinstance(asked, Mapping):
        raise BadRequest(f"{name} has to be a JSON object with {', '.join(known)}.")
    unknown = sorted(str(key)[:40] for key in asked if key not in known)
    if unknown:
        raise BadRequest(f'{name} knows no "{unknown[0]}"; it takes {", ".join(known)}.')
    return asked


def _several(asked: Any, name: str, each: Callable[[Any, str], T]) -> tuple[T, ...]:
    if not isinstance(asked, list):
        raise BadRequest(f"{name} has to be a list.")
    if len(asked) > _MOST:
        raise BadRequest(f"{name} has {len(asked)} entries; {_MOST} is the most.")
    return tuple(each(one, f"Entry {number} of {name}") for number, one in enumerate(asked, 1))


def _choice(given: Mapping[str, Any], key: str, choices: tuple[str, ...]) -> str:
    value = given.get(key, "")
    if value != "" and value not in choices:
        raise BadRequest(f'"{key}" has to be one of {", ".join(choices)}.')
    return str(value)


def _flag(given: Mapping[str, Any], key: str) -> bool:
    value = given.get(key, False)
    if not isinstance(value, bool):
        raise BadRequest(f'"{key}" has to be true or false.')
    return value
