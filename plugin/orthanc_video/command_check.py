"""``orthanc-video check``: judges DICOM videos, whoever wrote them. Media is read in a process of its own."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orthanc_video.dicom import check
from orthanc_video.dicom.check import Examined
from orthanc_video.dicom.checks.finding import Finding, Severity
from orthanc_video.errors import BadRequest, VideoError, whole
from orthanc_video.files import Bytes, SpanSource
from orthanc_video.jobs import reading
from orthanc_video.jobs.processes import Limits, MediaProcess, close
from orthanc_video.model import Located, MediaInfo
from orthanc_video.plain import from_json
from orthanc_video.saying import UNHEARD, say
from orthanc_video.settings import MIB, Gateway

_DEFAULTS = Gateway()
_LIMITS = Limits(seconds=_DEFAULTS.job_seconds, memory=_DEFAULTS.worker_memory_mb * MIB)
_CLEAN, _FAULTY, _UNREADABLE = 0, 1, 2
_ORDER = tuple(Severity)


@dataclass(frozen=True, slots=True)
class Judged:
    """One file; ``unreadable`` is the sentence why there are no findings, else empty."""

    path: Path
    findings: tuple[Finding, ...] = ()
    unreadable: str = ""

    def json(self) -> dict[str, Any]:
        return {
            "File": str(self.path),
            "Unreadable": self.unreadable,
            "Findings": [one.json() for one in self.findings],
        }


def run(paths: list[Path], *, as_json: bool) -> int:
    """Prints the findings of each file, the gravest first; the exit status: 2 where a file cannot be read, else 1 where
    there is an error, else 0. Where nobody reads on, the files that are left are not judged, and it is UNHEARD."""
    warnings.filterwarnings("ignore", module="pydicom")  # what it finds unusual is said here in findings
    judged = []
    try:
        for path in paths:
            judged.append(judge(path))
            heard = as_json or say("\n".join(_lines(judged[-1])))
            if not heard and len(judged) < len(paths):
                return UNHEARD
    finally:
        close()
    if as_json:
        say(json.dumps([one.json() for one in judged], indent=2))
    if any(one.unreadable for one in judged):
        return _UNREADABLE
    return _FAULTY if any(check.errors(one.findings) for one in judged) else _CLEAN


def judge(path: Path) -> Judged:
    """All findings on one file, whatever its size in constant memory."""
    try:
        if not path.is_file():
            raise BadRequest(f"{path} is not a file.")
        with SpanSource(path) as file:
            examined = check.examine(Bytes(file))
        found = [*examined.findings, *_of_pictures(path, examined)]
    except VideoError as error:
        return Judged(path, unreadable=whole(error.sentence))
    except OSError as error:
        return Judged(path, unreadable=f"{path} cannot be read: {os.strerror(error.errno or 0)}.")
    return Judged(path, tuple(sorted(found, key=lambda one: _ORDER.index(one.severity))))


def _of_pictures(path: Path, examined: Examined) -> list[Finding]:
    """What a media process sees of the stream, or of the first and the last picture of a film."""
    found = examined.found
    if found is None:
        return []
    seen = MediaProcess().run("check", reading.task(path.resolve(), found), _LIMITS)
    findings = check.of_pictures(found, seen["sentences"])
    if isinstance(found, Located) and seen["info"] is not None:
        findings += check.of_media(examined.said, found, from_json(MediaInfo, seen["info"]))
    return findings


def _lines(one: Judged) -> Iterator[str]:
    if one.unreadable:
        yield f"{one.path}: cannot be read. {one.unreadable}"
        return
    counts = [(severity, sum(found.severity is severity for found in one.findings)) for severity in _ORDER]
    told = ", ".join(f"{count} {severity}{'s' if count > 1 else ''}" for severity, count in counts if count)
    yield f"{one.path}: {told or 'nothing found'}"
    for found in one.findings:
        yield f"  {found.severity:8} {found.code}: {found.sentence} ({found.section})\n{'':11}→ {found.advice}"
