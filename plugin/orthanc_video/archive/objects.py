"""Stored objects as byte sources: straight from Orthanc's storage file, else from one local copy in a bounded cache."""

from __future__ import annotations

import asyncio
import os
import shutil
import stat
import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from pydicom.dataset import Dataset

from orthanc_video import metrics
from orthanc_video.archive.access import Access, Attachment, refuse, unexpected
from orthanc_video.archive.callers import Caller
from orthanc_video.dicom import multiframe
from orthanc_video.dicom.moving import described
from orthanc_video.dicom.playable import plays
from orthanc_video.dicom.said import text
from orthanc_video.dicom.stored import LONGEST_HEADER, header
from orthanc_video.errors import Busy, NotFound, NotVideo, VideoError
from orthanc_video.files import Bytes, SpanSource
from orthanc_video.film import MultiFrame
from orthanc_video.model import Located
from orthanc_video.settings import Settings


@dataclass(frozen=True, slots=True)
class StoredVideo:
    """One instance's stream: the local file that holds it and the spans within. ``uuid`` never names other bytes.

    ``instance`` is its Orthanc ID; a film that was made of some, and is in no archive, has a name of its own.
    ``parents``: the UIDs of its study and series. ``playable``: browsers play these bytes. ``head`` comes before the
    spans, and counts in ``located.length``. ``origin`` is the file that it was made of, None where it is that itself.
    """

    instance: str
    uuid: str
    path: Path
    located: Located
    parents: tuple[str, str] = ("", "")
    playable: bool = True
    head: bytes = field(default=b"", repr=False)
    origin: Path | None = None

    @property
    def place(self) -> Located:
        """As of all that moves: where it lies."""
        return self.located


@dataclass(frozen=True, slots=True)
class StoredFilm:
    """One instance's single pictures, in the local file that holds them. ``uuid`` never names other bytes."""

    instance: str
    uuid: str
    path: Path
    film: MultiFrame
    parents: tuple[str, str] = ("", "")
    playable: bool = False

    @property
    def place(self) -> MultiFrame:
        """As of all that moves: where it lies."""
        return self.film


Stored = StoredVideo | StoredFilm


def parents_of(said: Dataset) -> tuple[str, str]:
    """The UIDs of an object's study and series."""
    return text(said, "StudyInstanceUID"), text(said, "SeriesInstanceUID")


def belongs(parents: tuple[str, str], study: str, series: str) -> None:
    """Raises NotFound unless what has these ``parents`` is part of that study and series, as its path says."""
    own_study, own_series = parents
    if own_series != series:
        raise NotFound("The series named in the path holds no such instance.")
    if own_study != study:
        raise NotFound("The study named in the path holds no such series.")


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Around all use of a stored object's file: whatever fails since Orthanc deleted it meanwhile is NotFound."""
    try:
        yield
    except (OSError, VideoError) as error:
        if path.exists():
            raise
        raise NotFound("Orthanc holds no such resource any more.") from error


def storage_file(settings: Settings, uuid: str, size: int) -> Path | None:
    """Orthanc's own file (uncompressed, default storage area), where this process can read it."""
    if settings.storage_directory is None:
        return None
    path = settings.storage_directory / uuid[0:2] / uuid[2:4] / uuid
    try:
        readable = path.stat().st_size == size and os.access(path, os.R_OK)
    except OSError:
        return None
    return path if readable else None


def copy_of(settings: Settings, uuid: str) -> Path:
    """Where the local copy of the object with this UUID lies, or would."""
    return settings.cache / "objects" / uuid


