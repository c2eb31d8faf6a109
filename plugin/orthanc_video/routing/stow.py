"""STOW-RS (PS3.18 10.5) of files to a DICOMweb server: as they are, in constant memory, their length told before."""

from __future__ import annotations

import secrets
import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx

from orthanc_video.dicom import jsonmodel, nativemodel
from orthanc_video.dicom.jsonmodel import Model
from orthanc_video.errors import BadRequest, ConfigurationError
from orthanc_video.routing.association import Manner
from orthanc_video.routing.destinations import Web
from orthanc_video.routing.outcomes import OUT_OF_RESOURCES, Outcome, Result, of_status
from orthanc_video.routing.sendable import Sendable, sendable, unreadable

_BLOCK = 1 << 20
_LONGEST_ANSWER = 8 << 20
_FAILED, _STORED = "00081198", "00081199"
_INSTANCE, _FAILURE, _WARNING, _WORDS = "00081155", "00081197", "00081196", "0040A160"
# What a request as a whole is refused with, where the server does not say it of each instance (PS3.18 8.5, 10.5.3.1).
_STATUSES: dict[int, tuple[Result, str]] = {
    HTTPStatus.UNAUTHORIZED: (Result.STOPPED, 'wants other credentials: correct them in "DicomWeb"."Servers"'),
    HTTPStatus.FORBIDDEN: (Result.STOPPED, "does not let us store there"),
    HTTPStatus.NOT_FOUND: (Result.STOPPED, "has no DICOMweb service there: correct its Url"),
    HTTPStatus.METHOD_NOT_ALLOWED: (Result.STOPPED, "does not take STOW-RS there: correct its Url"),
    HTTPStatus.LENGTH_REQUIRED: (Result.STOPPED, "did not get the request's length: something between drops it"),
    HTTPStatus.REQUEST_TIMEOUT: (Result.LATER, "waited too long for the request"),
    HTTPStatus.CONFLICT: (Result.REFUSED, "did not store it, and does not say why"),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: (Result.REFUSED, "does not take so large a request"),
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: (Result.REFUSED, "does not take it in this transfer syntax"),
    HTTPStatus.TOO_MANY_REQUESTS: (Result.LATER, "has too many requests"),
    HTTPStatus.NOT_IMPLEMENTED: (Result.REFUSED, "does not support its SOP class"),
    HTTPStatus.SERVICE_UNAVAILABLE: (Result.LATER, "is busy"),
    HTTPStatus.INSUFFICIENT_STORAGE: (Result.LATER, "is full"),
}


def store(
    web: Web,
    files: Sequence[Path],
    most: int = 0,
    manner: Manner = Manner(),  # noqa: B008 -- frozen
    progress: Callable[[int], None] = lambda _: None,
) -> Iterator[Outcome]:
    """One outcome for each file, in order, in requests of at most ``most`` bytes (0: all in one); ends after a request
    in which not all was delivered.

    ``progress`` is told the bytes sent of the current request, and may raise to end it all. Raises Busy when a file
    cannot be read, NotVideo for what is no DICOM file, ConfigurationError for certificates that cannot be used.
    """
    name = f"The DICOMweb server at {httpx.URL(web.url).host}"
    timeout = httpx.Timeout(manner.answer, read=manner.stored, write=manner.idle)
    credentials = httpx.BasicAuth(web.username, web.password) if web.username else None
    with httpx.Client(
        verify=_context(web), auth=credentials, headers=list(web.headers), timeout=timeout, trust_env=False
    ) as client:
        for group in _groups([sendable(path) for path in files], most):
            if most and _Body(group).length > most:
                yield Outcome(Result.REFUSED, f"{name} takes no more than {most} bytes at a time.")
                return
            outcomes = _sent(client, f"{web.url}studies", name, group, progress)
            yield from outcomes
            if not all(outcome.delivered for outcome in outcomes):
                return


class _Body:
    """The files as one multipart/related body."""

    def __init__(self, files: Sequence[Sendable]) -> None:
        self.boundary = secrets.token_hex(16)
        self._files = files
        self._before = f"--{self.boundary}\r\nContent-Type: application/dicom\r\n\r\n".encode()
        self._end = f"--{self.boundary}--\r\n".encode()
        self.length = sum(len(self._before) + file.size + 2 for file in files) + len(self._end)

    def blocks(self, progress: Callable[[int], None]) -> Iterator[bytes]:
        sent = 0
        for file in self._files:
            yield self._before
            for block in _blocks(file):
                yield block
                sent += len(block)
                progress(sent)
            yield b"\r\n"
        yield self._end


def _blocks(file: Sendable) -> Iterator[bytes]:
    left = file.size
    try:
        with file.path.open("rb", buffering=0) as source:
            while left:
                block = source.read(min(_BLOCK, left))
                if not block:
                    raise unreadable()
                left -= len(block)
                yield block
    except OSError as error:
        raise unreadable() from error


def _groups(files: Sequence[Sendable], most: int) -> Iterator[list[Sendable]]:
    group: list[Sendable] = []
    for file in files:
        if group and most and _Body([*group, file]).length > most:
            yield group
            group = []
        group.append(file)
    if group:
        yield group


