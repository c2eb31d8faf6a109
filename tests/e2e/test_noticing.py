"""Everything stored is noticed, whichever way it came: looked at, with a poster in the cache that nobody asked for."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from pydicom.encaps import encapsulate

from e2e.films import Films
from e2e.orthanc_server import OrthancServer
from e2e.recordings import Recordings, findings, looked_at, noticed, poster, store, wait_until
from e2e.test_durability import wait_for_job


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OrthancServer]:
    with OrthancServer(tmp_path_factory.mktemp("noticing")) as running:
        yield running


def by_storescu(server: OrthancServer, data: bytes, folder: Path) -> None:
    path = folder / "sent.dcm"
    path.write_bytes(data)
    port = str(server.configuration["DicomPort"])
    subprocess.run(["storescu", "-xf", str(_profile(folder)), "Video", "127.0.0.1", port, str(path)], check=True)


def _profile(folder: Path) -> Path:
    """Of DCMTK's own options none proposes H.264 for a video class."""
    path = folder / "storescu.cfg"
    path.write_text(
        "[[TransferSyntaxes]]\n[H264]\nTransferSyntax1 = 1.2.840.10008.1.2.4.102\n"
        "[[PresentationContexts]]\n[Video]\n"
        "PresentationContext1 = VideoPhotographicImageStorage\\H264\n"
        "[[Profiles]]\n[Video]\nPresentationContexts = Video\n",
        encoding="utf-8",
    )
    return path


def by_stow(server: OrthancServer, data: bytes, _folder: Path) -> None:
    body = b"--edge\r\nContent-Type: application/dicom\r\n\r\n" + data + b"\r\n--edge--\r\n"
    kind = 'multipart/related; type="application/dicom"; boundary=edge'
    headers = {"Content-Type": kind, "Accept": "application/dicom+json"}
    answer = requests.post(f"{server.url}/dicom-web/studies", data=body, headers=headers, timeout=30)
    assert answer.status_code == 200, answer.text


def by_rest(server: OrthancServer, data: bytes, _folder: Path) -> None:
    store(server, data)


@pytest.mark.parametrize("way", [by_storescu, by_stow, by_rest])
def test_whichever_way_it_came(
    ours: OrthancServer, recordings: Recordings, tmp_path: Path, way: Callable[..., None]
) -> None:
    before = set(requests.get(f"{ours.url}/instances", timeout=10).json())
    way(ours, recordings.one(), tmp_path)
    (instance,) = set(requests.get(f"{ours.url}/instances", timeout=10).json()) - before
    path = wait_until(lambda: (found := poster(ours, instance)).exists() and found)
    assert path.read_bytes()[:3] == b"\xff\xd8\xff"
    assert looked_at(ours, instance) == []
    asked = requests.get(f"{ours.gateway_url}/video/instances/{instance}/thumbnail", timeout=10)
    assert asked.content == path.read_bytes()


def test_our_own_uploads_are_looked_at_too(ours: OrthancServer, films: Films) -> None:
    answer = requests.post(f"{ours.url}/instances", data=films.unique().read_bytes(), timeout=30).json()
    assert looked_at(ours, answer["ID"]) == []
    assert poster(ours, answer["ID"]).exists()


def test_a_nudge_makes_it_quick(ours: OrthancServer, recordings: Recordings) -> None:
    """Without one, what arrives just after a look waits ten seconds for the next."""
    for _ in range(2):
        instance = store(ours, recordings.one())
        wait_until(poster(ours, instance).exists, within=7)


def test_contradictions_are_found(ours: OrthancServer, recordings: Recordings) -> None:
    def change(dataset: Any) -> None:
        dataset.NumberOfFrames = 11
        dataset.Columns = 66
        del dataset.Modality

    instance = store(ours, recordings.changed(change))
    assert looked_at(ours, instance) == [
        "The required attribute Modality is missing.",
        "NumberOfFrames is 11, but the stream has 10.",
        "Columns is 66, but the stream has 64.",
    ]


def test_a_finding_says_how_grave_it_is_and_what_to_do(ours: OrthancServer, recordings: Recordings) -> None:
    def change(dataset: Any) -> None:
        dataset.Rows = 66

    instance = store(ours, recordings.changed(change))
    looked_at(ours, instance)
    facts = requests.get(f"{ours.gateway_url}/video/instances/{instance}", timeout=10).json()
    assert facts["Findings"] == [
        {
            "Severity": "error",
            "Code": "rows",
            "Sentence": "Rows is 66, but the stream has 64.",
            "Section": "PS3.3 C.7.6.3",
            "Advice": "Write the attribute as the stream has it.",
        }
    ]


def test_a_stream_that_is_none_is_a_finding(ours: OrthancServer, recordings: Recordings) -> None:
    def change(dataset: Any) -> None:
        dataset.PixelData = encapsulate([b"No pictures here" * 100], has_bot=False)

    instance = store(ours, recordings.changed(change))
    assert any("not a video" in sentence for sentence in looked_at(ours, instance))
    assert not poster(ours, instance).exists()


