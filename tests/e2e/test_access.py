"""Orthanc decides who may do what; the gateway grants nothing that Orthanc refuses."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from pydicom import dcmread
from pydicom.dataset import Dataset

from e2e.films import Films
from e2e.orthanc_server import REPOSITORY, OrthancServer
from e2e.recordings import Recordings, wait_until
from orthanc_video.archive.identifiers import orthanc_ids

USERS = {
    "alice": "wonderland",
    "bob": "builder",
    "carol": "singer",
    "dora": "reader",
    "erik": "asker",
    "frida": "explorer",
    "gina": "guest",
    "hugo": "modern",
    "ivan": "half",
}
# Two videos of one study: the second is the one that Ivan may not see.
_TWO = [
    {
        "PatientID": "two",
        "StudyInstanceUID": "2.25.1",
        "SeriesInstanceUID": "2.25.2",
        "SOPInstanceUID": f"2.25.{number}",
    }
    for number in (3, 4)
]
_FIRST, _SECOND = (orthanc_ids(one)["ID"] for one in _TWO)
# What a site may configure: Bob may look at nothing but the system, and upload nothing. Carol may read all that is said
# in words, but see no pictures, no jobs, and upload nothing.
# Dora may read all there is, by GET alone; Erik may search, and ask nothing of an instance. Frida may do all but by
# DICOMweb, Gina but by DICOMweb to the studies that begin so, Hugo but by WADO-URI.
FILTER = """
function IncomingHttpRequestFilter(method, uri, ip, username, headers)
  if username == 'bob' then
    return method == 'GET' and uri == '/system'
  end
  if username == 'carol' then
    local pictures = {'/file$', '/data$', '/preview', '/frames', '/image', '/rendered', '^/dicom%-web', '^/jobs'}
    for _, picture in ipairs(pictures) do
      if string.find(uri, picture) then
        return false
      end
    end
    return method == 'GET' or string.find(uri, '^/tools/') ~= nil
  end
  if username == 'dora' then
    return method == 'GET'
  end
  if username == 'erik' then
    return string.find(uri, '^/instances') == nil
  end
  if username == 'frida' then
    return string.find(uri, '^/dicom%-web') == nil
  end
  if username == 'gina' then
    return string.find(uri, '^/dicom%-web/studies/2%.25%.') == nil
  end
  if username == 'hugo' then
    return string.find(uri, '^/wado') == nil
  end
  if username == 'ivan' then
    return string.find(uri, '^/instances/SECOND') == nil
  end
  return true
