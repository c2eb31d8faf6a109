"""A stored object's file, for work that nobody's request brought along."""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from orthanc_video.archive import changes
from orthanc_video.archive.changes import Arrival
from orthanc_video.archive.objects import storage_file
from orthanc_video.archive.service import Archive
from orthanc_video.dicom.locate import exact
from orthanc_video.errors import Busy, NotFound, VideoError
from orthanc_video.film import MultiFrame
from orthanc_video.jobs import ingest_job
from orthanc_video.model import Located
from orthanc_video.plain import to_json
from orthanc_video.settings import Settings


@contextlib.contextmanager
def file_of(settings: Settings, archive: Archive, arrival: Arrival) -> Iterator[Path]:
    """Orthanc's own file, or a copy for as long as it is needed: the cache of copies is for what people play.

    Whatever fails around its use is NotFound when the object is gone, and Busy when the file could not be read.
    """
    try:
        with _file(settings, archive, arrival) as path:
            yield path
    except (OSError, VideoError) as error:
        if isinstance(error, NotFound) or not changes.holds(archive, arrival):
            raise NotFound("Orthanc holds no such resource any more.") from error
        if isinstance(error, OSError):
            raise Busy(f"The stored object could not be read ({os.strerror(error.errno or 0)}).") from error
        raise


@contextlib.contextmanager
def _file(settings: Settings, archive: Archive, arrival: Arrival) -> Iterator[Path]:
    size = changes.size_of(archive, arrival)
    path = storage_file(settings, arrival.uuid, size)
    if path is not None:
        yield path
        return
    ingest_job.room_for(settings, size)
    copy = ingest_job.folder_of(settings, f"look-{uuid.uuid4().hex}") / "object"
    copy.parent.mkdir(mode=0o700)
    try:
        changes.fetch(archive, arrival, copy)
        yield copy
    finally:
        ingest_job.tidy(settings, copy.parent.name)


def task(path: Path, found: Located | MultiFrame) -> dict[str, Any]:
    """What a media process has to know to read what moves in the object at ``path``."""
    kind = {"film": to_json(found)} if isinstance(found, MultiFrame) else {"spans": to_json(exact(found))}
    return {"path": str(path), **kind}
