"""Where rendered videos end: sizes that none can have, how many are made at once, and objects deleted meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import requests
from pydicom import dcmread

from cines import film
from e2e.films import Films
from e2e.orthanc_server import OrthancServer
from e2e.recordings import Recordings, store, wait_until
from e2e.test_renditions import H264, MPEG2, slow

_MOST = 16


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OrthancServer]:
    with OrthancServer(tmp_path_factory.mktemp("bounds"), {"VideoGateway": {"Renditions": "none"}}) as running:
        yield running


@pytest.fixture
def idle(tmp_path: Path) -> Iterator[OrthancServer]:
    """One whose jobs wait for a worker that never comes: none ends while they are counted."""
    own = {"Renditions": "none", "Workers": False}
    with OrthancServer(tmp_path, {"VideoGateway": own}) as running:
        yield running


def place(server: OrthancServer, instance: str) -> str:
    tags = requests.get(f"{server.url}/instances/{instance}/simplified-tags", timeout=10).json()
    parts = (tags["StudyInstanceUID"], "series", tags["SeriesInstanceUID"], "instances", tags["SOPInstanceUID"])
    return f"{server.gateway_url}/dicom-web/studies/{'/'.join(parts)}/rendered"


def get(url: str, viewport: str, **headers: str) -> requests.Response:
    return requests.get(url, params={"viewport": viewport}, headers={"Accept": "video/mp4"} | headers, timeout=60)


def test_a_viewport_that_no_level_holds_is_refused(
    server: OrthancServer, recordings: Recordings, films: Films, tmp_path: Path
) -> None:
    video = store(server, recordings.holding(films.source("h264.mp4").read_bytes(), H264))
    pictures = store(server, film(tmp_path / "film.dcm", np.zeros((4, 48, 64), np.uint8)).read_bytes())
    for instance in (video, pictures):
        answers = [get(place(server, instance), "4096,4096") for _ in range(2)]
        assert [answer.status_code for answer in answers] == [400, 400], answers[0].text[:300]
        assert "4096 × 3072 pixels" in answers[0].json()["detail"]
        assert answers[0].json()["detail"].endswith(" or less.")


def test_no_more_are_made_than_are_allowed(idle: OrthancServer, recordings: Recordings, films: Films) -> None:
    url = place(idle, store(idle, recordings.holding(films.source("mpeg2.mpg").read_bytes(), MPEG2)))

    def ask(width: int) -> requests.Response:
        return get(url, f"{width},240", Prefer="wait=0")

    with ThreadPoolExecutor(30) as callers:
        answers = list(callers.map(ask, range(100, 160, 2)))
    assert {answer.status_code for answer in answers} == {503}
    jobs = [answer.json()["Job"] for answer in answers if "Job" in answer.json()]
    assert len(set(jobs)) == len(jobs) == _MOST
    refused = [answer for answer in answers if "Job" not in answer.json()]
    assert {answer.json()["detail"] for answer in refused} == {
        f"{_MOST} renditions with parameters of their own are being made. Try again in a moment."
    }
    assert all(int(answer.headers["Retry-After"]) > 0 for answer in refused)
    assert "Job" not in ask(200).json(), "the seventeenth"
    requests.delete(f"{idle.gateway_url}/video/jobs/{jobs[0]}", timeout=10)
    assert "Job" in ask(200).json(), "there is room again"


def test_who_follows_one_whose_object_is_deleted_sees_that_it_is_not_whole(
    server: OrthancServer, recordings: Recordings, films: Films
) -> None:
    instance = store(server, recordings.holding(slow(films), MPEG2))
    with requests.get(f"{server.gateway_url}/video/instances/{instance}/stream", stream=True, timeout=60) as answer:
        blocks = answer.iter_content(1 << 16)
        assert next(blocks)
        assert requests.delete(f"{server.url}/instances/{instance}", timeout=10).status_code == 200
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            list(blocks)
    wait_until(lambda: "is broken off" in server.log)
    # Another request is answered by the same process: what it had to say of the first is in the log.
    assert requests.get(f"{server.gateway_url}/health", timeout=10).status_code == 200
    assert "ASGI callable" not in server.log
    assert "Traceback" not in server.log


def test_a_window_for_colours_is_left_aside(
    server: OrthancServer, recordings: Recordings, films: Films, tmp_path: Path
) -> None:
    colours = np.random.default_rng(1).integers(0, 255, (4, 48, 64, 3), np.uint8)
    video = store(server, recordings.holding(films.source("mpeg2.mpg").read_bytes(), MPEG2))
    path = film(tmp_path / "film.dcm", colours)
    assert dcmread(path, stop_before_pixels=True).PhotometricInterpretation == "RGB"
    for instance in (video, store(server, path.read_bytes())):
        headers = {"Accept": "video/mp4", "Prefer": "wait=30"}
        plain, asked = (
            requests.get(place(server, instance), params=parameters, headers=headers, timeout=60)
            for parameters in ({}, {"window": "40,80,linear"})
        )
        assert (plain.status_code, asked.status_code) == (200, 200), asked.text[:300]
        assert "Warning" not in plain.headers
        assert asked.headers["Warning"].startswith("299 ")
        assert "window has no meaning" in asked.headers["Warning"]
        assert (asked.content, asked.headers["ETag"]) == (plain.content, plain.headers["ETag"])