end
""".replace("SECOND", _SECOND.replace("-", "%-"))
ALICE = ("alice", "wonderland")
BOB = ("bob", "builder")
CAROL = ("carol", "singer")
DORA = ("dora", "reader")
ERIK = ("erik", "asker")
FRIDA = ("frida", "explorer")
GINA = ("gina", "guest")
HUGO = ("hugo", "modern")
IVAN = ("ivan", "half")


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OrthancServer]:
    folder = tmp_path_factory.mktemp("guarded")
    script = folder / "filter.lua"
    script.write_text(FILTER, encoding="utf-8")
    configuration: dict[str, Any] = {
        "AuthenticationEnabled": True,
        "RemoteAccessAllowed": True,
        "RegisteredUsers": USERS,
        "LuaScripts": [str(script)],
    }
    with OrthancServer(folder, configuration) as running:
        yield running


@pytest.fixture(scope="module")
def stored(guarded: OrthancServer, films: Films) -> dict[str, Any]:
    film = films.unique().read_bytes()
    answer = requests.post(f"{guarded.gateway_url}/instances", data=film, auth=ALICE, timeout=60)
    assert answer.status_code == 200, answer.text
    ids: dict[str, Any] = answer.json()
    tags = requests.get(f"{guarded.url}/instances/{ids['ID']}/simplified-tags", auth=ALICE, timeout=10).json()
    return {**ids, **tags}


_STUDY = "/dicom-web/studies/{StudyInstanceUID}"
_SERIES = f"{_STUDY}/series/{{SeriesInstanceUID}}"
_INSTANCE = f"{_SERIES}/instances/{{SOPInstanceUID}}"
DICOM_WEB = [
    *(f"{_INSTANCE}/{part}" for part in ("rendered", "thumbnail", "frames/1", "frames/1/rendered")),
    *(f"{level}/{part}" for level in (_SERIES, _STUDY) for part in ("rendered", "thumbnail")),
]


def paths(stored: dict[str, Any]) -> list[str]:
    """Every path of the gateway's own interface, from its description, and some of Orthanc's."""
    own = [
        "/", "/docs", "/openapi.json", "/assets/index.js", "/video/capabilities", "/video/instances",
        "/video/instances/{ID}", "/video/instances/{ID}/stream", "/video/instances/{ID}/index",
        "/video/series/{ParentSeries}/index", "/video/series/{ParentSeries}",
        "/video/studies/{ParentStudy}/series", "/video/instances/{ID}/thumbnail",
        "/video/instances/{ID}/assign", "/video/instances/{ID}/links",
        "/video/instances/{ID}/clips", "/video/instances/{ID}/clips/00000000000000000000000000000000-1.mp4",
        "/video/instances/{ID}/frames/1", "/video/instances/{ID}/frames", "/video/instances/{ID}/sheet",
        "/video/instances/{ID}/preview", "/video/instances/{ID}/stills", "/video/instances/{ID}/marks",
        "/video/instances/{ID}/overlays", "/video/instances/{ID}/values",
        "/video/instances/{ID}/views", "/video/instances/{ID}/views/00000000-00000000-00000000-00000000-00000000",
        "/video/instances/{SOPInstanceUID}/stream", "/video/jobs",
        f"/video/jobs/{stored['Video']['Job']}", "/video/ingest", "/instances", "/video/nothing",
        "/video/uploads", "/video/uploads/00000000-0000-4000-8000-000000000000",
        *DICOM_WEB,
    ]  # fmt: skip
    orthanc = [
        "/system",
        "/patients",
        "/instances/{ID}/file",
        "/dicom-web/studies",
        "/tools/find",
        "/app/explorer.html",
    ]
    return [path.format(**stored) for path in (*own, *orthanc)]


METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"]


@pytest.mark.parametrize("who", [None, ("alice", "wrong"), ("nobody", ""), ("", "")])
def test_a_crawl_without_valid_credentials_gets_nothing(
    guarded: OrthancServer, stored: dict[str, Any], who: tuple[str, str] | None
) -> None:
    for path in paths(stored):
        for method in METHODS:
            body = b"0" * 64 if method in {"POST", "PUT", "PATCH"} else None
            headers = {"Orthanc-Video-Door": "orthanc", "Orthanc-Video-Secret": "", "X-Forwarded-For": "127.0.0.1"}
            answer = requests.request(
                method, guarded.gateway_url + path, data=body, auth=who, headers=headers, timeout=20
            )
            # Orthanc itself does not know some methods and answers those before it asks for a password.
            assert answer.status_code in {400, 401, 404, 405}, (method, path, answer.status_code)
            assert answer.status_code == 401 or method not in {"GET", "POST"} or path == "/video/nothing", (
                method,
                path,
            )
            for private in (stored["ID"], stored["PatientName"], "ftyp"):
                assert private.encode() not in answer.content


def test_the_health_page_says_nothing_else(guarded: OrthancServer) -> None:
    assert requests.get(f"{guarded.gateway_url}/health", timeout=10).json() == {"Status": "ok"}


def test_a_browser_is_asked_for_a_password(guarded: OrthancServer) -> None:
    answer = requests.get(guarded.gateway_url + "/", timeout=10)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Basic ")


def test_orthancs_filter_is_obeyed(guarded: OrthancServer, stored: dict[str, Any], films: Films) -> None:
    """Bob's password is right, but Orthanc's Lua filter lets him see nothing: so does the gateway."""
    film = films.unique().read_bytes()
    base = f"{guarded.gateway_url}/video/instances/{stored['ID']}"
    for url in (base, f"{base}/stream", f"{base}/index", f"{base}/thumbnail", f"{guarded.gateway_url}/video/instances"):
        assert requests.get(url, auth=ALICE, timeout=20).status_code == 200, url
        assert requests.get(url, auth=BOB, timeout=20).status_code == 403, url
    for url in (f"{guarded.gateway_url}/instances", f"{guarded.gateway_url}/video/ingest", f"{guarded.url}/instances"):
        assert requests.post(url, data=film, auth=BOB, timeout=20).status_code == 403, url
    jobs = f"{guarded.gateway_url}/video/jobs"
    assert requests.get(jobs, auth=BOB, timeout=10).status_code == 403
    assert requests.delete(f"{jobs}/{stored['Video']['Job']}", auth=BOB, timeout=10).status_code == 403


_FRAMES = [
    f"/video/instances/{{ID}}/{part}" for part in ("frames/1", "frames?time=0", "sheet?columns=2", "preview?frames=2")
]
PICTURES = [
    "/video/instances/{ID}/stream",
    "/video/instances/{ID}/index",
    "/video/instances/{ID}/thumbnail",
    "/video/instances/{ID}/overlays",
    "/video/instances/{ID}/values",
    *_FRAMES,
    *DICOM_WEB,
]


@pytest.mark.parametrize("path", PICTURES)
def test_pictures_that_orthanc_refuses_are_not_shown(guarded: OrthancServer, stored: dict[str, Any], path: str) -> None:
    """Who may know of a video is not yet one who may see it; what others were shown before does not help."""
    url = guarded.gateway_url + path.format(**stored)
    for method in ("GET", "HEAD") if path.endswith("/stream") or path in {*DICOM_WEB, *_FRAMES} else ("GET",):
        assert requests.request(method, url, auth=ALICE, timeout=20).status_code == 200
        refused = requests.request(method, url, auth=CAROL, timeout=20)
        assert refused.status_code == 403
        assert b"ftyp" not in refused.content


READ = [
    *DICOM_WEB,
    *(f"{level}{part}" for level in (_STUDY, _SERIES, _INSTANCE) for part in ("", "/metadata")),
    f"{_INSTANCE}/pixeldata",
    f"{_SERIES}/instances?includefield=00083002",
    "/video/instances/{SOPInstanceUID}",
    "/video/instances/{SOPInstanceUID}/stream",
    "/video/instances/{SOPInstanceUID}/index",
]


def test_who_may_not_upload_stores_no_stills(guarded: OrthancServer, stored: dict[str, Any]) -> None:
    """Dora may read the video; what is made of it, she may not store."""
    for kind, asked in (
        ("stills", '{"frames": [1], "as": "endoscopic"}'),
        ("marks", '{"moments": [0]}'),
        ("views", "{}"),
    ):
        url = f"{guarded.gateway_url}/video/instances/{stored['ID']}/{kind}"
        assert requests.post(url, data=asked, auth=DORA, timeout=20).status_code == 403
        assert requests.post(url, data=asked, auth=ALICE, timeout=20).status_code == 200


def test_who_may_not_delete_deletes_no_view(guarded: OrthancServer, stored: dict[str, Any]) -> None:
    url = f"{guarded.gateway_url}/video/instances/{stored['ID']}/views"
    view = requests.post(url, data='{"name": "hers"}', auth=ALICE, timeout=20).json()["ID"]
    assert requests.delete(f"{url}/{view}", auth=DORA, timeout=20).status_code == 403
    assert requests.delete(f"{url}/{view}", timeout=20).status_code == 401
    assert requests.get(f"{url}/{view}", auth=DORA, timeout=20).status_code == 200
    assert requests.delete(f"{url}/{view}", auth=ALICE, timeout=20).status_code == 204


@pytest.mark.parametrize("path", READ)
def test_who_may_only_get_reads_all_there_is(guarded: OrthancServer, stored: dict[str, Any], path: str) -> None:
    """Orthanc looks UIDs up by POST, which it refuses her: what they name is found by GET, and is the same."""
    url = guarded.gateway_url + path.format(**stored)
    hers = requests.get(url, auth=DORA, timeout=20)
    assert hers.status_code == 200, hers.text
    theirs = requests.get(url, auth=ALICE, timeout=20)
    assert len(hers.content) == len(theirs.content)
    assert requests.get(url, auth=BOB, timeout=20).status_code == 403


WADO = "/wado?requestType=WADO&studyUID={StudyInstanceUID}&seriesUID={SeriesInstanceUID}&objectUID={SOPInstanceUID}"
BY_DICOM_WEB = [path for path in READ if path.startswith("/dicom-web")]


@pytest.mark.parametrize("path", BY_DICOM_WEB)
def test_who_is_kept_from_dicomweb_is_kept_from_the_gateways_too(
    guarded: OrthancServer, stored: dict[str, Any], path: str
) -> None:
    """All that she may read elsewhere, and others may read here, is refused by the path alone, as Orthanc would."""
    url = guarded.gateway_url + path.format(**stored)
    for method in ("GET", "HEAD"):
        for who, status in ((ALICE, 200), (FRIDA, 403), (GINA, 403), (HUGO, 200)):
            answer = requests.request(method, url, auth=who, timeout=20)
            assert answer.status_code == status, (who, answer.text[:300])
    assert requests.get(f"{guarded.gateway_url}/video/instances/{stored['ID']}/stream", auth=FRIDA, timeout=20).ok


def test_what_orthanc_opens_of_dicomweb_is_open(guarded: OrthancServer, films: Films) -> None:
    """A study whose path no filter refuses."""
    study = dcmread(films.image()).StudyInstanceUID
    requests.post(f"{guarded.url}/instances", data=films.image().read_bytes(), auth=ALICE, timeout=20)
    for part in ("", "/metadata", "/rendered", "/thumbnail"):
        url = f"{guarded.gateway_url}/dicom-web/studies/{study}{part}"
        assert requests.get(url, auth=GINA, timeout=20).status_code == 200, url
        assert requests.get(url, auth=FRIDA, timeout=20).status_code == 403, url


def test_who_is_kept_from_dicomweb_stores_nothing_by_it(
    guarded: OrthancServer, stored: dict[str, Any], films: Films
) -> None:
    requests.post(f"{guarded.gateway_url}/instances", data=films.unique().read_bytes(), auth=FRIDA, timeout=60)
    headers = {"Content-Type": "application/dicom"}
    file = films.image().read_bytes()
    study = _STUDY.format(**stored)
    for who, path, status in (
        (FRIDA, "/dicom-web/studies", 403),
        (FRIDA, study, 403),
        (GINA, study, 403),
        (GINA, "/dicom-web/studies", 200),
    ):
        answer = requests.post(guarded.gateway_url + path, data=file, auth=who, headers=headers, timeout=20)
        assert answer.status_code == status, (who, path, answer.text)


def test_who_is_kept_from_wado_is_kept_from_the_gateways_too(guarded: OrthancServer, stored: dict[str, Any]) -> None:
    url = guarded.gateway_url + WADO.format(**stored) + "&contentType=video/mp4"
    for who, status in ((ALICE, 200), (HUGO, 403), (FRIDA, 403)):
        assert requests.get(url, auth=who, timeout=20).status_code == status, who


def test_who_may_only_get_lists_all_videos(guarded: OrthancServer, stored: dict[str, Any]) -> None:
    """Orthanc finds series by POST, which it refuses her: the same are found by GET."""
    url = f"{guarded.gateway_url}/video/instances"
    hers, theirs = (requests.get(url, auth=who, timeout=20).json() for who in (DORA, ALICE))
    assert stored["ID"] in [one["ID"] for one in hers["Instances"]]
    assert hers == theirs
    page = requests.get(f"{url}?since=0&limit=1", auth=DORA, timeout=20).json()
    assert page["Instances"] == theirs["Instances"][:1]
    assert requests.get(url, auth=BOB, timeout=20).status_code == 403


def test_who_may_only_get_searches_all_the_same(guarded: OrthancServer, stored: dict[str, Any]) -> None:
    for kind in ("instances", "studies"):
        url, asked = f"{guarded.gateway_url}/video/{kind}/find", {"Patient": stored["PatientID"]}
        hers, theirs = (requests.post(url, json=asked, auth=who, timeout=20).json() for who in (DORA, ALICE))
        assert len(theirs.get("Instances", theirs.get("Studies"))) == 1
        assert hers == theirs
        assert requests.post(url, json=asked, auth=BOB, timeout=20).status_code == 403
        assert requests.post(url, json=asked, timeout=20).status_code == 401


def test_who_may_only_get_reads_pictures(guarded: OrthancServer, films: Films) -> None:
    """Of a series that is no video's, each instance is asked whether it moves."""
    study = dcmread(films.image()).StudyInstanceUID
    requests.post(f"{guarded.url}/instances", data=films.image().read_bytes(), auth=ALICE, timeout=20)
    for part in ("", "/metadata", "/rendered", "/thumbnail"):
        url = f"{guarded.gateway_url}/dicom-web/studies/{study}{part}"
        assert requests.get(url, auth=DORA, timeout=20).status_code == 200, url


