"""What a client asks for in vain is its own affair: 4xx and a sentence, also where Orthanc itself would fail at it."""

from __future__ import annotations

import json
import socket
import urllib.parse
from pathlib import Path
from typing import Any

import pytest
import requests
from pydicom import dcmread
from pydicom.data import get_testdata_file
from pydicom.uid import UID, generate_uid

from e2e.conftest import Start
from e2e.dicomweb import FILES, XML, Held, alone, get, hold, parts
from e2e.films import Films
from e2e.orthanc_server import OrthancServer

JPEG_PARTS = 'multipart/related; type="image/jpeg"'
OCTET_PARTS = 'multipart/related; type="application/octet-stream"'
IMPLICIT = "1.2.840.10008.1.2"


def fault(answer: requests.Response, status: int) -> str:
    """The sentence of a problem document (RFC 9457) that has this status."""
    assert answer.status_code == status, answer.text[:300]
    assert answer.headers["Content-Type"] == "application/problem+json"
    said = answer.json()
    assert said["status"] == status
    sentence: str = said["detail"]
    assert sentence.endswith(".")
    return sentence


def file(name: str) -> bytes:
    return Path(str(get_testdata_file(name))).read_bytes()


@pytest.fixture(scope="module")
def report(server: OrthancServer) -> Held:
    return hold(server, file("test-SR.dcm"))


@pytest.fixture(scope="module")
def plan(server: OrthancServer) -> Held:
    return hold(server, file("rtplan.dcm"))


@pytest.fixture(scope="module")
def dose(server: OrthancServer) -> Held:
    """An image, but of 32 bits: neither the gateway nor Orthanc can draw it."""
    return hold(server, file("rtdose.dcm"))


@pytest.fixture(scope="module")
def image(server: OrthancServer, films: Films) -> Held:
    return hold(server, films.image().read_bytes())


@pytest.fixture(scope="module")
def film(server: OrthancServer, films: Films) -> Held:
    dataset = dcmread(str(get_testdata_file("examples_ybr_color.dcm")))
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = UID("1.2.840.10008.5.1.4.1.1.3.1")
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    alone()(dataset)
    path = films.folder / "faults.dcm"
    dataset.save_as(path)
    return hold(server, path.read_bytes())


@pytest.mark.parametrize("kind", ["report", "plan"])
@pytest.mark.parametrize("accept", ["*/*", OCTET_PARTS, JPEG_PARTS, "image/jp2", f"{OCTET_PARTS}; transfer-syntax=1.2"])
def test_what_is_no_image_has_no_frames(request: pytest.FixtureRequest, kind: str, accept: str) -> None:
    held: Held = request.getfixturevalue(kind)
    for part in ("frames/1", "frames/2", "frames/1,2", "frames/1/rendered", "frames/2/rendered"):
        assert "no image" in fault(get(f"{held.url}/{part}", accept), 404), part
        head = requests.head(f"{held.url}/{part}", headers={"Accept": accept}, timeout=20)
        assert (head.status_code, head.content) == (404, b"")


@pytest.mark.parametrize("kind", ["report", "plan", "dose"])
@pytest.mark.parametrize("accept", ["*/*", "video/mp4", "image/jpeg", "image/jp2", JPEG_PARTS])
def test_what_cannot_be_shown_is_not_acceptable(request: pytest.FixtureRequest, kind: str, accept: str) -> None:
    held: Held = request.getfixturevalue(kind)
    assert "cannot be shown" in fault(get(f"{held.url}/rendered", accept), 406)


def test_frames_that_cannot_be_made_are_not_acceptable(dose: Held, film: Held, image: Held) -> None:
    for url, accept in (
        (f"{dose.url}/frames/1", JPEG_PARTS),
        (f"{dose.url}/frames/1", "image/jpeg"),
        (f"{dose.url}/frames/1/rendered", "*/*"),
        (f"{film.url}/frames/2", "image/jp2"),
        (f"{film.url}/frames/2", "video/mp4"),
        (f"{image.url}/frames/1", "image/jpeg"),
        (f"{image.url}/frames/1", f'{JPEG_PARTS}; transfer-syntax="1.2.3"'),
    ):
        assert "Frames of this instance" in fault(get(url, accept), 406), (url, accept)
    assert parts(get(f"{image.url}/frames/1", JPEG_PARTS))[0][0].startswith("image/jpeg")


