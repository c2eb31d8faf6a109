"""A line of so many bits a second to a server: all connections together, both ways each."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

_BLOCK = 8 << 10


@dataclass(slots=True)
class Line:
    """``free`` is when the line has sent all that it was given; nothing goes through it unless it is ``whole``."""

    bits: float
    free: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)
    whole: threading.Event = field(default_factory=threading.Event)

    def turn(self, length: int) -> None:
        """Returns when so many bytes have gone through."""
        with self.lock:
            self.free = max(self.free, time.monotonic()) + length * 8 / self.bits
            wait = self.free - time.monotonic()
        time.sleep(max(0.0, wait))
        self.whole.wait()


class Relay:
    """``open`` are the ends of all connections."""

    def __init__(self, target: tuple[str, int], megabits: float) -> None:
        self._target = target
        self._down, self._up = Line(megabits * 1e6), Line(megabits * 1e6)
        self._cut = False
        self.mend()
        self._threads: list[threading.Thread] = []
        self._open: list[socket.socket] = []
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BLOCK)
        self._start(self._accept)

    def _start(self, work: Callable[..., None], *arguments: Any) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with suppress(OSError):  # it was closed
            while True:
                client, _ = self.listening.accept()
                if self._cut:
                    client.close()
                    continue
                server = socket.create_connection(self._target)
                self._open += [client, server]
                for source, sink, line in ((client, server, self._up), (server, client, self._down)):
                    # What a kernel buffers would go past the line.
                    sink.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BLOCK)
                    self._start(_pass, source, sink, line)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.listening.getsockname()[1]}"

    def hang(self) -> None:
        """Nothing gets through, and nobody is told."""
        for line in (self._down, self._up):
            line.whole.clear()

    def cut(self) -> None:
        """Connections break, and no new one comes about."""
        self._cut = True
        for end in self._open:
            _shut(end)

    def mend(self) -> None:
        self._cut = False
        for line in (self._down, self._up):
            line.whole.set()

    def close(self) -> None:
        self.mend()
        for end in (self.listening, *self._open):
            _shut(end)
        for thread in self._threads:
            thread.join()
        for end in (self.listening, *self._open):
            end.close()


@contextmanager
def breaking(url: str, megabits: float) -> Iterator[Relay]:
    """Such a line that breaks when it is told to."""
    parts = urlsplit(url)
    relay = Relay((parts.hostname or "", parts.port or 80), megabits)
    try:
        yield relay
    finally:
        relay.close()


@contextmanager
def throttled(url: str, megabits: float) -> Iterator[str]:
    """The address at which the server at ``url`` answers by such a line."""
    with breaking(url, megabits) as relay:
        yield relay.url


def _pass(source: socket.socket, sink: socket.socket, line: Line) -> None:
    with suppress(OSError):  # either side has gone
        while block := source.recv(_BLOCK):
            line.turn(len(block))
            sink.sendall(block)
    _shut(source)
    _shut(sink)


def _shut(end: socket.socket) -> None:
    with suppress(OSError):  # it is
        end.shutdown(socket.SHUT_RDWR)
