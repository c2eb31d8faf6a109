"""SIGKILL at the steps of a clip: it is cut and stored once, and nothing is left in the spool."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path
from typing import Any

import pytest
import requests

from e2e.breakpoints import Breakpoint
from e2e.films import Films
from e2e.generation import only_once
from e2e.orthanc_server import OrthancServer
from e2e.recordings import Recordings, store, wait_until
from e2e.test_crashes import ask

_H264 = "1.2.840.10008.1.2.4.102"
_STEPS = [
    ("orthanc_video.jobs.clipping:make", "before"),
    ("orthanc_video.jobs.clipping:make", "after"),
    ("orthanc_video.archive.service:Archive.store", "after"),
    ("orthanc_video.jobs.derivations:keep", "before"),
    ("orthanc_video.jobs.derivations:keep", "after"),
    ("orthanc_video.jobs.deriving:_ended", "before"),
]

# The jobs' database and the workers are ours, whatever Orthanc they serve: once is enough.
pytestmark = only_once


@pytest.mark.parametrize(("place", "when"), _STEPS)
def test_killed_at_a_step(
    start: Any, recordings: Recordings, films: Films, tmp_path: Path, place: str, when: str
) -> None:
    breakpoint_ = Breakpoint(tmp_path / "orthanc-0", rooted=False)
    breakpoint_.set(place, when)
    server: OrthancServer = start({"VideoGateway": {"Python": str(breakpoint_.python)}})
    numbered = store(server, recordings.holding(films.numbered().read_bytes(), _H264))
    url = f"{server.gateway_url}/video/instances/{numbered}/clips"
    asked = '{"start": {"frame": 20}, "end": {"frame": 90}}'

    def post() -> None:
        with pytest.raises(requests.exceptions.ConnectionError):
            requests.post(url, data=asked, timeout=60)

    asking = threading.Thread(target=post)
    asking.start()
    os.kill(breakpoint_.hit(), signal.SIGKILL)
    asking.join()

    def ended() -> bool:
        found = ask(server, "/video/jobs")
        return found is not None and [one["State"] for one in found["Jobs"] if one["Action"] == "clip"] == ["Success"]

    wait_until(ended, within=60)
    wait_until(lambda: not any((server.storage / "video-gateway" / "spool").iterdir()))
    assert requests.get(f"{server.url}/statistics", timeout=10).json()["CountInstances"] == 2
    (job,) = (one for one in ask(server, "/video/jobs")["Jobs"] if one["Action"] == "clip")
    again = requests.post(url, data=asked, timeout=60).json()
    assert (again["ID"], again["Status"]) == (job["Instance"], "AlreadyStored")
