"""Requests as they are measured: by the route's template, never by what was sent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from prometheus_client import REGISTRY
from starlette.responses import Response

from orthanc_video.errors import BrokenVideo, VideoError
from orthanc_video.web import measure, problems

Ask = Callable[..., int]


@pytest.fixture
def ask() -> Ask:
    router = APIRouter(prefix="/video/things", tags=["things"])
    uploads = APIRouter(tags=["uploads"])

    @router.get("/{thing}")
    async def thing() -> Response:
        return Response("here")

    @router.get("/{thing}/broken")
    async def broken() -> Response:
        raise ZeroDivisionError

    @uploads.post("/put-in")
    async def put_in() -> Response:
        raise BrokenVideo("Cut off.")

    app = FastAPI()
    app.include_router(router)
    app.include_router(uploads)
    app.add_middleware(measure.Measured)
    app.add_exception_handler(VideoError, problems.on_video_error)

    def request(method: str, path: str) -> int:
        async def once() -> int:
            transport = httpx.ASGITransport(app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
                return (await client.request(method, path)).status_code

        return asyncio.run(once())

    return request


def measured(method: str, route: str, status: int) -> float:
    labels = {"method": method, "route": route, "status": str(status)}
    return REGISTRY.get_sample_value("orthanc_video_request_seconds_count", labels) or 0


def labels_in_use() -> set[str]:
    return {text for metric in REGISTRY.collect() for one in metric.samples for text in one.labels.values()}


@pytest.mark.parametrize(
    ("method", "path", "route", "status"),
    [
        ("GET", "/video/things/DOE%5EJANE", "/video/things/{thing}", 200),
        ("GET", "/video/things/DOE%5EJANE/broken", "/video/things/{thing}/broken", 500),
        ("POST", "/put-in?PatientName=DOE%5EJANE", "/put-in", 422),
        ("GET", "/DOE%5EJANE", "none", 404),
    ],
)
def test_a_request_is_measured_by_its_route(ask: Ask, method: str, path: str, route: str, status: int) -> None:
    before = measured(method, route, status)
    assert ask(method, path) == status
    assert measured(method, route, status) == before + 1
    assert not [label for label in labels_in_use() if "JANE" in label]


def test_an_invented_method_makes_no_series_of_its_own(ask: Ask) -> None:
    ask("DOEJANE", "/video/things/1")
    assert "DOEJANE" not in labels_in_use()


def test_only_uploads_count_as_refused_uploads(ask: Ask) -> None:
    name, labels = "orthanc_video_uploads_refused_total", {"status": "422"}
    before = REGISTRY.get_sample_value(name, labels)
    assert before is not None
    ask("POST", "/put-in")
    assert REGISTRY.get_sample_value(name, labels) == before + 1
    assert ask("POST", "/video/things/1") == 405
    assert not REGISTRY.get_sample_value(name, {"status": "405"})
