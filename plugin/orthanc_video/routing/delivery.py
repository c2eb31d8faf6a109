"""One delivery: a stored object that goes to one destination, and how far it has come. Frozen and pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Asked(StrEnum):
    """Who wants it delivered."""

    REQUEST = "request"
    RULE = "rule"


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What is wanted of one delivery in place of what Orthanc knows of the destination; empty or 0: nothing.

    ``originator`` is the AE title of whoever asked for it by C-MOVE, ``message`` that request's Message ID.
    """

    calling: str = ""
    aet: str = ""
    host: str = ""
    port: int = 0
    timeout: float = 0.0
    originator: str = ""
    message: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """``instance`` is Orthanc's ID of the object, ``uuid`` its attachment's, which never names other bytes."""

    id: str
    instance: str
    uuid: str
    destination: str
    asked: Asked = Asked.REQUEST
    terms: Terms = Terms()


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What was asked to be sent at once to one destination: videos, each a delivery, and the rest.

    ``resources`` are Orthanc's IDs as they were given; ``rest`` is Orthanc's own job for what is no video, empty for
    none. ``permissive``: what fails does not make a failure of the whole. ``local`` and ``remote`` are AE titles.
    """

    id: str
    destination: str
    resources: tuple[str, ...]
    deliveries: tuple[Delivery, ...]
    rest: str = ""
    permissive: bool = False
    priority: int = 0
    local: str = ""
    remote: str = ""


class Proof(StrEnum):
    """How it is known that the destination has what it was sent."""

    COMMITMENT = "storage commitment"
    FIND = "C-FIND"
    NONE = "its answer alone"
