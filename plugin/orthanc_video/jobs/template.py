"""Where media processes come from: a template process, started once, that forks one for each task.

In a server one more than there are tasks stands ready, with its memory touched and a decoder opened once: what is
short, such as one exact frame, need not wait for that.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from typing import IO

from orthanc_video.errors import Busy, WorkerFailed

# Of the gateway's environment media gets what finds programs and libraries; passwords may lie in the rest.
_ENVIRONMENT = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "LANG", "LC_ALL")
# Decoded frames are large, and each process's are its first: of huge pages (2 MiB, where the kernel gives them to those
# that ask), out of a heap that grows by 64 MiB, a frame of 1080p touches 1,600 pages instead of 12,000, which is an
# eighth of its time. Other C libraries than GNU's do not know these names.
_MALLOC = "glibc.malloc.hugetlb=1:glibc.malloc.mmap_threshold=1073741824:glibc.malloc.top_pad=67108864"
# -P: the folder it happens to be started in is not one of Python's modules.
COMMAND = [sys.executable, "-P", "-m", "orthanc_video.media.template"]


def environment() -> dict[str, str]:
    """One thread: NumPy's own would not be held by the sandbox that the process's work enters."""
    kept = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    return kept | {"OPENBLAS_NUM_THREADS": "1", "GLIBC_TUNABLES": _MALLOC}


class Forked:
    """One media process: what to write its task to, what to read its answer from, and how to end it."""

    def __init__(self, template: _Running, process: int, stdin: IO[str], stdout: IO[str]) -> None:
        self.stdin = stdin
        self.stdout = stdout
        self._template = template
        self._process = process
        self._descriptor = os.pidfd_open(process)
        self._exit_code: int | None = None

    def kill(self) -> None:
        """At once, and what it started with it (media/sandbox.py, before_program)."""
        if self._descriptor >= 0:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._descriptor, signal.SIGKILL)

    def wait(self) -> int:
        """How it ended, as subprocess has it: negative for the signal that did."""
        if self._exit_code is None:
            ended = select.poll()
            ended.register(self._descriptor, select.POLLIN)
            ended.poll()
            self._exit_code = self._template.reap(self._process)
        return self._exit_code

    @property
    def alive(self) -> bool:
        ended = select.poll()
        ended.register(self._descriptor, select.POLLIN)
        return not ended.poll(0)

    def close(self) -> None:
        """Kills it if it still runs; afterwards nothing of it is left."""
        self.kill()
        self.wait()
        for pipe in (self.stdin, self.stdout):
            with contextlib.suppress(OSError):
                pipe.close()
        os.close(self._descriptor)
        self._descriptor = -1


class _Running:
    """A template process that runs, and the socket to it. Requests come one at a time."""

    def __init__(self) -> None:
        self._control, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with other:
            self._process = subprocess.Popen(COMMAND, stdin=other.fileno(), env=environment(), start_new_session=True)
        self._lock = threading.Lock()

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def fork(self, *, touched: bool) -> Forked:
        """``touched``: its memory and a decoder, before it has a task. Raises OSError when the template has died."""
        task_end, stdin = os.pipe()
        stdout, answer_end = os.pipe()
        try:
            answer = self._ask(b"fork touched" if touched else b"fork", task_end, answer_end)
        except BaseException:
            os.close(stdin)
            os.close(stdout)
            raise
        finally:
            os.close(task_end)
            os.close(answer_end)
        if not answer.isdigit():
            os.close(stdin)
            os.close(stdout)
            raise Busy(f"The machine has no room for another process now ({answer}).")
        return Forked(self, int(answer), os.fdopen(stdin, "w"), os.fdopen(stdout))

    def reap(self, process: int) -> int:
        try:
            return os.waitstatus_to_exitcode(int(self._ask(f"reap {process}".encode())))
        except OSError:
            return -signal.SIGKILL  # the template is gone, and what it forked with it

    def _ask(self, request: bytes, *descriptors: int) -> str:
        with self._lock:
            socket.send_fds(self._control, [request], descriptors)
            answer = self._control.recv(256)
        if not answer:
            raise ConnectionResetError
        return answer.decode()

    def close(self) -> None:
        """Ends it and all that it has forked."""
        self._process.kill()
        self._process.wait()
        self._control.close()


class Template:
    """The template of this process: started when first needed, and again should it die."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: _Running | None = None
        self._ready: Forked | None = None
        self._always = False

    def prepare(self) -> None:
        """Has a media process forked before it is needed, if the machine has room for one."""
        with contextlib.suppress(Busy, OSError), self._lock:
            self._ready = self._ready or self._current().fork(touched=self._always)

    def keep_ready(self) -> None:
        """From now on a media process stands ready whenever `refill` has been called."""
        self._always = True
        self.prepare()

    def refill(self) -> None:
        """A task has been given out: the next process, where one is to stand ready."""
        if self._always:
            self.prepare()

    def fork(self) -> Forked:
        """A new media process that waits for its task; raises Busy or WorkerFailed when there can be none."""
        with self._lock:
            if ready := self._take():
                return ready
            for _ in range(2):  # the template may have died just now
                with contextlib.suppress(OSError):
                    return self._current().fork(touched=False)
        raise WorkerFailed("Media processes cannot be started; the gateway's log says why.")

    def _take(self) -> Forked | None:
        """What stands ready, unless it has been killed meanwhile."""
        ready, self._ready = self._ready, None
        if ready is None or ready.alive:
            return ready
        ready.close()
        return None

    def _current(self) -> _Running:
        if self._running is not None and not self._running.alive:
            self._running.close()
            self._running = None
        self._running = self._running or _Running()
        return self._running

    def close(self) -> None:
        with self._lock:
            self._always = False
            if ready := self._take():
                ready.close()
            if self._running is not None:
                self._running.close()
                self._running = None
