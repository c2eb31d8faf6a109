"""HTTP clients that cost little beside the servers they measure."""

from __future__ import annotations

import http.client
import json
import socket
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

_PATIENCE = 600.0
_BUFFER = 1 << 20
_HEAD = 64 << 10


@dataclass(frozen=True, slots=True)
class Answered:
    """A JSON answer and the seconds from connecting to its last byte."""

    document: dict[str, Any]
    seconds: float


def post_file(port: int, path: str, file: Path, kind: str) -> Answered:
    """Sends a file by sendfile(2) as one POST; raises RuntimeError for any answer but 200."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_PATIENCE)
    start = time.perf_counter()
    try:
        connection.putrequest("POST", path)
        connection.putheader("Content-Type", kind)
        connection.putheader("Content-Length", str(file.stat().st_size))
        connection.endheaders()
        with file.open("rb") as opened:
            connection.sock.sendfile(opened)
        answer = connection.getresponse()
        body = answer.read()
    finally:
        connection.close()
    seconds = time.perf_counter() - start
    if answer.status != http.HTTPStatus.OK:
        raise RuntimeError(f"POST {path} answered HTTP {answer.status}: {body[:500]!r}")
    return Answered(json.loads(body), seconds)


def ask(port: int, method: str, path: str) -> Any:
    """A small JSON answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_PATIENCE)
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        body = answer.read()
    finally:
        connection.close()
    if answer.status != http.HTTPStatus.OK:
        raise RuntimeError(f"{method} {path} answered HTTP {answer.status}: {body[:500]!r}")
    return json.loads(body)


class Reader:
    """One connection that asks for bytes and throws them away, by the cheapest way that Python has."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=_PATIENCE)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = memoryview(bytearray(_BUFFER))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def ranged(self, path: str, first: int, length: int) -> None:
        """One range, all of it."""
        status, got = self._head(path, f"Range: bytes={first}-{first + length - 1}\r\n")
        if status != http.HTTPStatus.PARTIAL_CONTENT:
            raise RuntimeError(f"a range of {path} answered HTTP {status}")
        self._skip(length - got)

    def first_byte(self, path: str) -> None:
        """Until the first byte of the whole arrives; the connection is of no more use then."""
        status, got = self._head(path, "")
        if status != http.HTTPStatus.OK:
            raise RuntimeError(f"{path} answered HTTP {status}")
        self._skip(1 - got)

    def byte_at(self, path: str, offset: int) -> None:
        """Until the byte at ``offset`` arrives, by a range where the server has ranges."""
        status, got = self._head(path, f"Range: bytes={offset}-\r\n")
        if status == http.HTTPStatus.PARTIAL_CONTENT:
            self._skip(1 - got)
        elif status == http.HTTPStatus.OK:
            self._skip(offset + 1 - got)
        else:
            raise RuntimeError(f"{path} answered HTTP {status}")

    def _head(self, path: str, headers: str) -> tuple[int, int]:
        """The status, and how many bytes of the body have come with it."""
        self._socket.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: */*\r\n{headers}\r\n".encode())
        got = 0
        while True:
            count = self._socket.recv_into(self._buffer[got:_HEAD])
            if not count:
                raise ConnectionError("the server closed the connection")
            got += count
            head, found, _ = bytes(self._buffer[:got]).partition(b"\r\n\r\n")
            if found:
                return int(head[9:12]), got - len(head) - 4

    def _skip(self, left: int) -> None:
        while left > 0:
            count = self._socket.recv_into(self._buffer[: min(left, _BUFFER)])
            if not count:
                raise ConnectionError("the server closed the connection before the end of its answer")
            left -= count
