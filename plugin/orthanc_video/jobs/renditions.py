"""The cache of renditions: one MP4 per object that browsers cannot play as it is, named by the object's UUID.

The least recently used go. Gateway and workers share the folder, and a file in it is whole.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from orthanc_video.archive.objects import Stored, StoredVideo, evict
from orthanc_video.dicom import syntaxes
from orthanc_video.model import Located, Span
from orthanc_video.settings import Settings

# What is read all the time need not be marked as used each time.
_USED_SECONDS = 60.0


def path_of(settings: Settings, stored: str) -> Path:
    """Where the rendition of the object with this UUID lies, or will."""
    return settings.cache / "renditions" / f"{stored}.mp4"


def keep(settings: Settings, stored: str, made: Path) -> None:
    """Takes a finished file into the cache; doing it again is nothing. Raises FileNotFoundError when there is none."""
    path = path_of(settings, stored)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        descriptor = os.open(made, os.O_RDONLY)
    except FileNotFoundError:
        if path.exists():
            return
        raise
    try:
        os.fsync(descriptor)  # a file that a power cut left empty would be served for good
    finally:
        os.close(descriptor)
    made.replace(path)
    evict(path.parent, settings.gateway.cache_mb << 19, path)  # half of the cache's bound


def found(settings: Settings, stored: Stored) -> StoredVideo | None:
    """The rendition as a stream of its own, if there is one; from now on it counts as just used.

    Made anew it may be of other bytes, so when it was made is part of its name.
    """
    path = path_of(settings, stored.uuid)
    try:
        about = path.stat()
        if time.time() - about.st_atime > _USED_SECONDS:
            os.utime(path, ns=(time.time_ns(), about.st_mtime_ns))
    except FileNotFoundError:
        return None
    located = Located(
        transfer_syntax=syntaxes.H264_HIGH_42,
        sop_class=stored.place.sop_class,
        sop_instance=stored.place.sop_instance,
        spans=(Span(0, about.st_size),),
        length=about.st_size,
    )
    name = f"{stored.uuid}-{about.st_mtime_ns:x}-{about.st_size:x}"
    return StoredVideo(stored.instance, name, path, located)


def forget(settings: Settings, stored: str) -> None:
    """Removes the rendition of the object with this UUID."""
    path_of(settings, stored).unlink(missing_ok=True)