def _sent(
    client: httpx.Client, url: str, name: str, files: Sequence[Sendable], progress: Callable[[int], None]
) -> list[Outcome]:
    body = _Body(files)
    headers = {
        "Content-Type": f'multipart/related; type="application/dicom"; boundary={body.boundary}',
        "Content-Length": str(body.length),
        "Accept": "application/dicom+json",
    }
    try:
        with client.stream("POST", url, content=body.blocks(progress), headers=headers) as answer:
            told = _told(answer)
            return [_outcome(name, answer.status_code, told, file) for file in files]
    except httpx.TimeoutException:
        outcome = Outcome(Result.LATER, f"{name} did nothing for too long.", answered=False)
    except httpx.TransportError as error:
        outcome = _failed(name, error)
    return [outcome] * len(files)


def _failed(name: str, error: httpx.TransportError) -> Outcome:
    """No connection, or one that ended before the answer. With TLS 1.3 a server tells after the handshake alone that it
    wants another certificate."""
    tls = _tls(error)
    if isinstance(tls, ssl.SSLCertVerificationError):
        return Outcome(
            Result.STOPPED,
            f"{name} has a certificate that is not to be trusted ({tls.verify_message}): check Orthanc's "
            '"HttpsCACertificates".',
        )
    if tls is not None and "ALERT" in (tls.reason or ""):
        reason = str(tls.reason).replace("_", " ").lower()
        return Outcome(
            Result.STOPPED,
            f"{name} does not take our certificate, or wants one ({reason}): check its CertificateFile and "
            'CertificateKeyFile in "DicomWeb"."Servers".',
        )
    if isinstance(error, httpx.ConnectError):
        return Outcome(Result.LATER, f"{name} cannot be reached.", answered=False)
    return Outcome(Result.LATER, f"The connection to {name[:1].lower()}{name[1:]} broke off.", answered=False)


def _tls(error: BaseException) -> ssl.SSLError | None:
    """What TLS complained of, where that is behind it."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return cause
        cause = cause.__cause__ or cause.__context__
    return None


def _told(answer: httpx.Response) -> dict[str, dict[str, Model]]:
    """The items of the Store Instances Response module (PS3.18 I.2) by tag and SOP instance."""
    data = bytearray()
    for block in answer.iter_bytes(1 << 16):
        data += block
        if len(data) > _LONGEST_ANSWER:
            return {}
    try:
        models = [nativemodel.parse(bytes(data))] if data[:1] == b"<" else jsonmodel.parse(bytes(data))
    except BadRequest:
        return {}
    model = models[0] if models else {}
    return {tag: {_text(item, _INSTANCE): item for item in _items(model, tag)} for tag in (_FAILED, _STORED)}


def _items(model: Mapping[str, Any], tag: str) -> list[Model]:
    entry = model.get(tag)
    found = entry.get("Value") if isinstance(entry, dict) else None
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def _text(item: Mapping[str, Any], tag: str) -> str:
    entry = item.get(tag)
    found = entry.get("Value") if isinstance(entry, dict) else None
    return str(found[0]) if isinstance(found, list) and found else ""


def _outcome(name: str, status: int, told: Mapping[str, Mapping[str, Model]], file: Sendable) -> Outcome:
    uid = file.about.sop_instance
    failed, stored = told.get(_FAILED, {}).get(uid), told.get(_STORED, {}).get(uid)
    if failed is not None:
        return of_status(_number(_text(failed, _FAILURE)) or 0x0110, _words(failed))
    if stored is not None:  # some say 400 or 409 as soon as one of several fails
        return of_status(_number(_text(stored, _WARNING)), _words(stored))
    if status == HTTPStatus.OK:
        return of_status(0x0000)
    if status < HTTPStatus.MULTIPLE_CHOICES:
        return Outcome(Result.WARNED, f"{name} has taken it, but does not say that it has stored it (HTTP {status}).")
    if status < HTTPStatus.BAD_REQUEST:
        return Outcome(Result.STOPPED, f'{name} has moved (HTTP {status}): correct its Url in "DicomWeb"."Servers".')
    fallback = Result.LATER if status >= HTTPStatus.INTERNAL_SERVER_ERROR else Result.REFUSED
    result, words = _STATUSES.get(status, (fallback, "failed" if fallback is Result.LATER else "refuses it"))
    reason = OUT_OF_RESOURCES if status == HTTPStatus.INSUFFICIENT_STORAGE else 0
    return Outcome(result, f"{name} {words} (HTTP {status}).", reason)


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) <= 5 else 0


def _words(item: Mapping[str, Any]) -> str:
    words = " ".join(_text(item, _WORDS).split())
    return "".join(letter for letter in words if letter.isprintable())[:256]


def _context(web: Web) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=web.trusted or None)
        if not web.verify:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if web.certificate:
            context.load_cert_chain(web.certificate, web.key or None, web.key_password or None)
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            'The certificates for a DICOMweb server cannot be used: check Orthanc\'s "HttpsCACertificates" and the '
            "server's CertificateFile, CertificateKeyFile and CertificateKeyPassword."
        ) from error
    return context
