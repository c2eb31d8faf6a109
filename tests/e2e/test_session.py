"""What a video element can be let in by, which sends no header of its own: a session's cookie, or a link."""

from __future__ import annotations

import base64
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from playwright.sync_api import Browser

from e2e.browser import Visit
from e2e.conftest import Start
from e2e.films import Films
from e2e.orthanc_server import OrthancServer

ALICE = ("alice", "wonderland")
BOB = ("bob", "builder")
USERS = dict((ALICE, BOB))
FILTER = """
function IncomingHttpRequestFilter(method, uri, ip, username, headers)
  return username ~= 'bob' or uri == '/system'
end
"""
COOKIE = "orthanc-video-session"
RENDERED = "/dicom-web/studies/{StudyInstanceUID}/series/{SeriesInstanceUID}/instances/{SOPInstanceUID}/rendered"
GUARDED: dict[str, Any] = {"AuthenticationEnabled": True, "RemoteAccessAllowed": True, "RegisteredUsers": USERS}
GUARDED |= {"HttpCompressionEnabled": True}
# Plays a video element to its first picture, then to one at 80 %: its width, or what went wrong.
PLAY = """([url, shared]) => new Promise(resolve => {
  const video = document.createElement('video');
  if (shared) video.crossOrigin = 'anonymous';
  video.onerror = () => resolve(`error ${video.error.code}`);
  video.onloadeddata = () => { video.currentTime = 0.8 * video.duration; };
  video.onseeked = () => resolve(video.videoWidth);
  setTimeout(() => resolve(`stuck, ready ${video.readyState}, network ${video.networkState}`), 20000);
  video.src = url;
  document.body.append(video);
})"""


