"""Room for uploads: what may begin, so that everything that has begun can finish."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import time
from types import TracebackType
from typing import Self

from orthanc_video.errors import Busy, TooLarge
from orthanc_video.settings import MIB, Settings

# Nobody keeps room from others by announcing alone: what has been silent for this long has to ask again.
SILENT_SECONDS = 120.0
# Where nobody knows how many bytes are to come, room for so many is asked for at a time.
_STEP = 16 * MIB


class Hold:
    """Room kept for one upload: those of its announced bytes that have not arrived. Leaving ``with`` gives it back.

    It lapses while nothing arrives, and is asked for again with the next bytes. ``silent`` is for how many seconds
    nothing has arrived yet.
    """

    def __init__(self, room: Room, size: int, silent: float = 0.0) -> None:
        self._room = room
        self._left = size
        self._pending = 0  # bytes that came and do not lie in the spool yet
        self._heard = time.monotonic() - silent
        room.add(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    @property
    def held(self) -> int:
        """Bytes still to come that others may not have now."""
        return self._left if time.monotonic() - self._heard < SILENT_SECONDS else 0

    @property
    def announced(self) -> int:
        """Bytes still to come, lapsed or not."""
        return self._left

    @property
    def pending(self) -> int:
        """Bytes on their way to the disk."""
        return self._pending

    def keep(self, size: int) -> None:
        """So many bytes are still to come, of an upload that is heard of now."""
        self._left = size
        self._heard = time.monotonic()

    def end(self) -> None:
        """Nothing is to come any more."""
        self._room.remove(self)

    async def take(self, size: int) -> None:
        """So many bytes have come. Raises Busy where more came than there is room for."""
        if self.held < size:
            await self._room.extend(self, size)
        self.keep(self._left - size)
        self._pending += size

    def wrote(self, size: int) -> None:
        """So many of those that came lie in the spool now, or never will."""
        self._pending -= size


class Room:
    """The gateway's spool as far as space goes."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._turn = asyncio.Lock()
        self._holds: set[Hold] = set()

    def add(self, hold: Hold) -> None:
        self._holds.add(hold)

    def remove(self, hold: Hold) -> None:
        self._holds.discard(hold)

    @property
    def held(self) -> int:
        """What uploads under way have announced, and what does not lie in the spool of it yet."""
        return sum(hold.held + hold.pending for hold in list(self._holds))  # also asked from another thread

    @property
    def left(self) -> int:
        """Bytes that a new upload may have now; below 0 at the marks. Blocking."""
        return self._left(0)[0]

    async def hold(self, announced: int | None) -> Hold:
        """Room for a new upload of so many bytes (None: nobody knows), to be asked for before any of them is read.

        Raises Busy at the marks of disk and spool, TooLarge for what the spool cannot hold at all.
        """
        _refuse_beyond_spool(self._settings, announced)
        async with self._turn:
            await asyncio.to_thread(self._room_for, max(announced or 0, 1), 0)
            return Hold(self, announced or 0)

    async def renew(self, hold: Hold, announced: int) -> None:
        """Room for so many bytes that are still to come of an upload under way. Raises Busy."""
        if hold.held >= announced:
            return
        async with self._turn:
            await asyncio.to_thread(self._room_for, announced, hold.held)
            hold.keep(announced)

    async def extend(self, hold: Hold, size: int) -> None:
        """Room for bytes that nobody has announced, or that were silent for too long, and some more. Raises Busy."""
        async with self._turn:
            left = await asyncio.to_thread(self._room_for, size, hold.held)
            hold.keep(min(left, max(hold.announced, size, _STEP)))

    def _room_for(self, size: int, held: int) -> int:
        """The bytes that there are for who holds ``held`` of them. Raises Busy when they are fewer than ``size``."""
        left, complaint = self._left(held)
        if left < size:
            raise Busy(complaint)
        return left

    def _left(self, held: int) -> tuple[int, str]:
        """Bytes left for who holds ``held`` of them, and what to say when they are too few."""
        gateway = self._settings.gateway
        others = self.held - held
        free = shutil.disk_usage(self._settings.spool).free - gateway.minimum_free_disk_mb * MIB - others
        disk = "The gateway's disk is nearly full. Try again when there is room."
        if not gateway.spool_mb:
            return free, disk
        spool = gateway.spool_mb * MIB - self.used() - others
        if free < spool:
            return free, disk
        return spool, "As many uploads as the gateway's spool holds are under way. Try again when some are stored."

    def used(self) -> int:
        """Bytes in the spool, of uploads and of what their jobs have made so far."""
        total = 0
        for folder in os.scandir(self._settings.spool):
            # A job that ends meanwhile removes its files.
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                for entry in os.scandir(folder.path):
                    with contextlib.suppress(FileNotFoundError):
                        total += entry.stat().st_size
        return total


def largest_upload(settings: Settings) -> int:
    """How many bytes an upload may have at most, also where the spool is empty."""
    spool = settings.gateway.spool_mb * MIB
    return min(settings.maximum_upload, spool or settings.maximum_upload)


def refuse_too_large(settings: Settings, size: int | None) -> None:
    """Raises TooLarge for what can never be taken."""
    if size is not None and size > settings.maximum_upload:
        limit = settings.maximum_upload // MIB
        raise TooLarge(f"The upload is larger than the limit of {limit} MiB (VideoGateway.MaximumUploadMB).")
    _refuse_beyond_spool(settings, size)


def _refuse_beyond_spool(settings: Settings, size: int | None) -> None:
    most = settings.gateway.spool_mb
    if size is not None and most and size > most * MIB:
        raise TooLarge(f"The upload is larger than the spool of {most} MiB (VideoGateway.SpoolMB).")
