"""Receiving bytes to disk: hashed on the way, synced before they count, in constant memory."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
import shutil
import uuid

from orthanc_video import metrics
from orthanc_video.errors import BadRequest, Busy, TooLarge
from orthanc_video.settings import Settings

_BLOCK = 4 << 20


class SpoolFile:
    """One upload on its way to disk. Use ``async with``: leaving removes every trace, unless a job has taken over."""

    def __init__(self, settings: Settings, announced: int | None = None) -> None:
        self.id = str(uuid.uuid4())
        self.size = 0
        self.head = b""
        self._settings = settings
        self._announced = announced
        self._folder = settings.spool / self.id
        self.path = self._folder / "source"
        self._hash = hashlib.sha256()
        self._pending = bytearray()
        self._writing: asyncio.Task[None] | None = None
        # Set once a job owns the bytes: from then on only the job removes them.
        self.handed_over = False

    async def __aenter__(self) -> SpoolFile:
        refuse_too_large(self._settings, self._announced)
        free = shutil.disk_usage(self._settings.spool).free - (self._settings.gateway.minimum_free_disk_mb << 20)
        if free < (self._announced or 0):
            raise Busy("The gateway's disk is nearly full. Try again when there is room.")
        self._folder.mkdir(mode=0o700)
        self._file = self.path.open("wb", buffering=0)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._writing is not None:
            await asyncio.gather(self._writing, return_exceptions=True)
        self._file.close()
        if not self.handed_over:
            await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)

    async def write(self, block: bytes) -> None:
        """Takes the next bytes; a block is hashed and written while the next one is received."""
        self.size += len(block)
        metrics.received_bytes.inc(len(block))
        refuse_too_large(self._settings, self.size)
        if len(self.head) < 4096:
            self.head += block[: 4096 - len(self.head)]
        self._pending += block
        if len(self._pending) >= _BLOCK:
            await self._flush()

    async def _flush(self) -> None:
        if self._writing is not None:
            await self._writing
        block, self._pending = self._pending, bytearray()
        self._writing = asyncio.create_task(asyncio.to_thread(self._store, block))

    def _store(self, block: bytearray) -> None:
        try:
            view = memoryview(block)
            while view:
                view = view[self._file.write(view) :]
        except OSError as error:
            raise disk_trouble(error) from error
        self._hash.update(block)

    async def finish(self) -> str:
        """All bytes are with the operating system; their SHA-256. Raises BadRequest when there were none."""
        if self.size == 0:
            raise BadRequest("The upload is empty: no bytes arrived. Choose a file and send it again.")
        await self._flush()
        if self._writing is not None:
            await self._writing
        return self._hash.hexdigest()

    def sync(self) -> None:
        """Blocks until the bytes are on the disk: what is acknowledged afterwards survives a power cut."""
        try:
            os.fsync(self._file.fileno())
            folder = os.open(self._folder, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:
            raise disk_trouble(error) from error


def refuse_too_large(settings: Settings, size: int | None) -> None:
    if size is not None and size > settings.maximum_upload:
        limit = settings.maximum_upload >> 20
        raise TooLarge(f"The upload is larger than the limit of {limit} MiB (VideoGateway.MaximumUploadMB).")


def disk_trouble(error: OSError) -> Busy:
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return Busy("The gateway's disk is full. Try again when there is room.")
    return Busy(f"The gateway cannot write to its disk ({os.strerror(error.errno or 0)}).")
