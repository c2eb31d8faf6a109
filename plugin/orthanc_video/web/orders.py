"""Sending as Orthanc is asked to: POST /modalities/{name}/store with videos among what is sent, and the jobs of that.

Where there is no video, and where Orthanc would refuse, the request is Orthanc's, and so is the answer. What Orthanc
would take although nothing can be sent with it is refused here.
"""

from __future__ import annotations

import asyncio
import http
import uuid
from collections.abc import AsyncIterator
from typing import Any, Literal

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from orthanc_video.archive import jobs, orders
from orthanc_video.archive.orders import Asked, Parts
from orthanc_video.errors import BadRequest, Busy, NotFound
from orthanc_video.jobs.orders import Orders, Waiters
from orthanc_video.routing.delivery import Delivery, Order, Terms
from orthanc_video.routing.destinations import Destination
from orthanc_video.web import proxy
from orthanc_video.web.context import CallerNow, Gateway, GatewayParts
from orthanc_video.web.draining import DrainingRoute

router = APIRouter(tags=["sending"], route_class=DrainingRoute)

# Of some hundred thousand instances; what is longer is not read, and goes to Orthanc.
_LONGEST = 16 << 20
# As long as somebody is kept waiting who wants all to be sent before there is an answer.
_PATIENCE = 3600.0


@router.post("/modalities/{name}/store")
async def store(name: str, request: Request, gateway: GatewayParts, caller: CallerNow) -> Response:
    """As Orthanc's own: each video goes in the form that the modality takes, all else through Orthanc."""
    stream = request.stream()
    body = await _beginning(stream)
    asked = orders.read(body) if len(body) <= _LONGEST else None
    if asked and not caller.vouched:  # before anything is looked up for this caller
        await gateway.access.may_store_on(caller, name, web=False)
    found = await asyncio.to_thread(_found, gateway, name, asked) if asked else None
    if asked is None or found is None:
        if caller.vouched and request.headers.get("orthanc-video-asks") == "plugin":
            return Response(status_code=http.HTTPStatus.NO_CONTENT)
        return await proxy.forward(request, _chained(body, stream))
    orders.refuse_unusable(asked.fields)
    destination, parts = found
    rest = ""
    if parts.rest:
        status, answer = await asyncio.to_thread(orders.begin, gateway.archive, name, parts.rest, asked.fields)
        if status != http.HTTPStatus.OK:
            return JSONResponse(answer, status_code=status)
        rest = str(answer["ID"])
    order = _order(gateway, asked, destination, parts, rest)
    known = Orders(gateway.engine, gateway.archive)
    waiters = await asyncio.to_thread(known.begin, order, awaited=asked.synchronous)
    if asked.synchronous:
        return await _statistics(request, known, order.id, waiters)
    return JSONResponse({"ID": order.id, "Path": jobs.path_of(order.id)})


async def _beginning(stream: AsyncIterator[bytes]) -> bytes:
    """The whole body, unless it is longer than any order."""
    body = b""
    async for block in stream:
        body += block
        if len(body) > _LONGEST:
            break
    return body


