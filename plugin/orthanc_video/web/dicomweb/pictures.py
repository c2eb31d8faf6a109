"""Retrieve Rendered as pictures (PS3.18 8.7.4, 10.4): of instances, series and studies."""

from __future__ import annotations

from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from orthanc_video.archive.callers import Caller
from orthanc_video.archive.members import Member, members
from orthanc_video.archive.objects import Stored, StoredVideo, belongs
from orthanc_video.errors import BadRequest, BrokenVideo, Forbidden, NotAcceptable, NotFound, NotVideo, VideoError
from orthanc_video.picture import GIF, JPEG, LARGEST_SIDE, PNG, Drawing, Rendering
from orthanc_video.web.accepting import Entry, Offer
from orthanc_video.web.context import Gateway, caller_of, gateway_of
from orthanc_video.web.dicomweb import framelist, negotiation, parts, passing, sending
from orthanc_video.web.dicomweb.parameters import rendering

# What is no video, and what cannot be shown here: Orthanc may know more.
ORTHANCS = (NotVideo, BrokenVideo)
SINGLE = (Offer(JPEG), Offer(PNG), Offer(GIF))
PARTS = tuple(Offer(one.kind, parts=True) for one in SINGLE)
OFFERS = (*SINGLE, *PARTS)
_CANNOT = "This instance cannot be shown as any of the media types that are accepted."


async def of_instance(request: Request, stored: Stored, wanted: tuple[Entry, ...]) -> Response:
    """All frames in parts, or as one GIF that moves; as one JPEG or PNG a frame that shows something."""
    offer = negotiation.chosen(wanted, OFFERS)
    how, several = rendering(request.query_params), count(stored) != 1
    if offer.parts:
        framelist.refuse_many(count(stored) or 0)
    moving = offer.kind == GIF and several and not offer.parts
    representative = not offer.parts and not moving
    drawing = Drawing(kind=offer.kind, representative=representative, moving=moving, rendering=how)
    return await sending.respond(request, stored, drawing, together=offer.parts)


async def still(request: Request, study: str, series: str, instance: str) -> Response:
    """Of what is neither video nor film: drawn as those are, so that parameters mean the same; else by Orthanc."""
    gateway, caller = gateway_of(request), caller_of(request)
    how = rendering(request.query_params)
    try:
        stored = await gateway.objects.image(caller, instance)
    except ORTHANCS:
        refuse_too_large(how)
        return await passing.forward(request, _CANNOT)
    belongs(stored.parents, study, series)
    return await of_instance(request, stored, negotiation.wanted(request.headers, request.query_params))


def refuse_too_large(how: Rendering) -> None:
    """Before Orthanc is asked to draw: a viewport of 100,000 pixels ended the whole of it (seen with 1.10.1)."""
    if how.viewport is not None and max(how.viewport.width, how.viewport.height) > LARGEST_SIDE:
        raise BadRequest(f"A viewport may have {LARGEST_SIDE} columns and rows at most.")


async def single(request: Request, stored: Stored, kind: str, how: Rendering, frame: int | None = None) -> Response:
    """One picture, as WADO-URI wants it; without a number a frame that shows something."""
    frames = () if frame is None else (frame,)
    drawing = Drawing(kind=kind, frames=frames, representative=frame is None, rendering=how)
    return await sending.respond(request, stored, drawing)


def count(stored: Stored) -> int | None:
    """How many frames it has; of a video only its stream tells."""
    return None if isinstance(stored, StoredVideo) else len(stored.film.frames)


async def of_all(request: Request, gateway: Gateway, caller: Caller, study: str, series: str = "") -> Response:
    """All frames of a study's or series' images, and one of each video, each a part of multipart/related."""
    found = await members(gateway.access, caller, study, series)
    offer = negotiation.chosen(negotiation.wanted(request.headers, request.query_params), PARTS)
    how = rendering(request.query_params)
    sending.refuse(Drawing(kind=offer.kind, rendering=how))
    shown = await _images(request, found)
    framelist.refuse_many(sum(count(stored) or 1 for _, stored in shown))
    boundary = parts.boundary_of(request.url.path, str(request.query_params), offer.kind)
    blocks = _all(request, study, shown, Drawing(kind=offer.kind, rendering=how), boundary)
    first = await anext(blocks)  # what fails before it is answered as any failure is

    async def sent() -> AsyncIterator[bytes]:
        yield first
        async for block in blocks:
            yield block
        yield parts.end(boundary)

    whole = parts.related(offer.kind, boundary)
    return StreamingResponse(sent(), headers=sending.heading(how, ""), media_type=whole)


async def _images(request: Request, found: list[Member]) -> list[tuple[Member, Stored]]:
    """What can be shown of them, and this caller may see; raises Forbidden or NotAcceptable where that is nothing."""
    shown: list[tuple[Member, Stored]] = []
    why: VideoError = NotAcceptable("Nothing of this can be shown as a picture.")
    for member in found:
        try:
            shown.append((member, await gateway_of(request).objects.image(caller_of(request), member.instance)))
        except Forbidden as error:
            why = error
        except (*ORTHANCS, NotFound):
            continue
    if not shown:
        raise why
    return shown


async def _all(
    request: Request, study: str, shown: list[tuple[Member, Stored]], drawing: Drawing, boundary: str
) -> AsyncIterator[bytes]:
    """One instance after the other, each part named by the resource that it is."""
    root = gateway_of(request).settings.dicom_web_root
    for member, stored in shown:
        path = "/".join((root, "studies", study, "series", member.series, "instances", member.uid))
        one = isinstance(stored, StoredVideo)
        asked = Drawing(kind=drawing.kind, representative=one, rendering=drawing.rendering)
        made = await sending.drawn(request, stored, asked)
        places = [f"{path}/rendered"] if one else [f"{path}/frames/{at + 1}/rendered" for at in range(len(made.spans))]
        with made.file:
            frames = [(span,) for span in made.spans]
            async for block in sending.parted(made.file, frames, drawing.kind, boundary, places):
                yield block
