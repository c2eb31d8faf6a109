"""What a job does that moves a video to another study or patient, step by step. Plain functions, no engine.

Each may be repeated after a crash: the new object's UIDs follow from the old one's and the target.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from orthanc_video.archive import changes
from orthanc_video.archive.changes import Arrival
from orthanc_video.archive.identifiers import answer, orthanc_ids
from orthanc_video.archive.service import Archive
from orthanc_video.dicom import stored
from orthanc_video.dicom.assigned import moved
from orthanc_video.errors import Conflict, WorkerFailed
from orthanc_video.files import Bytes, SpanSource
from orthanc_video.jobs import reading
from orthanc_video.model import Assignment
from orthanc_video.settings import Settings

_BLOCK = 1 << 20


def publish(settings: Settings, archive: Archive, task: Assignment) -> dict[str, Any]:
    """Stores the new object, unless it is there already with the same pixel data; Orthanc's answer.

    Raises NotFound when the old one is gone, Conflict where the new one's place is taken by something else.
    """
    ids, source = orthanc_ids(task.identity), Arrival(task.instance, task.stored)
    there = changes.moving(archive, ids["ID"])
    if there is not None and not changes.holds(archive, source):
        return answer(ids, "AlreadyStored")  # another job has moved it meanwhile
    with reading.file_of(settings, archive, source) as path:
        with SpanSource(path) as file:
            header = stored.header(Bytes(file))
            size = file.size
        if there is not None:
            _compare(settings, archive, path, header.at, there)
            return answer(ids, "AlreadyStored")
        return answer(ids, str(archive.store(moved(header, size, task), path)["Status"]))


def remove(archive: Archive, task: Assignment) -> None:
    """Deletes the old object, if it is still that one, now that the new one is there."""
    if not archive.has(orthanc_ids(task.identity)["ID"]):
        raise WorkerFailed("The video's new object has vanished from Orthanc: the old one was kept.")
    if changes.holds(archive, Arrival(task.instance, task.stored)):
        archive.delete(task.instance)


def _compare(settings: Settings, archive: Archive, old: Path, at: int, new: Arrival) -> None:
    """Raises Conflict unless both have the same bytes from Pixel Data on."""
    with reading.file_of(settings, archive, new) as path:
        with SpanSource(path) as file:
            begins = stored.header(Bytes(file)).at
        same = all(one == other for one, other in zip(_blocks(old, at), _blocks(path, begins), strict=False))
        if not same or old.stat().st_size - at != path.stat().st_size - begins:
            raise Conflict(
                "Orthanc holds another object under the identifiers that this video would get: nothing was moved."
            )


def _blocks(path: Path, at: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(at)
        while block := file.read(_BLOCK):
            yield block