class _Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>Another site</title>")

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[str]:
    """The origin of another site's pages: for a browser, localhost is another site than 127.0.0.1."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Page) as pages:
        threading.Thread(target=pages.serve_forever, daemon=True).start()
        yield f"http://localhost:{pages.server_port}"
        pages.shutdown()


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory, elsewhere: str) -> Iterator[OrthancServer]:
    """An Orthanc that asks for a password and logs all that it logs of requests."""
    folder = tmp_path_factory.mktemp("session")
    script = folder / "filter.lua"
    script.write_text(FILTER, encoding="utf-8")
    configuration = GUARDED | {"LuaScripts": [str(script)], "VideoGateway": {"AllowedOrigins": [elsewhere]}}
    with OrthancServer(folder, configuration, arguments=["--verbose"]) as running:
        yield running


@pytest.fixture(scope="module")
def film(films: Films) -> bytes:
    return films.unique().read_bytes()


@pytest.fixture(scope="module")
def stored(guarded: OrthancServer, film: bytes) -> dict[str, Any]:
    ids: dict[str, Any] = requests.post(f"{guarded.gateway_url}/instances", data=film, auth=ALICE, timeout=60).json()
    tags = requests.get(f"{guarded.url}/instances/{ids['ID']}/simplified-tags", auth=ALICE, timeout=10).json()
    return {**ids, **tags}


@dataclass
class Given:
    """What was handed out in these tests, to be looked for in the logs."""

    tokens: list[str]

    def session(self, server: OrthancServer, who: tuple[str, str] = ALICE, proto: str = "http") -> requests.Response:
        headers = {"X-Forwarded-Proto": proto}
        answer = requests.post(f"{server.gateway_url}/video/session", auth=who, headers=headers, timeout=20)
        self.tokens += list(answer.cookies.get_dict().values())
        return answer

    def cookie(self, server: OrthancServer, who: tuple[str, str] = ALICE) -> dict[str, str]:
        answer = self.session(server, who)
        assert answer.status_code == 200, answer.text
        return {"Cookie": f"{COOKIE}={answer.cookies[COOKIE]}"}

    def link(self, server: OrthancServer, instance: str, resource: str = "stream") -> str:
        url = f"{server.gateway_url}/video/instances/{instance}/links"
        answer = requests.post(url, params={"resource": resource}, auth=ALICE, timeout=20)
        assert answer.status_code == 200, answer.text
        self.tokens.append(answer.json()["Url"].partition("link=")[2])
        return str(answer.json()["Url"])


@pytest.fixture(scope="module")
def given() -> Given:
    return Given([])


def stream_of(server: OrthancServer, stored: dict[str, Any]) -> str:
    return f"{server.gateway_url}/video/instances/{stored['ID']}/stream"


# ---------------------------------------------------------------------------------------------------- sessions


def test_the_cookie_is_for_no_script_and_no_other_site(guarded: OrthancServer, given: Given) -> None:
    answer = given.session(guarded)
    value, _, attributes = answer.headers["Set-Cookie"].partition("; ")
    assert value.startswith(f"{COOKIE}=")
    assert re.fullmatch(r"Path=/; Max-Age=(3600|359\d); HttpOnly; SameSite=Strict", attributes)
    assert (answer.headers["Cache-Control"], answer.headers["Referrer-Policy"]) == ("no-store", "no-referrer")
    left = datetime.fromisoformat(answer.json()["Expires"]) - datetime.now(UTC)
    assert 3500 < left.total_seconds() <= 3600
    assert given.session(guarded, proto="https").headers["Set-Cookie"].endswith("; Secure")


@pytest.mark.parametrize("who", [None, ("alice", "wrong")])
def test_who_orthanc_does_not_know_gets_none(guarded: OrthancServer, who: tuple[str, str] | None) -> None:
    answer = requests.post(f"{guarded.gateway_url}/video/session", auth=who, timeout=20)
    assert answer.status_code == 401
    assert "Set-Cookie" not in answer.headers


def test_the_cookie_reads_what_its_owner_may_read(
    guarded: OrthancServer, stored: dict[str, Any], given: Given, film: bytes
) -> None:
    cookie = given.cookie(guarded)
    base = guarded.gateway_url
    for path in (f"/video/instances/{stored['ID']}/stream", RENDERED.format(**stored)):
        assert requests.get(base + path, timeout=20, headers={"Accept": "*/*"}).status_code == 401
        answer = requests.get(base + path, headers={**cookie, "Accept": "*/*"}, timeout=20)
        assert (answer.status_code, answer.content[-1000:]) == (200, film[-1000:])
        assert requests.head(base + path, headers={**cookie, "Accept": "*/*"}, timeout=20).status_code == 200
    for path in ("/", "/video/instances", "/system", f"/instances/{stored['ID']}/file", "/dicom-web/studies"):
        assert requests.get(base + path, headers=cookie, timeout=20).status_code == 200, path


def test_orthanc_decides_who_may_read_by_the_cookie(
    guarded: OrthancServer, stored: dict[str, Any], given: Given
) -> None:
    """Bob may come in, but see nothing: his cookie does not show him what Alice's did a moment ago."""
    assert requests.get(stream_of(guarded, stored), headers=given.cookie(guarded), timeout=20).status_code == 200
    assert requests.get(stream_of(guarded, stored), headers=given.cookie(guarded, BOB), timeout=20).status_code == 403


def test_the_cookie_changes_nothing(guarded: OrthancServer, stored: dict[str, Any], given: Given, film: bytes) -> None:
    cookie = given.cookie(guarded)
    base, own = guarded.gateway_url, f"/video/instances/{stored['ID']}"
    for method, path, more in (
        ("POST", "/instances", {}),
        ("POST", "/video/ingest", {}),
        ("POST", "/video/session", {}),
        ("POST", f"{own}/links", {}),
        ("POST", f"{own}/assign", {}),
        ("DELETE", f"/instances/{stored['ID']}", {}),
        ("DELETE", f"/video/jobs/{stored['Video']['Job']}", {}),
        ("POST", "/video/uploads", {"Tus-Resumable": "1.0.0", "Upload-Length": "10"}),
        # tus lets a GET be called a POST
        ("GET", "/video/uploads", {"Tus-Resumable": "1.0.0", "Upload-Length": "10", "X-HTTP-Method-Override": "POST"}),
    ):
        body = film if method == "POST" else None
        answer = requests.request(method, base + path, data=body, headers={**cookie, **more}, timeout=20)
        assert answer.status_code == 401, (method, path)


