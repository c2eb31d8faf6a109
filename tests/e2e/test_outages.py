"""The jobs' database cannot be used for a while: jobs wait for it, whoever waits for an answer does not."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import requests

from e2e.films import Films
from e2e.generation import only_once
from e2e.orthanc_server import OrthancServer
from e2e.postgresql import PostgreSQL
from e2e.test_crashes import eventually
from e2e.test_durability import acknowledged, wait_for_job, wait_for_progress
from e2e.test_metrics import scraped, value

# What is promised is about five seconds; the rest is for a machine that has other things to do.
SECONDS = 9.0


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 64 MiB."""
    folder = tmp_path / "orthanc-0" / "disk"
    folder.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(folder)], check=True)
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(disk: Path) -> Path:
    """Takes all the room there is; what to remove to have it back."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        while (room := os.statvfs(disk).f_bavail * 4096) > 0:
            with suppress(OSError):  # others have taken some of it meanwhile
                os.posix_fallocate(file.fileno(), file.tell(), room)
            file.seek(0, os.SEEK_END)
    return filler


@only_once
def test_a_disk_that_is_full_in_mid_job(start: Any, films: Films, disk: Path) -> None:
    """Spool and job table share it: neither the film nor that it failed can be written, until there is room."""
    server = start({"VideoGateway": {"Directory": str(disk), "MinimumFreeDiskMB": 0, "AnswerSeconds": 0.2}})
    job = acknowledged(server, films.slow(10))["Video"]["Job"]
    wait_for_progress(server, job, 5)
    filler = fill(disk)
    eventually(lambda: value(scraped(server.gateway_url), "media_processes") == 0, "the disk has ended the transcode")
    time.sleep(2.0)  # nothing tells that the failure could not be recorded
    assert wait_state(server, job) == "Running"
    filler.unlink()
    assert wait_for_job(server, job, within=60)["State"] == "Success"
    server.kill()


def wait_state(server: OrthancServer, job: str) -> str:
    return str(requests.get(f"{server.gateway_url}/video/jobs/{job}", timeout=10).json()["State"])


def asked(server: OrthancServer, film: Path, stored: dict[str, Any]) -> dict[str, tuple[int, float, str]]:
    """Status, seconds and text of everything that has to do with the jobs' database, asked for at the same time."""
    job, instance = stored["Video"]["Job"], stored["ID"]
    every = [
        ("GET", "/video/jobs"),
        ("GET", f"/video/jobs/{job}"),
        ("GET", f"/video/jobs/{job}/events"),
        ("GET", "/video/instances"),
        ("GET", f"/video/instances/{instance}"),
        ("POST", "/video/catch-up"),
        ("DELETE", f"/video/jobs/{job}"),
        ("POST", f"/video/jobs/{job}/retry"),
        ("POST", "/video/ingest?PatientID=A"),
    ]
    answers: dict[str, tuple[int, float, str]] = {}

    def ask(method: str, path: str) -> None:
        began = time.monotonic()
        body = film.read_bytes() if "ingest" in path else b""
        answer = requests.request(method, server.gateway_url + path, data=body, timeout=60)
        answers[f"{method} {path}"] = (answer.status_code, time.monotonic() - began, answer.text)

    threads = [threading.Thread(target=ask, args=one) for one in every]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == len(every)
    return answers


@pytest.fixture
def postgresql() -> Iterator[PostgreSQL]:
    with PostgreSQL() as running:
        yield running


@only_once
def test_callers_are_answered_while_the_database_is_away(start: Any, films: Films, postgresql: PostgreSQL) -> None:
    server = start({"VideoGateway": {"Database": postgresql.url(), "AnswerSeconds": 60}})
    ingest = f"{server.gateway_url}/video/ingest?PatientID=P"
    stored = requests.post(ingest, data=films.unique().read_bytes(), timeout=60).json()
    assert value(scraped(server.gateway_url), "database_up") == 1
    postgresql.kill()
    for request, (status, seconds, text) in asked(server, films.unique(), stored).items():
        assert status == 503, (request, status, text)
        assert "database" in text, (request, text)
        assert seconds < SECONDS, (request, seconds)
    found = scraped(server.gateway_url)
    assert value(found, "database_up") == 0
    assert value(found, "disk_free_bytes") > 0
    assert "orthanc_video_jobs" not in found
    stream = requests.get(f"{server.gateway_url}/video/instances/{stored['ID']}/stream", timeout=10)
    assert stream.status_code == 200
    postgresql.start()
    eventually(lambda: value(scraped(server.gateway_url), "database_up") == 1, "the database is back")
    assert requests.post(ingest, data=films.unique().read_bytes(), timeout=60).json()["Status"] == "Success"


@only_once
def test_who_watches_a_job_goes_on_watching(start: Any, films: Films, postgresql: PostgreSQL) -> None:
    """And the job itself waits for the database, as ever."""
    server = start({"VideoGateway": {"Database": postgresql.url(), "AnswerSeconds": 0.2}})
    job = acknowledged(server, films.slow(10))["Video"]["Job"]
    url = f"{server.gateway_url}/video/jobs/{job}/events"
    with requests.get(url, headers={"Accept": "text/event-stream"}, stream=True, timeout=60) as line:
        lines = line.iter_lines(decode_unicode=True)
        assert any(text.startswith("data: ") and '"transcode"' in text for text in lines)
        postgresql.kill()
        time.sleep(3.0)
        postgresql.start()
        assert any(text == "event: end" for text in lines)
        assert '"Success"' in next(lines)
