"""What DICOMweb's resources answer to other methods than GET (RFC 9110, 9.1), over real connections."""

from __future__ import annotations

import http.client
import re
import socket
import urllib.parse
from collections.abc import Iterator

import pytest
import requests

from e2e.dicomweb import Held, hold
from e2e.films import Films
from e2e.orthanc_server import OrthancServer

_STUDY = "/studies/{study}"
_SERIES = f"{_STUDY}/series/{{series}}"
_INSTANCE = f"{_SERIES}/instances/{{instance}}"
_LEVELS = (_STUDY, _SERIES, _INSTANCE)
# The gateway's own, by their templates below the DICOMweb root.
RESOURCES = [
    *(f"{level}{part}" for level in _LEVELS for part in ("", "/metadata", "/rendered", "/thumbnail")),
    *(f"{_INSTANCE}/{part}" for part in ("frames/1", "frames/1,2", "frames/1/rendered", "frames/1,2/rendered")),
    *(f"{_INSTANCE}/{part}" for part in ("pixeldata", "bulkdata")),
    *(f"{level}/instances{query}" for level in ("", _STUDY, _SERIES) for query in ("", "?includefield=00083002")),
]
# What two answers to GET differ in, too: the moment, and how long one takes.
_OWN = {"date", "server-timing"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OrthancServer]:
    with OrthancServer(tmp_path_factory.mktemp("methods"), {"VideoGateway": {"Renditions": "none"}}) as running:
        yield running


@pytest.fixture(scope="module")
def video(server: OrthancServer, films: Films) -> Held:
    film = films.unique().read_bytes()
    orthanc = requests.post(f"{server.url}/instances", data=film, timeout=60).json()["ID"]
    return hold(server, requests.get(f"{server.url}/instances/{orthanc}/file", timeout=20).content)


@pytest.fixture(scope="module")
def picture(server: OrthancServer, films: Films) -> Held:
    return hold(server, films.image().read_bytes())


def named(held: Held, path: str) -> str:
    return held.root + path.format(study=held.study, series=held.series, instance=held.instance)


def ask(method: str, url: str) -> tuple[int, dict[str, str], bytes]:
    """The status, the headers, and all bytes after them until the connection closes."""
    parts = urllib.parse.urlsplit(url)
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    asked = f"{method} {target} HTTP/1.1\r\nHost: {parts.netloc}\r\nAccept: */*\r\nConnection: close\r\n\r\n"
    with socket.create_connection((str(parts.hostname), parts.port or 80), timeout=30) as connection:
        connection.sendall(asked.encode())
        with connection.makefile("rb") as answer:
            status = int(answer.readline().split()[1])
            headers = http.client.parse_headers(answer)
            # Orthanc's own boundaries are others each time.
            known = {name.lower(): re.sub("boundary=.*", "", value) for name, value in headers.items()}
            return status, known, answer.read()


def heads_agree(url: str) -> None:
    asked, expected, body = ask("GET", url)
    assert asked == 200, body[:300]
    status, headers, rest = ask("HEAD", url)
    assert (status, rest) == (200, b"")
    framing = {"transfer-encoding"} if "content-length" not in expected else set()
    for name in expected.keys() - _OWN - framing:
        assert headers.get(name) == expected[name], name


@pytest.mark.parametrize("path", RESOURCES)
def test_head_is_get_without_the_body(video: Held, path: str) -> None:
    heads_agree(named(video, path))


@pytest.mark.parametrize(
    "path",
    [
        *(f"{level}{part}" for level in _LEVELS for part in ("", "/metadata", "/rendered", "/thumbnail")),
        f"{_INSTANCE}/frames/1",
        f"{_INSTANCE}/frames/1/rendered",
        *("/studies", "/series", "/instances", f"{_STUDY}/series", f"{_SERIES}/instances"),
    ],
)
def test_head_of_ordinary_objects_is_asked_of_orthanc_by_get(picture: Held, path: str) -> None:
    heads_agree(named(picture, path))


def test_head_of_what_there_is_not_is_as_get(video: Held) -> None:
    for path in (f"{_SERIES}/instances/2.25.1/thumbnail", f"{_INSTANCE}/frames/9999", "/studies/2.25.1/thumbnail"):
        status, _, rest = ask("HEAD", named(video, path))
        assert (status, rest) == (404, b"")
        assert ask("GET", named(video, path))[0] == 404


@pytest.mark.parametrize("method", ["PATCH", "PUT", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("path", RESOURCES)
def test_other_methods_are_told_which_there_are(video: Held, path: str, method: str) -> None:
    answer = requests.request(method, named(video, path), timeout=20)
    assert answer.status_code == 405
    assert answer.headers["Allow"] == ("GET, HEAD, POST" if path == _STUDY else "GET, HEAD")


def test_the_methods_of_orthancs_own_resources_are_orthancs(server: OrthancServer) -> None:
    """The gateway knows nothing of the servers that Orthanc's DICOMweb can ask."""
    answer = requests.delete(f"{server.gateway_url}/dicom-web/servers", timeout=20)
    theirs = requests.delete(f"{server.url}/dicom-web/servers", timeout=20)
    assert answer.status_code == theirs.status_code == 405
    assert answer.headers.get("Allow") == theirs.headers.get("Allow") != "GET, HEAD"
