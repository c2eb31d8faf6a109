"""What is done with a video that somebody else put into Orthanc: found in its object, looked at, given a poster.

Plain functions, no engine; each may be repeated.
"""

from __future__ import annotations

import contextlib
import os
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from orthanc_video.archive import changes
from orthanc_video.archive.changes import Arrival
from orthanc_video.archive.objects import storage_file
from orthanc_video.archive.service import Archive
from orthanc_video.dicom import check
from orthanc_video.dicom.moving import described
from orthanc_video.errors import BrokenVideo, Busy, NotFound, NotVideo, VideoError
from orthanc_video.files import Bytes, SpanSource
from orthanc_video.jobs import ingest_job, thumbnails
from orthanc_video.jobs.processes import MediaProcess, job_limits
from orthanc_video.model import Located, MultiFrame, VideoStream, from_json
from orthanc_video.settings import Settings

_LONGEST_SENTENCE = 1000
# Of the work that nobody waits for, one object at a time in each process.
_turn = threading.BoundedSemaphore(1)


class Look(NamedTuple):
    """What was found: sentences, and whether the object is a film of single pictures."""

    findings: list[str]
    is_film: bool = False


def look(settings: Settings, archive: Archive, arrival: Arrival) -> Look | None:
    """What is found, None when the object is gone; its poster is in the cache then.

    Raises Busy when it should be tried again.
    """
    with _turn:
        try:
            with _file(settings, archive, arrival) as path:
                return _look(settings, path, arrival.uuid)
        except (OSError, VideoError) as error:
            if isinstance(error, NotFound) or not changes.holds(archive, arrival):
                return None
            if isinstance(error, OSError):
                raise Busy(f"The stored object could not be read ({os.strerror(error.errno or 0)}).") from error
            raise


@contextlib.contextmanager
def _file(settings: Settings, archive: Archive, arrival: Arrival) -> Iterator[Path]:
    """Orthanc's own file, or a copy for as long as it is needed: the cache of copies is for what people play."""
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


def _look(settings: Settings, path: Path, stored: str) -> Look:
    try:
        with SpanSource(path) as file:
            found, said = described(Bytes(file))
    except (BrokenVideo, NotVideo) as error:
        return Look([error.sentence])
    is_film = isinstance(found, MultiFrame)
    findings = check.of_frames(said, found) if isinstance(found, MultiFrame) else check.of_object(said, found)
    task = thumbnails.task(path, found)

    def run(target: Path) -> dict[str, Any]:
        result: dict[str, Any] = MediaProcess().run("look", task | {"target": str(target)}, job_limits(settings))
        return result

    try:
        seen = thumbnails.make(settings, thumbnails.path_of(settings, stored), run)
    except (BrokenVideo, NotVideo) as error:
        return Look([*findings, error.sentence], is_film)
    if seen["video"] is not None and isinstance(found, Located):
        findings += check.of_stream(said, found, from_json(VideoStream, seen["video"]))
    return Look([*findings, *(str(sentence)[:_LONGEST_SENTENCE] for sentence in seen["sentences"][:1])], is_film)
