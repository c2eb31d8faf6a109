"""What arrived in Orthanc, from its own record of changes, and what of it moves: cheaply, the objects unread.

Orthanc numbers its changes upwards and never uses a number again. A deleted instance's changes leave the record.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from orthanc_video.archive.service import Archive
from orthanc_video.dicom import classes, syntaxes
from orthanc_video.errors import NotFound

PAGE = 500


class Mark(NamedTuple):
    """One change, as it can be told from that of the same number in another record; ``date`` as Orthanc writes it."""

    number: int
    kind: str
    id: str
    date: str


@dataclass(frozen=True, slots=True)
class Page:
    """Some changes: the instances that are new, the position after them, and whether more changes wait.

    ``last`` is the last of these changes, to tell this record again; None where there are none.
    """

    instances: tuple[str, ...]
    position: int
    more: bool
    last: Mark | None = None


class Arrival(NamedTuple):
    """A video or film in Orthanc; ``uuid`` is its attachment's, and never names other bytes."""

    instance: str
    uuid: str


def after(archive: Archive, position: int, limit: int = PAGE) -> Page:
    """The changes after ``position``. Raises Busy while Orthanc does not answer."""
    return page_of(archive.get(f"/changes?since={position}&limit={limit}"), position)


def latest(archive: Archive) -> Page:
    """The latest change that Orthanc has made, none of them new. Raises Busy while it does not answer."""
    answer = archive.get("/changes?last")
    return Page((), int(answer["Last"]), False, _mark(answer["Changes"]))


def goes_on(archive: Archive, position: int, mark: Mark) -> bool:
    """Whether the record is the one that ``mark`` was in when ``position`` was its end. Raises Busy.

    When the marked change was deleted with its instance, times tell: none before ``position`` is later than the mark.
    """
    there = _rows(archive, mark.number - 1, 1)
    if there and int(there[0]["Seq"]) == mark.number:
        return _mark(there) == mark
    before = [row for row in _rows(archive, max(0, position - PAGE), PAGE) if int(row["Seq"]) <= position]
    return all(str(row["Date"]) <= mark.date for row in before)


def _rows(archive: Archive, position: int, limit: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = archive.get(f"/changes?since={position}&limit={limit}")["Changes"]
    return found


def _mark(rows: list[dict[str, Any]]) -> Mark | None:
    """The last of some changes."""
    if not rows:
        return None
    row = rows[-1]
    return Mark(int(row["Seq"]), str(row["ChangeType"]), str(row["ID"]), str(row["Date"]))


def page_of(answer: dict[str, Any], position: int) -> Page:
    """Orthanc's answer to "what is after ``position``?".

    When there is nothing, Orthanc says the last number that it has used: a lower one than ours is another Orthanc's, or
    that of an older copy of its database, and everything in it is new.
    """
    changes, last = answer["Changes"], int(answer["Last"])
    if not changes:
        return Page((), 0, last > 0) if last < position else Page((), last, False)
    new = dict.fromkeys(change["ID"] for change in changes if change["ChangeType"] == "NewInstance")
    return Page(tuple(new), last, not answer["Done"], _mark(changes))


def count(archive: Archive) -> int:
    """How many instances Orthanc holds."""
    return int(archive.get("/statistics")["CountInstances"])


def instances(archive: Archive, since: int, limit: int) -> list[str]:
    """A page of all instances, in the order of their arrival."""
    found: list[str] = archive.get(f"/instances?since={since}&limit={limit}")
    return found


def moving(archive: Archive, instance: str) -> Arrival | None:
    """The instance if it is a video or a film of single pictures; None also when it is gone.

    Orthanc has noted in its database what is asked here; of what can be no film it is asked once.
    """
    noted = archive.get(f"/instances/{instance}/metadata?expand")
    if noted is None:
        return None
    if noted.get("TransferSyntax") not in syntaxes.BY_UID and not (
        noted.get("SopClassUid") in classes.CINE and _frames(archive, instance) > 1
    ):
        return None
    info = archive.get(f"/instances/{instance}/attachments/dicom/info")
    return None if info is None else Arrival(instance, str(info["Uuid"]))


def _frames(archive: Archive, instance: str) -> int:
    noted = archive.get(f"/instances/{instance}")
    number = "" if noted is None else str(noted["MainDicomTags"].get("NumberOfFrames", ""))
    return int(number) if number.isascii() and number.isdigit() else 0


def received(archive: Archive, arrival: Arrival) -> str:
    """When Orthanc received it, as it writes times (20261121T115718, in UTC); empty when it is gone."""
    return str(archive.get(f"/instances/{arrival.instance}/metadata/ReceptionDate") or "")


def sender(archive: Archive, arrival: Arrival) -> str:
    """The AE title of whoever sent it; empty where it did not come by DICOM."""
    return str(archive.get(f"/instances/{arrival.instance}/metadata/RemoteAET") or "")


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
