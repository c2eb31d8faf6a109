"""Requests whose body is one small JSON object."""

from __future__ import annotations

import json
from collections.abc import Mapping
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


async def small_object(request: Request, example: str, most: str) -> dict[str, Any]:
    """As ``json_object``, for requests that are malformed where too large: ``most`` says what they may hold."""
    try:
        return await json_object(request, example)
    except TooLarge as error:
        raise BadRequest(f"The request is larger than 1 MiB; {most}.") from error


def one_of(given: Mapping[str, Any], key: str, known: tuple[str, ...], otherwise: str) -> str:
    """A word among those ``known``, or ``otherwise``, which need not be among them; raises BadRequest."""
    said = given.get(key, otherwise)
    if key in given and said not in known:
        raise BadRequest(f'"{key}" must be one of {", ".join(known)}.')
    return str(said)


def flag(given: Mapping[str, Any], key: str, *, otherwise: bool = False) -> bool:
    """Raises BadRequest for what is neither true nor false."""
    value = given.get(key, otherwise)
    if not isinstance(value, bool):
        raise BadRequest(f'"{key}" must be true or false.')
    return value
