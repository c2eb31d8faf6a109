"""OHIF's files as they are served, from a small stand-in for its package; the real one is in tests/e2e/test_ohif.py."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from orthanc_video.errors import VideoError
from orthanc_video.settings import settings_from
from orthanc_video.web import ohif, problems
from orthanc_video.web.context import entered

_POLICY = "content-security-policy"
INLINE = 'window.PUBLIC_URL="/ohif/"'
PAGE = f'<script>{INLINE}</script><script defer src="/ohif/app.bundle.js"></script>'


class Client:
    """Asks the application, without a server."""

    def __init__(self, app: FastAPI) -> None:
        self._transport = httpx.ASGITransport(app)

    def get(self, path: str, **headers: str) -> httpx.Response:
        return self._ask("GET", path, headers)

    def head(self, path: str) -> httpx.Response:
        return self._ask("HEAD", path, {})

    def _ask(self, method: str, path: str, headers: dict[str, str]) -> httpx.Response:
        async def ask() -> httpx.Response:
            async with httpx.AsyncClient(transport=self._transport, base_url="http://gateway") as client:
                return await client.request(method, path, headers={k.replace("_", "-"): v for k, v in headers.items()})

        return asyncio.run(ask())


async def _everybody() -> None:
    """That Orthanc lets a caller in is tested with a real one."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    package = tmp_path / "package"
    package.mkdir()
    (package / "index.html").write_text(PAGE, encoding="utf-8")
    for name in ("app.bundle.js", "app.bundle.css", "decoder.wasm", "tools.jsonc", "app-config.js"):
        (package / name).write_text(name, encoding="utf-8")
    (tmp_path / "secret.txt").write_text("secret", encoding="utf-8")
    return package


@pytest.fixture
def client(folder: Path) -> Client:
    settings = settings_from({"DicomWeb": {"Root": "/pacs/web/"}, "VideoGateway": {"OHIF": str(folder)}})
    app = FastAPI()
    app.include_router(ohif.router(settings))
    app.add_exception_handler(VideoError, problems.on_video_error)
    app.dependency_overrides[entered] = _everybody
    return Client(app)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("app.bundle.js", "text/javascript"),
        ("app.bundle.css", "text/css"),
        ("decoder.wasm", "application/wasm"),
        ("", "text/html"),
        ("index.html", "text/html"),
    ],
)
def test_files_have_their_types(client: Client, name: str, kind: str) -> None:
    answer = client.get(f"/ohif/{name}")
    assert answer.status_code == 200
    assert answer.headers["content-type"].partition(";")[0] == kind
    assert answer.headers["x-content-type-options"] == "nosniff"
    head = client.head(f"/ohif/{name}")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == answer.headers["content-length"]


@pytest.mark.parametrize("path", ["viewer", "viewer?StudyInstanceUIDs=1.2", "segmentation/dicomweb", "stamp"])
def test_addresses_of_ohifs_own_are_its_page(client: Client, path: str) -> None:
    assert client.get(f"/ohif/{path}").text == PAGE


def test_its_address_without_a_slash_leads_to_it(client: Client) -> None:
    answer = client.get("/ohif?StudyInstanceUIDs=1.2")
    assert (answer.status_code, answer.headers["location"]) == (308, "/ohif/?StudyInstanceUIDs=1.2")


@pytest.mark.parametrize("path", ["none.js", "..%2fsecret.txt", "x/../../secret.txt", "%2e%2e/secret.txt", "a%00.js"])
def test_nothing_else_is_there(client: Client, path: str) -> None:
    answer = client.get(f"/ohif/{path}")
    assert answer.status_code == 404
    assert "secret" not in answer.text.replace("secret.txt", "")


def test_what_has_not_changed_is_not_sent_again(client: Client, folder: Path) -> None:
    first = client.get("/ohif/app.bundle.js")
    assert first.headers["cache-control"] == "no-cache"
    again = client.get("/ohif/app.bundle.js", If_None_Match=first.headers["etag"])
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    (folder / "app.bundle.js").write_text("another", encoding="utf-8")
    assert client.get("/ohif/app.bundle.js", If_None_Match=first.headers["etag"]).text == "another"


def test_no_script_runs_but_its_own(client: Client) -> None:
    policy = dict(part.strip().split(" ", 1) for part in client.get("/ohif/").headers[_POLICY].split(";"))
    own = base64.b64encode(hashlib.sha256(INLINE.encode()).digest()).decode()
    assert policy["script-src"].split() == ["'self'", "'wasm-unsafe-eval'", f"'sha256-{own}'"]
    assert policy["default-src"] == "'none'"
    assert policy["connect-src"].split() == ["'self'", "data:", "blob:"]
    # Workers have the policy of their own answers.
    assert "sha256" not in client.get("/ohif/app.bundle.js").headers[_POLICY]
    assert "'unsafe-eval'" in client.get("/ohif/app.bundle.js").headers[_POLICY]


def test_its_pages_are_isolated_from_those_of_others(client: Client) -> None:
    for path in ("", "app.bundle.js", "app-config.js"):
        headers = client.get(f"/ohif/{path}").headers
        assert headers["cross-origin-opener-policy"] == "same-origin"
        assert headers["cross-origin-embedder-policy"] == "require-corp"


def test_its_configuration_names_orthancs_dicomweb(client: Client) -> None:
    script = client.get("/ohif/app-config.js").text
    assert script.startswith("window.config = ")
    told = json.loads(script.removeprefix("window.config = ").rstrip(";\n"))
    assert told["routerBasename"] == "/ohif"
    (source,) = told["dataSources"]
    assert source["sourceName"] == told["defaultDataSourceName"]
    roots = {source["configuration"][key] for key in ("qidoRoot", "wadoRoot", "wadoUriRoot")}
    assert roots == {"/pacs/web"}


def test_a_folder_without_it_is_named(client: Client, folder: Path) -> None:
    (folder / "index.html").unlink()
    for path in ("", "viewer", "index.html"):
        answer = client.get(f"/ohif/{path}")
        assert answer.status_code == 404
        assert "scripts/ohif.sh" in answer.json()["detail"]
