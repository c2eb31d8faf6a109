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
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orthanc_video.archive.objects import StoredVideo, evict
from orthanc_video.derivation import Derivation, Origin
from orthanc_video.dicom import syntaxes
from orthanc_video.files import synced
from orthanc_video.model import Located, Span
from orthanc_video.plain import from_json, to_json
from orthanc_video.settings import Settings

Kept = list[dict[str, Any]]

_LIST = "made.json"
# An eighth of the cache's bound.
_SHARE = 17
_FILM = re.compile(r"([0-9a-f]{32})-([0-9]{1,6})\.(mp4|mpg)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Film:
    """One that was made, and all objects that it was made of."""

    video: StoredVideo
    origins: tuple[Origin, ...]


def folder_of(settings: Settings, name: str) -> Path:
    """Where what was made for the order of this name lies, or will."""
    return settings.cache / "derived" / name


def found(settings: Settings, task: Derivation) -> Kept | None:
    """What was made, if it was, and all films are there; from now on it counts as just used."""
    folder = folder_of(settings, task.name)
    try:
        told = _told(folder)
        os.utime(folder)
    except (FileNotFoundError, NotADirectoryError):
        return None
    items: Kept = told["Items"]
    return items


def _told(folder: Path) -> dict[str, Any]:
    """What lies with the films: ``Items``, what is told of each, and ``Origins``."""
    told: dict[str, Any] = json.loads((folder / _LIST).read_text(encoding="utf-8"))
    return told


def keep(settings: Settings, task: Derivation, made: Path, items: Sequence[dict[str, Any]]) -> None:
    """Takes the films of the folder ``made`` into the cache, and what is told of all. Doing it again is nothing."""
    folder = folder_of(settings, task.name)
    fresh = made / "kept"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(mode=0o700)
    for item in items:
        if item["Film"]:
            synced(made / item["Film"]).rename(fresh / item["Film"])
    told = {"Origins": to_json(list(task.origins)), "Items": list(items)}
    (fresh / _LIST).write_text(json.dumps(told), encoding="utf-8")
    folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    shutil.rmtree(folder, ignore_errors=True)
    fresh.rename(folder)
    evict(folder.parent, settings.gateway.cache_mb << _SHARE, folder)


def address(task: Derivation, item: dict[str, Any], number: int) -> str:
    """Where an item can be had as a film, by its number from 1; empty where it is none."""
    if item["Film"]:
        suffix = Path(item["Film"]).suffix
        return f"/video/instances/{task.origins[0].instance}/clips/{task.name[-32:]}-{number}{suffix}"
    return f"/video/instances/{item['Answer']['ID']}/stream" if item["Plays"] else ""


def film(settings: Settings, origin: str, named: str) -> Film | None:
    """The film that ``address`` names, of the object with the UUID ``origin``; None where there is none any more.

    It has a name of its own, not that of an object: what is de-identified is downloaded by it.
    """
    name = _FILM.fullmatch(named)
    if name is None:
        return None
    folder = folder_of(settings, f"{origin}-{name[1]}")
    try:
        told = _told(folder)
        path = folder / told["Items"][int(name[2]) - 1]["Film"]
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
    video = StoredVideo(Path(named).stem, f"{path.stem}-{name[1]}-{about.st_mtime_ns:x}", path, located)
    return Film(video=video, origins=tuple(from_json(Origin, one) for one in told["Origins"]))


def forget(settings: Settings, stored: str) -> None:
    """Removes all that was made of the object with this UUID and is kept here."""
    for folder in (settings.cache / "derived").glob(f"{stored}-*"):
        shutil.rmtree(folder, ignore_errors=True)
