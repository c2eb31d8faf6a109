"""Orthanc under the gateway's own user: what jobs need, blocking, in constant memory."""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import shutil
import socket
import ssl
import urllib.parse
from pathlib import Path
from typing import Any

from orthanc_video.archive.objects import storage_file
from orthanc_video.dicom.write import Envelope, blocks
from orthanc_video.errors import TRIED_AGAIN, Busy, Forbidden, NotFound, TooLarge, VideoError, WorkerFailed
from orthanc_video.settings import Settings

# Orthanc answers an upload only after hashing and writing it all: minutes for gigabytes on a slow disk.
_PATIENCE = 900.0
_FULL = 507
# Of an object that is larger than a C int counts, Orthanc 1.10.1 names the MD5 of no bytes.
_LARGEST_INT = (1 << 31) - 1
_MD5_OF_NOTHING = "d41d8cd98f00b204e9800998ecf8427e"
# As in orthanc_plugin_http.py.
_REFERENCE = "application/vnd.orthanc-video.reference+json"
# By this (RFC 9110, 7.6.3) the plugin knows what comes back from the gateway, and leaves it to Orthanc.
VIA = "1.1 orthanc-video"


class Archive:
    """Stores finished objects and looks them up."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._url = urllib.parse.urlsplit(settings.orthanc_url)
        self._headers = {"Via": VIA}
        if settings.username:
            pair = f"{settings.username}:{settings.password}".encode()
            self._headers["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
        own = settings.gateway
        # The plugin that started this gateway reads the spool itself: no trip of gigabytes through a socket.
        self._reference_secret = own.secret if own.launch and own.override_instances else ""

    def get(self, path: str) -> Any:
        """The JSON (or text) at ``path``, None when there is no such resource."""
        status, body = self._request("GET", path)
        if status == http.HTTPStatus.NOT_FOUND:
            return None
        if status != http.HTTPStatus.OK:
            raise _refusal(status)
        try:
            return json.loads(body)
        except ValueError:
            return body.decode("utf-8", "replace")

    def ask(self, path: str, question: Any) -> Any:
        """The JSON that Orthanc answers to a question in JSON."""
        status, answer = self.asked(path, question)
        if status != http.HTTPStatus.OK:
            raise _refusal(status)
        return answer

    def asked(self, path: str, question: Any) -> tuple[int, Any]:
        """As ``ask``, for who knows what to make of a failure: the HTTP status and its JSON, None for no JSON."""
        status, body = self._request("POST", path, json.dumps(question))
        try:
            return status, json.loads(body)
        except ValueError:
            if status == http.HTTPStatus.OK:
                raise
            return status, None

    def has(self, instance: str) -> bool:
        return self.get(f"/instances/{instance}") is not None

    def delete(self, instance: str) -> None:
        """Removes an instance; that it is gone already is as good."""
        status, _ = self._request("DELETE", f"/instances/{instance}")
        if status not in {http.HTTPStatus.OK, http.HTTPStatus.NOT_FOUND}:
            raise _refusal(status)

    def fetch(self, path: str, target: Path) -> None:
        """Writes what Orthanc answers to ``target``, in constant memory; raises NotFound when there is none."""
        connection = self._connect()
        try:
            connection.request("GET", self._path(path), headers=self._headers)
            answer = connection.getresponse()
            if answer.status == http.HTTPStatus.NOT_FOUND:
                raise NotFound("Orthanc holds no such resource any more.")
            if answer.status != http.HTTPStatus.OK:
                raise _refusal(answer.status)
            with target.open("wb") as file:
                shutil.copyfileobj(answer, file, 1 << 20)
        except (OSError, http.client.HTTPException) as error:
            raise _unreachable(error) from error
        finally:
            connection.close()

    def store(self, parts: Envelope, stream: Path) -> dict[str, Any]:
        """Hands over one DICOM file; Orthanc's answer, after its MD5 proved equal to ours.

        Our MD5 is computed while Orthanc is busy with what it received.
        """
        connection = self._connect()
        try:
            if self._reference_secret and not parts.offset:
                self._refer(connection, parts, stream)
            else:
                self._send(connection, parts, stream)
            expected = _md5(parts, stream)
            answer = connection.getresponse()
            status, body = answer.status, answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise _unreachable(error) from error
        finally:
            connection.close()
        if status != http.HTTPStatus.OK:
            raise _refusal(status)
        stored: dict[str, Any] = json.loads(body)
        self._verify(stored, expected, parts.size)
        return stored

    def _refer(self, connection: http.client.HTTPConnection, parts: Envelope, stream: Path) -> None:
        """Names the stream's file to the plugin, with what goes around it."""
        before, after = (base64.b64encode(part).decode() for part in (parts.before, parts.after))
        body = json.dumps({"Before": before, "Path": str(stream.resolve()), "After": after})
        headers = {"Content-Type": _REFERENCE, "Orthanc-Video-Secret": self._reference_secret}
        connection.request("POST", self._path("/instances"), body=body, headers=self._headers | headers)

    def _send(self, connection: http.client.HTTPConnection, parts: Envelope, stream: Path) -> None:
        """The whole file as the request's body; the kernel sends the stream."""
        headers = {"Content-Length": str(parts.size), "Content-Type": "application/dicom"}
        connection.putrequest("POST", self._path("/instances"))
        for name, value in (self._headers | headers).items():
            connection.putheader(name, value)
        connection.endheaders(parts.before)
        with stream.open("rb") as file:
            connection.sock.sendfile(file, parts.offset, parts.length)
        connection.send(parts.after)

    def _verify(self, stored: dict[str, Any], expected: str, size: int) -> None:
        if stored.get("Status") == "AlreadyStored":
            return
        if stored.get("Status") != "Success":
            raise Forbidden(f"Orthanc's filters did not accept the object (status {stored.get('Status')}).")
        found = self.get(f"/instances/{stored['ID']}/attachments/dicom/md5")
        if found == _MD5_OF_NOTHING and size > _LARGEST_INT:
            found = self._read_md5(stored["ID"], size)
        if found != expected:
            self._request("DELETE", f"/instances/{stored['ID']}")
            raise WorkerFailed("Orthanc's MD5 of the stored object differs from ours; it was removed again.")

    def _read_md5(self, instance: str, size: int) -> str:
        """Of the stored file itself."""
        info = self.get(f"/instances/{instance}/attachments/dicom/info")
        path = storage_file(self._settings, str(info["Uuid"]), size) if info else None
        if path is not None:
            with path.open("rb") as file:
                return hashlib.file_digest(file, _md5_state).hexdigest()
        copy = self._settings.spool / f"md5-{instance}"
        try:
            self.fetch(f"/instances/{instance}/attachments/dicom/data", copy)
            with copy.open("rb") as file:
                return hashlib.file_digest(file, _md5_state).hexdigest()
        finally:
            copy.unlink(missing_ok=True)

    def _request(self, method: str, path: str, body: str | None = None) -> tuple[int, bytes]:
        connection = self._connect()
        try:
            connection.request(method, self._path(path), body=body, headers=self._headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise _unreachable(error) from error
        finally:
            connection.close()

    def _connect(self) -> http.client.HTTPConnection:
        host, port = self._url.hostname or "127.0.0.1", self._url.port
        if self._url.scheme == "https":
            return http.client.HTTPSConnection(host, port, timeout=_PATIENCE, context=ssl.create_default_context())
        return http.client.HTTPConnection(host, port, timeout=_PATIENCE)

    def _path(self, path: str) -> str:
        return self._url.path.rstrip("/") + path


def _md5_state() -> Any:
    return hashlib.md5(usedforsecurity=False)


def _md5(parts: Envelope, stream: Path) -> str:
    digest = _md5_state()
    for block in blocks(parts, stream):
        digest.update(block)
    found: str = digest.hexdigest()
    return found


def _unreachable(error: Exception) -> Busy:
    what = "timed out" if isinstance(error, socket.timeout) else "does not answer"
    return Busy(f"Orthanc {what}{TRIED_AGAIN}")


def _refusal(status: int) -> VideoError:
    if status in {http.HTTPStatus.UNAUTHORIZED, http.HTTPStatus.FORBIDDEN}:
        return Forbidden('Orthanc refuses the gateway\'s own user. Check "VideoGateway.Username" and "Password".')
    if status == http.HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return TooLarge("The finished object is larger than Orthanc takes (MaximumRequestBodySizeMB).")
    if status == _FULL:
        return Busy(f"Orthanc's storage is full{TRIED_AGAIN}")
    if status >= http.HTTPStatus.INTERNAL_SERVER_ERROR:
        return Busy(f"Orthanc failed (HTTP {status}){TRIED_AGAIN}")
    return WorkerFailed(f"Orthanc did not accept the finished object (HTTP {status}).")
