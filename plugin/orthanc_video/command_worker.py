"""``orthanc-video worker``: runs jobs beside the gateway, on this machine or on another that shares its folder."""

from __future__ import annotations

import logging
import os
import signal
import sys
from pathlib import Path

from orthanc_video.archive.service import Archive
from orthanc_video.command_gateway import begin
from orthanc_video.jobs import processes
from orthanc_video.jobs.engine import Engine
from orthanc_video.settings import settings_of


def run(configuration: Path) -> None:
    """Takes jobs until SIGTERM or SIGINT. Raises ConfigurationError, and Busy while the database does not answer."""
    begin()
    settings = settings_of(configuration)
    signals = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    engine = Engine(settings, Archive(settings), worker=True)
    engine.launch()
    processes.warm_up()
    print("READY", flush=True)
    signal.sigwait(signals)
    engine.close()
    logging.shutdown()
    sys.stdout.flush()
    # A job's thread may be in mid-step: it is recorded and goes on elsewhere.
    os._exit(0)
