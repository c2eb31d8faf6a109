"""Media processes as the gateway sees them: start one, watch it, take its answer, end it."""

from __future__ import annotations

import concurrent.futures
import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from orthanc_video import metrics
from orthanc_video.errors import BrokenVideo, WorkerFailed, revive
from orthanc_video.model import Progress, from_json
from orthanc_video.settings import LARGEST_INSTANCE, MIB, Settings

Listener = Callable[[Progress], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """``seconds`` of wall time (processor time follows from it); ``memory`` in bytes of address space."""

    seconds: float
    memory: int


class MediaProcess:
    """One task in one process. ``run`` blocks; ``end`` may be called from another thread at any time."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._lock = threading.Lock()
        self._ended = False
        self._timed_out = False

    def run(self, name: str, arguments: dict[str, Any], limits: Limits, listener: Listener | None = None) -> Any:
        """The task's result; raises the error it reported, or WorkerFailed when it died or ran out of time."""
        with self._lock:
            if self._ended:
                raise WorkerFailed("The job was cancelled.")
            self._process = process = _spare.take()
        timer = threading.Timer(limits.seconds, self._time_out)
        timer.daemon = True
        timer.start()
        try:
            assert process.stdin is not None and process.stdout is not None  # noqa: S101, PT018
            with contextlib.suppress(BrokenPipeError):
                process.stdin.write(
                    json.dumps({"name": name, "arguments": arguments, "limits": _limits(limits)}) + "\n"
                )
                process.stdin.close()
            with metrics.media_processes.track_inprogress():
                return self._answer(process, name, limits, listener)
        finally:
            timer.cancel()
            _end(process)

    def _answer(self, process: subprocess.Popen[str], name: str, limits: Limits, listener: Listener | None) -> Any:
        assert process.stdout is not None  # noqa: S101
        stages = metrics.Stages(name)
        for text in process.stdout:
            line = json.loads(text)
            if "result" in line:
                stages.end()
                return line["result"]
            if "error" in line:
                raise revive(line["error"], line["sentence"])
            told = from_json(Progress, line["progress"])
            stages.at(told.stage)
            if listener is not None:
                listener(told)
        if self._timed_out:
            raise BrokenVideo(f"The {name} of this file took longer than {limits.seconds:g} s and was ended.")
        if self._ended:
            raise WorkerFailed("The job was cancelled.")
        raise WorkerFailed(
            f"The media process died during {name} (exit {process.wait()}): the file may be made to do so."
        )

    def _time_out(self) -> None:
        self._timed_out = True
        self._kill()

    def end(self) -> None:
        """Cancels: the process and all it started are killed at once."""
        self._ended = True
        self._kill()

    def _kill(self) -> None:
        with self._lock:
            if self._process is not None:
                _end(self._process)


def _limits(limits: Limits) -> dict[str, int]:
    processor = int(limits.seconds * (os.cpu_count() or 1)) + 5
    return {"memory": limits.memory, "cpu_seconds": processor, "file_size": LARGEST_INSTANCE + 64 * MIB}


def _end(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()


class _Spare:
    """Keeps one process started and waiting, so that a task does not pay for loading Python and FFmpeg (0.3 s)."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: subprocess.Popen[str] | None = None
        self._closed = False

    def take(self) -> subprocess.Popen[str]:
        with self._lock:
            process, self._waiting = self._waiting, None
        if process is not None and process.poll() is not None:
            _end(process)  # it died while it waited
            process = None
        process = process or _start()
        threading.Thread(target=self.refill, daemon=True).start()
        return process

    def refill(self) -> None:
        with self._lock:
            if self._waiting is None and not self._closed:
                self._waiting = _start()

    def close(self) -> None:
        with self._lock:
            self._closed = True
            if self._waiting is not None:
                _end(self._waiting)
                self._waiting = None


# The kernel's parent-death signal fires when the thread that forked ends, so one thread that lives as long as the
# gateway starts every process.
_starter = concurrent.futures.ThreadPoolExecutor(max_workers=1, thread_name_prefix="media-starter")


def _start() -> subprocess.Popen[str]:
    return _starter.submit(_fork).result()


def _fork() -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "orthanc_video.media.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


_spare = _Spare()
warm_up = _spare.refill
close = _spare.close


# Short media work on behalf of a waiting caller: no more at once than the machine has use for.
_SHORT_WORK = threading.BoundedSemaphore(2 * (os.cpu_count() or 1))


def run_short(name: str, arguments: dict[str, Any], settings: Settings) -> Any:
    """A probe or a poster, within ``ProbeSeconds``; waits for its turn when many are asked for."""
    with _SHORT_WORK:
        limits = Limits(seconds=settings.gateway.probe_seconds, memory=settings.gateway.worker_memory_mb * MIB)
        return MediaProcess().run(name, arguments, limits)


def job_limits(settings: Settings) -> Limits:
    return Limits(seconds=settings.gateway.job_seconds, memory=settings.gateway.worker_memory_mb * MIB)
