"""Uploads that go on after a broken line or a restart of either side: what tus 1.0 asks for, without its HTTP."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import hashlib
import logging
import secrets
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from orthanc_video.archive.access import Access
from orthanc_video.archive.callers import Caller
from orthanc_video.errors import (
    BadRequest,
    ChecksumMismatch,
    Conflict,
    Locked,
    NotFound,
    TooLarge,
    VideoError,
    WorkerFailed,
    revive,
)
from orthanc_video.ingest.receive import Committed, Description, commit
from orthanc_video.ingest.room import Hold, Room, largest_upload, refuse_too_large
from orthanc_video.ingest.spool import Appender, Hash, sync
from orthanc_video.ingest.turns import Turn, Turns
from orthanc_video.ingest.tus import Checksum
from orthanc_video.ingest.unfinished import Record, Unfinished
from orthanc_video.jobs.engine import Engine
from orthanc_video.media import sniff
from orthanc_video.model import Plan, Upload
from orthanc_video.plain import from_json
from orthanc_video.settings import Settings

log = logging.getLogger(__name__)

_BLOCK = 1 << 20


class _Digest:
    """SHA-256 of a file's first ``size`` bytes: fed as they come, or from the disk after a restart."""

    def __init__(self) -> None:
        self.size = 0
        self._hash = hashlib.sha256()

    def update(self, block: bytes | bytearray, /) -> None:
        self._hash.update(block)
        self.size += len(block)

    def copy(self) -> _Digest:
        other = _Digest()
        other.size, other._hash = self.size, self._hash.copy()
        return other

    def of(self, path: Path) -> str:
        with path.open("rb") as file:
            file.seek(self.size)
            while block := file.read(_BLOCK):
                self.update(block)
        return self._hash.hexdigest()


@dataclass
class _Whole:
    """A resumable upload of which every byte is there: a ``Received``."""

    id: str
    path: Path
    size: int
    digest: _Digest
    handed_over: bool = False

    async def finish(self) -> str:
        return await asyncio.to_thread(self.digest.of, self.path)

    def sync(self) -> None:
        sync(self.path)
        sync(self.path.parent)


@dataclass(frozen=True, slots=True)
class Stored:
    """What Orthanc has answered to an upload that was no video but DICOM."""

    answer: Any