def test_a_header_counts_before_the_cookie(guarded: OrthancServer, stored: dict[str, Any], given: Given) -> None:
    for cookie, who, status in ((ALICE, BOB, 403), (ALICE, ("alice", "wrong"), 401), (BOB, ALICE, 200)):
        headers = given.cookie(guarded, cookie)
        answer = requests.get(stream_of(guarded, stored), headers=headers, auth=who, timeout=20)
        assert answer.status_code == status
    spoiled = {"Cookie": f"{COOKIE}=spoiled"}
    assert requests.get(stream_of(guarded, stored), headers=spoiled, auth=ALICE, timeout=20).status_code == 200


def test_an_altered_cookie_is_refused_and_removed(guarded: OrthancServer, stored: dict[str, Any], given: Given) -> None:
    name, _, value = given.cookie(guarded)["Cookie"].partition("=")
    for spoiled in (value[:-1], value[:40] + ("B" if value[40] == "A" else "A") + value[41:], "", "x", "é"):
        answer = requests.get(stream_of(guarded, stored), headers={"Cookie": f"{name}={spoiled}".encode()}, timeout=20)
        assert answer.status_code == 401
        assert answer.json()["detail"] == "This session was altered, or is not of this gateway. Ask for a new one."
        assert "Max-Age=0" in answer.headers["Set-Cookie"]


def test_a_session_is_ended(guarded: OrthancServer) -> None:
    browser = requests.Session()
    browser.post(f"{guarded.gateway_url}/video/session", auth=ALICE, timeout=20)
    assert browser.get(f"{guarded.gateway_url}/system", timeout=20).status_code == 200
    assert browser.delete(f"{guarded.gateway_url}/video/session", timeout=20).status_code == 204
    assert browser.get(f"{guarded.gateway_url}/system", timeout=20).status_code == 401


def test_expired_and_foreign_ones_are_refused(
    guarded: OrthancServer, stored: dict[str, Any], given: Given, start: Start, film: bytes
) -> None:
    other = start(GUARDED | {"VideoGateway": {"SessionMinutes": 0.05}})
    mine = requests.post(f"{other.gateway_url}/instances", data=film, auth=ALICE, timeout=60).json()
    foreign, foreign_link = given.cookie(guarded), given.link(guarded, stored["ID"])
    url = stream_of(other, mine)
    refused = requests.get(url, headers=foreign, timeout=20)
    assert (refused.status_code, refused.json()["detail"][:24]) == (401, "This session was altered")
    refused = requests.get(f"{url}?{urlsplit(foreign_link).query}", timeout=20)
    assert (refused.status_code, refused.json()["detail"][:21]) == (401, "This link was altered")
    began = given.session(other)
    cookie, link = {"Cookie": f"{COOKIE}={began.cookies[COOKIE]}"}, given.link(other, mine["ID"])
    assert requests.get(url, headers=cookie, timeout=20).status_code == 200
    assert requests.get(link, timeout=20).status_code == 200
    ends = datetime.fromisoformat(began.json()["Expires"]).timestamp() + 1  # the link was made a moment later
    while time.time() < ends:
        time.sleep(0.1)
    expired = requests.get(url, headers=cookie, timeout=20)
    assert (expired.status_code, expired.json()["detail"][:25]) == (401, "This session has expired.")
    expired = requests.get(link, timeout=20)
    assert (expired.status_code, expired.json()["detail"][:22]) == (401, "This link has expired.")


