"""What commands do with the files that they are given: look whether they are there, and write beside what is to be."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from orthanc_video.errors import BadRequest
from orthanc_video.files import SpanSource
from orthanc_video.jobs.processes import Limits
from orthanc_video.settings import LARGEST_INSTANCE, MIB, Gateway

DEFAULTS = Gateway()
# How names end, of a film and of an object.
MP4, PROGRAM_STREAM, DICOM = ".mp4", ".mpg", ".dcm"
VIDEOS = (MP4, PROGRAM_STREAM, DICOM)


def limits_of(size: int = 0) -> Limits:
    """Those of a command's media processes, where ``size`` bytes may all be written several times."""
    memory = DEFAULTS.worker_memory_mb * MIB
    return Limits(seconds=DEFAULTS.job_seconds, memory=memory, file=max(LARGEST_INSTANCE, 4 * size))


@contextmanager
def beside(target: Path, folder: Path) -> Iterator[Path]:
    """A folder in ``folder`` that vanishes: what is finished there is moved out. Raises BadRequest where nothing can be
    written for ``target``."""
    try:
        scratch = tempfile.TemporaryDirectory(dir=folder, prefix=".orthanc-video-")
        try:
            yield Path(scratch.name)
        finally:
            _remove(scratch)
    except OSError as error:
        raise BadRequest(f"{target} cannot be written: {os.strerror(error.errno or 0)}.") from error


def _remove(scratch: tempfile.TemporaryDirectory[str]) -> None:
    """Gigabytes take a moment, in which a signal may come: not a second one (``ending``)."""
    try:
        scratch.cleanup()
    except KeyboardInterrupt:
        scratch.cleanup()
        raise


def writable(source: Path, target: Path) -> Path:
    """Where the object is going to be, links followed. A device, a folder or the source itself is never replaced."""
    final = target.resolve()
    if not final.parent.is_dir() or final.is_dir():
        raise BadRequest(f"{target} cannot be written: name a file in a folder that exists.")
    # What /dev/stdout leads to has no name, but is there.
    if str(target) == "-" or (target.exists() and not target.is_file()):
        raise BadRequest(f"{target} cannot be written: name a file, since what is made is moved there when it is done.")
    if source.exists() and final.exists() and final.samefile(source):
        raise BadRequest(f"{target} is the video itself: name another file.")
    return final


def ending_of(target: Path, what: str, endings: Sequence[str]) -> str:
    """How the name ends that somebody gave, in small letters. Raises BadRequest where that is none of ``endings``."""
    found = target.suffix.lower()
    if found not in endings:
        raise BadRequest(f"{target} names no kind of {what}: it must end with {', '.join(endings)}.")
    return found


def refuse_missing(source: Path) -> None:
    if not source.is_file():
        raise BadRequest(f"{source} is not a file.")


def is_dicom(source: Path) -> bool:
    """PS3.10 7.1."""
    with SpanSource(source) as file:
        return file.read_at(128, 4) == b"DICM"
