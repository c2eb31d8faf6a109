"""What is sent of a video: the stored bytes where browsers play them or they are asked for, else a rendition."""

from __future__ import annotations

import asyncio
import contextlib
import re
from dataclasses import dataclass
from typing import Any, TypeGuard

from starlette.requests import Request
from starlette.responses import Response

from orthanc_video import metrics
from orthanc_video.archive.callers import Caller
from orthanc_video.archive.changes import Arrival
from orthanc_video.archive.objects import Stored, StoredFilm, StoredVideo
from orthanc_video.dicom import syntaxes
from orthanc_video.errors import Busy, Preparing, revive
from orthanc_video.jobs import renditions
from orthanc_video.jobs.renditions import PLAIN
from orthanc_video.picture import Rendering
from orthanc_video.web import accepting, growing, preferring, streaming
from orthanc_video.web.context import Gateway

MP4 = "video/mp4"
# Whatever it is, byte for byte.
AS_STORED = "application/octet-stream"
# A range that is all of it: what players ask for first.
_ALL = re.compile(r"\s*bytes\s*=\s*0*0\s*-\s*", re.ASCII | re.IGNORECASE)
Outcome = dict[str, Any]


def accepted(request: Request) -> str:
    """Accept, or the accept parameter, which has priority (PS3.18 8.7.8.1) and fits into a link."""
    return request.query_params.get("accept") or request.headers.get("accept", "*/*")


def stored_type(stored: Stored) -> str:
    """The media type of the stored stream (PS3.18 8.7.3.3); single pictures have none."""
    return "" if isinstance(stored, StoredFilm) else syntaxes.BY_UID[stored.located.transfer_syntax].media_type


async def wanted(request: Request, gateway: Gateway, caller: Caller, named: str) -> Stored:
    """What the caller may read; of any image where it is wanted as it is stored."""
    if accepting.named(accepted(request), {AS_STORED}):
        return await gateway.objects.image(caller, named)
    return await gateway.objects.readable(caller, named)


async def as_stored(request: Request, stored: Stored) -> Response:
    """The stored bytes: a stream as it is, single pictures one after the other."""
    if isinstance(stored, StoredFilm):
        return await streaming.send(request, streaming.pictures_of(stored, AS_STORED))
    return await streaming.respond(request, stored, wanted_as_stored(request, stored))


async def send(
    request: Request,
    gateway: Gateway,
    stored: Stored,
    kind: str,
    rendering: Rendering = PLAIN,
    *,
    retimed: bool = False,
) -> Response:
    """The video as ``kind``: video/mp4, or a type by which the stored bytes are asked for.

    ``retimed``: an MP4 for players that go to single frames by their times, not byte for byte as it is stored.
    Raises Preparing while its rendition is being made, for those who want it whole (``_wants_whole``), and for the
    others where it takes too long before there is something to play.
    """
    if isinstance(stored, StoredVideo) and rendering == PLAIN and kind != MP4:
        return await streaming.respond(request, stored, kind)
    if _is_shown(stored, rendering) or _wants_whole(request):
        made = await shown(request, gateway, stored, rendering)
    else:
        found = _found(gateway, stored, rendering)
        if found is None:
            making = await Making.begin(gateway, stored, rendering)
            grown = await making.grown(preferring.patience(request, gateway.settings.gateway.answer_seconds))
            if grown is not None:
                return growing.respond(request, grown, f"{stored.instance}.mp4")
            found = await making.made(0)
        made = found
    return await streaming.respond(request, await gateway.retimed.of(made) if retimed else made)


def _is_shown(stored: Stored, rendering: Rendering) -> TypeGuard[StoredVideo]:
    """Whether browsers play it as it is stored, and nothing else is wanted of it."""
    return isinstance(stored, StoredVideo) and stored.playable and rendering == PLAIN


def wanted_as_stored(request: Request, stored: Stored) -> str:
    """The type by which the stored bytes are asked for, at least as much as an MP4 is; empty when they are not."""
    if stored.playable:
        return ""
    accept = accepted(request)
    kind = accepting.named(accept, {stored_type(stored), AS_STORED} - {MP4, ""})
    return kind if kind and accepting.weight(accept, kind) >= accepting.weight(accept, MP4) else ""


def _wants_whole(request: Request) -> bool:
    """Whether nothing but a finished rendition will do: for a part of it, or who says how long it may take."""
    asked = request.headers
    part = "range" in asked and not _ALL.fullmatch(asked["range"])
    return part or "if-match" in asked or preferring.says_how_long(request)


async def shown(request: Request, gateway: Gateway, stored: Stored, rendering: Rendering = PLAIN) -> StoredVideo:
    """What a browser plays of a video: itself, or its rendition, made now if there is none and it does not take long.

    Raises Preparing with the job when it takes longer than AnswerSeconds, or than the request wants to wait
    (Prefer: RFC 7240 4.3), and what the rendition failed with when it cannot be made.
    """
    if _is_shown(stored, rendering):
        return stored
    made = _found(gateway, stored, rendering)
    if made is None:
        making = await Making.begin(gateway, stored, rendering)
        made = await making.made(preferring.patience(request, gateway.settings.gateway.answer_seconds))
    return made


def _found(gateway: Gateway, stored: Stored, rendering: Rendering) -> StoredVideo | None:
    made = renditions.found(gateway.settings, stored, rendering)
    metrics.looked_up("renditions", hit=made is not None)
    return made


@dataclass(frozen=True, slots=True)
class Making:
    """A rendition that is being made: by this job, whose outcome will come."""

    gateway: Gateway
    stored: Stored
    rendering: Rendering
    job: str
    outcome: asyncio.Future[Outcome]

    @classmethod
    async def begin(cls, gateway: Gateway, stored: Stored, rendering: Rendering) -> Making:
        """Has it made, unless somebody has by now. Raises what it failed with, and Busy where too many are."""
        arrival = Arrival(stored.instance, stored.uuid)
        job, waiter = await asyncio.to_thread(gateway.engine.render, arrival, rendering)
        return cls(gateway, stored, rendering, job, asyncio.wrap_future(waiter))

    async def grown(self, patience: float | None) -> growing.Growing | None:
        """What can be played of it within so many seconds; None where there is nothing to be played before its end."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience):
                return await growing.begun(lambda: self.gateway.engine.growing(self.job), self.outcome)
        return None

    async def made(self, patience: float | None) -> StoredVideo:
        """All of it, once it is there: within so many seconds, or Preparing is raised; else what it failed with."""
        if not self.outcome.done():
            await asyncio.wait([self.outcome], timeout=patience)
        outcome = self.outcome.result() if self.outcome.done() else {}
        if not outcome:
            raise Preparing("An MP4 of this video, which browsers play, is being made.", self.job)
        if outcome["State"] == "Cancelled":
            raise Busy(f"{outcome['Sentence']} Ask again to have it made.")
        if outcome["State"] != "Success":
            raise revive(outcome.get("Kind", ""), outcome["Sentence"])
        made = renditions.found(self.gateway.settings, self.stored, self.rendering)
        if made is None:  # so many are made just now that the cache has no room for all of them
            raise Busy("The rendition of this video was just made, and had to make room for another. Try again.")
        return made
