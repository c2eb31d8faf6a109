"""WADO-URI (PS3.18 9) of videos and films: Retrieve Rendered and Retrieve Instance, asked for by a query alone."""

from __future__ import annotations

import math
from collections.abc import Mapping
from urllib.parse import urlencode

from fastapi import APIRouter
from pydicom.dataset import Dataset
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from orthanc_video.archive.objects import StoredFilm
from orthanc_video.dicom import metadata
from orthanc_video.dicom.said import whole
from orthanc_video.errors import BadRequest, BrokenVideo, NotAcceptable, NotFound, NotVideo
from orthanc_video.web import accepting
from orthanc_video.web.context import CallerNow, GatewayParts, caller_of, gateway_of
from orthanc_video.web.dicomweb import passing, paths, retrieving
from orthanc_video.web.dicomweb.parameters import LARGEST
from orthanc_video.web.dicomweb.retrieving import DICOM

# Which of them there is of a video, its own resource says.
_RENDERED = ("video/mp4", "video/mpeg", "video/H265", "image/jpeg", "image/png", "image/gif")
_CANNOT = "This object cannot be had as what is asked for."
_UIDS = ("studyUID", "seriesUID", "objectUID")
# Nothing of these is done to videos, and who asks for it must not take the answer for what was asked.
_REFUSED = ("anonymize", "presentationUID", "presentationSeriesUID")
_OF_RENDERED = (
    *("frameNumber", "rows", "columns", "region", "windowCenter", "windowWidth", "imageQuality", "annotation"),
    *("presentationUID", "presentationSeriesUID"),
)


def router(root: str) -> APIRouter:
    """The one resource that there is, at Orthanc's own ``WadoRoot``."""
    routes = APIRouter(tags=["DICOMweb"])
    routes.add_api_route(root, wado, methods=["GET"])
    routes.add_api_route(root, wado, methods=["HEAD"], operation_id="head_wado")
    return routes


async def wado(request: Request, gateway: GatewayParts, caller: CallerNow) -> Response:
    """A video as a file, as a video for players, or one of its frames as a picture (PS3.18 9)."""
    query = request.query_params
    if query.get("requestType") != "WADO" or not query.get("objectUID"):
        raise BadRequest("WADO-URI needs requestType=WADO, studyUID, seriesUID and objectUID.")
    try:
        instance = await gateway.access.instance(caller, query["objectUID"])
        said = await gateway.objects.attributes(caller, instance)
    except (NotFound, NotVideo, BrokenVideo):
        return await passing.forward(request, _CANNOT)
    if not metadata.moves(said):
        return await passing.forward(request, _CANNOT)
    if not all(query.get(name) for name in _UIDS):
        raise BadRequest("WADO-URI needs requestType=WADO, studyUID, seriesUID and objectUID.")
    kinds = query.get("contentType") or request.headers.get("accept", "")
    if not kinds:
        raise NotAcceptable("The request has neither contentType nor an Accept header. Send Accept: */* for anything.")
    uids = (query["studyUID"], query["seriesUID"], query["objectUID"])
    if accepting.weight(kinds, DICOM, by_name=True):
        return await _file(request, uids, kinds)
    if not any(accepting.weight(kinds, kind) for kind in _RENDERED):
        raise NotAcceptable(f"A video can be had as {', '.join((*_RENDERED, DICOM))}.")
    return _Elsewhere(request, _rendered(uids, query), translated(query, said), kinds)


async def _file(request: Request, uids: tuple[str, str, str], kinds: str) -> Response:
    query = request.query_params
    wrong = [name for name in (*_OF_RENDERED, "anonymize") if name in query]
    if wrong:
        raise BadRequest(f"{wrong[0]} cannot be had with application/dicom: what is sent is the file as it is stored.")
    if any(entry.name.startswith(("image/", "video/")) for entry in accepting.entries(kinds)):
        raise BadRequest("application/dicom and rendered media types cannot be asked for in one request.")
    gateway, caller = gateway_of(request), caller_of(request)
    stored = await gateway.objects.readable(caller, uids[-1])
    if isinstance(stored, StoredFilm):
        return await passing.forward(request, _CANNOT)
    syntax = query.get("transferSyntax", "") or stored.located.transfer_syntax
    if syntax not in {offer.syntax for offer in retrieving.offers(stored)}:
        raise NotAcceptable(f"The video is stored in transfer syntax {stored.located.transfer_syntax}, and sent in it.")
    return _Elsewhere(request, paths.resource(*uids), {}, f"{DICOM}; transfer-syntax={syntax}")