def test_orthancs_own_port_says_where_to_ask(guarded: OrthancServer, stored: dict[str, Any]) -> None:
    for path in ("/video/session", f"/video/instances/{stored['ID']}/links"):
        answer = requests.post(guarded.url + path, auth=ALICE, timeout=20)
        assert answer.status_code == 400
        assert guarded.gateway_url in answer.json()["Message"]


# ------------------------------------------------------------------------------------------------------- links


@pytest.mark.parametrize("resource", ["stream", "index", "thumbnail", "rendered"])
def test_a_link_reads_what_it_is_of(
    guarded: OrthancServer, stored: dict[str, Any], given: Given, resource: str
) -> None:
    link = given.link(guarded, stored["ID"], resource)
    shown = requests.get(link, headers={"Accept": "*/*"}, timeout=20)
    path = urlsplit(link).path
    wanted = requests.get(guarded.gateway_url + path, headers={"Accept": "*/*"}, auth=ALICE, timeout=20)
    assert (shown.status_code, shown.content) == (wanted.status_code, wanted.content) == (200, wanted.content)
    assert shown.headers["Referrer-Policy"] == "no-referrer"
    assert "Referrer-Policy" not in wanted.headers


def test_a_link_takes_ranges_and_what_a_viewer_adds(
    guarded: OrthancServer, stored: dict[str, Any], given: Given, film: bytes
) -> None:
    """OHIF adds accept=video/mp4 to the address it is given."""
    link = given.link(guarded, stored["ID"], "rendered")
    answer = requests.get(f"{link}&accept=video/mp4", headers={"Range": "bytes=-9", "Accept": "*/*"}, timeout=20)
    assert (answer.status_code, answer.content) == (206, film[-9:])
    size = answer.headers["Content-Range"].partition("/")[2]
    assert requests.head(link, headers={"Accept": "*/*"}, timeout=20).headers["Content-Length"] == size


def test_a_link_opens_nothing_else(guarded: OrthancServer, stored: dict[str, Any], given: Given) -> None:
    link = given.link(guarded, stored["ID"])
    token = urlsplit(link).query
    for path in (
        f"/video/instances/{stored['SOPInstanceUID']}/stream",
        f"/video/instances/{stored['ID']}/thumbnail",
        f"/video/instances/{stored['ID']}",
        f"/instances/{stored['ID']}/file",
        "/system",
        RENDERED.format(**stored),
    ):
        answer = requests.get(f"{guarded.gateway_url}{path}?{token}", timeout=20)
        assert (answer.status_code, answer.json()["detail"]) == (403, "This link is of another resource.")
    assert requests.delete(f"{guarded.gateway_url}/instances/{stored['ID']}?{token}", timeout=20).status_code == 401
    posted = requests.post(f"{guarded.gateway_url}/video/instances/{stored['ID']}/links?{token}", timeout=20)
    assert posted.status_code == 401
    for spoiled in (token[:-1], f"{token}x", "link=", "link=%ff"):
        answer = requests.get(f"{stream_of(guarded, stored)}?{spoiled}", timeout=20)
        assert (answer.status_code, answer.json()["detail"][:21]) == (401, "This link was altered")


def test_a_link_is_no_cookie_and_a_cookie_no_link(guarded: OrthancServer, stored: dict[str, Any], given: Given) -> None:
    cookie = given.cookie(guarded)["Cookie"].partition("=")[2]
    token = given.link(guarded, stored["ID"]).partition("link=")[2]
    url = stream_of(guarded, stored)
    assert requests.get(f"{url}?link={cookie}", timeout=20).status_code == 401
    assert requests.get(url, headers={"Cookie": f"{COOKIE}={token}"}, timeout=20).status_code == 401


def test_a_link_is_for_who_may_read_the_video(guarded: OrthancServer, stored: dict[str, Any], given: Given) -> None:
    url = f"{guarded.gateway_url}/video/instances/{stored['ID']}/links"
    assert requests.post(url, auth=BOB, timeout=20).status_code == 403
    assert requests.post(url, timeout=20).status_code == 401
    assert requests.post(url, headers=given.cookie(guarded), timeout=20).status_code == 401
    assert requests.post(url, params={"resource": "file"}, auth=ALICE, timeout=20).status_code == 400


