"""What the configuration says of each destination (``VideoGateway.Destinations``), checked. Frozen and pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

from orthanc_video.errors import ConfigurationError
from orthanc_video.routing import words
from orthanc_video.settings import MIB, SECTION, Gateway

# How it is made certain that the destination has what was sent to it.
AUTOMATIC, COMMITMENT, FIND, NONE = VERIFY = ("auto", "commitment", "find", "none")
_HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")
_DAY = 24 * 60
# The lengths of a PDU that DCMTK can be set to (--max-pdu).
_PDU = (4096, 131072)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The most that one object may have; 0 is no limit. ``rate`` in frames per second."""

    bytes: int = 0
    frames: int = 0
    rows: int = 0
    rate: Fraction = Fraction(0)


@dataclass(frozen=True, slots=True)
class Hours:
    """The part of the day, in minutes since midnight, local time, in which objects are sent; it may span midnight."""

    first: int
    last: int

    def wait(self, now: datetime) -> timedelta:
        """How long it is until something may be sent; nothing within the hours."""
        minute = now.hour * 60 + now.minute
        if (minute - self.first) % _DAY < (self.last - self.first) % _DAY:
            return timedelta(0)
        since = timedelta(minutes=minute, seconds=now.second, microseconds=now.microsecond)
        return (timedelta(minutes=self.first) - since) % timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How a destination wants its videos. ``pdu`` in bytes, 0: what the peer says; ``timeout`` in seconds for answers.

    ``never`` and ``always`` are words of forms (words.py), ``always`` empty for none. ``keep`` what was made for it in
    Orthanc. ``verify`` is one of VERIFY; ``hours`` None: at any time.
    """

    limits: Limits = Limits()
    never: frozenset[str] = frozenset()
    always: str = ""
    keep: bool = False
    concurrency: int = 1
    hours: Hours | None = None
    pdu: int = 0
    timeout: float = 600.0
    verify: str = AUTOMATIC


_NUMBERS = ("MaxMB", "MaxFrames", "MaxRows", "MaxRate", "MaxPdu", "TimeoutSeconds", "Concurrency")
_KEYS = (*_NUMBERS, "Never", "Always", "Keep", "Hours", "Verify")
_WHOLE = frozenset({"MaxFrames", "MaxRows", "MaxPdu", "Concurrency"})


def policies_from(gateway: Gateway) -> dict[str, Policy]:
    """By the name that Orthanc knows each destination by. Raises ConfigurationError with the place at fault."""
    return {name: _policy(f"{SECTION}.Destinations.{name}", given) for name, given in gateway.destinations.items()}


def _policy(place: str, given: Any) -> Policy:
    if not isinstance(given, dict) or not set(given) <= set(_KEYS):
        raise ConfigurationError(f'"{place}" must be an object, of the keys {", ".join(_KEYS)}.')
    numbers = {key: _number(f"{place}.{key}", key, given[key]) for key in _NUMBERS if key in given}
    if not isinstance(given.get("Keep", False), bool):
        raise ConfigurationError(f'"{place}.Keep" must be true or false.')
    pdu = int(numbers.get("MaxPdu", 0))
    if pdu and not _PDU[0] <= pdu <= _PDU[1]:
        raise ConfigurationError(f'"{place}.MaxPdu" must be 0, or from {_PDU[0]} to {_PDU[1]} bytes, but is {pdu}.')
    never = frozenset(_never(f"{place}.Never", given.get("Never", [])))
    return Policy(
        limits=Limits(
            bytes=int(numbers.get("MaxMB", 0) * MIB),
            frames=int(numbers.get("MaxFrames", 0)),
            rows=int(numbers.get("MaxRows", 0)),
            rate=numbers.get("MaxRate", Fraction(0)),
        ),
        never=never,
        always=_always(f"{place}.Always", given["Always"], never) if given.get("Always") else "",
        keep=given.get("Keep", False),
        concurrency=int(_more_than_none(f"{place}.Concurrency", numbers.get("Concurrency", Fraction(1)))),
        hours=_hours(f"{place}.Hours", given["Hours"]) if given.get("Hours") else None,
        pdu=pdu,
        timeout=float(_more_than_none(f"{place}.TimeoutSeconds", numbers.get("TimeoutSeconds", Fraction(600)))),
        verify=_verify(f"{place}.Verify", given.get("Verify", AUTOMATIC)),
    )


def _number(place: str, key: str, value: Any) -> Fraction:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e12:
        raise ConfigurationError(f'"{place}" must be a number, 0 or more, but is {json.dumps(value)}.')
    if key in _WHOLE and value != int(value):
        raise ConfigurationError(f'"{place}" must be a whole number, but is {value}.')
    return Fraction(str(value))


def _more_than_none(place: str, value: Fraction) -> Fraction:
    if not value:
        raise ConfigurationError(f'"{place}" must be more than 0.')
    return value


def _never(place: str, given: Any) -> Iterator[str]:
    if not isinstance(given, list):
        raise ConfigurationError(f'"{place}" must be an array of words.')
    for each in given:
        yield _word(place, each)


def _always(place: str, given: Any, never: frozenset[str]) -> str:
    word = _word(place, given)
    if word == words.SAMPLED:
        # Frames are left out where limits want that alone: whatever keeps within them would go nowhere.
        raise ConfigurationError(
            f'"{place}" cannot be "{word}": name a kind or a coding; "MaxRate" and "MaxFrames" have frames left out.'
        )
    if word in never:
        raise ConfigurationError(f'"{place}" is "{word}", which "Never" of this destination holds: take it out of one.')
    return word


def _word(place: str, given: Any) -> str:
    if given not in words.ALL:
        raise ConfigurationError(f'"{place}" holds {json.dumps(given)}, which is none of: {", ".join(words.ALL)}.')
    return str(given)


def _hours(place: str, given: Any) -> Hours:
    found = _HOURS.fullmatch(given) if isinstance(given, str) else None
    if found is None:
        raise ConfigurationError(f'"{place}" must be two times of the day, such as "20:00-06:00".')
    first, last = (int(found[at]) * 60 + int(found[at + 1]) for at in (1, 3))
    if first == last:
        raise ConfigurationError(f'"{place}" begins when it ends: leave it out to send at any time.')
    return Hours(first, last)


def _verify(place: str, given: Any) -> str:
    if given not in VERIFY:
        raise ConfigurationError(f'"{place}" must be one of: {", ".join(VERIFY)}.')
    return str(given)


def unused(policies: Mapping[str, Policy], known: Mapping[str, object]) -> list[str]:
    """Sentences on sections for what Orthanc does not know: a name that was mistyped limits nothing."""
    return [
        f'"{SECTION}.Destinations.{name}" is of no modality and no DICOMweb server that Orthanc knows.'
        for name in policies
        if name not in known
    ]
