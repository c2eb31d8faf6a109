"""The gateway as Orthanc's child: started, logged, restarted, ended with Orthanc. Standard library only."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

FOLDER = Path(__file__).resolve().parent
START_SECONDS = 15.0
EX_CONFIG = 78


class Child:
    """The gateway as Orthanc's child: started, its lines logged, restarted when it dies, ended with Orthanc."""

    def __init__(self, api: Any, command: list[str], greeting: bytes) -> None:
        self._api = api
        self._command = command
        self._greeting = greeting
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._settled = threading.Event()
        self._last_line = ""
        self._told: int | None = None  # the gateway's standard input, once it has its greeting
        self._thread = threading.Thread(target=self._supervise, name="video-gateway", daemon=True)
        self.refusal = ""

    def start(self) -> None:
        self._thread.start()

    def wait_ready(self) -> None:
        """Returns once it listens, has given up, or START_SECONDS have passed."""
        self._settled.wait(START_SECONDS)

    @property
    def ready(self) -> bool:
        """Whether it listens now."""
        return self._settled.is_set() and not self.refusal

    def nudge(self) -> None:
        """Tells the gateway that something has arrived in Orthanc: at once, or not at all.

        A pipe that is full of nudges says so already; a gateway that is just started looks by itself.
        """
        with self._lock, suppress(BlockingIOError, BrokenPipeError):
            if self._told is not None:
                os.write(self._told, b"\n")

    def stop(self) -> None:
        """SIGTERM, five seconds, SIGKILL for its whole process group."""
        self._stopping.set()
        self._signal(os.kill, signal.SIGTERM)
        self._thread.join(5)
        self._signal(os.killpg, signal.SIGKILL)
        self._thread.join(2)

    def _signal(self, send: Any, number: signal.Signals) -> None:
        with self._lock, suppress(ProcessLookupError):
            if self._process is not None:
                send(self._process.pid, number)

    def _supervise(self) -> None:
        pause = 0.5
        while not self._stopping.is_set():
            began = time.monotonic()
            code = self._run()
            if self._stopping.is_set():
                return
            if code == EX_CONFIG:
                self.refusal = self._last_line
                self._settled.set()
                self._api.LogError(f"The video gateway does not start: {self.refusal}")
                return
            if time.monotonic() - began > 60:
                pause = 0.5
            self._api.LogWarning(f"The video gateway ended (exit status {code}) and is started again in {pause} s.")
            self._stopping.wait(pause)
            pause = min(30.0, 2 * pause)

    def _run(self) -> int:
        """One life of the gateway; its exit status, negative for the signal that killed it."""
        scrubbed = ("PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "LD_PRELOAD")
        environment = {name: value for name, value in os.environ.items() if name not in scrubbed}
        environment |= {"PYTHONPATH": str(FOLDER), "PYTHONUNBUFFERED": "1"}
        pipe = subprocess.PIPE
        try:
            process = subprocess.Popen(
                self._command,
                stdin=pipe,
                stdout=pipe,
                stderr=subprocess.STDOUT,
                env=environment,
                start_new_session=True,
            )
        except OSError as error:
            self._last_line = f"{self._command[0]} cannot be run ({error.strerror}); see VideoGateway.Python."
            return EX_CONFIG
        with self._lock:
            self._process = process
        if self._stopping.is_set():  # stop() came between the start and the line above
            self._signal(os.killpg, signal.SIGKILL)
        stdin, stdout = process.stdin, process.stdout
        assert stdin is not None  # noqa: S101 - for the type checker: both were asked for as pipes
        assert stdout is not None  # noqa: S101
        reader = threading.Thread(target=self._read, args=(stdout,), daemon=True)
        reader.start()
        with suppress(OSError):  # when the child is gone already, its exit status says why
            stdin.write(self._greeting)
            stdin.flush()  # and it stays open: its end tells the child that Orthanc is gone
            os.set_blocking(stdin.fileno(), False)
            with self._lock:
                self._told = stdin.fileno()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        self._settled.clear()
        # Until it is reaped nobody else can have its number: now its workers end, too.
        self._signal(os.killpg, signal.SIGKILL)
        with self._lock:
            self._process = self._told = None
        code = process.wait()
        with suppress(OSError):
            stdin.close()
        reader.join(2)
        return code

    def _read(self, stdout: IO[bytes]) -> None:
        with stdout:
            for raw in iter(lambda: stdout.readline(8192), b""):
                line = raw.decode("utf-8", "replace").replace("\0", " ").rstrip()
                if line.startswith("READY "):
                    self._settled.set()
                if line:
                    self._last_line = line
                    self._api.LogWarning(f"gateway: {line}")


def interpreter(configured: str) -> str:
    """The Python that runs the gateway: configured, from the environment, the repository's own, or the system's."""
    own = FOLDER.parent / ".venv" / "bin" / "python"
    return configured or os.environ.get("ORTHANC_VIDEO_PYTHON", "") or (str(own) if own.exists() else "python3")
