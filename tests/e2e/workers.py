"""``orthanc-video worker`` processes beside a gateway that runs no jobs itself."""

from __future__ import annotations

import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self

from e2e.orthanc_server import REPOSITORY, OrthancServer


def worker_command(server: OrthancServer, python: Path | None = None) -> list[str]:
    """What starts a worker of this server's, with another Python if one is given."""
    program = str(python or REPOSITORY / ".venv" / "bin" / "python")
    return [program, "-m", "orthanc_video", "worker", "--configuration", str(server.folder / "orthanc.json")]


class Workers:
    """Started one by one; what still runs is killed when ``with`` is left."""

    def __init__(self, server: OrthancServer) -> None:
        self._server = server
        self._running: list[subprocess.Popen[str]] = []

    def start(self, python: Path | None = None) -> subprocess.Popen[str]:
        """Returns once it takes jobs."""
        process = subprocess.Popen(worker_command(self._server, python), stdout=subprocess.PIPE, text=True)
        self._running.append(process)
        assert process.stdout is not None
        assert any(line == "READY\n" for line in process.stdout), "the worker has ended"
        return process

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._running:
            process.kill()
            process.wait()
            assert process.stdout is not None
            process.stdout.close()
