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
from orthanc_video.dicom.moving import described
from orthanc_video.dicom.playable import plays
from orthanc_video.errors import BrokenVideo, NotFound, NotVideo
from orthanc_video.files import Bytes, SpanSource
from orthanc_video.jobs import reading, thumbnails
from orthanc_video.jobs.processes import MediaProcess, job_limits
from orthanc_video.model import Located, MultiFrame, VideoStream, from_json
from orthanc_video.settings import Settings

_LONGEST_SENTENCE = 1000
# Of the work that nobody waits for, one object at a time in each process.
_turn = threading.BoundedSemaphore(1)


@dataclass(frozen=True, slots=True)
class Seen:
    """What a first look found: ``findings`` are sentences, ``playable`` whether browsers play the stored stream.

    ``readable``: its pictures were found. ``is_film``: they are single pictures.
    """

    findings: list[str]
    readable: bool = False
    playable: bool = False
    is_film: bool = False


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
            found, said = described(Bytes(file))
            playable = isinstance(found, Located) and plays(Bytes(file), found)
    except (BrokenVideo, NotVideo) as error:
        return Seen([error.sentence])
    is_film = isinstance(found, MultiFrame)
    findings = check.of_frames(said, found) if isinstance(found, MultiFrame) else check.of_object(said, found)
    task = thumbnails.task(path, found)

    def run(target: Path) -> dict[str, Any]:
        result: dict[str, Any] = MediaProcess().run("look", task | {"target": str(target)}, job_limits(settings))
        return result

    try:
        seen = thumbnails.make(settings, thumbnails.path_of(settings, stored), run)
    except (BrokenVideo, NotVideo) as error:
        return Seen([*findings, error.sentence], is_film=is_film)
    if seen["video"] is not None and isinstance(found, Located):
        findings += check.of_stream(said, found, from_json(VideoStream, seen["video"]))
    findings += [str(sentence)[:_LONGEST_SENTENCE] for sentence in seen["sentences"][:1]]
    return Seen(findings, is_film or seen["video"] is not None, playable, is_film)
