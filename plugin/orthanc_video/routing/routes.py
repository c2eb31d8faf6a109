"""Rules of the configuration (``VideoGateway.Routes``): which stored objects go where by themselves. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydicom.datadict import tag_for_keyword

from orthanc_video.errors import ConfigurationError
from orthanc_video.settings import MIB, SECTION, Gateway

_KEYS = ("Destinations", "Attributes", "SourceAET", "MinMB", "MaxMB")


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A stored object, as rules look at it: ``attributes`` by keyword, as text; ``source`` the AE title of whoever sent
    it, empty where it did not come by DICOM; ``size`` in bytes."""

    attributes: Mapping[str, str]
    source: str = ""
    size: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A condition that is missing is met. Patterns are met by a whole value; ``least`` and ``most`` bytes, 0: any."""

    destinations: tuple[str, ...]
    attributes: Mapping[str, re.Pattern[str]] = field(default_factory=dict)
    source: re.Pattern[str] | None = None
    least: int = 0
    most: int = 0

    def takes(self, arrival: Arrival) -> bool:
        if arrival.size < self.least or 0 < self.most < arrival.size:
            return False
        if self.source and not self.source.fullmatch(arrival.source):
            return False
        return all(met.fullmatch(arrival.attributes.get(key, "")) for key, met in self.attributes.items())


def keywords(routes: Iterable[Route]) -> frozenset[str]:
    """The attributes that have to be known to tell where an object goes."""
    return frozenset(keyword for route in routes for keyword in route.attributes)


def wanted(routes: Iterable[Route], arrival: Arrival, titles: Mapping[str, str]) -> tuple[str, ...]:
    """Where an object goes, each destination once, in the rules' order.

    ``titles`` are the destinations' AE titles: nothing goes back to where it came from.
    """
    named = (name for route in routes if route.takes(arrival) for name in route.destinations)
    return tuple(name for name in dict.fromkeys(named) if not arrival.source or titles.get(name) != arrival.source)


def routes_from(gateway: Gateway) -> tuple[Route, ...]:
    """Raises ConfigurationError with the place that is at fault."""
    return tuple(_route(f"{SECTION}.Routes[{at}]", given) for at, given in enumerate(gateway.routes))


def _route(place: str, given: Any) -> Route:
    if not isinstance(given, dict) or not set(given) <= set(_KEYS):
        raise ConfigurationError(f'"{place}" must be an object, of the keys {", ".join(_KEYS)}.')
    names = given.get("Destinations")
    if not isinstance(names, list) or not names or not all(isinstance(name, str) and name for name in names):
        raise ConfigurationError(f'"{place}.Destinations" must be an array of names that Orthanc knows, at least one.')
    attributes = given.get("Attributes", {})
    if not isinstance(attributes, dict):
        raise ConfigurationError(f'"{place}.Attributes" must be an object of DICOM keywords and regular expressions.')
    for keyword in attributes:
        if tag_for_keyword(keyword) is None:
            raise ConfigurationError(f'"{place}.Attributes": "{keyword}" is no DICOM keyword.')
    least, most = (_bytes(f"{place}.{key}", given.get(key, 0)) for key in ("MinMB", "MaxMB"))
    if 0 < most < least:
        raise ConfigurationError(f'"{place}": MaxMB is less than MinMB, which no object meets.')
    return Route(
        destinations=tuple(names),
        attributes={key: _pattern(f"{place}.Attributes.{key}", text) for key, text in attributes.items()},
        source=_pattern(f"{place}.SourceAET", given["SourceAET"]) if given.get("SourceAET") else None,
        least=least,
        most=most,
    )


def _bytes(place: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e12:
        raise ConfigurationError(f'"{place}" must be a number, 0 or more.')
    return int(value * MIB)


def _pattern(place: str, text: Any) -> re.Pattern[str]:
    if not isinstance(text, str):
        raise ConfigurationError(f'"{place}" must be a regular expression.')
    try:
        return re.compile(text)
    except re.error as error:
        raise ConfigurationError(f'"{place}" is no regular expression: {error.msg} at {error.pos}.') from error
