"""One request at a time adds to an upload; one whose line is dead gives way to the next."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from orthanc_video.errors import Conflict, Locked

# A request that has sent nothing for this long gives way to another one: its line is probably dead.
SILENT_SECONDS = 3.0
# A line that has just broken is noticed within this time, so that who comes back at once finds all that had arrived.
SETTLING_SECONDS = 1.0


@dataclass
class Turn:
    """One request that adds to an upload; ``heard`` is when its last bytes came."""

    task: asyncio.Task[Any] | None
    heard: float = field(default_factory=time.monotonic)
    cut: bool = False
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    def hear(self) -> None:
        self.heard = time.monotonic()

    def end(self) -> None:
        if not self.cut and self.task is not None:
            self.cut = True
            self.task.cancel()


class Turns:
    """Who adds to which upload."""

    def __init__(self) -> None:
        self._turns: dict[str, Turn] = {}

    @asynccontextmanager
    async def take(self, upload: str) -> AsyncIterator[Turn]:
        """Raises Locked while another request adds to it, and Conflict in one that has to give way."""
        if not await self.quiet(upload):
            raise Locked("Another request is adding to this upload. Try again in a moment.")
        turn = self._turns[upload] = Turn(asyncio.current_task())
        try:
            yield turn
        except asyncio.CancelledError:
            if not turn.cut or turn.task is None:
                raise
            turn.task.uncancel()
            raise Conflict("The line was silent, and another request has taken over this upload.") from None
        finally:
            del self._turns[upload]
            turn.ended.set()

    async def quiet(self, upload: str, patience: float = SILENT_SECONDS) -> bool:
        """Whether nobody adds to it now. One silent for ``patience`` seconds is ended, another is given a moment."""
        while (turn := self._turns.get(upload)) is not None:
            if time.monotonic() - turn.heard >= patience:
                turn.end()
                await turn.ended.wait()
                continue
            try:
                await asyncio.wait_for(turn.ended.wait(), SETTLING_SECONDS)
            except TimeoutError:
                return False
        return True
