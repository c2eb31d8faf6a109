"""Nothing acknowledged is lost: SIGKILL of the gateway, a worker or Orthanc at any moment ends in one stored object."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import requests

from e2e.films import Films, ffprobe
from e2e.generation import only_once
from e2e.orthanc_server import OrthancServer


def wait_for_job(server: OrthancServer, job: str, within: float = 120) -> dict[str, Any]:
    """The job once it has ended; the gateway may be away meanwhile."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        try:
            answer = requests.get(f"{server.gateway_url}/video/jobs/{job}", timeout=10)
        except requests.ConnectionError:
            answer = None
        if answer is not None and answer.ok:
            state: dict[str, Any] = answer.json()
            if state["State"] not in {"Pending", "Running"}:
                return state
        time.sleep(0.1)
    raise AssertionError(f"job {job} has not ended within {within} s")


def wait_for_progress(server: OrthancServer, job: str, least: int) -> None:
    deadline = time.monotonic() + 60
    while requests.get(f"{server.gateway_url}/video/jobs/{job}", timeout=10).json()["Progress"] < least:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def instances(server: OrthancServer) -> list[str]:
    found: list[str] = requests.get(f"{server.url}/instances", timeout=10).json()
    return found


def spool(server: OrthancServer) -> list[Path]:
    return list((server.storage / "video-gateway" / "spool").iterdir())


def acknowledged(server: OrthancServer, film: Path) -> dict[str, Any]:
    answer = requests.post(f"{server.gateway_url}/instances", data=film.read_bytes(), timeout=60)
    assert answer.status_code == 200, answer.text
    result: dict[str, Any] = answer.json()
    assert result["Status"] == "Processing"
    return result


def assert_stored_once(server: OrthancServer, answer: dict[str, Any], tmp_path: Path) -> None:
    state = wait_for_job(server, answer["Video"]["Job"])
    assert state["State"] == "Success", state["Sentence"]
    assert instances(server) == [answer["ID"]]
    stream = requests.get(f"{server.gateway_url}/video/instances/{answer['ID']}/stream", timeout=30)
    path = tmp_path / "stored.mp4"
    path.write_bytes(stream.content)
    assert ffprobe(path)["nb_read_frames"] == "250"
    assert spool(server) == []


@pytest.mark.parametrize("moment", ["at once", "in mid-transcode"])
@pytest.mark.parametrize("victim", ["gateway", pytest.param("worker", marks=only_once), "orthanc"])
def test_killed_after_the_answer(start: Any, films: Films, tmp_path: Path, victim: str, moment: str) -> None:
    server = start({"VideoGateway": {"AnswerSeconds": 0.2}})
    answer = acknowledged(server, films.slow(10))
    if moment == "in mid-transcode":
        wait_for_progress(server, answer["Video"]["Job"], 20)
    if victim == "gateway":
        os.kill(server.gateway_pid(), signal.SIGKILL)
    elif victim == "worker":
        for pid in set(server.gateway_pids()) - {server.gateway_pid()}:
            os.kill(pid, signal.SIGKILL)
    else:
        server.kill()
        server.assert_no_orphans()
        server.start()
    assert_stored_once(server, answer, tmp_path)


class Filter:
    """A filter of Orthanc's own, in Lua, that refuses every object while a file is there."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.refusing = folder / "refuse"
        script = folder / "filter.lua"
        script.write_text(
            "function ReceivedInstanceFilter()\n"
            f"  local file = io.open('{self.refusing}')\n"
            "  if file then file:close() end\n"
            "  return file == nil\n"
            "end\n",
            encoding="utf-8",
        )
        self.refusing.touch()
        self.configuration: dict[str, Any] = {
            "LuaScripts": [str(script)],
            "VideoGateway": {"AnswerSeconds": 0.2},
        }


@pytest.fixture
def orthancs_filter(tmp_path: Path) -> Filter:
    return Filter(tmp_path / "orthanc-0")


def dead_letter(server: OrthancServer, film: Path) -> tuple[dict[str, Any], str]:
    """The answer to an upload that was acknowledged and then could not be stored, and its job's URL."""
    answer = acknowledged(server, film)
    state = wait_for_job(server, answer["Video"]["Job"])
    assert (state["State"], state["Instance"]) == ("DeadLetter", None)
    assert "filters did not accept" in state["Sentence"]
    assert (spool(server)[0] / "source").read_bytes() == film.read_bytes()
    return answer, f"{server.gateway_url}/video/jobs/{answer['Video']['Job']}"


@only_once
def test_a_dead_letter_is_tried_again(start: Any, films: Films, tmp_path: Path, orthancs_filter: Filter) -> None:
    """Its upload was acknowledged, so it is kept, through a restart, too, until somebody decides."""
    server = start(orthancs_filter.configuration)
    answer, job = dead_letter(server, films.slow(10))
    orthancs_filter.refusing.unlink()
    server.restart()
    assert requests.get(job, timeout=10).json()["State"] == "DeadLetter"
    assert requests.post(f"{job}/retry", timeout=10).status_code == 200
    assert_stored_once(server, answer, tmp_path)
    again = requests.post(f"{job}/retry", timeout=10)
    assert again.status_code == 409
    assert again.json()["detail"].startswith("Only a job that failed")
    listed = requests.get(f"{server.gateway_url}/video/jobs", timeout=10).json()["Jobs"]
    assert [(one["ID"], one["State"]) for one in listed] == [(answer["Video"]["Job"], "Success")]


