"""Retrieve Rendered of a study or series (PS3.18 10.4): its videos, one after the other, as multipart/related.

Each is sent as an instance's is: as it is stored, from the cache, or while it is being made. Boundary and order are the
same at every call (8.6.1.2). A single-part type is never sent for more than one item (10.4.4 note 3).
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from orthanc_video.archive.callers import Caller
from orthanc_video.archive.members import Member, members
from orthanc_video.archive.objects import Stored, StoredVideo
from orthanc_video.errors import BrokenVideo, Forbidden, NotFound, NotVideo, VideoError
from orthanc_video.jobs import renditions
from orthanc_video.jobs.renditions import PLAIN
from orthanc_video.picture import Rendering
from orthanc_video.web import playing, streaming
from orthanc_video.web.accepting import Entry, Offer
from orthanc_video.web.context import Gateway
from orthanc_video.web.dicomweb import negotiation, parameters, videos
from orthanc_video.web.growing import BrokenOff, break_off
from orthanc_video.web.playing import Making

log = logging.getLogger(__name__)

# Of a long study, so many objects are looked at together: Orthanc's threads are for others, too.
_AT_ONCE = 4
PARTS = [Offer(kind, parts=True) for kind in videos.KINDS]


@dataclass(frozen=True, slots=True)
class Part:
    """A video as ``kind``; ``ready`` is its stream, or the rendition that is being made."""

    location: str
    kind: str
    name: str
    ready: StoredVideo | Making

    async def blocks(self) -> AsyncIterator[bytes | memoryview]:
        """Raises BrokenOff where it cannot be whole."""
        stream = self.ready
        if isinstance(stream, Making):
            grown = await stream.grown(None)
            if grown is not None:
                try:
                    async for block in grown.blocks():
                        yield block
                finally:
                    grown.close()
                return
            try:
                stream = await stream.made(0)
            except VideoError as error:
                raise BrokenOff(error.sentence.rstrip(".")) from error
        async for piece in streaming.blocks(streaming.stream_of(stream)):
            yield piece


async def respond(
    request: Request, gateway: Gateway, caller: Caller, accepted: tuple[Entry, ...], study: str, series: str = ""
) -> Response | None:
    """The videos among what the path names; None where there are none."""
    asked = parameters.rendering(request.query_params)
    found = await _videos(gateway, caller, study, series)
    if not found:
        return None
    videos.refuse_unfit(asked)
    parts, left_out = await _parts(gateway, found, accepted, asked)
    warnings = dict.fromkeys(one for _, stored in found for one in videos.warnings(stored, asked))
    if left_out:
        warnings[f'299 orthanc-video "{left_out} of {len(found)} videos cannot be rendered and are left out."'] = None
    return _Together(parts, list(warnings))


async def _videos(gateway: Gateway, caller: Caller, study: str, series: str) -> list[tuple[str, Stored]]:
    """Each video's place below the DICOMweb root, and the video; without those that are not for this caller."""
    moving = [one for one in await members(gateway.access, caller, study, series) if one.frames]
    turns = asyncio.Semaphore(_AT_ONCE)

    async def video(one: Member) -> tuple[str, Stored] | None:
        async with turns:
            try:
                stored = await gateway.objects.readable(caller, one.instance)
            except (NotVideo, BrokenVideo, NotFound, Forbidden):
                return None
        return "/".join(("studies", study, "series", one.series, "instances", one.uid, "rendered")), stored

    return [found for found in await asyncio.gather(*map(video, moving)) if found is not None]


async def _parts(
    gateway: Gateway,
    found: list[tuple[str, Stored]],
    accepted: tuple[Entry, ...],
    asked: Rendering,
) -> tuple[list[Part], int]:
    """The parts, and how many videos are left out since they are known not to be renderable, or not as accepted.

    Raises NotAcceptable, or why the first cannot be rendered, where none is left.
    """
    parts: list[Part] = []
    failure: VideoError | None = None
    for location, stored in found:
        offers = videos.offers(stored, asked, parts=True)
        try:
            kind = negotiation.chosen(accepted, offers).kind
            ready = await _ready(gateway, stored, kind, videos.rendering_of(gateway, stored, kind, asked))
        except VideoError as error:
            if error.passing:
                raise
            failure = failure or error
            continue
        parts.append(Part(f"{gateway.settings.dicom_web_root}/{location}", kind, stored.uuid, ready))
    if failure is not None and not parts:
        raise failure
    return parts, len(found) - len(parts)


async def _ready(gateway: Gateway, stored: Stored, kind: str, rendering: Rendering) -> StoredVideo | Making:
    made: StoredVideo | None
    if isinstance(stored, StoredVideo) and rendering == PLAIN and (stored.playable or kind != playing.MP4):
        made = stored
    else:
        made = renditions.found(gateway.settings, stored, rendering)
    if made is None:
        return await Making.begin(gateway, stored, rendering)
    return await gateway.retimed.of(made) if kind == playing.MP4 else made


class _Together(StreamingResponse):
    """The connection closes in mid-answer where a part cannot be whole."""

    def __init__(self, parts: list[Part], warnings: list[str]) -> None:
        names = "\n".join(f"{part.name} {part.kind} {part.location}" for part in parts)
        self._boundary = hashlib.sha256(names.encode()).hexdigest()[:32]
        super().__init__(self._body(parts))
        kind = f'multipart/related; type="{parts[0].kind}"; boundary={self._boundary}'
        for name, value in (
            ("Content-Type", kind),
            ("Accept-Ranges", "none"),
            ("Cache-Control", "private, no-cache"),
            ("Vary", "Accept"),
            ("X-Content-Type-Options", "nosniff"),
            *(("Warning", warning) for warning in warnings),
        ):
            self.headers.append(name, value)

    async def _body(self, parts: list[Part]) -> AsyncIterator[bytes | memoryview]:
        for part in parts:
            head = f"\r\n--{self._boundary}\r\nContent-Type: {part.kind}\r\nContent-Location: {part.location}\r\n\r\n"
            yield head.encode()
            async for block in part.blocks():
                yield block
        yield f"\r\n--{self._boundary}--\r\n".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        except BrokenOff as error:
            log.warning("A study's or series' rendered videos are broken off: of one, %s.", error)
            break_off()