class Resumable:
    """The resumable uploads of one gateway. What they hold of room, and their hashes, live as long as it does."""

    def __init__(self, settings: Settings, engine: Engine, access: Access, room: Room) -> None:
        self._settings = settings
        self._engine = engine
        self._access = access
        self._room = room
        self._files = Unfinished(settings)
        self._turns = Turns()
        self._holds: dict[str, Hold] = {}
        self._digests: dict[str, _Digest] = {}
        self._committing: dict[str, asyncio.Task[Committed | Stored]] = {}
        self._arrived: list[Record] = []

    async def create(self, caller: Caller, length: int | None, metadata: str, described: Description) -> Record:
        """A new, empty upload of this caller's. Raises TooLarge, Busy; an upload of no bytes is a BadRequest."""
        refuse_too_large(self._settings, length)
        if length == 0:
            raise BadRequest("The upload is empty: Upload-Length is 0. Choose a file and send it again.")
        hold = await self._room.hold(length)
        salt = secrets.token_hex(16)
        record = Record(
            id=str(uuid.uuid4()),
            length=length,
            metadata=metadata,
            salt=salt,
            owner=caller.owner(salt),
            described=described,
        )
        try:
            await asyncio.to_thread(self._files.create, record)
        except BaseException:
            hold.end()
            raise
        self._holds[record.id] = hold
        return record

    async def find(self, caller: Caller, upload: str) -> Record:
        """An upload that this caller has created. Raises NotFound for any other."""
        record = await asyncio.to_thread(self._files.find, upload)
        if record is None or not secrets.compare_digest(record.owner, caller.owner(record.salt)):
            raise NotFound("There is no such upload: it has expired, was ended, or is somebody else's. Begin it anew.")
        return record

    async def offset(self, record: Record) -> int:
        """How many bytes have arrived for good."""
        await self._turns.quiet(record.id)
        offset = await asyncio.to_thread(self._files.offset, record.id)
        return offset if offset is not None else record.length or 0

    def expires(self, record: Record) -> float:
        """In seconds since 1970, if nobody goes on with it."""
        return self._files.expires(record.id)

    async def know_length(self, record: Record, length: int) -> Record:
        """The length of an upload whose creator did not know it, with room for the rest of it.

        Raises Conflict when it is another one already, TooLarge, Busy.
        """
        if record.length == length:
            return record
        refuse_too_large(self._settings, length)
        offset = await self.offset(record)
        if record.length is not None or length < offset or length == 0:
            raise Conflict("Upload-Length contradicts what is known of this upload already.")
        await self._room.renew(self._hold(record.id), length - offset)
        known = replace(record, length=length)
        await asyncio.to_thread(self._files.write, known)
        return known

    async def append(
        self, record: Record, offset: int, announced: int | None, body: AsyncIterator[bytes], checksum: Checksum | None
    ) -> int:
        """Adds what comes; the new offset, on the disk. Of a body that breaks off, what came is kept.

        Raises Locked, Conflict, TooLarge, Busy; ChecksumMismatch, after which nothing of this body counts.
        """
        limit = record.length or largest_upload(self._settings)
        async with self._turns.take(record.id) as turn:
            there = await asyncio.to_thread(self._files.offset, record.id)
            if offset != (limit if there is None else there):
                raise Conflict("Upload-Offset is not where this upload ends. Ask by HEAD where it does.")
            if offset + (announced or 0) > limit:
                raise TooLarge("The upload has more bytes than its Upload-Length or the server's limit says.")
            if there is None or (offset == limit and not announced):
                return offset
            hold = self._hold(record.id)
            await self._room.renew(hold, record.length - offset if record.length else announced or 1)
            try:
                await asyncio.to_thread(self._files.begin, record.id, offset, unconfirmed=checksum is not None)
                await self._add(record.id, offset, _heard(body, limit - offset, turn), checksum, hold)
            finally:
                size = await asyncio.to_thread(self._files.offset, record.id) or 0
                hold.keep((record.length or size) - size)
        return size

    def _hold(self, upload: str) -> Hold:
        if upload not in self._holds:
            self._holds[upload] = Hold(self._room, 0)
        return self._holds[upload]

    async def _add(
        self, upload: str, begin: int, body: AsyncIterator[bytes], checksum: Checksum | None, hold: Hold
    ) -> None:
        digest = self._digests.setdefault(upload, _Digest())
        before = digest.copy()
        hashes: list[Hash] = [digest] if digest.size == begin else []
        with self._files.source(upload).open("r+b", buffering=0) as file:
            file.seek(begin)
            appender = Appender(file, hold, *hashes, *([checksum.hash] if checksum else []))
            try:
                async for block in body:
                    await appender.write(block)
                await appender.drain()
                if checksum is not None and not checksum.matches:
                    raise ChecksumMismatch("The bytes are not those that Upload-Checksum was made of. Send them again.")
            except BaseException:
                with contextlib.suppress(VideoError):
                    await appender.drain()
                await appender.settle()
                if checksum is not None:
                    self._digests[upload] = before
                    await asyncio.to_thread(self._files.cut, upload, begin)
                raise
        if checksum is not None:
            await asyncio.to_thread(self._files.confirm, upload)

    async def committed(self, record: Record, caller: Caller | None) -> Committed | Stored:
        """The job of an upload that is all there, or Orthanc's answer to DICOM; however often it is asked for, one job.

        Raises the VideoError that the file is refused with. Without a ``caller`` DICOM is left where it is.
        """
        task = self._committing.get(record.id)
        if task is None:
            task = self._committing[record.id] = asyncio.create_task(self._commit(record, caller))
            task.add_done_callback(lambda _: self._committing.pop(record.id, None))
        return await asyncio.shield(task)

    async def _commit(self, record: Record, caller: Caller | None) -> Committed | Stored:
        if record.answer is not None:
            return Stored(record.answer)
        known = await asyncio.to_thread(self._engine.recorded, record.id)
        if known is not None:
            return _recorded(*known)
        path = self._files.source(record.id)
        try:
            head = await asyncio.to_thread(_head, path)
        except FileNotFoundError as error:
            raise NotFound("There is no such upload any more. Begin it anew.") from error
        size = record.length or 0
        if sniff.is_dicom(head) or sniff.is_zip(head):
            return await self._store(record, caller, path, size)
        try:
            whole = _Whole(record.id, path, size, self._digests.get(record.id) or _Digest())
            job = await commit(self._engine, whole, record.described)
        except VideoError as error:
            await self._refused(record, error)
            raise
        await self._ended(record)
        return job

    async def _store(self, record: Record, caller: Caller | None, path: Path, size: int) -> Stored:
        if caller is None:
            raise Locked("Only the one who sends a DICOM file can have it stored.")
        try:
            answer = await self._access.store(caller, path, size)
        except VideoError as error:
            await self._refused(record, error)
            raise
        await asyncio.to_thread(self._files.write, replace(record, answer=answer))
        await asyncio.to_thread(self._files.discard, record.id)
        await self._ended(record)
        return Stored(answer)

    async def _refused(self, record: Record, error: VideoError) -> None:
        """What will never be taken is removed, and why is kept; what may pass, as a gateway that stops, waits."""
        if error.passing or isinstance(error, WorkerFailed):
            return
        await asyncio.to_thread(self._engine.record_refusal, error, record.id)
        await asyncio.to_thread(self._files.discard, record.id)
        await self._ended(record)

    async def _ended(self, record: Record) -> None:
        """The bytes are somebody else's, or gone; the record stays for who asks again."""
        self._let_go(record.id)
        await asyncio.to_thread(self._files.touch, record.id)

    def _let_go(self, upload: str) -> None:
        self._digests.pop(upload, None)
        hold = self._holds.pop(upload, None)
        if hold is not None:
            hold.end()

    async def remove(self, record: Record) -> None:
        """Ends an upload and removes what has arrived; the job of one that was all there goes on."""
        if record.id in self._committing:
            raise Locked("The upload has arrived and is being looked at. Try again in a moment.")
        await self._turns.quiet(record.id, patience=0.0)
        await asyncio.to_thread(self._remove, record.id)
        self._let_go(record.id)

    def _remove(self, upload: str) -> None:
        self._files.forget(upload)
        if self._engine.recorded(upload) is None:
            self._files.discard(upload)

    async def open(self) -> None:
        """After a start: keeps room for what is unfinished."""
        for upload in await asyncio.to_thread(lambda: list(self._files.all())):
            record = await asyncio.to_thread(self._files.find, upload)
            if record is None:
                continue
            offset = await asyncio.to_thread(self._files.offset, upload)
            if offset is None:
                continue
            silent = time.time() - await asyncio.to_thread(self._files.touched, upload)
            self._holds[upload] = Hold(self._room, (record.length or offset) - offset, silent)
            if offset == record.length:
                self._arrived.append(record)

    async def watch(self) -> None:
        """Goes on with what had arrived before the start; then, as long as the gateway runs, removes what expires."""
        for record in self._arrived:
            with _noted():  # what is refused is recorded; DICOM waits for its sender
                await self.committed(record, None)
        seconds = min(60.0, self._settings.gateway.upload_expires_hours * 900)
        while True:
            await asyncio.sleep(seconds)
            with _noted():
                for upload in await asyncio.to_thread(lambda: list(self._files.all())):
                    with _noted():
                        await self._expire(upload)

    async def _expire(self, upload: str) -> None:
        if self._files.expires(upload) >= time.time() or upload in self._committing:
            return
        if await self._turns.quiet(upload):
            await asyncio.to_thread(self._remove, upload)
            self._let_go(upload)


@contextlib.contextmanager
def _noted() -> Iterator[None]:
    """What fails with nobody to tell does not end the watch."""
    try:
        yield
    except (OSError, VideoError) as error:
        log.warning("Resumable uploads: %s", error.sentence if isinstance(error, VideoError) else error.strerror)


async def _heard(body: AsyncIterator[bytes], most: int, turn: Turn) -> AsyncIterator[bytes]:
    """A body as it comes. Raises TooLarge once it is more than ``most`` bytes; none too many comes."""
    async for block in body:
        turn.hear()
        most -= len(block)
        if most < 0:
            raise TooLarge("The upload has more bytes than its Upload-Length or the server's limit says.")
        yield block


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(sniff.HEAD)


def _recorded(arguments: list[Any], waiter: concurrent.futures.Future[dict[str, Any]]) -> Committed:
    """A job as its record says; raises what the upload was refused with."""
    if len(arguments) == 1:
        raise revive(arguments[0].get("Kind", ""), arguments[0]["Sentence"])
    return Committed(upload=from_json(Upload, arguments[0]), plan=from_json(Plan, arguments[2]), waiter=waiter)