@only_once
def test_a_dead_letter_is_discarded(start: Any, films: Films, orthancs_filter: Filter) -> None:
    server = start(orthancs_filter.configuration)
    _, job = dead_letter(server, films.slow(10))
    assert requests.delete(job, timeout=10).ok
    assert requests.get(job, timeout=10).json()["State"] == "Failure"
    assert spool(server) == []
    assert instances(server) == []


def test_a_refusal_that_was_told_leaves_no_letter(start: Any, films: Films, orthancs_filter: Filter) -> None:
    server = start(orthancs_filter.configuration | {"VideoGateway": {"AnswerSeconds": 60}})
    answer = requests.post(f"{server.gateway_url}/instances", data=films.unique().read_bytes(), timeout=60)
    assert answer.status_code == 403
    (job,) = requests.get(f"{server.gateway_url}/video/jobs", timeout=10).json()["Jobs"]
    assert job["State"] == "Failure"
    assert spool(server) == []


def test_killed_at_any_moment_of_short_work(start: Any, films: Films) -> None:
    """Uploads go on while the gateway is killed again and again: every one that was acknowledged is there, once."""
    server = start({})
    sent: dict[str, str] = {}
    ended = threading.Event()

    def upload() -> None:
        while not ended.is_set():
            film = films.unique(0.2, size="64x64").read_bytes()
            try:
                answer = requests.post(f"{server.gateway_url}/instances", data=film, timeout=60)
            except requests.ConnectionError:
                continue
            if answer.status_code == 200:
                sent[answer.json()["ID"]] = answer.json()["Video"]["Job"]

    thread = threading.Thread(target=upload)
    thread.start()
    for _ in range(4):
        already = len(sent)
        deadline = time.monotonic() + 30
        while len(sent) < already + 3:
            assert time.monotonic() < deadline, "no upload came through"
            time.sleep(0.01)
        os.kill(server.gateway_pid(), signal.SIGKILL)
    ended.set()
    thread.join()
    for instance, job in sent.items():
        assert wait_for_job(server, job)["Instance"] == instance
    found = instances(server)
    assert set(sent) <= set(found)
    assert len(found) == len(set(found))
    deadline = time.monotonic() + 20
    while spool(server):
        assert time.monotonic() < deadline, spool(server)
        time.sleep(0.1)


@only_once
def test_who_waits_while_the_gateway_stops_is_answered(start: Any, films: Films, tmp_path: Path) -> None:
    """Its job is recorded and goes on after the restart; an upload that has not all arrived is asked to come again."""
    server = start({"VideoGateway": {"AnswerSeconds": 60}})
    film, answers = films.slow(10).read_bytes(), []
    post = lambda: answers.append(requests.post(f"{server.gateway_url}/instances", data=film, timeout=90))  # noqa: E731
    thread = threading.Thread(target=post)
    thread.start()
    while not (jobs := requests.get(f"{server.gateway_url}/video/jobs", timeout=10).json()["Jobs"]):
        time.sleep(0.05)
    wait_for_progress(server, jobs[0]["ID"], 5)
    host, port = server.gateway_url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=30) as halfway:
        halfway.sendall(b"POST /instances HTTP/1.1\r\nHost: x\r\nContent-Length: 900000\r\n\r\n" + film[:500_000])
        os.kill(server.gateway_pid(), signal.SIGTERM)
        refusal = halfway.recv(65536).decode()
    thread.join()
    assert refusal.startswith("HTTP/1.1 503")
    assert "retry-after: " in refusal.lower()
    assert answers[0].status_code == 200
    assert answers[0].json()["Status"] == "Processing"
    assert_stored_once(server, answers[0].json(), tmp_path)


@only_once
def test_cancelled_within_a_second(start: Any, films: Films) -> None:
    server = start({"VideoGateway": {"AnswerSeconds": 0.2}})
    answer = acknowledged(server, films.slow(10))
    job = f"{server.gateway_url}/video/jobs/{answer['Video']['Job']}"
    wait_for_progress(server, answer["Video"]["Job"], 10)
    assert requests.delete(job, timeout=10).ok
    deadline = time.monotonic() + 5
    while spool(server):
        assert time.monotonic() < deadline, spool(server)
        time.sleep(0.05)
    assert requests.get(job, timeout=10).json()["State"] == "Cancelled"
    assert instances(server) == []


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_nothing_outlives_orthanc(start: Any, films: Films, how: str) -> None:
    server = start({"VideoGateway": {"AnswerSeconds": 0.2}})
    acknowledged(server, films.slow(10))
    getattr(server, how)()
    server.assert_no_orphans()


def test_what_is_not_the_gateways_does_not_keep_it_from_starting(start: Any, films: Films) -> None:
    server = start()
    folder = server.storage / "video-gateway"
    strays = [folder / part / name for part in ("spool", "uploads", "cache") for name in (".stray", "stray.json")]
    for stray in strays:
        stray.write_text("somebody else's", encoding="utf-8")
    (folder / "uploads" / "folder.new").mkdir()
    (folder / "spool" / "link").symlink_to(folder / "uploads")
    server.restart()
    answer = requests.post(f"{server.url}/instances", data=films.unique().read_bytes(), timeout=60)
    assert answer.json()["Status"] == "Success"
    assert all(stray.read_text(encoding="utf-8") == "somebody else's" for stray in strays)
    assert requests.get(f"{server.gateway_url}/metrics", timeout=10).ok