def _rendered(uids: tuple[str, str, str], query: Mapping[str, str]) -> str:
    frame = query.get("frameNumber", "")
    return paths.resource(*uids, f"frames/{frame}/rendered" if frame else "rendered")


def translated(query: Mapping[str, str], said: Dataset) -> dict[str, str]:
    """The parameters of Retrieve Rendered (8.3.5.1) that mean the same; raises BadRequest for what makes no sense.

    Their values are judged where they are read.
    """
    if refused := [name for name in (*_REFUSED, "transferSyntax") if name in query]:
        raise BadRequest(f"{refused[0]} is not supported for what is rendered of a video.")
    if "frameNumber" in query and not _counts(query["frameNumber"], whole(said, "NumberOfFrames") or 1):
        raise BadRequest(f"frameNumber must be a whole number from 1 to {whole(said, 'NumberOfFrames') or 1}.")
    found = {}
    if "windowCenter" in query or "windowWidth" in query:
        found["window"] = f"{query.get('windowCenter', '')},{query.get('windowWidth', '')},linear"
    if {"rows", "columns", "region"} & set(query):
        found["viewport"] = _viewport(query, said)
    for ours, theirs in (("imageQuality", "quality"), ("annotation", "annotation")):
        if ours in query:
            found[theirs] = query[ours]
    return found


def _viewport(query: Mapping[str, str], said: Dataset) -> str:
    """``rows`` and ``columns`` bound the answer; ``region`` is in parts of the picture (9.5)."""
    bounds = [query.get("columns", ""), query.get("rows", "")]
    if not all(_counts(bound, LARGEST) for bound in bounds if bound) or ("rows" in query and not bounds[1]):
        raise BadRequest(f"rows and columns must be whole numbers from 1 to {LARGEST}.")
    if "region" not in query:
        return ",".join(bound or str(LARGEST) for bound in bounds)
    width, height = (whole(said, keyword) or 0 for keyword in ("Columns", "Rows"))
    left, top, right, bottom = _region(query["region"])
    size = ((right - left) * width, (bottom - top) * height)
    if any(bounds):
        limits = [bound or str(LARGEST) for bound in bounds]
    else:
        limits = [str(max(1, math.ceil(side))) for side in size]
    return ",".join((*limits, f"{left * width:.3f}", f"{top * height:.3f}", f"{size[0]:.3f}", f"{size[1]:.3f}"))


def _region(text: str) -> tuple[float, float, float, float]:
    try:
        left, top, right, bottom = (float(part) for part in text.split(","))
    except ValueError as error:
        raise BadRequest("region must be xmin,ymin,xmax,ymax, each from 0.0 to 1.0.") from error
    if not (0 <= left < right <= 1 and 0 <= top < bottom <= 1):
        raise BadRequest("region must be xmin,ymin,xmax,ymax, each from 0.0 to 1.0, the first two below the others.")
    return left, top, right, bottom


def _counts(text: str, most: int) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 9 and 1 <= int(text) <= most


class _Elsewhere(Response):
    """What another resource of this gateway answers to the same caller."""

    def __init__(self, request: Request, path: str, query: Mapping[str, str], accept: str) -> None:
        super().__init__()
        path = gateway_of(request).settings.dicom_web_root + path
        headers = [(name, value) for name, value in request.scope["headers"] if name != b"accept"]
        self._app = request.app
        self._scope = {key: value for key, value in request.scope.items() if key not in _OF_ROUTE} | {
            "path": path,
            "raw_path": path.encode(),
            "query_string": urlencode(query).encode(),
            "headers": [*headers, (b"accept", accept.encode("latin-1", "replace"))],
        }

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        await self._app.router(self._scope, receive, send)


# What routing has added to a request.
_OF_ROUTE = frozenset({"endpoint", "path_params", "route", "router"})
