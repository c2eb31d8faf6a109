"""Retrieve Bulk Data (PS3.18 8.7.3.3.2, 10.4.1.1.5): the stored stream of a video, the stored frames of a film."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from orthanc_video.archive.objects import Stored, StoredFilm, StoredVideo, belongs
from orthanc_video.dicom import syntaxes
from orthanc_video.dicom.locate import exact
from orthanc_video.errors import NotVideo
from orthanc_video.jobs.renditions import PLAIN
from orthanc_video.model import Span
from orthanc_video.web import playing, streaming, tickets
from orthanc_video.web.accepting import Offer
from orthanc_video.web.context import CallerNow, GatewayParts
from orthanc_video.web.dicomweb import negotiation, parts, passing, videos
from orthanc_video.web.streaming import Representation

router = APIRouter()

_OCTETS = "application/octet-stream"
_MPEG2 = "video/mpeg2"
# What a player that was given a link takes, of whatever moves.
_PLAYED = Offer(playing.MP4)
# What is not compressed; by implicit VR nothing is sent on the web (8.7.3.2), and of pixels alone it is the same.
_EXPLICIT = "1.2.840.10008.1.2.1"
# What a media type stands for without a transfer syntax (Tables 8.7.3-4, 8.7.3-5).
_DEFAULTS = {
    "video/mp4": syntaxes.H264_HIGH_41,
    "video/mpeg": syntaxes.MPEG2_HIGH,
    "video/H265": syntaxes.HEVC_MAIN,
    "image/jpeg": "1.2.840.10008.1.2.4.70",
    "image/jls": "1.2.840.10008.1.2.4.80",
    "image/jp2": "1.2.840.10008.1.2.4.90",
    "image/jphc": "1.2.840.10008.1.2.4.201",
    "image/dicom-rle": "1.2.840.10008.1.2.5",
    _OCTETS: _EXPLICIT,
}


@router.get("/studies/{study}/series/{series}/instances/{instance}/bulkdata")
@router.get("/studies/{study}/series/{series}/instances/{instance}/pixeldata", operation_id="pixeldata")
@router.head("/studies/{study}/series/{series}/instances/{instance}/bulkdata", operation_id="head_bulkdata")
@router.head("/studies/{study}/series/{series}/instances/{instance}/pixeldata", operation_id="head_pixeldata")
async def bulkdata(
    study: str, series: str, instance: str, request: Request, gateway: GatewayParts, caller: CallerNow
) -> Response:
    """Pixel Data as they are stored: of a video its whole stream, with ranges; of a film each frame as a part."""
    try:
        stored = await gateway.objects.readable(caller, instance)
    except NotVideo:
        return await passing.forward(request)
    belongs(stored.parents, study, series)
    wanted = negotiation.wanted(request.headers, request.query_params)
    linked = tickets.by_link(request)
    offer = negotiation.chosen(wanted, [*_offers(stored), *([_PLAYED] if linked else [])])
    if linked and (offer.kind, offer.parts) == (_PLAYED.kind, _PLAYED.parts):
        # OHIF plays the address that the metadata give it instead of /rendered: it gets what that sends.
        return await videos.respond(request, gateway, stored, offer.kind, PLAIN)
    frames = stored.film.frames if isinstance(stored, StoredFilm) else (exact(stored.located),)
    if not offer.parts and isinstance(stored, StoredVideo):
        return await streaming.respond(request, stored, _content_type(offer))
    return await streaming.send(request, _parts(stored, frames, offer))


def _offers(stored: Stored) -> list[Offer]:
    """Alone, where there is one of it, and as parts; in each transfer syntax that the very same bytes are of."""
    if isinstance(stored, StoredFilm):
        pictures = syntaxes.IMAGES[stored.film.transfer_syntax]
        uid = _EXPLICIT if pictures.native else pictures.uid
        return [Offer(kind, parts=True, syntax=uid) for kind in dict.fromkeys((pictures.media_type, _OCTETS))]
    uid = stored.located.transfer_syntax
    kind = syntaxes.BY_UID[uid].media_type
    names = (kind, _OCTETS, _MPEG2) if kind == "video/mpeg" else (kind, _OCTETS)
    return [
        Offer(name, together, syntax)
        for name in names
        for syntax in dict.fromkeys((uid, syntaxes.joined(uid)))
        for together in (False, True)
    ]


def _content_type(offer: Offer) -> str:
    """With the transfer syntax where it is not what the media type stands for by itself (8.7.3.5.2)."""
    kind = "video/mpeg" if offer.kind == _MPEG2 else offer.kind
    default = syntaxes.joined(offer.syntax) == _DEFAULTS[kind]
    return kind if default else f"{kind}; transfer-syntax={offer.syntax}"


def _parts(stored: Stored, frames: tuple[tuple[Span, ...], ...], offer: Offer) -> Representation:
    """multipart/related with one part for each frame, of a video with one for the stream; ranges hold, since nothing
    of it differs from one answer to the next (8.6.1.2)."""
    content_type = _content_type(offer)
    boundary = parts.boundary_of(stored.uuid, content_type)
    pieces: list[Span | bytes] = []
    for frame in frames:
        pieces.append(parts.head(boundary, content_type, sum(span.length for span in frame)))
        pieces.extend(frame)
    pieces.append(parts.end(boundary))
    kind = content_type.partition(";")[0]
    return Representation(
        path=stored.path,
        pieces=tuple(pieces),
        tag=f"{stored.uuid}-{boundary[:8]}",
        kind=parts.related(kind, boundary),
        name=f"{stored.instance}.multipart",
    )
