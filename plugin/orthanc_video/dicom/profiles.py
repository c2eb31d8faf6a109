"""Configuration profiles: what a site's recordings of one kind have in common. The built-in ones, and a site's own.

A profile says the SOP class, the anatomic region, and attributes of series, equipment and image; never whose a video
is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from orthanc_video.dicom import attributes, identity
from orthanc_video.dicom.classes import class_for
from orthanc_video.errors import BadRequest, ConfigurationError
from orthanc_video.settings import SECTION

_CODE = ("CodeValue", "CodingSchemeDesignator", "CodeMeaning")
_LONGEST_CODE = (16, 16, 64)  # SH, SH, LO (PS3.5 6.2)
# Where an attribute would make one object of a site's every film.
_OF_ONE_OBJECT = frozenset({"SeriesInstanceUID", "SeriesNumber", "InstanceNumber"})

# Anatomic regions are codes of PS3.16 (CID 4 and those it includes); where a kind of recording may show any part of the
# body, none is claimed. Nor does any claim what is burned into the pictures: only the site knows.
_BUILT_IN: dict[str, dict[str, Any]] = {
    "endoscopy": {"SOPClass": "endoscopic"},
    "surgery": {"SOPClass": "photographic"},
    "dermatology": {
        "SOPClass": "photographic",
        "AnatomicRegion": dict(zip(_CODE, ("39937001", "SCT", "Skin"), strict=True)),
    },
    "microscopy": {"SOPClass": "microscopic"},
    "ultrasound": {"SOPClass": "photographic"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """``sop_class`` is a choice of classes.py, or empty; ``region`` a code's value, scheme and meaning, or empty."""

    sop_class: str = ""
    region: tuple[str, ...] = ()
    attributes: Mapping[str, str] = field(default_factory=dict)


def profiles_from(section: Mapping[str, Any]) -> dict[str, Profile]:
    """The built-in profiles with the configuration's laid over them, key by key, and those that it adds.

    Raises ConfigurationError.
    """
    whole = {name: dict(given) for name, given in _BUILT_IN.items()}
    for name, given in section.items():
        if not isinstance(given, dict):
            raise ConfigurationError(f'"{SECTION}.Profiles.{name}" must be an object.')
        whole[name] = whole.get(name, {}) | given
    return {name: _profile(f"{SECTION}.Profiles.{name}", given) for name, given in whole.items()}


def _profile(place: str, given: dict[str, Any]) -> Profile:
    left = dict(given)
    sop_class, region = left.pop("SOPClass", ""), left.pop("AnatomicRegion", {})
    for keyword in left:
        if keyword in identity.PATIENT | identity.STUDY | _OF_ONE_OBJECT:
            raise ConfigurationError(f'"{place}.{keyword}": a profile is of many recordings, and this is of one.')
    try:
        choice = class_for(str(sop_class)).choice if sop_class else ""
    except BadRequest as error:
        raise ConfigurationError(f'"{place}": {error.sentence}') from error
    return Profile(sop_class=choice, region=_code(place, region), attributes=checked(place, left))


def checked(place: str, given: Any) -> dict[str, str]:
    """Attributes of the configuration, as a request's are checked. Raises ConfigurationError."""
    if not isinstance(given, dict):
        raise ConfigurationError(f'"{place}" must be an object of DICOM keywords and string values.')
    try:
        return attributes.checked(given)
    except BadRequest as error:
        raise ConfigurationError(f'"{place}": {error.sentence}') from error


def _code(place: str, region: Any) -> tuple[str, ...]:
    if region in ({}, None):
        return ()
    parts = [region.get(part) for part in _CODE] if isinstance(region, dict) and set(region) == set(_CODE) else []
    legal = [
        isinstance(part, str) and 0 < len(part.strip()) <= longest and part.isprintable() and "\\" not in part
        for part, longest in zip(parts, _LONGEST_CODE, strict=False)
    ]
    if not parts or not all(legal):
        raise ConfigurationError(
            f'"{place}.AnatomicRegion" must be an object of {", ".join(_CODE)}, such as 71854001, SCT, Colon (PS3.16 '
            "CID 4)."
        )
    return tuple(str(part).strip() for part in parts)