class Objects:
    """Finds an instance's stream for a caller whom Orthanc lets know of it, or read it."""

    def __init__(self, settings: Settings, access: Access) -> None:
        self._settings = settings
        self.access = access
        self._located: OrderedDict[str, Stored] = OrderedDict()
        self._fetching: dict[str, asyncio.Lock] = {}

    async def attributes(self, caller: Caller, instance: str) -> Dataset:
        """What an object of any kind says, but for its pixel data, where Orthanc tells this caller the same.

        Raises NotFound, Unauthorized, Forbidden as Orthanc does, NotVideo or BrokenVideo where it cannot be read.
        """
        await self.access.ask(caller, "GET", f"/instances/{instance}/tags")
        attachment, path = await self._attachment(caller, instance)
        if path is None:
            begin = await self._beginning(caller, instance)
            return (await asyncio.to_thread(header, _InMemory(begin, attachment.size))).said
        return await asyncio.to_thread(_said, path)

    async def _beginning(self, caller: Caller, instance: str) -> bytes:
        """As much of a stored object as its attributes may take."""
        begin = bytearray()
        async with self.access.streamed(caller, f"/instances/{instance}/attachments/dicom/data", {}) as answer:
            async for block in answer.aiter_bytes(1 << 20):
                begin += block
                if len(begin) > LONGEST_HEADER:
                    break
        return bytes(begin)

    async def readable(self, caller: Caller, named: str) -> Stored:
        """As ``moving``, for whoever sends pictures or bytes: Orthanc has to let this caller read them."""
        stored = await self.moving(caller, named)
        await self.access.may_read(caller, stored.instance)
        return stored

    async def image(self, caller: Caller, named: str) -> Stored:
        """As ``readable``, and of any image: a still one is a film of one frame. Raises NotVideo for what is none."""
        try:
            return await self.readable(caller, named)
        except NotVideo:
            instance = await self.access.instance(caller, named)
        await self.access.may_read(caller, instance)
        uuid, path = await self._file(caller, instance)
        return await asyncio.to_thread(_still, instance, uuid, path)

    async def moving(self, caller: Caller, named: str) -> Stored:
        """What may be told of a video or film in words.

        Raises NotFound, Unauthorized, Forbidden as Orthanc does, NotVideo where nothing moves.
        """
        instance = await self.access.instance(caller, named)
        # The access question and the look-up are one: Orthanc has to let this caller know of the attachment.
        uuid, path = await self._file(caller, instance)
        known = self._located.get(uuid)
        if known is not None and known.path == path:
            self._located.move_to_end(uuid)
            return known
        found = await asyncio.to_thread(_found, instance, uuid, path)
        self._located[uuid] = found
        while len(self._located) > self._settings.gateway.index_cache_entries:
            self._located.popitem(last=False)
        return found

    async def _attachment(self, caller: Caller, instance: str) -> tuple[Attachment, Path | None]:
        """An instance's stored file, and where it can be read here; None where it cannot.

        Then what was remembered is asked anew: it may be of an object that another has replaced meanwhile.
        """
        began = time.monotonic()
        attachment = await self.access.attachment(caller, instance)
        path = self._here(attachment)
        if path is None:
            self.access.forget(caller, instance, began)
            attachment = await self.access.attachment(caller, instance)
            path = self._here(attachment)
        return attachment, path

    def _here(self, attachment: Attachment) -> Path | None:
        copy = copy_of(self._settings, attachment.uuid)
        file = storage_file(self._settings, attachment.uuid, attachment.size)
        return file or (copy if copy.exists() else None)

    async def _file(self, caller: Caller, instance: str) -> tuple[str, Path]:
        """The UUID of an instance's stored file, and where it can be read: at worst from a local copy, made now."""
        attachment, path = await self._attachment(caller, instance)
        if path is None or path == copy_of(self._settings, attachment.uuid):
            path = await self._copy(caller, instance, attachment)
        return attachment.uuid, path

    async def _copy(self, caller: Caller, instance: str, attachment: Attachment) -> Path:
        """One local copy, named by the attachment's UUID; the oldest copies go when the cache is over its bound."""
        uuid = attachment.uuid
        path = copy_of(self._settings, uuid)
        folder = path.parent
        async with self._fetching.setdefault(uuid, asyncio.Lock()):
            hit = path.exists()
            metrics.looked_up("objects", hit=hit)
            if not hit:
                folder.mkdir(parents=True, exist_ok=True)
                await self._fetch(caller, instance, attachment, path)
                await asyncio.to_thread(evict, folder, self._settings.gateway.cache_mb << 20, path)
        self._fetching.pop(uuid, None)
        return path

    async def _fetch(self, caller: Caller, instance: str, attachment: Attachment, path: Path) -> None:
        partial = path.with_suffix(".partial")
        client = self.access.client(caller)
        source = f"/instances/{instance}/attachments/dicom/data"
        try:
            async with client.stream("GET", source, headers=dict(caller.credentials)) as answer:
                refuse(answer.status_code)
                if answer.status_code != httpx.codes.OK:
                    raise unexpected(answer.status_code)
                with partial.open("wb") as file:
                    async for block in answer.aiter_bytes(1 << 20):
                        await asyncio.to_thread(file.write, block)
            # What was sent may be of another that has replaced it, of the same size even.
            self.access.forget(caller, instance, time.monotonic())
            if (await self.access.attachment(caller, instance)).uuid != attachment.uuid:
                raise Busy("The stored object was replaced while it was read. Try again in a moment.")
            if partial.stat().st_size != attachment.size:
                raise Busy("Orthanc sent only a part of the stored object. Try again in a moment.")
            partial.replace(path)
        except (httpx.HTTPError, OSError) as error:
            raise Busy("The stored object could not be fetched from Orthanc. Try again in a moment.") from error
        finally:
            partial.unlink(missing_ok=True)


def evict(folder: Path, bound: int, keep: Path) -> None:
    """Removes the least recently used entries of a cache folder, files or folders of files, until it holds at most
    ``bound`` bytes. A folder was used when its time says so; a file, when it was read."""
    known = []
    for entry in folder.iterdir():
        with suppress(FileNotFoundError):  # another process may be at the same
            about = entry.stat()
            if stat.S_ISDIR(about.st_mode):
                known.append((about.st_mtime, sum(file.stat().st_size for file in entry.iterdir()), entry))
            elif stat.S_ISREG(about.st_mode):
                known.append((about.st_atime, about.st_size, entry))
    total = sum(size for _, size, _ in known)
    for _, size, entry in sorted(known):
        if total <= bound:
            return
        if entry != keep:
            total -= size
            _remove(entry)


def _remove(entry: Path) -> None:
    if entry.is_dir():
        shutil.rmtree(entry, ignore_errors=True)
    else:
        entry.unlink(missing_ok=True)


class _InMemory:
    """The beginning of a stored object of ``size`` bytes."""

    def __init__(self, begin: bytes, size: int) -> None:
        self._begin = begin
        self.size = size

    def read(self, offset: int, length: int) -> bytes:
        return self._begin[offset : offset + length]


def _said(path: Path) -> Dataset:
    with held(path), SpanSource(path) as file:
        return header(Bytes(file)).said


def _still(instance: str, uuid: str, path: Path) -> StoredFilm:
    with held(path), SpanSource(path) as file:
        film, said = multiframe.pictures(Bytes(file))
        return StoredFilm(instance, uuid, path, film, parents_of(said))


def _found(instance: str, uuid: str, path: Path) -> Stored:
    with held(path), SpanSource(path) as file:
        place, said = described(Bytes(file))
        parents = parents_of(said)
        if isinstance(place, MultiFrame):
            return StoredFilm(instance, uuid, path, place, parents)
        return StoredVideo(instance, uuid, path, place, parents, plays(Bytes(file), place))
