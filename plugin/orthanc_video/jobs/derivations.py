"""What was made of stored objects, kept for who asks for the same again: films, and which objects are in Orthanc.

Each order has a folder in a bounded cache, named by its first origin's UUID and all that was asked; a folder there is
whole. The least recently used go.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from orthanc_video.archive.objects import StoredVideo, evict
from orthanc_video.derivation import Derivation
from orthanc_video.dicom import syntaxes
from orthanc_video.model import Located, Span
from orthanc_video.settings import Settings

Kept = list[dict[str, Any]]

_LIST = "items.json"
# An eighth of the cache's bound.
_SHARE = 17
_FILM = re.compile(r"([0-9a-f]{32})-([0-9]{1,6})\.(mp4|mpg)")


def folder_of(settings: Settings, name: str) -> Path:
    """Where what was made for the order of this name lies, or will."""
    return settings.cache / "derived" / name


def found(settings: Settings, task: Derivation) -> Kept | None:
    """What was made, if it was, and all films are there; from now on it counts as just used."""
    folder = folder_of(settings, task.name)
    try:
        told: Kept = json.loads((folder / _LIST).read_text(encoding="utf-8"))
        os.utime(folder)
    except (FileNotFoundError, NotADirectoryError):
        return None
    return told


def keep(settings: Settings, task: Derivation, made: Path, items: Sequence[dict[str, Any]]) -> None:
    """Takes the films of the folder ``made`` into the cache, and what is told of all. Doing it again is nothing."""
    folder = folder_of(settings, task.name)
    fresh = made / "kept"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(mode=0o700)
    for item in items:
        if item["Film"]:
            _synced(made / item["Film"]).rename(fresh / item["Film"])
    (fresh / _LIST).write_text(json.dumps(list(items)), encoding="utf-8")
    folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    shutil.rmtree(folder, ignore_errors=True)
    fresh.rename(folder)
    evict(folder.parent, settings.gateway.cache_mb << _SHARE, folder)


def _synced(path: Path) -> Path:
    """A file that a power cut left empty would be served for good."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return path


def address(task: Derivation, item: dict[str, Any], number: int) -> str:
    """Where an item can be had as a film, by its number from 1; empty where it is none."""
    if item["Film"]:
        suffix = Path(item["Film"]).suffix
        return f"/video/instances/{task.origins[0].instance}/clips/{task.name[-32:]}-{number}{suffix}"
    return f"/video/instances/{item['Answer']['ID']}/stream" if item["Plays"] else ""


def film(settings: Settings, instance: str, origin: str, named: str) -> StoredVideo | None:
    """The film that ``address`` names, of the object with the UUID ``origin``; None where there is none any more."""
    name = _FILM.fullmatch(named)
    if name is None:
        return None
    folder = folder_of(settings, f"{origin}-{name[1]}")
    try:
        items: Kept = json.loads((folder / _LIST).read_text(encoding="utf-8"))
        path = folder / items[int(name[2]) - 1]["Film"]
        about = path.stat()
        os.utime(folder)
    except (FileNotFoundError, NotADirectoryError, IndexError):
        return None
    located = Located(
        transfer_syntax=syntaxes.H264_HIGH_42,
        sop_class="",
        sop_instance="",
        spans=(Span(0, about.st_size),),
        length=about.st_size,
    )
    return StoredVideo(instance, f"{path.stem}-{name[1]}-{about.st_mtime_ns:x}", path, located)


def forget(settings: Settings, stored: str) -> None:
    """Removes all that was made of the object with this UUID and is kept here."""
    for folder in (settings.cache / "derived").glob(f"{stored}-*"):
        shutil.rmtree(folder, ignore_errors=True)
