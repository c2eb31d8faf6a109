"""Real Orthancs for the end-to-end tests: one shared, and fresh ones for tests that break things."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from e2e.browser import Visit, chromium
from e2e.films import Films
from e2e.orthanc_server import OrthancServer
from e2e.recordings import Recordings
from e2e.seeing import Opening, Shown

Start = Callable[..., OrthancServer]


@pytest.fixture(scope="session")
def films(tmp_path_factory: pytest.TempPathFactory) -> Films:
    return Films(tmp_path_factory.mktemp("films"))


@pytest.fixture(scope="session")
def recordings(films: Films) -> Recordings:
    return Recordings(films)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OrthancServer]:
    """One Orthanc with the plugin for all tests that only add to it."""
    with OrthancServer(tmp_path_factory.mktemp("orthanc")) as running:
        yield running


@pytest.fixture(scope="session")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OrthancServer]:
    """The same Orthanc without this project: what its own answers are."""
    configuration: dict[str, Any] = {"Plugins": [], "VideoGateway": {"Launch": False}}
    with OrthancServer(tmp_path_factory.mktemp("plain"), configuration) as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture
def visit(browser: Browser) -> Iterator[Visit]:
    one = Visit(browser)
    yield one
    one.close()


@pytest.fixture
def opened(visit: Visit, server: OrthancServer) -> Opening:
    """Opens a stored video in the viewer."""
    return lambda instance: Shown.at(visit.page, server.gateway_url, instance)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts an Orthanc of a test's own: ``start(configuration, environment=…)``.

    It is killed at the end, since an Orthanc that is asked to end takes three seconds. What its end is like is tested
    with ``stop``, and by the servers that many tests share.
    """
    running: list[OrthancServer] = []

    def begin(configuration: dict[str, Any] | None = None, **more: Any) -> OrthancServer:
        one = OrthancServer(tmp_path / f"orthanc-{len(running)}", configuration, **more)
        running.append(one)
        one.start()
        return one

    yield begin
    for one in running:
        one.kill()
        one.assert_no_orphans()
