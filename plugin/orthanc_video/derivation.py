"""What is made of stored objects, as new ones: the order for it, and what was made. Frozen, plain JSON on its way."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Making(StrEnum):
    """What is made."""

    CLIP = "clip"
    STILLS = "stills"
    MARKS = "marks"
    EDIT = "edit"
    VIEW = "view"


@dataclass(frozen=True, slots=True)
class Origin:
    """A stored object: its Orthanc ID, and the UUID of its attachment, which never names other bytes."""

    instance: str
    uuid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Derivation:
    """One order. ``asked`` says what of it, as its ``making`` has it; ``long`` that it takes minutes rather than
    seconds. ``id`` names the job."""

    id: str
    making: Making
    origins: tuple[Origin, ...]
    asked: Mapping[str, Any]
    long: bool = False

    @property
    def name(self) -> str:
        """The same for the same order: the first origin's UUID, and a hash of all that was asked."""
        asked = [self.making, [[one.instance, one.uuid] for one in self.origins], self.asked]
        digest = hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()
        return f"{self.origins[0].uuid}-{digest[:32]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One thing that was made: a DICOM file (``object``), a ``film`` to be downloaded, or both.

    They are names in one folder, empty where there is none; ``plays`` says that the object is a video, ``told`` is what
    the API says of the item.
    """

    object: str = ""
    plays: bool = False
    film: str = ""
    told: Mapping[str, Any] = field(default_factory=dict)