def test_a_deflated_image_is_one(server: OrthancServer) -> None:
    """Not read here: what can be had of it, Orthanc says, whose newer versions do more."""
    held = hold(server, file("image_dfl.dcm"))
    assert parts(get(f"{held.url}/frames/1"))[0][0].startswith("application/octet-stream")
    asked = get(f"{held.url}/frames/1", f"{OCTET_PARTS}; transfer-syntax=*")
    assert asked.status_code == 200 or "cannot be had" in fault(asked, 406)
    for url in (held.url, held.of_study):
        assert "cannot be shown small" in fault(get(f"{url}/thumbnail"), 404)


@pytest.mark.parametrize("syntax", [IMPLICIT, "1.2.840.10008.1.2.2"])
def test_implicit_vr_and_big_endian_are_never_sent(film: Held, image: Held, syntax: str) -> None:
    """PS3.18 8.7.3, though Orthanc sends them."""
    for held in (film, image):
        for part in ("frames/1", "pixeldata", "bulkdata", "bulk/7fe00010"):
            fault(get(f"{held.url}/{part}", f"{OCTET_PARTS}; transfer-syntax={syntax}"), 406)
            fault(get(f"{held.url}/{part}", f"application/octet-stream; transfer-syntax={syntax}"), 406)
        for url in (held.url, held.of_series, held.of_study):
            fault(get(url, f"{FILES}; transfer-syntax={syntax}"), 406)
    assert get(f"{image.url}/frames/1", f"{OCTET_PARTS}; transfer-syntax={syntax}, */*;q=0.1").status_code == 200


def test_what_orthanc_cannot_send_is_not_acceptable(report: Held, dose: Held, image: Held) -> None:
    for held in (report, dose, image):
        for url in (held.url, held.of_series, held.of_study):
            for accept in ("image/jpeg", f"{FILES}; transfer-syntax=1.2.840.10008.1.2.4.102"):
                fault(get(url, accept), 406)
            fault(get(f"{url}/metadata", "image/jpeg"), 406)
    query = f"requestType=WADO&studyUID={report.study}&seriesUID={report.series}&objectUID={report.instance}"
    fault(get(f"{report.server.gateway_url}/wado?{query}&contentType=image/jpeg"), 406)


def test_what_there_is_not_is_not_found(image: Held) -> None:
    for part in ("bulk/00091001", "bulk/nonsense", "nothing", "pixeldata"):
        fault(get(f"{image.url}/{part}", Accept_Encoding="gzip"), 404)
    fault(get(f"{image.root}/studies/2.25.1/metadata/nothing"), 404)


def test_what_orthanc_itself_fails_at_is_not_the_clients_fault(start: Start, films: Films) -> None:
    held = hold(start(), films.image().read_bytes())
    info = f"{held.server.url}/instances/{held.orthanc}/attachments/dicom/info"
    uuid = requests.get(info, timeout=10).json()["Uuid"]
    held.server.restart()  # it remembers what it has read
    next(held.server.storage.rglob(uuid)).unlink()
    for url in (held.of_study, held.url, f"{held.url}/frames/1", f"{held.url}/rendered"):
        assert get(url).status_code >= 500, url


SEARCHES = ("/studies", "/series", "/instances")


@pytest.mark.parametrize("path", SEARCHES)
@pytest.mark.parametrize("name", ["limit", "offset"])
@pytest.mark.parametrize("value", ["-1", "", "x", "1.5", "+5", "99999999999999999999", "4294967296", "%D9%A1"])
def test_numbers_of_a_search_must_make_sense(image: Held, path: str, name: str, value: str) -> None:
    url = f"{image.root}{path}?{name}={value}"
    assert name in fault(get(url), 400)
    assert name in fault(get(f"{url}&includefield=00083002"), 400)
    assert name in fault(get(f"{image.root}{path}?{name}=1&{name}={value}"), 400)


def test_other_nonsense_in_a_search(image: Held) -> None:
    assert "fuzzymatching" in fault(get(f"{image.root}/studies?fuzzymatching=perhaps"), 400)
    assert "Parameter out of range" in fault(get(f"{image.root}/instances?00080018=*"), 400)
    for below in ("series", "instances"):
        fault(get(f"{image.of_study}/{below}?limit=-1"), 400)
        assert get(f"{image.of_study}/{below}?limit=1&offset=0&fuzzymatching=false").status_code == 200


@pytest.mark.parametrize("path", SEARCHES)
def test_who_asks_for_fuzzy_matching_learns_that_there_is_none(image: Held, path: str) -> None:
    """PS3.18 8.3.4.2."""
    url = f"{image.root}{path}?limit=1&StudyInstanceUID={image.study}"
    for accept in ("application/dicom+json", XML):
        assert "fuzzymatching" in get(f"{url}&fuzzymatching=true", accept).headers["Warning"]
        assert "Warning" not in get(f"{url}&fuzzymatching=false", accept).headers