def test_who_may_only_get_finds_nothing_that_there_is_not(guarded: OrthancServer, stored: dict[str, Any]) -> None:
    for part in ("/rendered", "/thumbnail", "/frames/1", "/pixeldata"):
        url = guarded.gateway_url + f"{_SERIES}/instances/2.25.1".format(**stored) + part
        assert requests.get(url, auth=DORA, timeout=20).status_code == 404, url
    for part in ("/rendered", "/thumbnail", "/metadata"):
        url = f"{guarded.gateway_url}/dicom-web/studies/2.25.1{part}"
        assert requests.get(url, auth=DORA, timeout=20).status_code in {200, 404}, url


@pytest.mark.parametrize("path", ["/instances", "/video/ingest", "/dicom-web/studies", "/tools/find", "/tools/lookup"])
def test_who_may_only_get_sends_nothing(guarded: OrthancServer, films: Films, path: str) -> None:
    film = films.unique().read_bytes()
    headers = {"Content-Type": 'multipart/related; type="application/dicom"; boundary=b'}
    for base in (guarded.gateway_url, guarded.url):
        answer = requests.post(base + path, data=film, auth=DORA, headers=headers, timeout=20)
        assert answer.status_code == 403, (base, answer.text)


@pytest.mark.parametrize("accept", ["application/dicom+json", 'multipart/related; type="application/dicom+xml"'])
def test_a_search_leaves_out_what_its_caller_may_not_ask(
    guarded: OrthancServer, stored: dict[str, Any], accept: str
) -> None:
    url = f"{guarded.gateway_url}{_SERIES}/instances?includefield=00083002".format(**stored)
    for who, told in ((ALICE, True), (ERIK, False)):
        answer = requests.get(url, auth=who, headers={"Accept": accept}, timeout=20)
        assert answer.status_code == 200
        assert stored["SOPInstanceUID"].encode() in answer.content
        assert (b"00083002" in answer.content) is told
    assert "Traceback" not in guarded.log


