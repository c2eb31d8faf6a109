"""HTTP from Orthanc to the gateway. Standard library only, like all that Orthanc loads."""

from __future__ import annotations

import http.client
import threading
import urllib.parse
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

from orthanc_plugin_http import Settings
from orthanc_plugin_process import Child

CONNECT_SECONDS = 5.0
_SILENT = "The video gateway does not answer. Try again in a moment."


class Unreachable(Exception):
    """The gateway cannot answer now; says why in a sentence."""


class NotAsked(Unreachable):
    """Of what was to be asked, the gateway knows nothing."""


class Link:
    """HTTP to the gateway: short to connect, patient to read, and never with all of Orthanc's threads at once."""

    def __init__(self, settings: Settings, child: Child | None) -> None:
        self._settings = settings
        self._child = child
        self._slots = threading.BoundedSemaphore(settings.forwards)

    @contextmanager
    def ask(
        self, method: str, path: str, headers: Mapping[str, bytes], body: bytes | None
    ) -> Iterator[http.client.HTTPResponse]:
        """The gateway's answer, its body still to be read."""
        if self._child is not None:
            self._child.wait_ready()
            if self._child.refusal:
                raise NotAsked(f"The video gateway does not run: {self._child.refusal}")
        if not self._slots.acquire(blocking=False):
            raise NotAsked("Too many requests wait for the video gateway. Try again in a moment.")
        try:
            url = urllib.parse.urlsplit(self._settings.url)
            kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
            connection = kind(url.hostname or "", url.port, timeout=CONNECT_SECONDS)
            try:
                yield self._request(connection, method, url.path + path, headers, body)
            except (OSError, http.client.HTTPException) as error:
                raise Unreachable(_SILENT) from error
            finally:
                connection.close()
        finally:
            self._slots.release()

    def _request(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        path: str,
        headers: Mapping[str, bytes],
        body: bytes | None,
    ) -> http.client.HTTPResponse:
        try:
            connection.connect()
        except OSError as error:
            raise NotAsked(_SILENT) from error
        connection.sock.settimeout(self._settings.answer_seconds + 60)
        # A refusal may come before the whole body is taken: it is there to be read all the same.
        with suppress(BrokenPipeError, ConnectionResetError):
            connection.request(method, path, body=body, headers=headers)
        return connection.getresponse()
