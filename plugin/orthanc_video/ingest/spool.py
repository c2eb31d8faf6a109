"""Receiving bytes to disk: hashed on the way, synced before they count, in constant memory."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import io
import os
import shutil
import time
import uuid
from pathlib import Path
from typing import Protocol

from orthanc_video import metrics
from orthanc_video.errors import BadRequest, Busy
from orthanc_video.ingest.room import Hold, refuse_too_large
from orthanc_video.settings import Settings

_BLOCK = 4 << 20
# What has come over a slow line is written after this time at the latest, however little it is.
_SECONDS = 1.0


class Hash(Protocol):
    """What hashlib's objects and ``Digest`` have in common."""

    def update(self, data: bytes, /) -> None: ...


class Appender:
    """Bytes on their way into a file: a block is written and hashed while the next one is received."""

    def __init__(self, file: io.FileIO, hold: Hold, *hashes: Hash) -> None:
        self._file = file
        self._hold = hold
        self._hashes = hashes
        self._pending: list[bytes] = []
        self._held = 0
        self._begun = time.monotonic()
        self._writing: asyncio.Task[None] | None = None
        self._being_written = 0

    async def write(self, block: bytes) -> None:
        """Takes the next bytes. Raises Busy when there is no room, or earlier ones could not be written."""
        await self._hold.take(len(block))
        metrics.received_bytes.inc(len(block))
        self._pending.append(block)
        self._held += len(block)
        if self._held >= _BLOCK or time.monotonic() - self._begun > _SECONDS:
            await self._flush()

    async def drain(self) -> None:
        """All bytes are with the operating system, and hashed. Raises Busy."""
        await self._flush()
        await self._written()

    async def settle(self) -> None:
        """Nothing is being written any more, whatever became of it."""
        if self._writing is not None:
            await asyncio.gather(self._writing, return_exceptions=True)
        self._hold.wrote(self._being_written + self._held)
        self._being_written = self._held = 0

    async def _flush(self) -> None:
        await self._written()
        blocks, self._pending, self._begun = self._pending, [], time.monotonic()
        self._being_written, self._held = self._held, 0
        self._writing = asyncio.create_task(asyncio.to_thread(self._store, blocks))

    async def _written(self) -> None:
        if self._writing is not None:
            await self._writing
        self._hold.wrote(self._being_written)
        self._being_written = 0

    def _store(self, blocks: list[bytes]) -> None:
        for block in blocks:
            try:
                view = memoryview(block)
                while view:
                    view = view[self._file.write(view) :]
            except OSError as error:
                raise disk_trouble(error) from error
            for each in self._hashes:
                each.update(block)


class SpoolFile:
    """One upload on its way to disk. Use ``async with``: leaving removes every trace, unless a job has taken over."""

    def __init__(self, settings: Settings, hold: Hold) -> None:
        self.id = str(uuid.uuid4())
        self.size = 0
        self.head = b""
        self._settings = settings
        self._hold = hold
        self._folder = settings.spool / self.id
        self.path = self._folder / "source"
        self._hash = hashlib.sha256()
        # Set once a job owns the bytes: from then on only the job removes them.
        self.handed_over = False

    async def __aenter__(self) -> SpoolFile:
        try:
            self._folder.mkdir(mode=0o700)
            self._file = self.path.open("wb", buffering=0)
        except OSError as error:
            shutil.rmtree(self._folder, ignore_errors=True)
            raise disk_trouble(error) from error
        self._appender = Appender(self._file, self._hold, self._hash)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._appender.settle()
        # The last one to close a file that is removed already frees its memory: no answer need wait for that.
        asyncio.get_running_loop().run_in_executor(None, self._file.close)
        if not self.handed_over:
            await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)

    async def write(self, block: bytes) -> None:
        """Takes the next bytes. Raises TooLarge, and Busy where there is no room for them."""
        self.size += len(block)
        refuse_too_large(self._settings, self.size)
        if len(self.head) < 4096:
            self.head += block[: 4096 - len(self.head)]
        await self._appender.write(block)

    async def finish(self) -> str:
        """All bytes are with the operating system; their SHA-256. Raises BadRequest when there were none."""
        if self.size == 0:
            raise BadRequest("The upload is empty: no bytes arrived. Choose a file and send it again.")
        await self._appender.drain()
        self._hold.keep(0)
        return self._hash.hexdigest()

    def sync(self) -> None:
        """Blocks until the bytes are on the disk: what is acknowledged afterwards survives a power cut."""
        sync(self.path)
        sync(self._folder)


def sync(path: Path) -> None:
    """Blocks until a file, or the names in a folder, are on the disk. Raises Busy."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise disk_trouble(error) from error


def disk_trouble(error: OSError) -> Busy:
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return Busy("The gateway's disk is full. Try again when there is room.")
    return Busy(f"The gateway cannot write to its disk ({os.strerror(error.errno or 0)}).")
