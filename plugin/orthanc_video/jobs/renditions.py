"""The cache of renditions: one MP4 per object that browsers cannot play as it is, named by the object's UUID.

Those that a request wanted otherwise (PS3.18 8.3.5.1) have a folder and a bound of their own, and are named by what it
wanted, too. The least recently used go. Gateway and workers share the folders, and a file in them is whole; while it
is made it grows in the spool.
"""

from __future__ import annotations

import dataclasses
import glob
import hashlib
import json
import os
import time
from pathlib import Path

from orthanc_video.archive.objects import Stored, StoredFilm, StoredVideo, evict
from orthanc_video.dicom import syntaxes
from orthanc_video.files import synced
from orthanc_video.model import Located, Span
from orthanc_video.picture import ANNOTATIONS, Rendering
from orthanc_video.plain import to_json
from orthanc_video.settings import Settings

# What is read all the time need not be marked as used each time.
_USED_SECONDS = 60.0


PLAIN = Rendering()
# x264's rate factors for the qualities 1 to 100: 20, with which little is lost, is about 84.
_COARSEST, _STEP = 51.0, 0.37


def crf(settings: Settings, rendering: Rendering) -> int:
    """The rate factor for a quality; the configured one where none is wanted."""
    if rendering.quality is None:
        return settings.gateway.transcode_crf
    return round(_COARSEST - _STEP * rendering.quality)


def settled(settings: Settings, stored: Stored, wanted: Rendering) -> Rendering:
    """``wanted`` without what changes nothing of this object's video: what comes to the same is made once."""
    quality = round((_COARSEST - crf(settings, wanted)) / _STEP)
    grey = isinstance(stored, StoredFilm) and stored.film.pixels.photometric.startswith("MONOCHROME")
    return dataclasses.replace(
        wanted,
        quality=None if crf(settings, wanted) == settings.gateway.transcode_crf else quality,
        window=wanted.window if grey else None,
        annotations=tuple(name for name in ANNOTATIONS if name in wanted.annotations),
        profile="",
    )


def key(rendering: Rendering) -> str:
    """What tells renditions of one object apart; empty for the one that browsers get."""
    if rendering == PLAIN:
        return ""
    return hashlib.sha256(json.dumps(to_json(rendering), sort_keys=True).encode()).hexdigest()[:16]


def path_of(settings: Settings, stored: str, rendering: Rendering = PLAIN) -> Path:
    """Where the rendition of the object with this UUID lies, or will."""
    if rendering == PLAIN:
        return settings.cache / "renditions" / f"{stored}.mp4"
    return settings.cache / "shaped" / f"{stored}-{key(rendering)}.mp4"


def growing(folder: Path) -> Path | None:
    """The file in a job's folder that can be played while it is being made, if there is one by now."""
    return next(folder.glob("made-*.growing.mp4"), None)


def keep(settings: Settings, stored: str, made: Path, rendering: Rendering = PLAIN) -> None:
    """Takes a finished file into the cache; doing it again is nothing. Raises FileNotFoundError when there is none."""
    path = path_of(settings, stored, rendering)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        synced(made)
    except FileNotFoundError:
        if path.exists():
            return
        raise
    made.replace(path)
    # Half of the cache's bound, and an eighth for what is as requests wanted it.
    evict(path.parent, settings.gateway.cache_mb << (19 if rendering == PLAIN else 17), path)


def found(settings: Settings, stored: Stored, rendering: Rendering = PLAIN) -> StoredVideo | None:
    """The rendition as a stream of its own, if there is one; from now on it counts as just used.

    Made anew it may be of other bytes, so when it was made is part of its name.
    """
    path = path_of(settings, stored.uuid, rendering)
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
    name = f"{path.stem}-{about.st_mtime_ns:x}-{about.st_size:x}"
    return StoredVideo(stored.instance, name, path, located, origin=stored.path)


def forget(settings: Settings, stored: str) -> None:
    """Removes all renditions of the object with this UUID."""
    path_of(settings, stored).unlink(missing_ok=True)
    for path in (settings.cache / "shaped").glob(f"{glob.escape(stored)}-*.mp4"):
        path.unlink(missing_ok=True)
