"""Stopping a gateway or a worker at a named place: ``breaking/sitecustomize.py`` does it inside them."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path

from e2e.orthanc_server import REPOSITORY, ROOT_PYTHON

# Seconds after which a process that does not answer is taken for dead, and between two looks for what is left of ended
# jobs, in the processes below.
TIME_TO_LIVE = 2.0
_SHORTENED = {
    "orthanc_video.jobs.membership:TIME_TO_LIVE": TIME_TO_LIVE,
    "orthanc_video.jobs.housekeeping:_LOOK_SECONDS": TIME_TO_LIVE,
}
_BREAKING = REPOSITORY / "tests" / "e2e" / "breaking"


class Breakpoint:
    """One place to stop at, in whatever is started with ``python``. ``when`` is before or after the function.

    ``constants`` are set in it: ``package.module:NAME`` and what it is there. ``clock``: a file with the local time.
    """

    def __init__(
        self,
        folder: Path,
        rooted: bool,
        constants: Mapping[str, float] | None = None,
        clock: Path | None = None,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._file = folder / "break"
        real = ROOT_PYTHON if rooted else str(REPOSITORY / ".venv" / "bin" / "python")
        given = f"export ORTHANC_VIDEO_TEST_CLOCK='{clock}'\n" if clock else ""
        # What is to run the gateway or a worker.
        self.python = folder / "python"
        self.python.write_text(
            "#!/bin/sh\n"
            f"export ORTHANC_VIDEO_TEST_BREAK='{self._file}'\n"
            f"export ORTHANC_VIDEO_TEST_CONSTANTS='{json.dumps(_SHORTENED | dict(constants or {}))}'\n"
            f"{given}"
            f'export PYTHONPATH="${{PYTHONPATH:+$PYTHONPATH:}}{_BREAKING}"\n'
            f"exec '{real}' \"$@\"\n",
            encoding="utf-8",
        )
        self.python.chmod(0o755)

    def set(self, place: str, when: str, call: int = 1) -> None:
        """``place`` as ``package.module:function``; only processes that start later stop there, and only the first.

        It stops at its ``call``th call of the function.
        """
        self._file.write_text(f"{place} {when} {call}", encoding="utf-8")

    def hit(self, within: float = 60) -> int:
        """Waits until a process has come there; its id."""
        path = self._file.with_suffix(".hit")
        deadline = time.monotonic() + within
        while not path.exists():
            assert time.monotonic() < deadline, f"nothing came to {self._file.read_text(encoding='utf-8')}"
            time.sleep(0.02)
        return int(path.read_text(encoding="utf-8"))

    def go_on(self) -> None:
        """Lets the process that was stopped go on."""
        self._file.with_suffix(".hit").unlink()

    def gone_on(self) -> bool:
        """Whether it has left the function that it was stopped at."""
        return self._file.with_suffix(".left").exists()