def test_what_is_said_of_a_video_is_for_who_may_read_it(guarded: OrthancServer, stored: dict[str, Any]) -> None:
    answer = requests.get(f"{guarded.gateway_url}/video/instances/{stored['ID']}", auth=CAROL, timeout=20)
    assert answer.status_code == 200
    assert answer.json()["SOPInstanceUID"] == stored["SOPInstanceUID"]


def test_a_clip_is_for_who_may_see_the_video_and_an_object_of_it_for_who_may_upload(
    guarded: OrthancServer, stored: dict[str, Any]
) -> None:
    url = f"{guarded.gateway_url}/video/instances/{stored['ID']}/clips"
    asked = '{"start": {"frame": 2}, "end": {"frame": 9}, "as": "%s"}'
    for who in (BOB, CAROL):
        assert requests.post(url, data=asked % "mp4", auth=who, timeout=20).status_code == 403
    clip = requests.post(url, data=asked % "mp4", auth=DORA, timeout=60)
    assert clip.status_code == 200, clip.text
    film = guarded.gateway_url + clip.json()["Url"]
    assert [requests.get(film, auth=who, timeout=20).status_code for who in (DORA, CAROL, BOB)] == [200, 403, 403]
    for kind in ("dicom", "both"):
        assert requests.post(url, data=asked % kind, auth=DORA, timeout=20).status_code == 403
        assert (
            requests.post(
                f"{guarded.url}{url.removeprefix(guarded.gateway_url)}", data=asked % kind, auth=DORA, timeout=20
            ).status_code
            == 403
        )
    assert requests.post(url, data=asked % "dicom", auth=ALICE, timeout=60).status_code == 200


