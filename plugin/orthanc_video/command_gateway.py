"""``orthanc-video gateway``: takes its configuration, listens, and ends with the Orthanc that started it."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import json
import logging
import os
import signal
import socket
import sys
import threading
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any

import uvicorn
from fastapi import FastAPI
from starlette.types import ASGIApp

from orthanc_video.archive.service import Archive
from orthanc_video.dicom.classes import class_for
from orthanc_video.dicom.rules import site_of
from orthanc_video.errors import BadRequest, ConfigurationError
from orthanc_video.jobs.engine import Engine
from orthanc_video.lifetime import die_with_parent
from orthanc_video.routing.limits import policies_from
from orthanc_video.routing.routes import routes_from
from orthanc_video.settings import Settings, settings_from, settings_of
from orthanc_video.web import growing
from orthanc_video.web.app import create_app, front
from orthanc_video.web.context import Gateway


def run(configuration: Path | None) -> None:
    """Serves until SIGTERM, or until stdin ends when the plugin started it. Raises ConfigurationError.

    Raises Busy while the jobs' database does not answer.
    """
    begin()
    _keep_memory()
    news = threading.Event()
    settings = settings_of(configuration) if configuration else _from_plugin(news)
    _known_words(settings)
    _own_folder(settings)
    listener = listen(settings.gateway.host, settings.gateway.port, "Port (with make run: GATEWAY_PORT)")
    host, port = listener.getsockname()[:2]
    archive = Archive(settings)
    engine = Engine(settings, archive, news=news)
    engine.launch()
    app = create_app(settings, archive, engine)
    _Server(served(front(app)), app, f"http://{host}:{port}").run(sockets=[listener])
    # A job's thread may be waiting for Orthanc: the job is recorded and goes on at the next start.
    sys.stdout.flush()
    os._exit(0)


def begin() -> None:
    """What every process that serves does first: log to standard output, write files for its own user alone."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s", stream=sys.stdout)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    os.umask(0o077)


def served(app: ASGIApp) -> uvicorn.Config:
    """How an application of ours is served: nothing of a request in the log, no proxy believed."""
    logging.getLogger("uvicorn.error").addFilter(growing.is_unexpected)
    return uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=True,
        timeout_graceful_shutdown=3,
    )


def _keep_memory() -> None:
    """Has glibc keep what streams free and take again, MiB by MiB, thousands of times a second.

    Given back to the kernel, each would be cleared anew: whether it was, hung on what lay beside it (mallopt(3)).
    """
    trim_threshold, mmap_threshold = -1, -3
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # other C libraries have none
    if mallopt is not None:
        mallopt(mmap_threshold, 4 << 20)
        mallopt(trim_threshold, 32 << 20)


class _Server(uvicorn.Server):
    """Says where it listens, a line that the plugin and people wait for; stops with all uploads answered."""

    def __init__(self, config: uvicorn.Config, app: FastAPI, url: str) -> None:
        super().__init__(config)
        self._app = app
        self._url = url
        self._ending = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if not self.should_exit:
            print(f"READY {self._url}", flush=True)

    async def main_loop(self) -> None:
        """As uvicorn's, but it looks once a second, which the Date of its answers needs, and when it is to end."""
        self._loop = asyncio.get_running_loop()
        while not await self.on_tick(0):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), 1.0)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        super().handle_exit(sig, frame)
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._ending.set)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        gateway: Gateway = self._app.state.gateway
        gateway.stopping.set()
        gateway.engine.release()
        await super().shutdown(sockets)


def _from_plugin(news: threading.Event) -> Settings:
    """Settings from the one line that the plugin writes to stdin.

    Whatever it writes from then on means that something arrived in Orthanc, stdin's end that Orthanc is gone.
    """
    die_with_parent()
    line = sys.stdin.readline()
    try:
        handed: dict[str, Any] = json.loads(line)
        settings = settings_from(handed["Configuration"])
    except (ValueError, KeyError) as error:
        raise ConfigurationError(
            "The gateway expects its configuration on stdin from the plugin, or --configuration with Orthanc's file."
        ) from error
    threading.Thread(target=_heed_stdin, args=(news,), daemon=True).start()
    return replace(settings, gateway=replace(settings.gateway, secret=handed["Secret"]))


def _heed_stdin(news: threading.Event) -> None:
    while os.read(0, 4096):  # not sys.stdin, whose lock would be held when this process ends by itself
        news.set()
    os.kill(os.getpid(), signal.SIGTERM)


def _known_words(settings: Settings) -> None:
    try:
        class_for(settings.gateway.sop_class)
    except BadRequest as error:
        raise ConfigurationError(f"VideoGateway: {error.sentence}") from error
    site_of(settings.gateway)
    policies_from(settings.gateway)
    routes_from(settings.gateway)


def _own_folder(settings: Settings) -> None:
    try:
        settings.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        settings.spool.mkdir(exist_ok=True, mode=0o700)
        settings.uploads.mkdir(exist_ok=True, mode=0o700)
        settings.cache.mkdir(exist_ok=True, mode=0o700)
    except OSError as error:
        raise ConfigurationError(
            f"The gateway cannot make its folder ({error.strerror}); set VideoGateway.Directory to one it may write to."
        ) from error


def listen(host: str, port: int, setting: str) -> socket.socket:
    """A bound socket; raises ConfigurationError, which names the setting by which another port is chosen."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        raise ConfigurationError(
            f"Port {port} on {host} cannot be used ({error.strerror}): another program has it? "
            f"Set VideoGateway.{setting} to a free one."
        ) from error
    listener.set_inheritable(False)
    return listener