def test_other_images_are_passed_over(ours: OrthancServer, recordings: Recordings, films: Films) -> None:
    image = store(ours, films.image().read_bytes())
    looked_at(ours, store(ours, recordings.one()))  # what came later is done
    assert not poster(ours, image).exists()
    assert requests.get(f"{ours.gateway_url}/video/instances/{image}", timeout=10).status_code == 415


def test_looks_are_no_jobs_for_people_to_watch(ours: OrthancServer, recordings: Recordings) -> None:
    before = requests.get(f"{ours.gateway_url}/video/jobs", timeout=10).json()
    looked_at(ours, store(ours, recordings.one()))
    assert requests.get(f"{ours.gateway_url}/video/jobs", timeout=10).json() == before


def test_what_is_deleted_meanwhile_ends_quietly(ours: OrthancServer, recordings: Recordings) -> None:
    for _ in range(5):
        instance = store(ours, recordings.one())
        assert requests.delete(f"{ours.url}/instances/{instance}", timeout=10).status_code == 200
    looked_at(ours, store(ours, recordings.one()))
    assert "Traceback" not in ours.log
    assert not re.findall("gateway: (?:WARNING|ERROR).*", ours.log)


@pytest.mark.parametrize("away", ["not started", "killed"])
def test_arrivals_while_the_gateway_was_away(start: Any, recordings: Recordings, away: str) -> None:
    server = start()
    if away == "killed":
        os.kill(server.gateway_pid(), signal.SIGKILL)  # it is started again while they arrive
    else:
        server.stop()
        server.configuration["VideoGateway"]["Launch"] = False
        server.start()
    count = 600 if away == "not started" else 40
    arrived = [store(server, recordings.one()) for _ in range(count)]
    if away == "not started":
        server.stop()
        server.configuration["VideoGateway"]["Launch"] = True
        server.start()
    wait_until(lambda: noticed(server) == count, within=60)
    wait_until(poster(server, arrived[0]).exists)


def test_an_orthanc_with_another_database_is_noticed_from_its_beginning(start: Any, recordings: Recordings) -> None:
    """It was emptied while the gateway's folder stayed, and has more changes by now than the one before had."""
    server = start()
    for _ in range(3):
        looked_at(server, store(server, recordings.one()))
    server.stop()
    for path in server.storage.iterdir():
        if path.name != "video-gateway":
            path.unlink() if path.is_file() else shutil.rmtree(path)
    server.configuration["VideoGateway"]["Launch"] = False
    server.start()
    arrived = [store(server, recordings.one()) for _ in range(12)]
    server.stop()
    server.configuration["VideoGateway"]["Launch"] = True
    server.start()
    for instance in arrived:
        assert looked_at(server, instance) == []
    assert server.log.count("Orthanc's database is another one") == 1
    server.restart()
    looked_at(server, store(server, recordings.one()))
    assert server.log.count("Orthanc's database is another one") == 1


def test_an_archive_is_caught_up_with(start: Any, recordings: Recordings, films: Films) -> None:
    server = start({"VideoGateway": {"Launch": False}})
    old = [store(server, recordings.one()) for _ in range(3)]
    store(server, films.image().read_bytes())
    server.stop()
    server.configuration["VideoGateway"]["Launch"] = True
    server.start()
    new = store(server, recordings.one())
    assert looked_at(server, new) == []
    assert [findings(server, instance) for instance in old] == [None] * 3
    for sentence in ("3 of 5 instances are videos that were new here.", "0 of 5 instances"):
        answer = requests.post(f"{server.gateway_url}/video/catch-up", timeout=10)
        assert answer.status_code == 202
        assert answer.headers["Location"] == f"/video/jobs/{answer.json()['ID']}"
        state = wait_for_job(server, answer.json()["ID"])
        assert state["State"] == "Success"
        assert state["Sentence"].startswith(sentence)
    for instance in old:
        assert looked_at(server, instance) == []
        assert poster(server, instance).exists()


def test_nothing_is_kept_of_what_was_deleted_or_replaced(start: Any, recordings: Recordings) -> None:
    """It is looked for once a day, and when the gateway starts. Stored again, an object is another one."""
    server = start()
    recording = recordings.one()
    deleted, kept, replaced = (store(server, one) for one in (recordings.one(), recordings.one(), recording))
    for instance in (deleted, kept, replaced):
        looked_at(server, instance)
    gone = [poster(server, instance) for instance in (deleted, replaced)]
    assert all(path.exists() for path in gone)
    for instance in (deleted, replaced):
        assert requests.delete(f"{server.url}/instances/{instance}", timeout=10).status_code == 200
    assert store(server, recording) == replaced
    there = [poster(server, instance) for instance in (kept, replaced)]
    wait_until(lambda: noticed(server) == 4 and all(path.exists() for path in there))
    server.restart()
    wait_until(lambda: noticed(server) == 2 and not any(path.exists() for path in gone))
    assert all(path.exists() for path in there)
    assert [findings(server, instance) for instance in (kept, replaced)] == [[], []]
