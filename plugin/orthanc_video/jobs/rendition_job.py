"""What a rendition's job does, step by step: make the MP4 beside the spool's uploads, move it into the cache.

Plain functions, no engine; each may be repeated after a crash.
"""

from __future__ import annotations

import os
import uuid
from pathlib import Path
from typing import Any

from orthanc_video.archive import changes
from orthanc_video.archive.changes import Arrival
from orthanc_video.archive.service import Archive
from orthanc_video.dicom.annotations import lines
from orthanc_video.dicom.moving import described
from orthanc_video.errors import Busy, WorkerFailed
from orthanc_video.files import Bytes, SpanSource
from orthanc_video.jobs import ingest_job, reading, renditions
from orthanc_video.jobs.processes import Listener, MediaProcess, job_limits
from orthanc_video.picture import Rendering
from orthanc_video.plain import to_json
from orthanc_video.settings import Settings


def make(
    settings: Settings,
    archive: Archive,
    process: MediaProcess,
    arrival: Arrival,
    rendering: Rendering,
    folder: Path,
    listener: Listener | None,
    *,
    leisure: bool,
) -> dict[str, Any]:
    """The ``path`` of the finished MP4 in ``folder``, and how many ``frames`` it has ``of`` those in the stream.

    ``leisure``: nobody waits for it. Raises NotFound when the object is gone, Busy when it should be tried again.
    """
    with reading.file_of(settings, archive, arrival) as path:
        with SpanSource(path) as file:
            found, about = described(Bytes(file))
        folder.mkdir(exist_ok=True, mode=0o700)
        # A name of its own: an earlier attempt, in a process that was taken for dead, may still write to its file.
        for left in folder.glob("made-*"):
            left.unlink(missing_ok=True)
        target = folder / f"made-{uuid.uuid4().hex}.mp4"
        ingest_job.room_for(settings, path.stat().st_size)
        arguments = {
            **reading.task(path, found),
            "target": str(target),
            "how": {
                "preset": settings.gateway.transcode_preset,
                "crf": renditions.crf(settings, rendering),
                "rendering": to_json(rendering),
                "lines": list(lines(about, rendering.annotations)),
            },
            "leisure": leisure,
        }
        counted = process.run("render", arguments, job_limits(settings), listener)
    try:
        return {"path": str(target), "of": int(counted["of"]), "frames": int(counted["frames"])}
    except (KeyError, TypeError, ValueError) as error:
        raise WorkerFailed("The media process did not say what it had made: the file may be made to do so.") from error


def keep(settings: Settings, archive: Archive, arrival: Arrival, rendering: Rendering, made: Path) -> None:
    """Takes it into the cache. Raises NotFound when the object was deleted meanwhile, Busy when it cannot now."""
    changes.size_of(archive, arrival)
    try:
        renditions.keep(settings, arrival.uuid, made, rendering)
    except FileNotFoundError as error:
        raise WorkerFailed("The rendition was removed before it was in the cache.") from error
    except OSError as error:
        raise Busy(f"The rendition could not be put into the cache ({os.strerror(error.errno or 0)}).") from error
