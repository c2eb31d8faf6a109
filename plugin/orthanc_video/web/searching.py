"""Searches by what a person types: videos, and studies that one may join. By POST, since names are in no address.

And what a study that was found holds.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from orthanc_video.archive import catalogue, search, series
from orthanc_video.archive.identifiers import is_orthanc_id
from orthanc_video.archive.search import Sought
from orthanc_video.errors import BadRequest, NotFound
from orthanc_video.web.bodies import small_object
from orthanc_video.web.context import CallerNow, GatewayParts
from orthanc_video.web.draining import DrainingRoute

router = APIRouter(prefix="/video", tags=["videos"], route_class=DrainingRoute)

_EXAMPLE = '{"Patient": "doe", "From": "20261101", "To": "20261130", "Description": "gastro"}'
_KEYS = frozenset({"ParentStudy", "Patient", "From", "To", "Description", "Since", "Limit"})
_MOST = "it may say whom, when and what is looked for"
_LONGEST = 64
_PAGE, _LARGEST_PAGE = 50, 200
_STUDIES = 50


@router.post("/instances/find")
async def find_videos(request: Request, gateway: GatewayParts, caller: CallerNow) -> Response:
    """The videos and films of the studies that are looked for, newest first; answered as their list is."""
    given = await small_object(request, _EXAMPLE, _MOST)
    sought = await _within(given, sought_of(given), gateway, caller)
    since, limit = _whole(given, "Since", 0, 0, 1 << 31), _whole(given, "Limit", _PAGE, 1, _LARGEST_PAGE)
    films = await asyncio.to_thread(gateway.engine.films)
    found, total = await catalogue.videos(
        gateway.access, gateway.objects, caller.unvouched, films, since, limit, sought
    )
    return JSONResponse({"Instances": found, "Total": total, "Since": since})


@router.post("/studies/find")
async def find_studies(request: Request, gateway: GatewayParts, caller: CallerNow) -> Response:
    """The studies of any kind that are looked for, the latest first: whose a video is, is chosen among them."""
    given = await small_object(request, _EXAMPLE, _MOST)
    sought = await _within(given, sought_of(given), gateway, caller)
    limit = _whole(given, "Limit", _STUDIES, 1, _LARGEST_PAGE)
    if sought == Sought():
        raise BadRequest(f"Say what is looked for, such as {_EXAMPLE}.")
    found, more = await search.studies(gateway.access, caller.unvouched, sought, limit)
    return JSONResponse({"Studies": found, "More": more})


@router.get("/studies/{study}/series")
async def series_of_study(study: str, gateway: GatewayParts, caller: CallerNow) -> Response:
    """The series of a study (an Orthanc ID) that hold pictures, in the order of their numbers."""
    if not is_orthanc_id(study):
        raise NotFound("That is not the ID that Orthanc gives a study.")
    return JSONResponse({"Series": await series.of_study(gateway.access, caller, study)})


@router.get("/series/{named}")
async def one_series(named: str, gateway: GatewayParts, caller: CallerNow) -> Response:
    """What a series is, and whose: by its Orthanc ID or its Series Instance UID."""
    return JSONResponse(await series.of(gateway.access, caller, await gateway.access.series(caller, named)))


async def _within(given: Mapping[str, Any], sought: Sought, gateway: GatewayParts, caller: CallerNow) -> Sought:
    """The same of one study, if the request names one as Orthanc does. Raises BadRequest, and as Orthanc refuses it."""
    study = _text(given, "ParentStudy")
    if not study:
        return sought
    if not is_orthanc_id(study):
        raise BadRequest('"ParentStudy" must be the ID that Orthanc gives a study.')
    uid = await search.uid_of(gateway.access, caller.unvouched, study)
    return dataclasses.replace(sought, study=uid)


def sought_of(given: Mapping[str, Any]) -> Sought:
    """What a request looks for. Raises BadRequest."""
    unknown = sorted(set(given) - _KEYS)
    if unknown:
        raise BadRequest(f'A search knows no "{unknown[0][:40]}": the request is like {_EXAMPLE}.')
    first, last = _date(given, "From"), _date(given, "To")
    if first and last and first > last:
        raise BadRequest('"To" is before "From".')
    return Sought(patient=_text(given, "Patient"), first=first, last=last, description=_text(given, "Description"))


def _text(given: Mapping[str, Any], key: str) -> str:
    value = given.get(key, "")
    if not isinstance(value, str) or len(value) > _LONGEST or not value.isprintable():
        raise BadRequest(f'"{key}" must be a text of at most {_LONGEST} characters.')
    return value.strip()


def _date(given: Mapping[str, Any], key: str) -> str:
    value = _text(given, key)
    try:
        known = not value or datetime.strptime(value, "%Y%m%d").strftime("%Y%m%d") == value
    except ValueError:
        known = False
    if not known:
        raise BadRequest(f'"{key}" must be a date such as "20261122".')
    return value


def _whole(given: Mapping[str, Any], key: str, otherwise: int, least: int, most: int) -> int:
    value = given.get(key, otherwise)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise BadRequest(f'"{key}" must be a whole number from {least} to {most}.')
    return value
