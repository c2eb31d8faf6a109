"""``orthanc-video worker``: runs jobs beside the gateway, on this machine or on another that shares its folder."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from pathlib import Path

import uvicorn

from orthanc_video.archive.service import Archive
from orthanc_video.command_gateway import begin, listen, served
from orthanc_video.jobs import processes
from orthanc_video.jobs.engine import Engine
from orthanc_video.settings import Settings, settings_of
from orthanc_video.web.worker import create_app


def run(configuration: Path) -> None:
    """Takes jobs until SIGTERM or SIGINT. Raises ConfigurationError, and Busy while the database does not answer."""
    begin()
    settings = settings_of(configuration)
    signals = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    if settings.gateway.worker_metrics_port:
        _tell_metrics(settings)
    engine = Engine(settings, Archive(settings), worker=True)
    engine.launch()
    processes.keep_ready()
    print("READY", flush=True)
    signal.sigwait(signals)
    engine.close()
    logging.shutdown()
    sys.stdout.flush()
    # A job's thread may be in mid-step: it is recorded and goes on elsewhere.
    os._exit(0)


def _tell_metrics(settings: Settings) -> None:
    """Answers Prometheus in a thread of its own, as long as the process lives."""
    another = "WorkerMetricsPort (each worker of a machine has its own: docs/configuration.md)"
    listener = listen(settings.gateway.host, settings.gateway.worker_metrics_port, another)
    listener.listen()  # who asks before the thread has begun waits
    server = uvicorn.Server(served(create_app(settings)))
    threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="metrics", daemon=True).start()
