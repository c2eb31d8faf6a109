"""What a peer takes, as far as it was asked, and what it refused although it had said that it takes it. Frozen."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from orthanc_video import plain
from orthanc_video.dicom import classes, syntaxes


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """``asked`` is when, in ISO 8601 with its zone. ``accepted``: the transfer syntaxes of each SOP class, by UID.

    ``commitment`` and ``find``: Storage Commitment Push Model and Study Root Query/Retrieve FIND are taken. ``pdu`` is
    the peer's Maximum Length Received, 0 for no limit; ``implementation`` its Implementation Version Name, or empty.
    ``refused`` are pairs of SOP class and transfer syntax that were accepted by association, but not when sent; where
    that was in another container than usual, it is the third.
    """

    asked: str
    accepted: Mapping[str, frozenset[str]]
    commitment: bool = False
    find: bool = False
    pdu: int = 0
    implementation: str = ""
    refused: frozenset[tuple[str, ...]] = field(default_factory=frozenset)

    def takes(self, sop_class: str, syntax: str, container: str = "") -> bool:
        """Whether an object of this class may be sent in this transfer syntax, as far as is known."""
        return syntax in self.accepted.get(sop_class, ()) and _key(sop_class, syntax, container) not in self.refused

    def age(self, now: datetime) -> float:
        """Seconds since the peer was asked; ``now`` has a zone."""
        return (now - datetime.fromisoformat(self.asked)).total_seconds()

    def refusing(self, sop_class: str, syntax: str, container: str = "") -> Capabilities:
        """The same of a peer that has refused such an object when it was sent."""
        return dataclasses.replace(self, refused=self.refused | {_key(sop_class, syntax, container)})

    def to_json(self) -> dict[str, Any]:
        told: dict[str, Any] = plain.to_json(self)
        return told


def _key(sop_class: str, syntax: str, container: str) -> tuple[str, ...]:
    return (sop_class, syntax, container) if container else (sop_class, syntax)


def from_json(told: dict[str, Any]) -> Capabilities:
    """Out of what ``to_json`` made."""
    return plain.from_json(Capabilities, told)


def untold(asked: str) -> Capabilities:
    """Of a peer that cannot be asked, as a DICOMweb server: all is worth a try until it is refused."""
    every = frozenset(syntaxes.BY_UID) | frozenset(syntaxes.IMAGES)
    known = {*classes.BY_UID, *classes.CINE}
    return Capabilities(asked=asked, accepted=dict.fromkeys(sorted(known), every))
