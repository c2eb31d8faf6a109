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
from orthanc_video.dicom.checks.finding import Finding, finding
from orthanc_video.dicom.playable import plays
from orthanc_video.errors import BrokenVideo, NotFound, NotVideo
from orthanc_video.files import Bytes, SpanSource
from orthanc_video.film import MultiFrame
from orthanc_video.jobs import reading, thumbnails
from orthanc_video.jobs.processes import MediaProcess, job_limits
from orthanc_video.model import Located, MediaInfo
from orthanc_video.plain import from_json
from orthanc_video.settings import Settings

_LONGEST_SENTENCE = 1000
# Of the work that nobody waits for, one object at a time in each process.
_turn = threading.BoundedSemaphore(1)


@dataclass(frozen=True, slots=True)
class Seen:
    """What a first look found; ``playable`` says whether browsers play the stored stream.

    ``readable``: its pictures were found. ``is_film``: they are single pictures.
    """

    findings: tuple[Finding, ...]
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
            examined = check.examine(Bytes(file))
            found, findings = examined.found, examined.findings
            playable = isinstance(found, Located) and plays(Bytes(file), found)
    except (BrokenVideo, NotVideo) as error:
        return Seen((finding("stream", error.sentence),))
    if found is None:
        return Seen(findings)
    is_film = isinstance(found, MultiFrame)
    task = thumbnails.task(path, found)

    def run(target: Path) -> dict[str, Any]:
        result: dict[str, Any] = MediaProcess().run("look", task | {"target": str(target)}, job_limits(settings))
        return result

    try:
        seen = thumbnails.make(settings, thumbnails.path_of(settings, stored), run)
    except (BrokenVideo, NotVideo) as error:
        return Seen((*findings, *check.of_pictures(found, [error.sentence])), is_film=is_film)
    info = None if seen["info"] is None else from_json(MediaInfo, seen["info"])
    if info is not None and isinstance(found, Located):
        findings += tuple(check.of_media(examined.said, found, info))
    findings += tuple(check.of_pictures(found, [str(one)[:_LONGEST_SENTENCE] for one in seen["sentences"][:1]]))
    return Seen(findings, is_film or info is not None, playable, is_film)
