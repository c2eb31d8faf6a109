"""A destination has hours: outside them nothing is sent to it, what waits begins with them. The clock is given."""

from __future__ import annotations

from pathlib import Path

import pytest

import peers
from e2e import generation
from e2e.breakpoints import Breakpoint
from e2e.conftest import Start
from e2e.deliveries import begun, ended, job_of, known_as, sent
from e2e.generation import only_once
from e2e.orthanc_server import OrthancServer
from e2e.recordings import Recordings, store, wait_until

pytestmark = only_once


class Clock:
    """What the gateway takes for the local time."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "clock"
        folder.mkdir()

    def is_at(self, time: str) -> None:
        new = self.path.with_suffix(".new")
        new.write_text(f"2026-11-22T{time}:00", encoding="utf-8")
        new.rename(self.path)


@pytest.fixture
def clock(tmp_path: Path) -> Clock:
    return Clock(tmp_path / "orthanc-0")  # another generation sees no other


@pytest.fixture
def server(start: Start, clock: Clock) -> OrthancServer:
    clock.is_at("12:00")
    python = Breakpoint(clock.path.parent, generation.OTHER, clock=clock.path).python
    destinations = {"NIGHTLY": {"Hours": "20:00-06:00"}}
    return start({"VideoGateway": {"Python": str(python), "Destinations": destinations}})


def test_what_waits_for_the_hours_begins_with_them(
    server: OrthancServer, clock: Clock, recordings: Recordings, tmp_path: Path
) -> None:
    with peers.Peer(tmp_path / "nightly") as nightly, peers.Peer(tmp_path / "daily") as daily:
        name, other = known_as(server, nightly, "NIGHTLY"), known_as(server, daily)
        jobs = [begun(server, store(server, recordings.one()), name) for _ in range(2)]
        # Meanwhile others get theirs.
        assert sent(server, store(server, recordings.one()), other)["State"] == "Success"
        assert {job_of(server, job)["State"] for job in jobs} == {"Pending"}
        assert nightly.associations == 0
        clock.is_at("20:00")
        assert {ended(server, job)["State"] for job in jobs} == {"Success"}
        assert len(nightly.received()) == 2


def test_what_is_tried_again_waits_for_them_too(
    server: OrthancServer, clock: Clock, recordings: Recordings, tmp_path: Path
) -> None:
    clock.is_at("05:59")
    with peers.Refusing(tmp_path / "nightly", 0xA700) as nightly:
        job = begun(server, store(server, recordings.one()), known_as(server, nightly, "NIGHTLY"))
        wait_until(lambda: nightly.stores >= 1)
        clock.is_at("06:00")

        def waits() -> bool:
            attempts = job_of(server, job).get("Attempts", [])
            return bool(attempts) and "outside the hours" in attempts[-1]["Sentence"]

        wait_until(waits, 60)
        told = job_of(server, job)["Attempts"]
        assert nightly.stores == len(told) - 1
        assert [one["Sentence"] for one in told if "outside" in one["Sentence"]] == [told[-1]["Sentence"]]
