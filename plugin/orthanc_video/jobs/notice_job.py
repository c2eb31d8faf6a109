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
from typing import Any

from orthanc_video.archive import changes
from orthanc_video.archive.changes import Arrival
from orthanc_video.archive.objects import storage_file
from orthanc_video.archive.service import Archive
from orthanc_video.dicom import check
from orthanc_video.dicom.locate import described
from orthanc_video.errors import BrokenVideo, Busy, NotFound, NotVideo, VideoError
from orthanc_video.files import Bytes, SpanSource
from orthanc_video.jobs import ingest_job, thumbnails
from orthanc_video.jobs.processes import MediaProcess, job_limits
from orthanc_video.model import Span, VideoStream, from_json, to_json
from orthanc_video.settings import Settings

_LONGEST_SENTENCE = 1000
# Of the work that nobody waits for, one object at a time in each process.
_turn = threading.BoundedSemaphore(1)


def look(settings: Settings, archive: Archive, arrival: Arrival) -> list[str] | None:
    """The findings, None when the object is gone; its poster is in the cache then.

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


def _look(settings: Settings, path: Path, stored: str) -> list[str]:
    try:
        with SpanSource(path) as file:
            located, said = described(Bytes(file))
    except (BrokenVideo, NotVideo) as error:
        return [error.sentence]
    findings = check.of_object(said, located)
    spans = _cut(located.spans, located.length)

    def run(target: Path) -> dict[str, Any]:
        arguments = {"path": str(path), "spans": to_json(spans), "target": str(target), "width": thumbnails.WIDTH}
        result: dict[str, Any] = MediaProcess().run("look", arguments, job_limits(settings))
        return result

    try:
        seen = thumbnails.make(settings, thumbnails.path_of(settings, stored), run)
    except (BrokenVideo, NotVideo) as error:
        return [*findings, error.sentence]
    if seen["video"] is not None:
        findings += check.of_stream(said, located, from_json(VideoStream, seen["video"]))
    return [*findings, *(str(sentence)[:_LONGEST_SENTENCE] for sentence in seen["sentences"][:1])]


def _cut(spans: tuple[Span, ...], length: int) -> tuple[Span, ...]:
    """The spans without the byte that pads the last."""
    rest = sum(span.length for span in spans) - length
    return (*spans[:-1], Span(spans[-1].offset, spans[-1].length - rest))
