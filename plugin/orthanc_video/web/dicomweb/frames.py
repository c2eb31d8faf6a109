"""Retrieve Frames, decoded or as they are stored, and Retrieve Rendered Frames (PS3.18 10.4): exact to the frame."""

from __future__ import annotations

from dataclasses import replace

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from orthanc_video.archive.callers import Caller
from orthanc_video.archive.objects import Stored, StoredFilm, StoredVideo, belongs
from orthanc_video.dicom import syntaxes
from orthanc_video.errors import NoImage, NotAcceptable, NotFound, NotVideo
from orthanc_video.picture import JPEG, SAMPLES, Drawing
from orthanc_video.web import accepting
from orthanc_video.web.accepting import Entry, Offer
from orthanc_video.web.context import CallerNow, Gateway, GatewayParts, caller_of
from orthanc_video.web.dicomweb import framelist, negotiation, passing, pictures, sending
from orthanc_video.web.dicomweb.parameters import rendering

router = APIRouter()

_NATIVE = "1.2.840.10008.1.2.1"
_CANNOT = "Frames of this instance cannot be had as any of what is accepted."
_BASELINE = "1.2.840.10008.1.2.4.50"
_DECODED = (Offer(SAMPLES, parts=True, syntax=_NATIVE), Offer(SAMPLES, syntax=_NATIVE))


@router.get("/studies/{study}/series/{series}/instances/{instance}/frames/{listed}/rendered")
async def rendered_frames(
    study: str, series: str, instance: str, listed: str, request: Request, gateway: GatewayParts, caller: CallerNow
) -> Response:
    """Frames as pictures, one by itself or several in parts."""
    numbers = framelist.frames(listed)
    how = rendering(request.query_params)
    stored = await _readable(request, gateway, instance)
    if stored is None:
        pictures.refuse_too_large(how)
        return await _orthancs(request, gateway, caller, instance)
    belongs(stored.parents, study, series)
    wanted = negotiation.wanted(request.headers, request.query_params)
    alone = pictures.SINGLE if len(numbers) == 1 else ()
    offer = negotiation.chosen(wanted, (*alone, *pictures.PARTS))
    _refuse_beyond(stored, numbers)
    drawing = Drawing(kind=offer.kind, frames=numbers, rendering=how)
    return await sending.respond(request, stored, drawing, together=offer.parts)


@router.get("/studies/{study}/series/{series}/instances/{instance}/frames/{listed}")
async def frames(
    study: str, series: str, instance: str, listed: str, request: Request, gateway: GatewayParts, caller: CallerNow
) -> Response:
    """Frames' samples without compression, or coded as they are stored; of a video also as JPEG."""
    numbers = framelist.frames(listed)
    accept = request.headers.get("accept", "*/*")
    orthancs = accept == "*/*" or (accept.startswith("multipart/") and "," not in accept)  # it reads no lists
    stored = await _readable(request, gateway, instance, simple=numbers == (1,) and orthancs)
    if stored is None:
        try:
            return await _orthancs(request, gateway, caller, instance)
        except NotAcceptable:
            # It decodes less than is decoded here: no JPEG 2000, for one.
            stored = await _readable(request, gateway, instance)
            if stored is None:
                raise
    belongs(stored.parents, study, series)
    wanted = negotiation.wanted(request.headers, request.query_params)
    offers = [offer for offer in _offers(stored) if offer.parts or len(numbers) == 1]
    offer = accepting.chosen(_meant(wanted, stored), offers)
    _refuse_beyond(stored, numbers)
    if offer is None:
        if isinstance(stored, StoredVideo):
            raise NotAcceptable(f"Frames of a video can be had as {SAMPLES} in {_NATIVE}, and as {JPEG}.")
        # Another transfer syntax, perhaps, to which Orthanc can bring it.
        return await _orthancs(request, gateway, caller, instance)
    if isinstance(stored, StoredFilm) and offer not in _DECODED:
        return await sending.stored_frames(stored, [stored.film.frames[number - 1] for number in numbers], offer)
    drawing = Drawing(kind=offer.kind, frames=numbers)
    return await sending.respond(request, stored, drawing, together=offer.parts, syntax=offer.syntax)


async def _orthancs(request: Request, gateway: Gateway, caller: Caller, instance: str) -> Response:
    """Orthanc's answer. Where it has none, there are no such frames, or not as what is accepted."""
    try:
        return await passing.forward(request, _CANNOT)
    except NotAcceptable as error:
        try:
            await gateway.objects.image(caller, instance)
        except NoImage:
            raise NotFound("The instance is no image: it has no frames.") from error
        except pictures.ORTHANCS:  # nobody knows here
            raise error from None
        raise


async def _readable(request: Request, gateway: Gateway, instance: str, *, simple: bool = False) -> Stored | None:
    """A video, film or still image; None where it is for Orthanc: what is no image, a ``simple`` request of a still."""
    caller = caller_of(request)
    try:
        return await gateway.objects.readable(caller, instance)
    except NotVideo:
        if simple:
            return None
    except pictures.ORTHANCS:
        return None
    try:
        return await gateway.objects.image(caller, instance)
    except pictures.ORTHANCS:
        return None


def _refuse_beyond(stored: Stored, numbers: tuple[int, ...]) -> None:
    """Of a video only its stream tells how many there are, when they are drawn."""
    known = pictures.count(stored)
    if known is not None:
        framelist.refuse_beyond(numbers, known)


def _offers(stored: Stored) -> tuple[Offer, ...]:
    if isinstance(stored, StoredVideo):
        return (*_DECODED, Offer(JPEG, parts=True, syntax=_BASELINE), Offer(JPEG, syntax=_BASELINE))
    syntax = syntaxes.IMAGES[stored.film.transfer_syntax]
    if syntax.codec == "raw":
        return _DECODED
    as_stored = (Offer(syntax.media_type, together, syntax.uid) for together in (True, False))
    return (*_DECODED, *as_stored)


def _meant(wanted: tuple[Entry, ...], stored: Stored) -> tuple[Entry, ...]:
    """Octets in any transfer syntax are taken, as Orthanc and dcm4chee do, for whatever is stored."""
    if isinstance(stored, StoredVideo) or syntaxes.IMAGES[stored.film.transfer_syntax].codec == "raw":
        return wanted
    kind = syntaxes.IMAGES[stored.film.transfer_syntax].media_type
    return tuple(replace(one, name=kind) if (one.name, one.syntax) == (SAMPLES, "*") else one for one in wanted)