def test_a_joined_film_is_for_who_may_see_all_that_was_joined(guarded: OrthancServer, recordings: Recordings) -> None:
    for uids in _TWO:
        data = recordings.changed(_setting(uids), uids["SOPInstanceUID"])
        answer = requests.post(f"{guarded.url}/instances", data=data, auth=ALICE, timeout=60)
        assert answer.json()["ID"] in {_FIRST, _SECOND}, answer.text
    url = f"{guarded.gateway_url}/video/instances/{_FIRST}"
    asked = f'{{"join": ["{_SECOND}"], "as": "mp4"}}'
    assert requests.get(f"{url}/stream", auth=IVAN, timeout=60).status_code == 200
    assert requests.post(f"{url}/edits", data=asked, auth=IVAN, timeout=60).status_code == 403
    told = requests.post(f"{url}/edits", data=asked, auth=ALICE, timeout=60)
    assert told.status_code == 200, told.text
    for base, method in ((guarded.gateway_url, "GET"), (guarded.gateway_url, "HEAD"), (guarded.url, "GET")):
        for who, status in ((ALICE, 200), (IVAN, 403), (CAROL, 403), (BOB, 403)):
            answer = requests.request(method, base + told.json()["Url"], auth=who, timeout=20)
            assert answer.status_code == status, (base, who, method)
    requests.delete(f"{guarded.url}/instances/{_SECOND}", auth=ALICE, timeout=20)
    film = guarded.gateway_url + told.json()["Url"]  # to the same caller what was answered holds for a moment
    wait_until(lambda: requests.get(film, auth=ALICE, timeout=20).status_code == 404)


