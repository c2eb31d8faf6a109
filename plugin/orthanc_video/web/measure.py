"""Metrics over HTTP: what Prometheus is told, and how requests are measured."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections import Counter
from collections.abc import Iterable, Iterator

from fastapi import APIRouter, Depends
from prometheus_client import REGISTRY, Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from orthanc_video import metrics
from orthanc_video.jobs.database import TROUBLES
from orthanc_video.web.context import Gateway, GatewayParts, entered

router = APIRouter(tags=["gateway"], dependencies=[Depends(entered)])

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_REFUSAL = 400


@router.get("/metrics")
async def scrape(request: Request, gateway: GatewayParts) -> Response:
    """For Prometheus; no label holds patient data."""
    return await told(request, _All(gateway))


async def told(request: Request, metrics_: Collector) -> Response:
    """Metrics in the form that is asked for."""
    encode, kind = choose_encoder(request.headers.get("accept", ""))
    return Response(await asyncio.to_thread(encode, metrics_), headers={"Content-Type": kind})


class _All(Collector):
    """What has been counted, and what is there right now."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def collect(self) -> Iterable[Metric]:
        yield from REGISTRY.collect()
        yield from self._room()
        try:
            found = [*self._jobs()]
        except TROUBLES:
            found = []
        yield _gauge("database_up", "1 when the jobs' database answers, else 0", bool(found))
        yield from found

    def _room(self) -> Iterator[Metric]:
        settings = self._gateway.settings
        minimum = settings.gateway.minimum_free_disk_mb << 20
        room = self._gateway.room
        yield _gauge("spool_bytes", "Bytes in the spool", room.used())
        yield _gauge("announced_bytes", "Bytes that room is kept for until they are sent", room.held)
        yield _gauge("room_bytes", "Bytes that a new upload may have", max(0, room.left))
        yield _gauge("disk_free_bytes", "Bytes free on the spool's disk", shutil.disk_usage(settings.spool).free)
        yield _gauge("disk_free_minimum_bytes", "Free bytes below which uploads are refused", minimum)

    def _jobs(self) -> Iterator[Metric]:
        engine = self._gateway.engine
        yield _gauge("dead_letters", "Acknowledged uploads that could not be stored", engine.dead_letters())
        states = GaugeMetricFamily("orthanc_video_jobs", "Jobs that have not ended, by state", labels=["state"])
        unfinished = Counter(engine.unfinished())
        for state in ("Pending", "Running"):
            states.add_metric([state], unfinished[state])
        yield states
        depth = GaugeMetricFamily("orthanc_video_queue_jobs", "What waits for its turn, by queue", labels=["queue"])
        for queue, count in sorted(engine.waiting().items()):
            depth.add_metric([queue], count)
        yield depth


def _gauge(name: str, told: str, value: float) -> Metric:
    return GaugeMetricFamily(f"orthanc_video_{name}", told, value)


class Measured:
    """ASGI middleware: the time until each answer begins, and the uploads that were refused."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, answered = time.monotonic(), False

        async def watched(message: Message) -> None:
            nonlocal answered
            if message["type"] == "http.response.start":
                answered = True
                _count(scope, message["status"], time.monotonic() - began)
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception:
            if not answered:
                _count(scope, 500, time.monotonic() - began)
            raise


def _count(scope: Scope, status: int, seconds: float) -> None:
    """By the route's own template: a path as it was sent holds identifiers."""
    route = scope.get("route")
    method = scope["method"] if scope["method"] in _METHODS else "other"
    metrics.request_seconds.labels(method, getattr(route, "path", "none"), status).observe(seconds)
    if method == "POST" and status >= _REFUSAL and "uploads" in getattr(route, "tags", ()):
        metrics.uploads_refused.labels(status).inc()
