"""SIGKILL at the steps of a rendition, of the gateway and of a worker: made once, nothing left.

That steps are recorded in both databases alike is what test_crashes.py shows.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from e2e.breakpoints import Breakpoint
from e2e.films import Films, ffprobe
from e2e.generation import only_once
from e2e.orthanc_server import OrthancServer
from e2e.postgresql import PostgreSQL
from e2e.recordings import Recordings, store, wait_until
from e2e.test_crashes import ask
from e2e.test_renditions import slow
from e2e.workers import Workers

MPEG2 = "1.2.840.10008.1.2.4.100"
JOB = "orthanc_video.jobs.rendition_job"
STEPS = [
    ("orthanc_video.jobs.rendering:in_advance", "after"),
    (f"{JOB}:make", "after"),
    (f"{JOB}:keep", "before"),
    (f"{JOB}:keep", "after"),
    ("orthanc_video.jobs.ingest_job:tidy", "before"),
]

# The jobs' database and the workers are ours, whatever Orthanc they serve: once is enough.
pytestmark = only_once


@pytest.fixture
def breakpoint_(tmp_path: Path) -> Breakpoint:
    return Breakpoint(tmp_path / "orthanc-0", rooted=False)


@pytest.fixture
def recording(recordings: Recordings, films: Films) -> bytes:
    return recordings.holding(films.source("mpeg2.mpg").read_bytes(), MPEG2)


def settings(breakpoint_: Breakpoint, **more: Any) -> dict[str, Any]:
    return {"VideoGateway": {"Python": str(breakpoint_.python), **more}}


def assert_made_once(server: OrthancServer, instance: str, folder: Path) -> None:
    def ended() -> bool:
        found = ask(server, "/video/jobs")
        return found is not None and [job["State"] for job in found["Jobs"]] == ["Success"]

    wait_until(ended, within=60)
    own = server.storage / "video-gateway"
    wait_until(lambda: not any((own / "spool").iterdir()))
    (made,) = (own / "cache" / "renditions").iterdir()
    sent = requests.get(f"{server.gateway_url}/video/instances/{instance}/stream", timeout=30)
    assert sent.content == made.read_bytes()
    path = folder / "rendition.mp4"
    path.write_bytes(sent.content)
    assert ffprobe(path)["nb_read_frames"] == "60"


@pytest.mark.parametrize(("place", "when"), STEPS)
def test_killed_at_a_step(
    start: Any, recording: bytes, tmp_path: Path, breakpoint_: Breakpoint, place: str, when: str
) -> None:
    breakpoint_.set(place, when)
    server = start(settings(breakpoint_))
    instance = store(server, recording)
    os.kill(breakpoint_.hit(), signal.SIGKILL)
    assert_made_once(server, instance, tmp_path)


@pytest.fixture(scope="module")
def postgresql() -> Iterator[PostgreSQL]:
    with PostgreSQL() as running:
        yield running


@pytest.mark.parametrize("step", ["make", "keep"])
def test_a_worker_killed_at_a_step(
    start: Any, recording: bytes, tmp_path: Path, breakpoint_: Breakpoint, postgresql: PostgreSQL, step: str
) -> None:
    """Asked for at the gateway, which runs no jobs; another worker takes over."""
    breakpoint_.set(f"{JOB}:{step}", "before")
    server = start(settings(breakpoint_, Database=postgresql.url(), Workers=False, Renditions="none"))
    with Workers(server) as workers:
        first = workers.start(breakpoint_.python)
        instance = store(server, recording)
        url = f"{server.gateway_url}/video/instances/{instance}/stream"
        assert requests.get(url, headers={"Prefer": "wait=0"}, timeout=30).status_code == 503
        assert breakpoint_.hit() == first.pid
        first.kill()
        workers.start(breakpoint_.python)
        assert requests.get(url, timeout=60).status_code == 200, "its outcome is waited for across processes"
        assert_made_once(server, instance, tmp_path)


def test_who_follows_a_worker_that_is_killed_sees_it(
    start: Any, recordings: Recordings, films: Films, tmp_path: Path, postgresql: PostgreSQL
) -> None:
    """What it had written is not taken for whole; another worker begins again, and is followed to the end."""
    server = start({"VideoGateway": {"Database": postgresql.url(), "Workers": False, "Renditions": "none"}})
    with Workers(server) as workers:
        first = workers.start()
        instance = store(server, recordings.holding(slow(films), MPEG2))
        url = f"{server.gateway_url}/video/instances/{instance}/stream"
        with requests.get(url, stream=True, timeout=60) as followed:
            assert (followed.status_code, followed.headers["Accept-Ranges"]) == (200, "none")
            blocks = followed.iter_content(1 << 16)
            assert next(blocks)
            first.kill()
            workers.start()
            with pytest.raises(requests.exceptions.ChunkedEncodingError):
                list(blocks)
        wait_until(lambda: "another attempt at it began" in server.log)
        path = tmp_path / "rendition.mp4"
        path.write_bytes(requests.get(url, timeout=120).content)
        assert ffprobe(path)["nb_read_frames"] == "500"
