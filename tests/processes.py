"""Who runs: the processes that this one has started, as the kernel lists them."""

from __future__ import annotations

import os
import select
import subprocess
import sys
from pathlib import Path

from orthanc_video.jobs.template import environment


def media_processes(parent: int | None = None) -> set[int]:
    """The media processes of ``parent`` (this process) that have not ended: what its template process has forked."""
    templates = _running_templates(parent or os.getpid())
    return {child for template in templates for child in _running_templates(template)}


def templates(parent: int | None = None) -> set[int]:
    """The template processes that ``parent`` (this process) has started and that have not ended."""
    return _running_templates(parent or os.getpid())


def _running_templates(parent: int) -> set[int]:
    """Forked processes are called what their template is."""
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
