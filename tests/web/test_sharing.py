"""Which pages of other origins may ask for what is here (the Fetch standard's CORS protocol), by configuration."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest

from orthanc_video.archive.service import Archive
from orthanc_video.jobs.engine import Engine
from orthanc_video.settings import settings_from
from orthanc_video.web.app import create_app

_VIEWER = "https://viewer.example.org"
_USERS = {"AuthenticationEnabled": True, "RegisteredUsers": {"ada": "x"}}
# The gateway's own, tus's, DICOMweb's, Orthanc's.
_PATHS = ["/health", "/video/instances/1/stream", "/video/uploads", "/video/uploads/1", "/dicom-web/studies", "/system"]


def ask(folder: Path, origins: list[str], method: str, path: str, headers: dict[str, str]) -> httpx.Response:
    configuration: dict[str, Any] = {"StorageDirectory": str(folder), "VideoGateway": {"AllowedOrigins": origins}}
    settings = settings_from(_USERS | configuration)
    archive = Archive(settings)
    app = create_app(settings, archive, Engine(settings, archive))

    async def asked() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway") as client:
            return await client.request(method, path, headers=headers)

    return asyncio.run(asked())


def preflight(folder: Path, origins: list[str], path: str, method: str, origin: str = _VIEWER) -> httpx.Response:
    wanted = "authorization,range,if-range,tus-resumable,upload-offset,content-type,x-requested-with"
    headers = {"Access-Control-Request-Method": method, "Access-Control-Request-Headers": wanted}
    return ask(folder, origins, "OPTIONS", path, {"Origin": origin, **headers})


@pytest.mark.parametrize("path", _PATHS)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])
def test_a_preflight_is_answered_for_every_path(tmp_path: Path, path: str, method: str) -> None:
    answer = preflight(tmp_path, [_VIEWER], path, method)
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == _VIEWER
    assert method in answer.headers["Access-Control-Allow-Methods"].split(", ")
    allowed = answer.headers["Access-Control-Allow-Headers"].split(",")
    assert {"authorization", "range", "if-range", "tus-resumable", "upload-offset"} <= set(allowed)
    assert "Access-Control-Allow-Credentials" not in answer.headers
    assert "Origin" in answer.headers["Vary"]


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example.org", "http://viewer.example.org", f"{_VIEWER}:8443", f"{_VIEWER}.evil.org", "null"],
)
def test_other_origins_are_not_allowed(tmp_path: Path, origin: str) -> None:
    refused = preflight(tmp_path, [_VIEWER], "/system", "GET", origin)
    assert refused.status_code == 400
    assert "Access-Control-Allow-Origin" not in refused.headers
    answer = ask(tmp_path, [_VIEWER], "GET", "/health", {"Origin": origin})
    assert "Access-Control-Allow-Origin" not in answer.headers
    assert answer.headers["Vary"] == "Origin"


def test_an_answer_says_what_may_be_read_of_it(tmp_path: Path) -> None:
    answer = ask(tmp_path, [_VIEWER], "GET", "/health", {"Origin": _VIEWER})
    assert answer.headers["Access-Control-Allow-Origin"] == _VIEWER
    exposed = set(answer.headers["Access-Control-Expose-Headers"].split(", "))
    assert {"Content-Range", "Accept-Ranges", "Content-Length", "ETag", "Location", "Retry-After"} <= exposed
    assert {"Tus-Resumable", "Upload-Offset", "Upload-Length", "Upload-Expires", "Orthanc-Video-Job"} <= exposed


def test_every_origin_may_be_allowed_but_never_with_cookies(tmp_path: Path) -> None:
    for answer in (
        preflight(tmp_path, ["*"], "/system", "GET"),
        ask(tmp_path, ["*"], "GET", "/health", {"Origin": _VIEWER}),
    ):
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert "Access-Control-Allow-Credentials" not in answer.headers


def test_without_the_setting_nobody_else_is_told_anything(tmp_path: Path) -> None:
    answer = ask(tmp_path, [], "GET", "/health", {"Origin": _VIEWER})
    assert not [name for name in answer.headers if name.startswith("access-control")]
