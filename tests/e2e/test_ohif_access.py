"""OHIF where Orthanc asks for a password, and OHIF that comes from another origin than the gateway."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Browser

from e2e.elsewhere import elsewhere
from e2e.films import Films
from e2e.ohif import FRAMES, Ohif, Studies, package
from e2e.orthanc_server import OrthancServer
from orthanc_video.web.ohif import configuration

USER, WORD = "watcher", "her-long-password"


def test_a_page_of_another_origin_plays_where_that_is_allowed(browser: Browser, films: Films, tmp_path: Path) -> None:
    with elsewhere() as site:
        allowed = {"VideoGateway": {"AllowedOrigins": [site.origin]}}
        with OrthancServer(tmp_path / "orthanc", allowed) as server:
            told = json.dumps(configuration(f"{server.gateway_url}/dicom-web"))
            site.script = f"window.config = {told};".encode()
            ohif = Ohif(browser, site.origin)
            studies = Studies(server, films)
            ohif.assert_video_works(studies["endoscopic"], FRAMES)
            ohif.assert_was_given_a_thumbnail()
            ohif.assert_well_behaved(server.gateway_url)
            ohif.close()


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory, films: Films) -> Iterator[Studies]:
    configured = {
        "AuthenticationEnabled": True,
        "RegisteredUsers": {USER: WORD},
        "VideoGateway": {"OHIF": str(package())},
    }
    with OrthancServer(tmp_path_factory.mktemp("guarded"), configured) as server:
        yield Studies(server, films)


def test_nobody_gets_ohif_without_a_password(guarded: Studies) -> None:
    for path in ("", "viewer", "app-config.js", "app.bundle.css"):
        assert requests.get(f"{guarded.server.gateway_url}/ohif/{path}", timeout=10).status_code == 401


def test_it_plays_by_the_password_that_the_browser_asked_for(browser: Browser, guarded: Studies) -> None:
    ohif = Ohif(browser, guarded.server.gateway_url, http_credentials={"username": USER, "password": WORD})
    ohif.assert_video_works(guarded["endoscopic"], FRAMES)
    ohif.assert_was_given_a_thumbnail()
    ohif.close()


def test_it_plays_by_a_sessions_cookie(browser: Browser, guarded: Studies) -> None:
    ohif = Ohif(browser, guarded.server.gateway_url)
    begun = ohif.visit.context.request.post(
        f"{guarded.server.gateway_url}/video/session", headers=guarded.server.headers()
    )
    assert begun.ok, begun.text()
    ohif.assert_video_works(guarded["endoscopic"], FRAMES)
    ohif.assert_was_given_a_thumbnail()
    assert not [headers for _, headers in ohif.visit.sent if "authorization" in headers]
    ohif.close()
