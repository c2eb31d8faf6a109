"""Destinations: what Orthanc knows, what they take, whether they answer; and what is sent to them."""

from __future__ import annotations

import asyncio
import uuid
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from orthanc_video.archive.callers import Caller
from orthanc_video.errors import BadRequest
from orthanc_video.jobs.peers import Peers
from orthanc_video.routing import words
from orthanc_video.routing.capabilities import Capabilities
from orthanc_video.routing.delivery import Delivery
from orthanc_video.routing.destinations import Destination
from orthanc_video.web.bodies import json_object
from orthanc_video.web.context import CallerNow, Gateway, GatewayParts
from orthanc_video.web.draining import DrainingRoute

router = APIRouter(tags=["destinations"], route_class=DrainingRoute)

_EXAMPLE = '{"Destination": "a name that Orthanc knows"}'


@router.get("/video/destinations")
async def list_destinations(gateway: GatewayParts, caller: CallerNow) -> Response:
    """Orthanc's modalities and DICOMweb servers, for those whom Orthanc shows its modalities."""
    await gateway.access.may_see_destinations(caller)
    return JSONResponse({"Destinations": await asyncio.to_thread(_all, gateway.engine.peers)})


def _all(peers: Peers) -> list[dict[str, Any]]:
    return [_told(one, peers.remembered(one)) for one in peers.destinations().values()]


@router.get("/video/destinations/{name}/capabilities")
async def capabilities(
    name: str, gateway: GatewayParts, caller: CallerNow, refresh: Annotated[bool, Query()] = False
) -> Response:
    """What it takes: asked now where that is not known, was asked long ago, or with refresh=true."""
    await gateway.access.may_see_destinations(caller)
    peers = gateway.engine.peers

    def ask() -> dict[str, Any]:
        destination = peers.destination(name)
        return _taken(peers.asked(destination) if refresh else peers.capabilities(destination))

    return JSONResponse(await asyncio.to_thread(ask))


@router.post("/video/destinations/{name}/echo")
async def echo(name: str, gateway: GatewayParts, caller: CallerNow) -> Response:
    """C-ECHO: whether it answers, and in how many milliseconds."""
    await _may_send(gateway, caller, name)
    peers = gateway.engine.peers
    seconds = await asyncio.to_thread(lambda: peers.echo(peers.destination(name)))
    return JSONResponse({"Milliseconds": round(seconds * 1e3, 1)})


@router.post("/video/instances/{named}/send")
async def send(named: str, request: Request, gateway: GatewayParts, caller: CallerNow) -> Response:
    """Delivers it to a destination, {"Destination": name}: a durable job, which is answered at once."""
    alone = caller.unvouched
    stored = await gateway.objects.readable(alone, named)
    name = await _destination(request)
    await _may_send(gateway, alone, name)
    await asyncio.to_thread(gateway.engine.peers.destination, name)
    task = Delivery(id=str(uuid.uuid4()), instance=stored.instance, uuid=stored.uuid, destination=name)
    await asyncio.to_thread(gateway.engine.deliver, task)
    job = await asyncio.to_thread(gateway.engine.job, task.id)
    return JSONResponse(job, status_code=202, headers={"Location": f"/video/jobs/{task.id}"})


@router.get("/video/instances/{named}/deliveries")
async def deliveries(named: str, gateway: GatewayParts, caller: CallerNow) -> Response:
    """Where it was sent, newest first: in which form and why, what was tried, how it is known to be there."""
    instance = await gateway.access.instance(caller, named)
    await gateway.access.attachment(caller, instance)
    return JSONResponse({"Deliveries": await asyncio.to_thread(gateway.engine.deliveries, instance)})


async def _destination(request: Request) -> str:
    given = await json_object(request, _EXAMPLE)
    if not isinstance(given.get("Destination"), str) or set(given) != {"Destination"}:
        raise BadRequest(f"The request must be a JSON object: {_EXAMPLE}.")
    return str(given["Destination"])


async def _may_send(gateway: Gateway, caller: Caller, name: str) -> None:
    """Raises unless Orthanc lets this caller store on that system: asked with nothing to store.

    Who may not learns nothing of what there is, so a name that is not known is asked for, too.
    """
    known = await asyncio.to_thread(gateway.engine.peers.destinations)
    destination = known.get(name)
    await gateway.access.may_store_on(caller, name, web=destination is not None and destination.web is not None)


def _told(destination: Destination, known: Capabilities | None) -> dict[str, Any]:
    dimse, web = destination.dimse, destination.web
    return {
        "Name": destination.name,
        "Kind": "DIMSE" if dimse else "DICOMweb",
        "AET": dimse.aet if dimse else None,
        "Address": f"{dimse.host}:{dimse.port}" if dimse else web.url if web else None,
        "Tls": dimse.tls if dimse else bool(web and web.url.startswith("https:")),
        "Fault": destination.fault,
        "Asked": known.asked if known else None,
    }


def _taken(known: Capabilities) -> dict[str, Any]:
    taken = [
        {
            "SOPClassUID": uid,
            "Class": words.class_name(uid),
            "TransferSyntaxes": [
                {"UID": syntax, "Name": words.syntax_name(syntax), "Refused": (uid, syntax) in known.refused}
                for syntax in sorted(syntaxes)
            ],
        }
        for uid, syntaxes in sorted(known.accepted.items())
    ]
    return {
        "Asked": known.asked,
        "AgeSeconds": int(known.age(datetime.now(UTC))),
        "Accepted": taken,
        "StorageCommitment": known.commitment,
        "Find": known.find,
        "MaximumLength": known.pdu,
        "Implementation": known.implementation,
    }
