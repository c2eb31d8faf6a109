"""The cache of posters: one file per object and width, named by the object's UUID, the least recently used go."""

from __future__ import annotations

import glob
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from orthanc_video.archive.objects import evict
from orthanc_video.film import MultiFrame
from orthanc_video.jobs import reading
from orthanc_video.model import Located
from orthanc_video.settings import Settings

WIDTH = 320  # what is asked for unless a request says
T = TypeVar("T")


def path_of(settings: Settings, stored: str, width: int = WIDTH) -> Path:
    """Where the poster of the object with this UUID lies, or will."""
    return settings.cache / "thumbnails" / f"{stored}-{width}.jpg"


def task(path: Path, found: Located | MultiFrame, width: int = WIDTH) -> dict[str, Any]:
    """What a media process has to know to make the poster, but the place for it."""
    return {**reading.task(path, found), "width": width}


def make(settings: Settings, path: Path, write: Callable[[Path], T]) -> T:
    """Has ``write`` make the poster; it is at ``path`` once it is whole, if ``write`` wrote one."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    partial = path.with_suffix(f".{uuid.uuid4().hex}.partial.jpg")
    try:
        made = write(partial)
        if partial.exists() and partial.stat().st_size:
            partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    if path.exists():
        evict(path.parent, settings.gateway.cache_mb << 17, path)  # an eighth of the cache's bound
    return made


def forget(settings: Settings, stored: str) -> None:
    """Removes all posters of the object with this UUID."""
    for path in path_of(settings, stored).parent.glob(f"{glob.escape(stored)}-*"):
        path.unlink(missing_ok=True)
