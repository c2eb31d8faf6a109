"""WADO-URI (PS3.18 9) of videos, and of what is none."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests

from e2e.dicomweb import Held, alone, hold
from e2e.films import Films
from e2e.orthanc_server import OrthancServer
from e2e.recordings import Recordings

_TS = "1.2.840.10008.1.2.4"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OrthancServer]:
    with OrthancServer(tmp_path_factory.mktemp("wado"), {"VideoGateway": {"Renditions": "none"}}) as running:
        yield running


@pytest.fixture(scope="module")
def video(server: OrthancServer, recordings: Recordings) -> Held:
    return hold(server, recordings.changed(alone()))


@pytest.fixture(scope="module")
def mpeg2(server: OrthancServer, recordings: Recordings, films: Films) -> Held:
    return hold(server, recordings.holding(films.source("mpeg2.mpg").read_bytes(), f"{_TS}.100"))


def wado(held: Held, accept: str = "*/*", **query: str) -> requests.Response:
    known = {
        "requestType": "WADO", "studyUID": held.study, "seriesUID": held.series, "objectUID": held.instance
    } | query  # fmt: skip
    asked = {name: value for name, value in known.items() if value}
    return requests.get(f"{held.server.gateway_url}/wado", params=asked, headers={"Accept": accept}, timeout=60)


def test_a_video_is_sent_for_players(video: Held, mpeg2: Held) -> None:
    stream = requests.get(f"{video.url}/rendered", headers={"Accept": "video/mp4"}, timeout=30).content
    for answer in (wado(video, contentType="video/mp4"), wado(video), wado(video, "video/mp4")):
        assert (answer.status_code, answer.headers["Content-Type"], answer.content) == (200, "video/mp4", stream)
    assert wado(mpeg2, contentType="video/mp4").headers["Content-Type"] == "video/mp4"
    stored = wado(mpeg2, contentType="video/mpeg")
    assert stored.headers["Content-Type"] == "video/mpeg"
    assert stored.content.startswith(b"\x00\x00\x01\xba")


def test_ranges_hold(video: Held) -> None:
    url = f"{video.server.gateway_url}/wado"
    uids = {"studyUID": video.study, "seriesUID": video.series, "objectUID": video.instance}
    query = {"requestType": "WADO", "contentType": "video/mp4"} | uids
    whole = requests.get(url, params=query, timeout=30)
    part = requests.get(url, params=query, headers={"Range": "bytes=10-19"}, timeout=30)
    assert (part.status_code, part.content) == (206, whole.content[10:20])
    head = requests.head(url, params=query, headers={"Accept": "*/*"}, timeout=30)
    assert (head.status_code, head.headers["Content-Length"]) == (200, str(len(whole.content)))


def test_a_video_is_sent_as_a_file(video: Held) -> None:
    for query in ({}, {"transferSyntax": f"{_TS}.102"}):
        answer = wado(video, contentType="application/dicom", **query)
        assert answer.headers["Content-Type"] == f"application/dicom; transfer-syntax={_TS}.102"
        assert answer.content == video.data


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"requestType": ""}, 400),
        ({"requestType": "other"}, 400),
        ({"studyUID": ""}, 400),
        ({"seriesUID": ""}, 400),
        ({"objectUID": ""}, 400),
        ({"studyUID": "1.2.3"}, 404),
        ({"seriesUID": "1.2.3"}, 404),
        ({"objectUID": "1.2.3"}, 404),
        ({"contentType": "image/tiff, audio/mpeg"}, 406),
        ({"contentType": "text/html"}, 406),
        ({"contentType": "application/dicom,video/mp4"}, 400),
        ({"contentType": "application/dicom", "frameNumber": "1"}, 400),
        ({"contentType": "application/dicom", "rows": "64"}, 400),
        ({"contentType": "application/dicom", "anonymize": "yes"}, 400),
        ({"contentType": "application/dicom", "transferSyntax": f"{_TS}.50"}, 406),
        ({"contentType": "video/mp4", "transferSyntax": f"{_TS}.102"}, 400),
        ({"contentType": "video/mp4", "presentationUID": "1.2"}, 400),
        ({"contentType": "image/jpeg", "frameNumber": "0"}, 400),
        ({"contentType": "image/jpeg", "frameNumber": "11"}, 400),
        ({"contentType": "image/jpeg", "frameNumber": "x"}, 400),
        ({"contentType": "image/jpeg", "region": "0,0,2,2"}, 400),
        ({"contentType": "image/jpeg", "rows": "0"}, 400),
    ],
)
def test_what_cannot_be_is_refused(video: Held, query: dict[str, str], status: int) -> None:
    answer = wado(video, **query)
    assert answer.status_code == status, answer.text


def test_what_is_no_video_is_orthancs(server: OrthancServer, films: Films) -> None:
    image = hold(server, films.image().read_bytes())
    # Orthanc takes the slash as it is, not as %2F.
    query = f"requestType=WADO&studyUID={image.study}&seriesUID={image.series}&objectUID={image.instance}&contentType="
    answer = requests.get(f"{server.gateway_url}/wado?{query}application/dicom", timeout=10)
    assert answer.content == image.data
    jpeg = requests.get(f"{server.gateway_url}/wado?{query}image/jpeg", timeout=10)
    assert jpeg.content.startswith(b"\xff\xd8")
