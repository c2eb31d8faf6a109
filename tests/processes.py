"""Who runs: the processes that this one has started, as the kernel lists them."""

from __future__ import annotations

import os
import select
import subprocess
import sys
from pathlib import Path

from orthanc_video.jobs.template import environment


def media_processes(parent: int = 0) -> set[int]:
    """The media processes of this process, or of ``parent``, that have a task and have not ended: what its template
    process has forked."""
    forked = {child for template in _running_templates(parent or os.getpid()) for child in _running_templates(template)}
    return {process for process in forked if has_task(process)}


def templates() -> set[int]:
    """The template processes that this process has started and that have not ended."""
    return _running_templates(os.getpid())


def has_task(pid: int) -> bool:
    """Of a template or what it has forked: whether it is a media process that runs and has its task (worker.called)."""
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip() not in {"media-template", "media-ready"}
    except OSError:
        return False


def _running_templates(parent: int) -> set[int]:
    """Forked processes have the command line that their template has."""
    found = set()
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and is_running(int(folder.name)):
            try:
                command = (folder / "cmdline").read_bytes()
                status = (folder / "stat").read_text()
            except OSError:
                continue
            if b"orthanc_video.media.template" in command and int(status.rsplit(")", 1)[1].split()[1]) == parent:
                found.add(int(folder.name))
    return found


def is_running(pid: int) -> bool:
    """Whether there is such a process that has not ended (a zombie has)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in {"Z", "X"}
    except OSError:
        return False


def await_end(pid: int, seconds: float = 5) -> None:
    """Blocks until a process has ended, whoever's child it is."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        assert select.select([descriptor], [], [], seconds)[0], f"process {pid} still runs"
    finally:
        os.close(descriptor)


def children(pid: int) -> list[int]:
    """The processes that a process's main thread has started."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def address_space_at_start() -> int:
    """How many bytes of it a media process has before it has seen any file."""
    script = (
        "import orthanc_video.media.worker\n"
        "print(next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmPeak')))"
    )
    return (
        int(subprocess.run([sys.executable, "-c", script], env=environment(), capture_output=True, check=True).stdout)
        * 1024
    )