# ------------------------------------------------------------------------------------------------- in a browser


@pytest.fixture
def visit(browser: Browser) -> Iterator[Visit]:
    """Of somebody who dismisses the browser's own question for a password, which would wait for an answer."""
    one = Visit(browser)
    tools = one.developer()

    def go_on(told: dict[str, Any]) -> None:
        tools.send("Fetch.continueRequest", {"requestId": told["requestId"]})

    def dismiss(told: dict[str, Any]) -> None:
        answer = {"requestId": told["requestId"], "authChallengeResponse": {"response": "CancelAuth"}}
        tools.send("Fetch.continueWithAuth", answer)

    tools.on("Fetch.requestPaused", go_on)
    tools.on("Fetch.authRequired", dismiss)
    tools.send("Fetch.enable", {"handleAuthRequests": True})
    yield one
    one.close()


def test_a_plain_video_element_plays_by_the_cookie(
    guarded: OrthancServer, stored: dict[str, Any], visit: Visit, given: Given
) -> None:
    path = f"/video/instances/{stored['ID']}/stream"
    visit.page.goto(f"{guarded.gateway_url}/health")
    assert visit.page.evaluate(PLAY, [path, False]) == "error 4"
    authorization = "Basic " + base64.b64encode(":".join(ALICE).encode()).decode()
    begin = "header => fetch('/video/session', {method: 'POST', headers: {Authorization: header}}).then(a => a.status)"
    assert visit.page.evaluate(begin, authorization) == 200
    assert visit.page.evaluate("document.cookie") == ""
    given.tokens += [one["value"] for one in visit.context.cookies()]
    assert visit.page.evaluate(PLAY, [path, False]) > 0
    assert visit.page.evaluate(PLAY, [RENDERED.format(**stored), False]) > 0
    assert visit.page.evaluate("fetch('/video/session', {method: 'DELETE'}).then(a => a.status)") == 204
    assert visit.page.evaluate(PLAY, [f"{path}?again", False]) == "error 4"


def test_a_page_of_another_site_plays_by_a_link_alone(
    guarded: OrthancServer, stored: dict[str, Any], visit: Visit, given: Given, elsewhere: str
) -> None:
    """A session that this browser has with the gateway does not help other sites' pages."""
    session = given.session(guarded)
    visit.context.add_cookies([
        {"name": COOKIE, "value": session.cookies[COOKIE], "url": guarded.gateway_url, "sameSite": "Strict"}
    ])  # fmt: skip
    visit.page.goto(elsewhere)
    bare = stream_of(guarded, stored)
    link = given.link(guarded, stored["ID"], "rendered")
    for shared in (False, True):
        assert visit.page.evaluate(PLAY, [bare, shared]) == "error 4"
        assert visit.page.evaluate(PLAY, [f"{link}&accept=video/mp4", shared]) > 0


def test_a_page_of_an_allowed_origin_asks_with_a_header(
    guarded: OrthancServer, stored: dict[str, Any], visit: Visit, elsewhere: str, film: bytes
) -> None:
    """By preflight: a header, a range, the headers of the answer; and Orthanc's own paths."""
    visit.page.goto(elsewhere)
    ask = """async ([url, more]) => {
      const answer = await fetch(url, more);
      return [answer.status, answer.headers.get('Content-Range'), answer.headers.get('ETag') !== null];
    }"""
    headers = {"Authorization": "Basic " + base64.b64encode(":".join(ALICE).encode()).decode(), "Range": "bytes=5-9"}
    found = visit.page.evaluate(ask, [stream_of(guarded, stored), {"headers": headers}])
    assert found == [206, f"bytes 5-9/{len(film)}", True]
    system = [f"{guarded.gateway_url}/system", {"headers": headers}]
    assert visit.page.evaluate(ask, system)[0] == 200
    tus = {"Authorization": headers["Authorization"], "Tus-Resumable": "1.0.0", "Upload-Length": "9"}
    created = """async ([url, more]) => {
      const answer = await fetch(url, {method: 'POST', headers: more});
      return [answer.status, answer.headers.get('Location') !== null, answer.headers.get('Upload-Expires') !== null];
    }"""
    assert visit.page.evaluate(created, [f"{guarded.gateway_url}/video/uploads", tus]) == [201, True, True]
    # The gateway refuses, and the page may read why.
    assert visit.page.evaluate(ask, [stream_of(guarded, stored), {}])[0] == 401


