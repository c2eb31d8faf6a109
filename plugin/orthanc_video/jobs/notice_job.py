"""What is done with a video that somebody else put into Orthanc: found in its object, looked at, given a poster.

Plain functions, no engine; each may be repeated.
"""

from __future__ import annotations

import contextlib
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orthanc_video.archive.changes import Arrival
from orthanc_video.archive.service import Archive
from orthanc_video.dicom import check
from orthanc_video.dicom.locate import described, exact
from orthanc_video.dicom.playable import plays
from orthanc_video.errors import BrokenVideo, NotFound, NotVideo
from orthanc_video.files import Bytes, SpanSource
from orthanc_video.jobs import reading, thumbnails
from orthanc_video.jobs.processes import MediaProcess, job_limits
from orthanc_video.model import VideoStream, from_json, to_json
from orthanc_video.settings import Settings

_LONGEST_SENTENCE = 1000
# Of the work that nobody waits for, one object at a time in each process.
_turn = threading.BoundedSemaphore(1)


@dataclass(frozen=True, slots=True)
class Seen:
    """What a first look found: ``findings`` are sentences, ``playable`` whether browsers play the stored stream.

    ``readable``: its pictures were found.
    """

    findings: list[str]
    readable: bool = False
    playable: bool = False


def look(settings: Settings, archive: Archive, arrival: Arrival) -> Seen | None:
    """What there is to see, None when the object is gone; its poster is in the cache then.

    Raises Busy when it should be tried again.
    """
    with _turn, contextlib.suppress(NotFound), reading.file_of(settings, archive, arrival) as path:
        return _look(settings, path, arrival.uuid)
    return None


def _look(settings: Settings, path: Path, stored: str) -> Seen:
    try:
        with SpanSource(path) as file:
            located, said = described(Bytes(file))
            playable = plays(Bytes(file), located)
    except (BrokenVideo, NotVideo) as error:
        return Seen([error.sentence])
    findings = check.of_object(said, located)
    spans = exact(located)

    def run(target: Path) -> dict[str, Any]:
        arguments = {"path": str(path), "spans": to_json(spans), "target": str(target), "width": thumbnails.WIDTH}
        result: dict[str, Any] = MediaProcess().run("look", arguments, job_limits(settings))
        return result

    try:
        seen = thumbnails.make(settings, thumbnails.path_of(settings, stored), run)
    except (BrokenVideo, NotVideo) as error:
        return Seen([*findings, error.sentence])
    readable = seen["video"] is not None
    if readable:
        findings += check.of_stream(said, located, from_json(VideoStream, seen["video"]))
    findings += [str(sentence)[:_LONGEST_SENTENCE] for sentence in seen["sentences"][:1]]
    return Seen(findings, readable, playable)
