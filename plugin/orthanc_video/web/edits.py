"""Edits: POST /video/instances/{id}/edits makes of a video another one, as a film or as an object of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from orthanc_video.edit import DROP, KEEP, Edit, Wanted, region
from orthanc_video.errors import BadRequest
from orthanc_video.web.moments import range_of

T = TypeVar("T")
_EXAMPLE = '{"mask": {"regions": [{"x": 0, "y": 0, "width": 320, "height": 40}]}, "as": "dicom"}'
_KEYS = ("crop", "mask", "audio", "strip", "deidentify", "burnedInAnnotation", "join", "order", "as")
_REGION = ("x", "y", "width", "height")
_MOST = 100  # regions, ranges or videos in one request
_MP4, _OBJECT, _BOTH = "mp4", "dicom", "both"
_GIVEN, _RECORDED = "given", "recorded"


def wanted_of(given: Mapping[str, Any]) -> Wanted:
    """What a request asks for; raises BadRequest with a sentence."""
    _known(given, "An edit", _KEYS)
    mask = _known(given.get("mask", {}), '"mask"', ("regions", "ranges"))
    masks = _several(mask.get("regions", []), '"regions"', _region)
    if "mask" in given and not masks:
        raise BadRequest('"mask" has no "regions": say which parts of the picture become black.')
    kind = _one_of(given, "as", (_MP4, _OBJECT, _BOTH), _BOTH)
    edit = Edit(
        crop=_region(given["crop"], '"crop"') if "crop" in given else None,
        masks=masks,
        ranges=_several(mask.get("ranges", []), '"ranges"', range_of),
        audio=_one_of(given, "audio", (KEEP, DROP), KEEP),
        strip=_flag(given, "strip"),
        deidentify=_flag(given, "deidentify"),
        burned_in=_one_of(given, "burnedInAnnotation", ("YES", "NO"), ""),
    )
    in_time = _one_of(given, "order", (_GIVEN, _RECORDED), _GIVEN) == _RECORDED
    return Wanted(edit=edit, in_time=in_time, film=kind != _OBJECT, object=kind != _MP4)


def joined_of(given: Mapping[str, Any]) -> tuple[str, ...]:
    """The Orthanc IDs of the videos that are joined to the one that is edited."""
    return _several(given.get("join", []), '"join"', _name)


def _name(asked: Any, name: str) -> str:
    if not isinstance(asked, str) or not asked or len(asked) > _MOST:
        raise BadRequest(f"{name} has to be the Orthanc ID of a video.")
    return asked


def _region(asked: Any, name: str) -> Any:
    return region(dict(_known(asked, name, _REGION)), name)


def _known(asked: Any, name: str, known: tuple[str, ...]) -> Mapping[str, Any]:
    if not isinstance(asked, Mapping):
        raise BadRequest(f"{name} has to be an object with {', '.join(known)}: the request is like {_EXAMPLE}.")
    unknown = sorted(str(key)[:40] for key in asked if key not in known)
    if unknown:
        raise BadRequest(f'{name} knows no "{unknown[0]}": the request is like {_EXAMPLE}.')
    return asked


def _several(asked: Any, name: str, each: Callable[[Any, str], T]) -> tuple[T, ...]:
    if not isinstance(asked, list) or len(asked) > _MOST:
        raise BadRequest(f"{name} has to be a list of at most {_MOST} entries.")
    return tuple(each(one, f"Entry {number} of {name}") for number, one in enumerate(asked, 1))


def _one_of(given: Mapping[str, Any], key: str, known: tuple[str, ...], otherwise: str) -> str:
    said = given.get(key, otherwise)
    if said not in known and key in given:
        raise BadRequest(f'"{key}" must be one of {", ".join(known)}.')
    return str(said)


def _flag(given: Mapping[str, Any], key: str) -> bool:
    value = given.get(key, False)
    if not isinstance(value, bool):
        raise BadRequest(f'"{key}" must be true or false.')
    return value
