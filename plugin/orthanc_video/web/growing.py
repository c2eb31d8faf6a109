"""A rendition sent while it is being made: 200 and its bytes as they come, without a length, ranges or a name.

A client that has all of them has a whole rendition. What ends before that is broken off: the job failed or was
cancelled, another attempt at it began from the beginning, or the gateway stops.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import AsyncIterator, Callable
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from orthanc_video import metrics

log = logging.getLogger(__name__)

_BLOCK = 1 << 20
# How often is looked for more: several times in a fragment's quarter of a second.
_LOOK_SECONDS = 0.05
# The boxes before which nothing can be shown, and the last of all (ISO/IEC 14496-12 8.8.11), which ffmpeg writes once
# there is nothing more to come.
_HEAD = (b"ftyp", b"moov", b"moof", b"mdat")
_LAST = b"\0\0\0\x10mfro"
_MOST_BOXES = 16
Outcome = dict[str, Any]


class BrokenOff(Exception):
    """What was being sent will not be whole."""


_on_purpose: ContextVar[bool] = ContextVar("_on_purpose", default=False)


def break_off() -> None:
    """To be said in a request's own task before it returns in mid-answer: the server then closes the connection.

    That is all that HTTP/1.1 has for it. ASGI has no word for it, so the server takes it for a mistake.
    """
    _on_purpose.set(True)


def is_unexpected(record: logging.LogRecord) -> bool:
    """Whether the log is to have it: not the server's complaint about what is broken off on purpose, as it tells."""
    return not (_on_purpose.get() and "without completing response" in record.getMessage())


class Growing:
    """The file in which a rendition grows, and the outcome of the job that makes it; ``close`` ends its use."""

    def __init__(self, descriptor: int, outcome: asyncio.Future[Outcome]) -> None:
        self._descriptor = descriptor
        self._outcome = outcome

    def close(self) -> None:
        os.close(self._descriptor)

    def can_be_shown(self) -> bool:
        """Whether the first fragment is there."""
        at, seen, size = 0, set(), os.fstat(self._descriptor).st_size
        for _ in range(_MOST_BOXES):
            head = os.pread(self._descriptor, 8, at)
            length = int.from_bytes(head[:4])
            if len(head) < 8 or length < 8 or at + length > size:
                break
            seen.add(head[4:])
            at += length
        return seen.issuperset(_HEAD)

    async def blocks(self) -> AsyncIterator[bytes]:
        """All of it as it comes, in constant memory; raises BrokenOff when it turns out not to become whole."""
        at = 0
        while True:
            ended = self._outcome.done()  # before it is read: what comes to an end is whole then
            block = await asyncio.to_thread(os.pread, self._descriptor, _BLOCK, at)
            if block:
                at += len(block)
                metrics.sent_bytes.inc(len(block))
                yield block
            elif ended:
                state = self._outcome.result().get("State", "not known here: the gateway stops")
                if state != "Success":
                    raise BrokenOff(f"its job's outcome is {state}")
                if not self._is_whole():
                    raise BrokenOff("another attempt at it came to an end")
                return
            elif self._is_given_up():
                raise BrokenOff("another attempt at it began")
            else:
                await asyncio.wait([self._outcome], timeout=_LOOK_SECONDS)

    def _is_whole(self) -> bool:
        size = os.fstat(self._descriptor).st_size
        return os.pread(self._descriptor, len(_LAST), max(0, size - 2 * len(_LAST))) == _LAST

    def _is_given_up(self) -> bool:
        """Whether another attempt has removed it: whoever makes it removes it only when it is whole."""
        return os.fstat(self._descriptor).st_nlink == 0 and not self._is_whole()


async def begun(place: Callable[[], Path | None], outcome: asyncio.Future[Outcome]) -> Growing | None:
    """The rendition once its first fragment is there; None when the job has ended, or hands over a finished file.

    ``place`` tells where it grows by now. To be given up by cancelling.
    """
    while not outcome.done():
        path = place()
        growing = _opened(path, outcome) if path is not None else None
        if growing is not None:
            if growing.can_be_shown():
                return growing
            growing.close()
        await asyncio.wait([outcome], timeout=_LOOK_SECONDS)
    return None


def _opened(path: Path, outcome: asyncio.Future[Outcome]) -> Growing | None:
    with contextlib.suppress(FileNotFoundError):
        return Growing(os.open(path, os.O_RDONLY), outcome)
    return None


def respond(request: Request, growing: Growing, filename: str) -> Response:
    """200 with what there is and what comes."""
    headers = {
        "Accept-Ranges": "none",
        "Cache-Control": "no-store",
        "Content-Type": "video/mp4",
        "Content-Disposition": f'inline; filename="{filename}"',
        "Vary": "Accept, Prefer, Range",
        "X-Content-Type-Options": "nosniff",
    }
    return _Sent(growing, headers, head=request.method == "HEAD")


class _Sent(StreamingResponse):
    """Closes the file however sending ends; the connection closes in mid-answer where it is not whole."""

    def __init__(self, growing: Growing, headers: dict[str, str], *, head: bool) -> None:
        super().__init__(iter(()) if head else growing.blocks(), headers=headers)
        self._growing = growing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        except BrokenOff as error:
            log.warning("A rendition that was sent while it was being made is broken off: %s.", error)
            break_off()
        finally:
            self._growing.close()
