"""Failures as RFC 9457 problem documents; on uploads with Orthanc's own error fields beside them."""

from __future__ import annotations

import http
import json
import logging

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from orthanc_video.errors import BadRequest, Busy, NotFound, Preparing, VideoError
from orthanc_video.jobs.database import TROUBLE

log = logging.getLogger(__name__)

# Orthanc's error codes (OrthancErrorCode of its plugin SDK) nearest to a status; Explorer 2 shows them.
_ORTHANC_STATUS = {400: 15, 401: 38, 403: 38, 404: 17, 413: 8, 415: 15, 422: 15, 503: 11}
_INTERNAL = -1
_KNOWN = frozenset(http.HTTPStatus)


def problem(error: VideoError, request: Request) -> Response:
    """The answer to a failed request."""
    status = error.status
    headers = {}
    if error.retry_after is not None:
        headers["Retry-After"] = str(error.retry_after)
    if status == http.HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = 'Basic realm="Orthanc Secure Area"'
    phrase = http.HTTPStatus(status).phrase if status in _KNOWN else error.title
    body = {
        "type": "about:blank",
        "title": error.title,
        "status": status,
        "detail": error.sentence,
        "Message": error.sentence,
        "HttpStatus": status,
        "HttpError": phrase,
        "OrthancError": error.title,
        "OrthancStatus": _ORTHANC_STATUS.get(status, _INTERNAL),
        "Method": request.method,
    }
    if isinstance(error, Preparing):
        body["Job"] = error.job
    # In ASCII with JSON's escapes: Orthanc's core calls every error text/plain, which clients then read as Latin-1.
    return Response(json.dumps(body), status_code=status, headers=headers, media_type="application/problem+json")


async def on_video_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, VideoError)  # noqa: S101
    if error.passing and not isinstance(error, Preparing):  # who runs this should know why callers have to come again
        cause = f" ({type(error.__cause__).__name__})" if error.__cause__ else ""
        log.warning("%s%s", error.sentence, cause)
    return problem(error, request)


async def on_database_trouble(request: Request, error: Exception) -> Response:
    busy = Busy(TROUBLE)
    busy.__cause__ = error
    return await on_video_error(request, busy)


async def on_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101
    kind = NotFound if error.status_code == http.HTTPStatus.NOT_FOUND else BadRequest
    answer = problem(kind(str(error.detail)), request)
    answer.status_code = error.status_code
    return answer


async def on_invalid(request: Request, error: Exception) -> Response:
    """A parameter of the wrong type: FastAPI's own complaint, in a sentence."""
    first = error.errors()[0] if hasattr(error, "errors") else {"loc": ("request",), "msg": "is malformed"}
    where = ".".join(str(part) for part in first["loc"])
    return problem(BadRequest(f"{where}: {first['msg']}."), request)


async def on_unexpected(request: Request, error: Exception) -> Response:
    log.error("unexpected %s while answering %s", type(error).__name__, request.method, exc_info=error)
    return problem(VideoError("The gateway failed in an unexpected way; its log says where."), request)
