"""One delivery: a stored object that goes to one destination, and how far it has come. Frozen and pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Asked(StrEnum):
    """Who wants it delivered."""

    REQUEST = "request"
    RULE = "rule"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """``instance`` is Orthanc's ID of the object, ``uuid`` its attachment's, which never names other bytes."""

    id: str
    instance: str
    uuid: str
    destination: str
    asked: Asked = Asked.REQUEST


class Proof(StrEnum):
    """How it is known that the destination has what it was sent."""

    COMMITMENT = "storage commitment"
    FIND = "C-FIND"
    NONE = "its answer alone"