def test_a_page_of_any_other_origin_reads_nothing(guarded: OrthancServer, visit: Visit) -> None:
    visit.page.goto(guarded.gateway_url.replace("127.0.0.1", "localhost") + "/health")
    ask = "url => fetch(url).then(answer => answer.status, error => error.name)"
    assert visit.page.evaluate(ask, f"{guarded.gateway_url}/health") == "TypeError"


def test_what_orthanc_compresses_is_never_a_video(guarded: OrthancServer, stored: dict[str, Any], film: bytes) -> None:
    """HttpCompressionEnabled is Orthanc's affair, of Orthanc's answers: of a video each byte counts."""
    asked = {"Accept-Encoding": "gzip, deflate", "Accept": "*/*"}
    own = requests.get(f"{guarded.gateway_url}/app/explorer.html", headers=asked, auth=ALICE, timeout=20)
    assert own.headers.get("Content-Encoding") in {"gzip", "deflate"}, "Orthanc does not compress: nothing is shown"
    for url in (
        stream_of(guarded, stored),
        stream_of(guarded, stored).replace(guarded.gateway_url, guarded.url),
        guarded.gateway_url + RENDERED.format(**stored),
    ):
        for more, status, sent in (({}, 200, film[-9000:]), ({"Range": "bytes=-9000"}, 206, film[-9000:])):
            answer = requests.get(url, headers=asked | more, auth=ALICE, timeout=20, allow_redirects=False)
            if answer.status_code == 307:  # Orthanc's port by an older Python plugin
                answer = requests.get(answer.headers["Location"], headers=asked | more, auth=ALICE, timeout=20)
            assert (answer.status_code, answer.content[-9000:]) == (status, sent)
            assert "Content-Encoding" not in answer.headers
            assert answer.headers["Content-Length"] == str(len(answer.content))


# -------------------------------------------------------------------------------------------------------- logs


def test_no_log_holds_a_cookie_a_link_or_a_password(
    guarded: OrthancServer, stored: dict[str, Any], given: Given
) -> None:
    """Nor do they go on to Orthanc, which logs the address of every request when it is asked to say more."""
    link, cookie = given.link(guarded, stored["ID"], "rendered"), given.cookie(guarded)
    # What is not the gateway's to answer goes to Orthanc: this link's path, asked for a picture.
    requests.get(f"{link}&accept=image/jpeg", headers={"Accept": "*/*"}, timeout=20)
    requests.get(f"{guarded.gateway_url}/system?a=1&link=foreign-link&b=2", auth=ALICE, timeout=20)
    requests.get(f"{guarded.gateway_url}/tools/now?a=1", headers=cookie, timeout=20)
    log = guarded.log
    assert "(http) GET /system" in log, "Orthanc does not log addresses: this test would see nothing"
    assert "foreign-link" not in log
    assert len(given.tokens) > 4
    for token in given.tokens:
        assert token
        assert token[:60] not in log
        assert token[-40:] not in log
    for word in (*ALICE[1:], *BOB[1:], "link=", COOKIE, base64.b64encode(":".join(ALICE).encode()).decode()):
        assert word not in log, word
    assert not re.search(r"gAAAA[\w-]{20}", log), "how every sealed text begins"