@pytest.mark.parametrize("path", SEARCHES)
def test_a_search_answers_as_what_is_accepted(image: Held, path: str) -> None:
    """PS3.18 10.6.4, 8.7.7."""
    url = f"{image.root}{path}?limit=1&StudyInstanceUID={image.study}"
    for accept in ("*/*", "application/dicom+json", "application/json", f"{XML};q=0.5, application/dicom+json"):
        answer = get(url, accept)
        assert answer.headers["Content-Type"] == ("application/json" if "/json" in accept else "application/dicom+json")
        assert answer.json()[0]["0020000D"]["Value"] == [image.study]
    for accept in (XML, f"{XML}, application/dicom+json;q=0.5", "application/dicom+xml", "multipart/related"):
        ((kind, text),) = parts(get(url, accept))
        assert kind.startswith("application/dicom+xml")
        assert image.study.encode() in text
    for accept in ("text/html", "image/jpeg", JPEG_PARTS, "application/dicom+json;q=0"):
        assert "application/dicom+json" in fault(get(url, accept), 406)
    assert get(f"{url}&accept=application/dicom%2Bxml").headers["Content-Type"].startswith("multipart/related")


@pytest.mark.parametrize("path", SEARCHES)
def test_a_search_without_an_accept_header_is_not_acceptable(image: Held, path: str) -> None:
    status, body = plainly(image.server, f"/dicom-web{path}", accept="")
    assert status == 406
    assert "Accept" in json.loads(body)["detail"]


def plainly(server: OrthancServer, target: str, *, accept: str = "Accept: */*\r\n") -> tuple[int, bytes]:
    """The status and body of an answer to a target that no client has tidied up."""
    parts = urllib.parse.urlsplit(server.gateway_url)
    asked = f"GET {target} HTTP/1.1\r\nHost: {parts.netloc}\r\n{accept}Connection: close\r\n\r\n"
    with socket.create_connection((str(parts.hostname), parts.port or 80), timeout=30) as connection:
        connection.sendall(asked.encode())
        with connection.makefile("rb") as answer:
            head, _, body = answer.read().partition(b"\r\n\r\n")
            return int(head.split()[1]), body


@pytest.mark.parametrize(
    "target",
    [
        "/dicom-web/../system",
        "/dicom-web/%2e%2e/system",
        "/dicom-web/%2E./system",
        "/dicom-web/..%2fsystem",
        "/dicom-web%2f..%2fsystem",
        "/dicom-web/..%5csystem",
        "/dicom-web/..\\system",
        "/dicom-web/./../system",
        "/dicom-web/studies/%2e%2e/%2e%2e/system",
        "/dicom-web/studies/1.2/series/%2e%2e/instances/1.2/metadata",
        "/dicom-web/..",
        "/wado/../system",
        "//dicom-web/../system",
    ],
)
def test_segments_of_dots_lead_nowhere(server: OrthancServer, target: str) -> None:
    """Orthanc would take them away: what a neighbour opens below the DICOMweb root alone would open all of it."""
    status, body = plainly(server, target)
    assert status == 400
    assert json.loads(body)["detail"].startswith("The path has a segment")
    assert plainly(server, "/system")[0] == 200
    assert plainly(server, "/dicom-web/studies?StudyDescription=../x")[0] == 200


def test_a_thumbnail_is_of_the_whole_picture(image: Held, film: Held) -> None:
    for held in (image, film):
        for url in (held.url, held.of_series, held.of_study):
            for viewport in ("64,64,0,0,10,10", "64,64,,,,", "64", "64,64,1"):
                assert "viewport" in fault(get(f"{url}/thumbnail?viewport={viewport}", "image/jpeg"), 400)
            assert get(f"{url}/thumbnail?viewport=64,64", "image/jpeg").status_code == 200


def test_a_video_of_an_instance_comes_alone(server: OrthancServer, films: Films) -> None:
    """Parts are optional for what is rendered (Table 10.4.4-1), and a video of one instance is one part."""
    film: dict[str, Any] = requests.post(
        f"{server.gateway_url}/instances", data=films.unique().read_bytes(), timeout=60
    ).json()
    held = hold(server, requests.get(f"{server.url}/instances/{film['ID']}/file", timeout=20).content)
    assert "video/mp4" in fault(get(f"{held.url}/rendered", 'multipart/related; type="video/mp4"'), 406)
