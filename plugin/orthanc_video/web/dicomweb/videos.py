"""A video, or a film of single pictures, as rendered video: PS3.18 8.7.4, with its parameters (8.3.5.1)."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from orthanc_video.archive.objects import Stored, StoredFilm
from orthanc_video.errors import BadRequest
from orthanc_video.jobs import renditions
from orthanc_video.jobs.renditions import PLAIN
from orthanc_video.picture import ANNOTATIONS, LARGEST_SIDE, LEAST_SIDE, Rendering
from orthanc_video.web import playing
from orthanc_video.web.accepting import Offer
from orthanc_video.web.context import Gateway

# What videos may be sent as, whichever they are; none is the default (Table 8.7.4-1).
KINDS = (playing.MP4, "video/mpeg", "video/H265")


def offers(stored: Stored, asked: Rendering, *, parts: bool = False) -> list[Offer]:
    """As what it can be sent: an MP4, and as it is stored unless its pictures are to be others."""
    kinds = [playing.MP4]
    own = playing.stored_type(stored)
    if own and own != playing.MP4 and not _reshapes(asked):
        kinds.append(own)
    return [Offer(kind, parts) for kind in kinds]


def refuse_unfit(asked: Rendering) -> None:
    """Raises BadRequest for parameters that no video can have."""
    if asked.profile not in {"", "no"}:
        raise BadRequest("A video carries no ICC profile: iccprofile can only be no.")
    sides = (asked.viewport.width, asked.viewport.height) if asked.viewport else ()
    if not all(LEAST_SIDE <= side <= LARGEST_SIDE for side in sides):
        raise BadRequest(f"A video's viewport must have from {LEAST_SIDE} to {LARGEST_SIDE} columns and rows.")


def rendering_of(gateway: Gateway, stored: Stored, kind: str, asked: Rendering) -> Rendering:
    """How the video has to be made. ``PLAIN`` where it is sent as it is stored, which is lossy already (8.3.5.1.2).

    Raises BadRequest for parameters that no video can have.
    """
    refuse_unfit(asked)
    as_stored = stored.playable or kind != playing.MP4
    if as_stored and not _reshapes(asked):
        return PLAIN
    return renditions.settled(gateway.settings, stored, asked)


def warnings(stored: Stored, asked: Rendering) -> list[str]:
    """What of the parameters is left aside, as values of the header field Warning."""
    sentences = []
    unknown = [name for name in asked.annotations if name not in ANNOTATIONS]
    if unknown:
        sentences.append(f"The following annotation values are not supported: {', '.join(unknown)}")
    grey = isinstance(stored, StoredFilm) and stored.film.pixels.photometric.startswith("MONOCHROME")
    if asked.window is not None and not grey:
        sentences.append("The pictures are in colour, so window has no meaning for them")
    return [f'299 orthanc-video "{sentence}."' for sentence in sentences]


def _reshapes(asked: Rendering) -> bool:
    return asked.viewport is not None or any(name in ANNOTATIONS for name in asked.annotations)


async def respond(request: Request, gateway: Gateway, stored: Stored, kind: str, asked: Rendering) -> Response:
    """The video as ``kind``, shown as the parameters ask: for Retrieve Rendered and for WADO-URI alike.

    ``stored`` is one that the caller may read. Raises BadRequest for parameters that no video can have.
    """
    rendering = rendering_of(gateway, stored, kind, asked)
    answer = await playing.send(request, gateway, stored, kind, rendering, retimed=True)
    for warning in warnings(stored, asked):
        answer.headers.append("Warning", warning)
    return answer