async def _chained(begin: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield begin
    async for block in rest:
        yield block


def _found(gateway: Gateway, name: str, asked: Asked) -> tuple[Destination, Parts] | None:
    """Where it goes, and what of it is video; None where there is none, or Orthanc alone can say what is wrong."""
    parts = orders.parts(gateway.archive, asked.resources)
    if not parts.videos:
        return None
    try:
        destination = gateway.engine.peers.destination(name)
    except NotFound:
        return None
    return (destination, parts) if destination.dimse is not None and not destination.fault else None


def _order(gateway: Gateway, asked: Asked, destination: Destination, parts: Parts, rest: str) -> Order:
    terms = _terms(asked, destination, gateway.settings.calling.aet)
    deliveries = (
        Delivery(id=str(uuid.uuid4()), instance=one.instance, uuid=one.uuid, destination=destination.name, terms=terms)
        for one in parts.videos
    )
    return Order(
        id=jobs.new_id(),
        destination=destination.name,
        resources=asked.resources,
        deliveries=tuple(deliveries),
        rest=rest,
        permissive=asked.fields.get(orders.PERMISSIVE, False),
        priority=asked.fields.get(orders.PRIORITY, 0),
        local=asked.fields.get(orders.LOCAL_AET, gateway.settings.calling.aet),
        remote=terms.aet or destination.aet,
    )


def _terms(asked: Asked, destination: Destination, own: str) -> Terms:
    """``own`` is Orthanc's AE title: a modality that is to see another one of Orthanc's keeps seeing that."""
    said = asked.fields
    calling = destination.dimse.calling if destination.dimse else own
    message = said.get(orders.MOVE_ID, 0)
    return Terms(
        calling=said.get(orders.LOCAL_AET, "") if calling == own else "",
        aet=said.get(orders.CALLED_AET, ""),
        host=said.get(orders.HOST, ""),
        port=said.get(orders.PORT, 0),
        timeout=float(said.get(orders.TIMEOUT, 0)),
        originator=said.get(orders.MOVE_AET, own) if message else "",
        message=message,
    )


async def _statistics(request: Request, known: Orders, job: str, waiters: Waiters) -> Response:
    """Once all is sent or has failed: what Orthanc answers of a job that somebody waited for."""
    waited = {name: asyncio.wrap_future(waiter) for name, waiter in waiters.items()}
    await asyncio.wait(waited.values(), timeout=_PATIENCE)
    outcomes = {name: waiter.result() for name, waiter in waited.items() if waiter.done()}
    if not all(outcomes.values()):
        raise Busy(f"The gateway is stopping. What was to be sent is recorded and goes on: job {job}.")
    shown = await asyncio.to_thread(known.job, job, outcomes)
    if shown["State"] == jobs.SUCCESS:
        return JSONResponse(shown["Content"])
    if not jobs.ended(shown):
        raise Busy(f"Not all has been sent in {_PATIENCE / 3600:g} hour; it goes on: job {job}.")
    return _failure(request, shown)


def _failure(request: Request, shown: dict[str, Any]) -> Response:
    """Orthanc's own error document."""
    status = http.HTTPStatus.INTERNAL_SERVER_ERROR
    document = {
        "Details": shown["ErrorDetails"],
        "HttpError": status.phrase,
        "HttpStatus": int(status),
        "Message": shown["ErrorDescription"],
        "Method": request.method,
        "OrthancError": shown["ErrorDescription"],
        "OrthancStatus": shown["ErrorCode"],
        "Uri": request.url.path,
    }
    return JSONResponse(document, status_code=status)


@router.get("/jobs/video-{job}")
async def one_job(job: str, gateway: GatewayParts, caller: CallerNow) -> Response:
    """Such a job as Orthanc shows its own; for those whom Orthanc shows its jobs."""
    if not caller.vouched:
        await gateway.access.may_see_jobs(caller)
    known = Orders(gateway.engine, gateway.archive)
    return JSONResponse(await asyncio.to_thread(known.job, f"{jobs.PREFIX}{job}"))


@router.post("/jobs/video-{job}/{action}")
async def control(
    job: str,
    action: Literal["cancel", "resubmit", "pause", "resume"],
    gateway: GatewayParts,
    caller: CallerNow,
) -> Response:
    """Such a job's actions, as far as deliveries know them."""
    if not caller.vouched:
        await gateway.access.may_control_jobs(caller, action)
    if action in {"pause", "resume"}:
        raise BadRequest("What goes to a destination by the gateway cannot be paused. Cancel it, and send it again.")
    known = Orders(gateway.engine, gateway.archive)
    does = known.cancel if action == "cancel" else known.resubmit
    await asyncio.to_thread(does, f"{jobs.PREFIX}{job}")
    return JSONResponse({})
