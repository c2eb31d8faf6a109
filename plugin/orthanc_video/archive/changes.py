"""What arrived in Orthanc, from its own record of changes, and which of it is video: cheaply, the pixels unread.

Orthanc numbers its changes upwards and never uses a number again. A deleted instance's changes leave the record.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from orthanc_video.archive.service import Archive
from orthanc_video.dicom import syntaxes
from orthanc_video.errors import NotFound

PAGE = 500


@dataclass(frozen=True, slots=True)
class Page:
    """Some changes: the instances that are new, the position after them, and whether more changes wait."""

    instances: tuple[str, ...]
    position: int
    more: bool


class Arrival(NamedTuple):
    """A video in Orthanc; ``uuid`` is its attachment's, and never names other bytes."""

    instance: str
    uuid: str


def after(archive: Archive, position: int, limit: int = PAGE) -> Page:
    """The changes after ``position``. Raises Busy while Orthanc does not answer."""
    return page_of(archive.get(f"/changes?since={position}&limit={limit}"), position)


def latest(archive: Archive) -> int:
    """The number of the latest change that Orthanc has made. Raises Busy while it does not answer."""
    return int(archive.get("/changes?last")["Last"])


def page_of(answer: dict[str, Any], position: int) -> Page:
    """Orthanc's answer to "what is after ``position``?".

    When there is nothing, Orthanc says the last number that it has used: a lower one than ours is another Orthanc's, or
    that of an older copy of its database, and everything in it is new.
    """
    changes, last = answer["Changes"], int(answer["Last"])
    if not changes:
        return Page((), 0, last > 0) if last < position else Page((), last, False)
    new = dict.fromkeys(change["ID"] for change in changes if change["ChangeType"] == "NewInstance")
    return Page(tuple(new), last, not answer["Done"])


def count(archive: Archive) -> int:
    """How many instances Orthanc holds."""
    return int(archive.get("/statistics")["CountInstances"])


def instances(archive: Archive, since: int, limit: int) -> list[str]:
    """A page of all instances, in the order of their arrival."""
    found: list[str] = archive.get(f"/instances?since={since}&limit={limit}")
    return found


def video(archive: Archive, instance: str) -> Arrival | None:
    """The instance if it is a video: by what Orthanc noted of it when it came; None also when it is gone."""
    if archive.get(f"/instances/{instance}/metadata/TransferSyntax") not in syntaxes.BY_UID:
        return None
    info = archive.get(f"/instances/{instance}/attachments/dicom/info")
    return None if info is None else Arrival(instance, str(info["Uuid"]))


def holds(archive: Archive, arrival: Arrival) -> bool:
    """Whether Orthanc still holds this very object."""
    return _size(archive, arrival) is not None


def held(archive: Archive, arrivals: Iterable[Arrival]) -> set[Arrival]:
    """Those of ``arrivals`` (at most ``PAGE``) that Orthanc still holds, by one question. Raises Busy, Forbidden."""
    wanted = set(arrivals)
    question = {"Level": "Instance", "Resources": [one.instance for one in wanted]}
    found = archive.ask("/tools/bulk-content", question) if wanted else []
    return wanted & {Arrival(one["ID"], one["FileUuid"]) for one in found}


def size_of(archive: Archive, arrival: Arrival) -> int:
    """The object's size in bytes; raises NotFound when it is gone."""
    size = _size(archive, arrival)
    if size is None:
        raise NotFound("Orthanc holds no such resource any more.")
    return size


def _size(archive: Archive, arrival: Arrival) -> int | None:
    info = archive.get(f"/instances/{arrival.instance}/attachments/dicom/info")
    return int(info["UncompressedSize"]) if info is not None and info["Uuid"] == arrival.uuid else None


def fetch(archive: Archive, arrival: Arrival, target: Path) -> None:
    """Writes the whole object to ``target``; raises NotFound when it is gone."""
    archive.fetch(f"/instances/{arrival.instance}/attachments/dicom/data", target)
