"""Rules of the configuration: what a file's name and content type say of it, before anybody looks into it. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from orthanc_video.dicom import attributes, profiles
from orthanc_video.dicom.profiles import Profile, profiles_from
from orthanc_video.errors import BadRequest, ConfigurationError
from orthanc_video.settings import SECTION, Gateway

_KEYS = ("Filename", "ContentType", "Profile", "Attributes")
_LONGEST_NAME = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A condition that is missing is met. ``profile`` is a name, or empty."""

    filename: re.Pattern[str] | None = None
    content_type: str = ""
    profile: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What is said of a file: by the rule it meets, attributes and a profile's name; attributes by its own name."""

    attributes: Mapping[str, str] = field(default_factory=dict)
    profile: str = ""
    by_name: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What the configuration says of recordings, checked."""

    sop_class: str
    profiles: Mapping[str, Profile]
    rules: tuple[Rule, ...] = ()

    def said(self, filename: str, content_type: str) -> Said:
        """By the first rule that the file meets, and whose named groups have legal values; else nothing."""
        kind = content_type.partition(";")[0].strip().lower()
        for rule in self.rules:
            found = rule.filename.search(filename[:_LONGEST_NAME]) if rule.filename else None
            if (rule.filename and not found) or (rule.content_type and rule.content_type != kind):
                continue
            try:
                by_name = attributes.checked({key: text for key, text in _groups(found).items() if text})
            except BadRequest:
                continue
            return Said(attributes=rule.attributes, profile=rule.profile, by_name=by_name)
        return Said()

    def profile(self, name: str) -> Profile:
        """The profile of this name, an empty one for none. Raises BadRequest for one that there is not."""
        if not name:
            return Profile()
        if name not in self.profiles:
            raise BadRequest(f'Profile "{name}" is none of: {", ".join(sorted(self.profiles))}.')
        return self.profiles[name]


def _groups(found: re.Match[str] | None) -> dict[str, str]:
    return {key: (text or "").strip() for key, text in found.groupdict().items()} if found else {}


def site_of(gateway: Gateway) -> Site:
    """The section's Profiles and Rules. Raises ConfigurationError with the place that is at fault."""
    known = profiles_from(gateway.profiles)
    rules = tuple(_rule(f"{SECTION}.Rules[{at}]", given, known) for at, given in enumerate(gateway.rules))
    return Site(sop_class=gateway.sop_class, profiles=known, rules=rules)


def _rule(place: str, given: Any, known: Mapping[str, Profile]) -> Rule:
    if not isinstance(given, dict) or not set(given) <= set(_KEYS):
        raise ConfigurationError(f'"{place}" must be an object, of the keys {", ".join(_KEYS)}.')
    for key in ("Filename", "ContentType", "Profile"):
        if not isinstance(given.get(key, ""), str):
            raise ConfigurationError(f'"{place}.{key}" must be a string.')
    profile = given.get("Profile", "")
    if profile and profile not in known:
        raise ConfigurationError(f'"{place}.Profile" is none of: {", ".join(sorted(known))}.')
    return Rule(
        filename=_pattern(f"{place}.Filename", given["Filename"]) if given.get("Filename") else None,
        content_type=given.get("ContentType", "").strip().lower(),
        profile=profile,
        attributes=profiles.checked(f"{place}.Attributes", given.get("Attributes", {})),
    )


def _pattern(place: str, text: str) -> re.Pattern[str]:
    try:
        pattern = re.compile(text)
    except re.error as error:
        raise ConfigurationError(f'"{place}" is no regular expression: {error.msg} at {error.pos}.') from error
    for keyword in pattern.groupindex:
        if not attributes.settable(keyword):
            raise ConfigurationError(
                f'"{place}": the group "{keyword}" is named by no attribute that can be set; docs/http.md lists them.'
            )
    return pattern
