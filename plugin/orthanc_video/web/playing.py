"""What is sent of a video: the stored bytes where browsers play them or they are asked for, else a rendition."""

from __future__ import annotations

import asyncio
import contextlib
import re
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from orthanc_video import metrics
from orthanc_video.archive.changes import Arrival
from orthanc_video.archive.objects import Stored, StoredFilm, StoredVideo
from orthanc_video.dicom import syntaxes
from orthanc_video.errors import Busy, Preparing, revive
from orthanc_video.jobs import renditions
from orthanc_video.web import accepting, streaming
from orthanc_video.web.context import Gateway

MP4 = "video/mp4"
# Whatever it is, byte for byte.
AS_STORED = "application/octet-stream"
_WAIT = re.compile(r"\bwait\s*=\s*(\d{1,6})", re.IGNORECASE)


def accepted(request: Request) -> str:
    """Accept, or the accept parameter, which has priority (PS3.18 8.7.8.1) and fits into a link."""
    return request.query_params.get("accept") or request.headers.get("accept", "*/*")


def stored_types(stored: Stored) -> tuple[str, ...]:
    """The names by which the stored bytes are asked for, when browsers cannot play them; single pictures have none."""
    if isinstance(stored, StoredFilm):
        return ()
    kind = syntaxes.BY_UID[stored.located.transfer_syntax].media_type
    return (AS_STORED,) if kind == MP4 else (kind, AS_STORED)


def acceptable(request: Request, stored: Stored) -> bool:
    """Whether anything that can be sent of the video is what the request accepts."""
    return any(accepting.weight(accepted(request), kind) for kind in (MP4, *stored_types(stored)))


async def respond(request: Request, gateway: Gateway, stored: Stored) -> Response:
    """The video as this request wants it; raises Preparing while its rendition is being made."""
    kind = _wanted_as_stored(request, stored)
    if isinstance(stored, StoredVideo) and (stored.playable or kind):
        return await streaming.respond(request, stored, kind)
    return await streaming.respond(request, await shown(request, gateway, stored))


def _wanted_as_stored(request: Request, stored: Stored) -> str:
    """The type by which the stored bytes are asked for, at least as much as an MP4 is; empty when they are not."""
    if stored.playable:
        return ""
    accept = accepted(request)
    kind = accepting.named(accept, stored_types(stored))
    return kind if kind and accepting.weight(accept, kind) >= accepting.weight(accept, MP4) else ""


async def shown(request: Request, gateway: Gateway, stored: Stored) -> StoredVideo:
    """What a browser plays of a video: itself, or its rendition, made now if there is none and it does not take long.

    Raises Preparing with the job when it takes longer than AnswerSeconds, or than the request wants to wait
    (Prefer: RFC 7240 4.3), and what the rendition failed with when it cannot be made.
    """
    if isinstance(stored, StoredVideo) and stored.playable:
        return stored
    made = renditions.found(gateway.settings, stored)
    metrics.looked_up("renditions", hit=made is not None)
    if made is None:
        await _make(request, gateway, stored)
        made = renditions.found(gateway.settings, stored)
    if made is None:  # so many are made just now that the cache has no room for all of them
        raise Busy("The rendition of this video was just made, and had to make room for another. Try again.")
    return made


async def _make(request: Request, gateway: Gateway, stored: Stored) -> None:
    job, waiter = await asyncio.to_thread(gateway.engine.render, Arrival(stored.instance, stored.uuid))
    outcome: dict[str, Any] = {}
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_patience(request, gateway)):
            outcome = await asyncio.shield(asyncio.wrap_future(waiter))
    if not outcome:
        raise Preparing("Browsers cannot play this video as it is stored; an MP4 of it is being made.", job)
    if outcome["State"] == "Cancelled":
        raise Busy(f"{outcome['Sentence']} Ask again to have it made.")
    if outcome["State"] != "Success":
        raise revive(outcome.get("Kind", ""), outcome["Sentence"])


def _patience(request: Request, gateway: Gateway) -> float:
    wanted = _WAIT.search(request.headers.get("prefer", ""))
    most = gateway.settings.gateway.answer_seconds
    return min(most, float(wanted[1])) if wanted else most
