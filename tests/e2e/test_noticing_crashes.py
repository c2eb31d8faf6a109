"""Noticing survives SIGKILL at any step, on SQLite and PostgreSQL, in the gateway and in workers: each object once."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from e2e.breakpoints import Breakpoint
from e2e.generation import only_once
from e2e.orthanc_server import OrthancServer
from e2e.postgresql import PostgreSQL
from e2e.recordings import Recordings, looked_at, noticed, poster, store
from e2e.workers import Workers

NOTICE, LOOK = "orthanc_video.jobs.background:notice", "orthanc_video.jobs.notice_job:look"

# The jobs' database and the workers are ours, whatever Orthanc they serve: once is enough.
pytestmark = only_once


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> Iterator[Callable[[], str]]:
    """Makes what the setting ``Database`` names: a database of a test's own."""
    if request.param == "sqlite":
        yield str
        return
    with PostgreSQL() as running:
        yield running.url


@pytest.fixture
def breakpoint_(tmp_path: Path) -> Breakpoint:
    return Breakpoint(tmp_path / "orthanc-0", rooted=False)


def settings(breakpoint_: Breakpoint, database: Callable[[], str], **more: Any) -> dict[str, Any]:
    return {"VideoGateway": {"Python": str(breakpoint_.python), "Database": database(), **more}}


def assert_each_was_looked_at_once(server: OrthancServer, arrived: list[str]) -> None:
    for instance in arrived:
        assert looked_at(server, instance) == []
        assert poster(server, instance).exists()
    assert noticed(server) == len(arrived)


@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_while_it_records_what_arrived(
    start: Any, recordings: Recordings, breakpoint_: Breakpoint, database: Callable[[], str], when: str
) -> None:
    server = start(settings(breakpoint_, database))
    breakpoint_.set(NOTICE, when)  # for the gateway that comes next: it finds what arrived while there was none
    os.kill(server.gateway_pid(), signal.SIGKILL)
    arrived = [store(server, recordings.one()) for _ in range(3)]
    os.kill(breakpoint_.hit(), signal.SIGKILL)
    assert_each_was_looked_at_once(server, arrived)


@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_at_a_look(
    start: Any, recordings: Recordings, breakpoint_: Breakpoint, database: Callable[[], str], when: str
) -> None:
    breakpoint_.set(LOOK, when)
    server = start(settings(breakpoint_, database))
    arrived = [store(server, recordings.one()) for _ in range(3)]
    os.kill(breakpoint_.hit(), signal.SIGKILL)
    assert_each_was_looked_at_once(server, arrived)


def test_a_worker_looks_and_another_when_it_dies(
    start: Any, recordings: Recordings, breakpoint_: Breakpoint, database: Callable[[], str]
) -> None:
    breakpoint_.set(LOOK, "before")
    server = start(settings(breakpoint_, database, Workers=False))
    with Workers(server) as workers:
        first = workers.start(breakpoint_.python)
        arrived = [store(server, recordings.one()) for _ in range(2)]
        breakpoint_.hit()
        assert not poster(server, arrived[0]).exists()
        first.kill()
        workers.start(breakpoint_.python)
        assert_each_was_looked_at_once(server, arrived)