def _setting(values: dict[str, str]) -> Callable[[Dataset], None]:
    def change(dataset: Dataset) -> None:
        for keyword, value in values.items():
            setattr(dataset, keyword, value)

    return change


@pytest.mark.parametrize("ending", ["", "/events"])
def test_a_job_is_followed_by_its_sender_and_by_who_may_see_the_video(
    guarded: OrthancServer, stored: dict[str, Any], ending: str
) -> None:
    # Orthanc's own port sends who asks for events to the gateway.
    for base in (guarded.gateway_url,) if ending else (guarded.gateway_url, guarded.url):
        url = f"{base}/video/jobs/{stored['Video']['Job']}{ending}"
        for who, status in ((ALICE, 200), (CAROL, 200), (BOB, 403)):
            assert requests.get(url, auth=who, timeout=20).status_code == status, (who, url)


def test_a_failed_job_is_nobody_elses_affair(guarded: OrthancServer) -> None:
    url = f"{guarded.url}/instances"
    requests.post(url, files={"f": ("a.mp4", b"no video at all" * 99)}, auth=ALICE, timeout=20)
    jobs = requests.get(f"{guarded.gateway_url}/video/jobs", auth=ALICE, timeout=20).json()["Jobs"]
    failed = next(job["ID"] for job in jobs if job["State"] == "Failure")
    for who, status in ((ALICE, 200), (CAROL, 403), (BOB, 403)):
        answer = requests.get(f"{guarded.gateway_url}/video/jobs/{failed}", auth=who, timeout=20)
        assert answer.status_code == status, who


def test_orthancs_own_port_passes_credentials_on(guarded: OrthancServer, stored: dict[str, Any]) -> None:
    url = f"{guarded.url}/video/instances/{stored['ID']}/index"
    assert requests.get(url, auth=ALICE, timeout=10).status_code == 200
    assert requests.get(url, timeout=10).status_code == 401


def test_no_password_or_name_in_the_logs(guarded: OrthancServer, stored: dict[str, Any]) -> None:
    log = guarded.log
    for private in ("wonderland", "builder", "YWxpY2U6d29uZGVybGFuZA", stored["PatientID"], stored["SOPInstanceUID"]):
        assert private not in log


def test_a_remote_caller_does_not_look_local_to_orthanc(tmp_path: Path) -> None:
    """Orthanc takes only local callers: one that came through a proxy is none, whatever the gateway's own address."""
    with OrthancServer(tmp_path, {"RemoteAccessAllowed": False}) as server:
        assert requests.get(f"{server.gateway_url}/system", timeout=10).status_code == 200
        proxied = requests.get(f"{server.gateway_url}/system", headers={"X-Forwarded-For": "203.0.113.9"}, timeout=10)
        assert proxied.status_code in {401, 403}


@pytest.mark.parametrize(
    ("orthanc", "words"),
    [
        ({"AuthenticationEnabled": False, "RemoteAccessAllowed": True}, "asks nobody for a password"),
        ({"AuthenticationEnabled": True, "RegisteredUsers": USERS}, "allows no remote access"),
    ],
)
def test_the_gateway_does_not_open_an_open_orthanc_to_the_network(
    tmp_path: Path, orthanc: dict[str, Any], words: str
) -> None:
    import json

    path = tmp_path / "orthanc.json"
    configuration = orthanc | {
        "StorageDirectory": str(tmp_path / "data"),
        "VideoGateway": {"Host": "0.0.0.0", "Port": 0},
    }
    path.write_text(json.dumps(configuration), encoding="utf-8")
    command = [sys.executable, "-m", "orthanc_video", "gateway", "--configuration", str(path)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=REPOSITORY)
    assert ended.returncode == 78
    assert words in ended.stderr
