"""OHIF of another origin where Orthanc asks for users, configured as docs/ohif.md says: who signs in there sees all."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from e2e.elsewhere import Elsewhere, elsewhere
from e2e.films import Films
from e2e.ohif import CINE_FRAMES, CT_COLUMNS, FRAMES, LOADING, LONG_CINE_FRAMES, Ohif, Studies
from e2e.orthanc_server import REPOSITORY, OrthancServer

# A password that is no ASCII, as clinics have them.
USER, WORD = "watcher", "her-löng-password"
VIDEOS = {"photographic": FRAMES, "endoscopic": FRAMES, "microscopic": FRAMES, "long_capture": LONG_CINE_FRAMES}
_EXAMPLE = "https://videos.example.org"


@pytest.fixture(scope="module")
def site() -> Iterator[Elsewhere]:
    with elsewhere() as running:
        yield running


@pytest.fixture(scope="module")
def studies(tmp_path_factory: pytest.TempPathFactory, films: Films, site: Elsewhere) -> Iterator[Studies]:
    """In an Orthanc that asks for users, and logs all that it logs of requests."""
    configured = {
        "AuthenticationEnabled": True,
        "RegisteredUsers": {USER: WORD},
        "VideoGateway": {"AllowedOrigins": [site.origin]},
    }
    with OrthancServer(tmp_path_factory.mktemp("elsewhere"), configured, arguments=["--verbose"]) as server:
        yield Studies(server, films)


@pytest.fixture(scope="module")
def ohif(browser: Browser, site: Elsewhere, studies: Studies) -> Iterator[Ohif]:
    """Signed in, at the second try."""
    page = (REPOSITORY / "docs" / "ohif.md").read_text(encoding="utf-8")
    (script,) = re.findall(r"^```js\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    assert _EXAMPLE in script
    site.script = script.replace(_EXAMPLE, studies.server.gateway_url).encode()
    opened = Ohif(browser, site.origin)
    opened.page.goto(f"{site.origin}/ohif/")
    for word in ("her-old-password", WORD):
        opened.page.get_by_placeholder("User").fill(USER, timeout=LOADING)
        opened.page.get_by_placeholder("Password").fill(word)
        opened.page.get_by_role("button", name="Sign in").click()
    expect(opened.page.get_by_text("Study List")).to_be_visible(timeout=LOADING)
    yield opened
    opened.close()


@pytest.mark.parametrize("kind", VIDEOS)
def test_a_video_plays_and_is_sought(ohif: Ohif, studies: Studies, kind: str) -> None:
    """By a link, since its video element sends no password, and by ranges."""
    ohif.assert_video_works(studies[kind], VIDEOS[kind])
    played = [status for status, url in ohif.visit.responses if "/pixeldata?link=" in url]
    assert set(played) == {206}
    ohif.assert_was_given_a_thumbnail()
    ohif.assert_well_behaved(studies.server.gateway_url)


@pytest.mark.parametrize("kind", ["ultrasound", "ultrasound_jpeg"])
def test_a_cine_plays(ohif: Ohif, studies: Studies, kind: str) -> None:
    ohif.assert_cine_works(studies[kind], CINE_FRAMES)
    ohif.assert_has_thumbnail()
    ohif.assert_well_behaved(studies.server.gateway_url)


def test_a_ct_still_shows(ohif: Ohif, studies: Studies) -> None:
    ohif.assert_still_shows(studies["ct"], CT_COLUMNS)
    ohif.assert_has_thumbnail()
    ohif.assert_well_behaved(studies.server.gateway_url)


def test_the_list_shows_a_study_and_its_picture(ohif: Ohif, studies: Studies) -> None:
    assert studies["endoscopic"]
    ohif.assert_lists("endoscopic")
    ohif.assert_well_behaved(studies.server.gateway_url)


def test_no_log_holds_a_link_or_the_password(ohif: Ohif, studies: Studies, site: Elsewhere) -> None:
    """Neither Orthanc's and the gateway's, nor what the other web server could write down."""
    ohif.assert_video_works(studies["endoscopic"], FRAMES)
    (link,) = {url.partition("link=")[2].partition("&")[0] for url in ohif.visit.requests if "link=" in url}
    proof = base64.b64encode(f"{USER}:{WORD}".encode()).decode()
    assert {proof} == {
        headers["authorization"].removeprefix("Basic ") for _, headers in ohif.visit.sent if "authorization" in headers
    }
    own, other = studies.server.log, "\n".join(site.asked)
    assert "(http) GET /dicom-web/" in own, "Orthanc does not log addresses: this test would see nothing"
    assert "GET /ohif/viewer?" in other
    for log in (own, other):
        for word in (link[:60], link[-40:], "link=", WORD, proof):
            assert word not in log, word
