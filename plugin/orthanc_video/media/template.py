"""The process that media processes are forked from: it has loaded Python and FFmpeg, and never sees media itself.

So a file's own process is there in a few milliseconds, with nothing in it of the files before. Standard input is a Unix
socket of messages, one answer to each: ``fork`` comes with two descriptors, the task's input and output, and is
answered by the new process's ID; ``reap ID`` by how that process ended, as os.waitpid tells it, or ``running``. Until
it is reaped, no other process gets its ID.
"""

from __future__ import annotations

import gc
import os
import socket
import sys
import traceback

import av
import av.subtitles.stream  # PyAV would load it with the first file of each process

from orthanc_video.lifetime import die_with_parent
from orthanc_video.media import worker

# Bytes: most of what decoding a frame of 1080p and coding it as JPEG takes.
_HEAP = 24 << 20


def main() -> None:
    """Serves until the other end of the socket is closed, then ends with all that it has forked."""
    worker.called("template")
    gc.freeze()  # what is loaded stays in memory that all share
    control = socket.socket(fileno=0)
    while True:
        request, descriptors, _, _ = socket.recv_fds(control, 64, 2)
        if not request:
            return
        command, _, argument = request.decode().partition(" ")
        control.send((_fork(control, descriptors, argument) if command == "fork" else _reap(int(argument))).encode())


def _fork(control: socket.socket, descriptors: list[int], how: str) -> str:
    template = os.getpid()
    try:
        child = os.fork()
    except OSError as error:
        return os.strerror(error.errno or 0)
    if child == 0:
        _work(control, descriptors, template, touched=how == "touched")
    for descriptor in descriptors:
        os.close(descriptor)
    return str(child)


def _work(control: socket.socket, descriptors: list[int], template: int, *, touched: bool) -> None:
    """The forked process's whole life. The interpreter is not tidied up: that would take as long as a short task."""
    code = 1
    try:
        die_with_parent(template)
        os.setsid()
        control.detach()
        for descriptor, number in zip(descriptors, (0, 1), strict=True):
            os.dup2(descriptor, number)
            os.close(descriptor)
        worker.called("ready")
        if touched:
            _touch()
        worker.serve()
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def _touch() -> None:
    """What the first picture of a process would wait for otherwise: pages of its own, and code that has run once."""
    bytearray(_HEAP)
    av.CodecContext.create("h264", "r").open()


def _reap(process: int) -> str:
    ended, status = os.waitpid(process, os.WNOHANG)
    return str(status) if ended else "running"


if __name__ == "__main__":
    main()
