"""Whose turn it is when there is more to do than can be done at once."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest
import requests

from e2e.breakpoints import Breakpoint
from e2e.films import Films, ffmpeg
from e2e.generation import only_once
from e2e.orthanc_server import OrthancServer
from e2e.test_durability import wait_for_job, wait_for_progress
from e2e.workers import Workers


def state(server: OrthancServer, job: str) -> str:
    return str(requests.get(f"{server.gateway_url}/video/jobs/{job}", timeout=10).json()["State"])


def begin(server: OrthancServer, film: Path) -> str:
    """The job of a film that takes longer than its sender is made to wait."""
    answer = requests.post(f"{server.gateway_url}/instances", data=film.read_bytes(), timeout=60).json()
    assert answer.get("Status") == "Processing", answer
    return str(answer["Video"]["Job"])


def long_film(films: Films, name: str = "long") -> Path:
    """Of five minutes, though it has few frames."""
    path = films.folder / f"{name}.webm"
    picture = ["-f", "lavfi", "-i", "testsrc2=s=1920x1080:r=1/4", "-t", "300", "-pix_fmt", "yuv420p"]
    ffmpeg(
        *picture,
        "-c:v",
        "libvpx-vp9",
        "-deadline",
        "realtime",
        "-cpu-used",
        "8",
        "-metadata",
        f"title={name}",
        str(path),
    )
    return path


def short_film(films: Films) -> Path:
    return films.unique(1.0, "-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", suffix=".webm")


# A worker beside Debian 13's gateway would have another SQLite than it: only on this machine they are one.
@pytest.mark.parametrize("who", ["gateway", pytest.param("worker", marks=only_once)])
def test_a_short_film_goes_beside_a_long_one(start: Any, films: Films, who: str) -> None:
    """One, while the long one has the only place; the next short one follows it, and a long one waits."""
    own = {"AnswerSeconds": 0.2, "Transcodes": 1, "TranscodePreset": "slower", "Workers": who == "gateway"}
    server = start({"VideoGateway": own})
    with Workers(server) as workers:
        if who == "worker":
            workers.start()
        running = begin(server, long_film(films))
        wait_for_progress(server, running, 1)
        another = begin(server, long_film(films, "another"))
        for job in [begin(server, short_film(films)) for _ in range(2)]:
            assert wait_for_job(server, job, within=30)["State"] == "Success"
        assert (state(server, running), state(server, another)) == ("Running", "Pending")
        for job in (another, running):
            requests.delete(f"{server.gateway_url}/video/jobs/{job}", timeout=10).raise_for_status()


def test_a_short_film_that_waits_comes_before_a_long_one(start: Any, films: Films) -> None:
    server = start({"VideoGateway": {"AnswerSeconds": 0.2, "Transcodes": 1}})
    sent = films.slow(10), long_film(films), films.slow(4.0)
    running, long, short = (begin(server, film) for film in sent)
    assert (state(server, running), state(server, long), state(server, short)) == ("Running", "Pending", "Pending")
    deadline = time.monotonic() + 120
    while state(server, long) == "Pending":
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert state(server, short) in {"Running", "Success"}


@only_once
def test_the_next_transcode_begins_when_one_ends(start: Any, films: Films, tmp_path: Path) -> None:
    """Not when the queue is looked at: here nobody ever does."""
    python = Breakpoint(tmp_path / "orthanc-0", False, {"orthanc_video.jobs.queues:POLL_SECONDS": 3600}).python
    server = start({"VideoGateway": {"AnswerSeconds": 0.2, "Transcodes": 1, "Python": str(python)}})
    sent = [films.slow(seconds) for seconds in (10, 4.0, 3.0)]
    jobs = [begin(server, film) for film in sent]
    assert [state(server, job) for job in jobs] == ["Running", "Pending", "Pending"]
    for job in jobs:
        assert wait_for_job(server, job)["State"] == "Success"


@only_once
def test_a_film_that_hangs_its_decoder_gives_its_place_to_the_next(start: Any, films: Films, tmp_path: Path) -> None:
    python = Breakpoint(tmp_path / "orthanc-0", False, {"orthanc_video.jobs.watchdog:STANDSTILL": 3}).python
    server = start({"VideoGateway": {"AnswerSeconds": 0.2, "Transcodes": 1, "Python": str(python)}})
    sent = films.slow(10), films.slow(4.0)
    hanging, waiting = (begin(server, film) for film in sent)
    wait_for_progress(server, hanging, 5)
    (ffmpeg_,) = (pid for pid in server.processes() if Path(f"/proc/{pid}/comm").read_text() == "ffmpeg\n")
    os.kill(ffmpeg_, signal.SIGSTOP)  # from outside, a decoder that goes round in one frame looks the same
    ended = wait_for_job(server, hanging)
    assert ended["State"] == "DeadLetter"
    assert "came no further" in ended["Sentence"]
    assert wait_for_job(server, waiting)["State"] == "Success"


def test_a_poster_does_not_wait_for_transcodes(start: Any, films: Films) -> None:
    server = start({"VideoGateway": {"AnswerSeconds": 0.2, "Transcodes": 1}})
    film = films.unique().read_bytes()
    stored = requests.post(f"{server.gateway_url}/instances", data=film, timeout=60).json()
    jobs = [begin(server, films.slow(seconds)) for seconds in (10, 4.0)]
    poster = requests.get(f"{server.gateway_url}/video/instances/{stored['ID']}/thumbnail?width=123", timeout=60)
    assert poster.headers["Content-Type"] == "image/jpeg"
    assert [state(server, job) for job in jobs] == ["Running", "Pending"]
