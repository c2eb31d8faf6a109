"""Media processes as the gateway sees them: start one, watch it, take its answer, end it."""

from __future__ import annotations

import contextlib
import json
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orthanc_video import metrics
from orthanc_video.errors import BrokenVideo, WorkerFailed, revive
from orthanc_video.jobs.template import Forked, Template
from orthanc_video.jobs.watchdog import Watchdog
from orthanc_video.model import Most, Progress, Wishes
from orthanc_video.plain import from_json, to_json
from orthanc_video.settings import LARGEST_INSTANCE, MIB, Gateway, Settings

Listener = Callable[[Progress], None]
_LONGEST_LINE = 1 << 20
_LONGEST_SENTENCE = 1000
# Bytes a second: a slow disk. A file without an index is read to its end to count its frames.
SLOWLY_READ = 50e6
_STAGES = ("transcode", "remux", "check")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """``seconds`` of wall time (processor time follows from it); ``memory`` in bytes of address space; the bytes that
    one ``file`` may grow to."""

    seconds: float
    memory: int
    file: int = LARGEST_INSTANCE + 64 * MIB


class MediaProcess:
    """One task in one process. ``run`` blocks; ``end`` may be called from another thread at any time."""

    def __init__(self) -> None:
        self._process: Forked | None = None
        self._lock = threading.Lock()
        self._ended = False

    def run(self, name: str, arguments: dict[str, Any], limits: Limits, listener: Listener | None = None) -> Any:
        """The task's result; raises the error it reported, WorkerFailed when it died.

        Raises BrokenVideo when it ran out of time or came no further.
        """
        with self._lock:
            if self._ended:
                raise WorkerFailed("The job was cancelled.")
            self._process = process = _template.fork()
        watchdog = Watchdog(name, limits.seconds, self._kill)
        try:
            with contextlib.suppress(BrokenPipeError):
                process.stdin.write(
                    json.dumps({"name": name, "arguments": arguments, "limits": _limits(limits)}) + "\n"
                )
                process.stdin.close()
            _template.refill()
            with metrics.media_processes.track_inprogress():
                return self._answer(process, name, watchdog, listener)
        finally:
            watchdog.dismiss()
            with self._lock:
                process.close()

    def _answer(self, process: Forked, name: str, watchdog: Watchdog, listener: Listener | None) -> Any:
        stages = metrics.Stages(name)
        for line in _lines(process, name):
            if "result" in line:
                stages.end()
                return line["result"]
            if "error" in line:
                raise revive(str(line["error"]), str(line.get("sentence"))[:_LONGEST_SENTENCE])
            told = _progress(line, name)
            stages.at(told.stage)
            watchdog.tell(told)
            if listener is not None:
                listener(told)
        if watchdog.sentence:
            raise BrokenVideo(watchdog.sentence[:_LONGEST_SENTENCE])
        if self._ended:
            raise WorkerFailed("The job was cancelled.")
        raise WorkerFailed(
            f"The media process died during {name} (exit {process.wait()}): the file may be made to do so."
        )

    def end(self) -> None:
        """Cancels: the process and all it started are killed at once."""
        self._ended = True
        self._kill()

    def _kill(self) -> None:
        with self._lock:
            if self._process is not None:
                self._process.kill()


def _lines(process: Forked, name: str) -> Iterator[dict[str, Any]]:
    """What it says. A hostile file may have taken it over: its words are bounded, and need not be JSON."""
    while text := process.stdout.readline(_LONGEST_LINE):
        if len(text) < _LONGEST_LINE and not text.endswith("\n"):
            return  # it was ended in mid-sentence
        try:
            line = json.loads(text)
        except (ValueError, RecursionError):
            line = None
        if not isinstance(line, dict):
            raise _nonsense(name)
        yield line


def _progress(line: dict[str, Any], name: str) -> Progress:
    try:
        told = from_json(Progress, line["progress"])
        makes_sense = told.stage in _STAGES and 0 <= told.part <= 1 and told.frames >= 0 and told.total >= 0
    except (AttributeError, KeyError, TypeError, ValueError):
        makes_sense = False
    if not makes_sense:
        raise _nonsense(name)
    return told


def _nonsense(name: str) -> WorkerFailed:
    return WorkerFailed(f"The media process answered nonsense during {name}: the file may be made to do so.")


def _limits(limits: Limits) -> dict[str, int]:
    processor = int(limits.seconds * (os.cpu_count() or 1)) + 5
    return {"memory": limits.memory, "cpu_seconds": processor, "file_size": limits.file}


_template = Template()
warm_up = _template.prepare
keep_ready = _template.keep_ready
close = _template.close


# Short media work on behalf of a waiting caller: no more at once than the machine has use for.
_SHORT_WORK = threading.BoundedSemaphore(2 * (os.cpu_count() or 1))


def run_short(name: str, arguments: dict[str, Any], settings: Settings) -> Any:
    """A poster, within ``ProbeSeconds``; waits for its turn when many are asked for."""
    return _run_short(name, arguments, settings, settings.gateway.probe_seconds)


def run_probe(path: Path, wishes: Wishes, settings: Settings) -> Any:
    """What an upload holds and its plan, within ``ProbeSeconds`` and the time that reading it takes."""
    seconds = settings.gateway.probe_seconds + path.stat().st_size / SLOWLY_READ
    most = to_json(most_of(settings.gateway))
    return _run_short("probe", {"path": str(path), "wishes": to_json(wishes), "most": most}, settings, seconds)


def run_drawing(name: str, arguments: dict[str, Any], size: int, settings: Settings) -> Any:
    """Of an object of ``size`` bytes, pictures (``draw``), or which they would be (``moments``): what has no index is
    read twice, and what has one key frame decoded."""
    seconds = 6 * settings.gateway.probe_seconds + 2 * size / SLOWLY_READ
    return _run_short(name, arguments, settings, seconds)


def most_of(gateway: Gateway) -> Most:
    """How much of a film one object may hold, as configured."""
    return Most(bytes=gateway.instance_mb * MIB, seconds=gateway.instance_minutes * 60)


def _run_short(name: str, arguments: dict[str, Any], settings: Settings, seconds: float) -> Any:
    with _SHORT_WORK:
        limits = Limits(seconds=seconds, memory=settings.gateway.worker_memory_mb * MIB)
        return MediaProcess().run(name, arguments, limits)


def job_limits(settings: Settings) -> Limits:
    own = settings.gateway
    return Limits(seconds=own.job_seconds, memory=own.worker_memory_mb * MIB, file=settings.largest_file)
