"""Requests whose body is one small JSON object."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from starlette.requests import Request

from orthanc_video.dicom.attributes import gathered
from orthanc_video.errors import BadRequest, TooLarge

_LONGEST = 1 << 20


async def json_object(request: Request, example: str) -> dict[str, Any]:
    """Numbers that are not whole are Decimals. Raises TooLarge, and BadRequest, with an example, for what is none or
    says one thing in two ways."""
    body = b""
    async for block in request.stream():
        body += block
        if len(body) > _LONGEST:
            raise TooLarge("The request is larger than 1 MiB.")
    try:
        given = json.loads(body, object_pairs_hook=gathered, parse_float=Decimal)
    except (ValueError, RecursionError) as error:
        raise BadRequest("The request is not valid JSON.") from error
    if not isinstance(given, dict):
        raise BadRequest(f"The request must be a JSON object, such as {example}.")
    return given
