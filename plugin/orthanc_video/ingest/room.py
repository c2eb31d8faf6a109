"""Room for uploads: what may begin, so that everything that has begun can finish."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
from types import TracebackType
from typing import Self

from orthanc_video.errors import Busy, TooLarge
from orthanc_video.settings import MIB, Settings


class Hold:
    """Room kept for one upload: those of its announced bytes that have not arrived. Leaving ``with`` gives it back."""

    def __init__(self, room: Room, size: int) -> None:
        self._room = room
        self._left = 0
        self.keep(size)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.keep(0)

    def keep(self, size: int) -> None:
        """So many bytes are still to come."""
        self._room.held += size - self._left
        self._left = size

    def took(self, size: int) -> None:
        """So many bytes have come: they lie on the disk now. More than were announced may."""
        self.keep(max(0, self._left - size))


class Room:
    """The gateway's spool as far as space goes. ``held`` is what uploads under way have announced and not yet sent."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._turn = asyncio.Lock()
        self.held = 0

    async def hold(self, announced: int | None) -> Hold:
        """Room for a new upload of so many bytes (None: nobody knows), to be asked for before any of them is read.

        Raises Busy at the marks of disk and spool, TooLarge for what the spool cannot hold at all.
        """
        async with self._turn:
            await asyncio.to_thread(self._refuse_at_marks, announced or 0)
            return Hold(self, announced or 0)

    def _refuse_at_marks(self, announced: int) -> None:
        gateway = self._settings.gateway
        free = shutil.disk_usage(self._settings.spool).free - (gateway.minimum_free_disk_mb * MIB)
        if free - self.held < announced:
            raise Busy("The gateway's disk is nearly full. Try again when there is room.")
        if not gateway.spool_mb:
            return
        if announced > gateway.spool_mb * MIB:
            raise TooLarge(f"The upload is larger than the spool of {gateway.spool_mb} MiB (VideoGateway.SpoolMB).")
        if self.used() + self.held + max(announced, 1) > gateway.spool_mb * MIB:
            raise Busy("As many uploads as the gateway's spool holds are under way. Try again when some are stored.")

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
