"""What Orthanc loads: starts the video gateway, and carries on Orthanc's own port what its HTTP server can.

Standard library only, since the Python inside Orthanc is the distribution's; media is never parsed in this process.
Nothing here logs a header, a file name or a body.
"""

from __future__ import annotations

import email.message
import http
import http.client
import json
import os
import re
import secrets
import signal
import subprocess
import threading
import time
import urllib.parse
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import orthanc

SECTION = "VideoGateway"
# The keys of the section that matter here, with the gateway's own defaults (orthanc_video/settings.py).
DEFAULTS: dict[str, Any] = {
    "Launch": True,
    "Python": "",
    "Url": "",
    "Host": "127.0.0.1",
    "Port": 8043,
    "PublicUrl": "",
    "OverrideInstances": True,
    "Secret": "",
    "AnswerSeconds": 30.0,
}
FOLDER = Path(__file__).resolve().parent
MIB = 1 << 20
LARGEST_RANGE = 4 * MIB
LARGEST_UNZIPPED = 8192 * MIB
# What a socket takes at once: without Python.AllowThreads a longer answer to a slow client stops every callback.
SMALL_ANSWER = MIB // 4
CONNECT_SECONDS = 5.0
START_SECONDS = 15.0
EX_CONFIG = 78

# ---------------------------------------------------------------------------------------------- configuration


@dataclass(frozen=True)
class Settings:
    """The section VideoGateway as far as it concerns this side, and what follows from the rest."""

    launch: bool
    python: str
    url: str
    port: int
    public_url: str
    override_instances: bool
    secret: str
    answer_seconds: float
    # A forwarded request holds one of Orthanc's HTTP threads while the gateway asks Orthanc over another.
    forwards: int
    allow_threads: bool


def read_settings(configuration: Mapping[str, Any]) -> Settings:
    """Settings out of Orthanc's configuration. A value of the wrong type is the gateway's to complain about."""
    section = configuration.get(SECTION)
    given = section if isinstance(section, dict) else {}
    values = dict(DEFAULTS)
    for key, default in DEFAULTS.items():
        value = given.get(key, default)
        if type(value) is type(default) or (isinstance(default, float) and type(value) is int):
            values[key] = value
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(values["Host"], values["Host"])  # noqa: S104 - only compared
    host = f"[{host}]" if ":" in host else host
    return Settings(
        launch=values["Launch"],
        python=values["Python"],
        url=values["Url"].rstrip("/") or f"http://{host}:{values['Port']}",
        port=values["Port"],
        public_url=values["PublicUrl"].rstrip("/"),
        override_instances=values["OverrideInstances"],
        secret=secrets.token_hex(32) if values["Launch"] else values["Secret"],
        answer_seconds=float(values["AnswerSeconds"]),
        forwards=max(1, int(configuration.get("HttpThreadsCount", 50)) // 2),
        allow_threads=bool((configuration.get("Python") or {}).get("AllowThreads", False)),
    )


def with_absolute_paths(configuration: Mapping[str, Any], configuration_path: str) -> dict[str, Any]:
    """The configuration as it reads from any folder: Orthanc takes paths as relative to the configuration's folder."""
    given = Path(configuration_path or ".").resolve()
    base = given if given.is_dir() else given.parent
    whole = dict(configuration)
    storage = whole.get("StorageDirectory", "OrthancStorage")
    whole["StorageDirectory"] = str(base / storage)
    whole["IndexDirectory"] = str(base / whole.get("IndexDirectory", storage))
    section = whole.get(SECTION)
    if isinstance(section, dict) and isinstance(section.get("Directory"), str) and section["Directory"]:
        whole[SECTION] = {**section, "Directory": str(base / section["Directory"])}
    return whole


# ------------------------------------------------------------------------------------------ pure HTTP matters


def is_dicom(head: bytes) -> bool:
    """With a preamble, or a bare data set that begins with group 0002 or 0008 in little endian."""
    if head[128:132] == b"DICM":
        return True
    if len(head) < 8 or head[0:2] not in (b"\x02\x00", b"\x08\x00") or head[3] != 0:
        return False
    explicit = head[4:6].isalpha() and head[4:6].isupper()
    return explicit or int.from_bytes(head[4:8], "little") <= 1024


def is_zip(head: bytes) -> bool:
    return head.startswith(b"PK\x03\x04")


def gunzip(body: bytes, limit: int) -> bytes:
    """The first ``limit`` decompressed bytes; zlib.error when it is not gzip, or is cut short before them."""
    plain = bytearray()
    unzip = zlib.decompressobj(wbits=31)
    while len(plain) < limit and not unzip.eof:
        block = unzip.decompress(unzip.unconsumed_tail if plain else body, min(MIB, limit - len(plain)))
        if not block and not unzip.eof:
            raise zlib.error("the gzip stream is cut short")
        plain += block
    return bytes(plain)


def query_of(arguments: Mapping[str, str]) -> str:
    """The query string again; Orthanc hands its arguments over as they were sent, still percent-encoded."""
    pairs = (f"{key}={value}" if value else key for key, value in arguments.items())
    query = urllib.parse.quote("&".join(pairs), safe="%&=+/:;,?@!$'()*-._~")
    return f"?{query}" if query else ""


def clip_range(asked: str) -> str:
    """A Range header that asks for at most LARGEST_RANGE; what is no plain range is the gateway's to judge."""
    bounded = re.fullmatch(r"bytes=(\d+)-(\d*)", asked.strip())
    if bounded is None:
        return asked
    first = int(bounded[1])
    most = first + LARGEST_RANGE - 1
    last = min(int(bounded[2]), most) if bounded[2] else most
    return asked if bounded[2] and int(bounded[2]) < first else f"bytes={first}-{last}"


def clip_content_range(content_range: str) -> str:
    """The Content-Range of an answer of which only LARGEST_RANGE bytes are passed on."""
    found = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+|\*)", content_range)
    if found is None:
        return content_range
    return f"bytes {found[1]}-{min(int(found[2]), int(found[1]) + LARGEST_RANGE - 1)}/{found[3]}"


def outside_url(settings: Settings, headers: Mapping[str, str]) -> str:
    """Where this caller's browser reaches the gateway: as configured, else its port on the host that was asked."""
    if settings.public_url:
        return settings.public_url
    try:
        host = urllib.parse.urlsplit("//" + headers.get("host", "")).hostname or "127.0.0.1"
    except ValueError:
        host = "127.0.0.1"
    return f"http://[{host}]:{settings.port}" if ":" in host else f"http://{host}:{settings.port}"


def file_name(headers: Mapping[str, str]) -> str:
    """The file name in a form part's (or a request's) Content-Disposition."""
    if "content-disposition" not in headers:
        return ""
    message = email.message.Message()
    message["content-disposition"] = headers["content-disposition"].replace("\r", " ").replace("\n", " ")
    return message.get_filename("") or ""


_NOT_PASSED = {
    "accept-encoding",
    "connection",
    "content-disposition",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
}


# The gateway passes on to Orthanc what is not its own; by this (RFC 9110, 7.6.3) a request that comes back is known.
VIA = "1.1 orthanc-video"


def came_back(headers: Mapping[str, str]) -> bool:
    return VIA in headers.get("via", "")


def passed_on(headers: Mapping[str, str], secret: str) -> dict[str, bytes]:
    """The caller's headers for the gateway, with the proof that they come through Orthanc."""
    kept = {
        name: value.encode()
        for name, value in headers.items()
        if name.lower() not in _NOT_PASSED and not name.lower().startswith("orthanc-video-")
    }
    via = f"{headers['via']}, {VIA}" if "via" in headers else VIA
    return kept | {"via": via.encode(), "Orthanc-Video-Secret": secret.encode(), "Orthanc-Video-Door": b"orthanc"}


# As in Orthanc's own table of error codes; every other code is a 500.
_HTTP_STATUS = {3: 400, 5: 400, 7: 404, 8: 400, 12: 400, 13: 404, 15: 400, 17: 404, 21: 404, 28: 400, 34: 406}
_HTTP_STATUS |= {36: 503, 41: 416, 42: 503, 43: 409, 45: 403, 46: 409}
BAD_FILE_FORMAT = (15, "Bad file format")
UNKNOWN_RESOURCE = (17, "Unknown resource")
NETWORK_PROTOCOL = (9, "Error in the network protocol")


def error_body(status: int, error: tuple[int, str], method: str, uri: str, more: Mapping[str, str]) -> bytes:
    """Orthanc's own error document, letter for letter."""
    document = {
        "HttpError": http.HTTPStatus(status).phrase,
        "HttpStatus": status,
        "Message": error[1],
        "Method": method,
        "OrthancError": error[1],
        "OrthancStatus": error[0],
        "Uri": uri,
        **more,
    }
    return (json.dumps(document, indent="\t", separators=(",", " : "), sort_keys=True) + "\n").encode()


# Orthanc's HTTP server drops the connection when it is given a status that it does not know.
_KNOWN_STATUS = {*range(200, 209), 226, 300, 302, 303, 304, 305, 307, *range(400, 418), 422, 423, 424, 426}
_KNOWN_STATUS |= {*range(500, 508), 509, 510}


def known_status(status: int) -> int:
    if status in _KNOWN_STATUS:
        return status
    return {301: 302, 308: 307, 429: 503}.get(status, 400 if 400 <= status < 500 else 502)


# ------------------------------------------------------------------------------------ the gateway's process


class Child:
    """The gateway as Orthanc's child: started, its lines logged, restarted when it dies, ended with Orthanc."""

    def __init__(self, api: Any, command: list[str], greeting: bytes) -> None:
        self._api = api
        self._command = command
        self._greeting = greeting
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._settled = threading.Event()
        self._last_line = ""
        self._thread = threading.Thread(target=self._supervise, name="video-gateway", daemon=True)
        self.refusal = ""

    def start(self) -> None:
        self._thread.start()

    def wait_ready(self) -> None:
        """Returns once it listens, has given up, or START_SECONDS have passed."""
        self._settled.wait(START_SECONDS)

    def stop(self) -> None:
        """SIGTERM, five seconds, SIGKILL for its whole process group."""
        self._stopping.set()
        self._signal(os.kill, signal.SIGTERM)
        self._thread.join(5)
        self._signal(os.killpg, signal.SIGKILL)
        self._thread.join(2)

    def _signal(self, send: Any, number: signal.Signals) -> None:
        with self._lock, suppress(ProcessLookupError):
            if self._process is not None:
                send(self._process.pid, number)

    def _supervise(self) -> None:
        pause = 0.5
        while not self._stopping.is_set():
            began = time.monotonic()
            code = self._run()
            if self._stopping.is_set():
                return
            if code == EX_CONFIG:
                self.refusal = self._last_line
                self._settled.set()
                self._api.LogError(f"The video gateway does not start: {self.refusal}")
                return
            if time.monotonic() - began > 60:
                pause = 0.5
            self._api.LogWarning(f"The video gateway ended (exit status {code}) and is started again in {pause} s.")
            self._stopping.wait(pause)
            pause = min(30.0, 2 * pause)

    def _run(self) -> int:
        """One life of the gateway; its exit status, negative for the signal that killed it."""
        scrubbed = ("PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "LD_PRELOAD")
        environment = {name: value for name, value in os.environ.items() if name not in scrubbed}
        environment |= {"PYTHONPATH": str(FOLDER), "PYTHONUNBUFFERED": "1"}
        pipe = subprocess.PIPE
        try:
            process = subprocess.Popen(
                self._command,
                stdin=pipe,
                stdout=pipe,
                stderr=subprocess.STDOUT,
                env=environment,
                start_new_session=True,
            )
        except OSError as error:
            self._last_line = f"{self._command[0]} cannot be run ({error.strerror}); see VideoGateway.Python."
            return EX_CONFIG
        with self._lock:
            self._process = process
        if self._stopping.is_set():  # stop() came between the start and the line above
            self._signal(os.killpg, signal.SIGKILL)
        stdin, stdout = process.stdin, process.stdout
        assert stdin is not None  # noqa: S101 - for the type checker: both were asked for as pipes
        assert stdout is not None  # noqa: S101
        reader = threading.Thread(target=self._read, args=(stdout,), daemon=True)
        reader.start()
        with suppress(OSError):  # when the child is gone already, its exit status says why
            stdin.write(self._greeting)
            stdin.flush()  # and it stays open: its end tells the child that Orthanc is gone
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        self._settled.clear()
        # Until it is reaped nobody else can have its number: now its workers end, too.
        self._signal(os.killpg, signal.SIGKILL)
        with self._lock:
            self._process = None
        code = process.wait()
        with suppress(OSError):
            stdin.close()
        reader.join(2)
        return code

    def _read(self, stdout: IO[bytes]) -> None:
        with stdout:
            for raw in iter(lambda: stdout.readline(8192), b""):
                line = raw.decode("utf-8", "replace").replace("\0", " ").rstrip()
                if line.startswith("READY "):
                    self._settled.set()
                if line:
                    self._last_line = line
                    self._api.LogWarning(f"gateway: {line}")


def interpreter(configured: str) -> str:
    """The Python that runs the gateway: configured, from the environment, the repository's own, or the system's."""
    own = FOLDER.parent / ".venv" / "bin" / "python"
    return configured or os.environ.get("ORTHANC_VIDEO_PYTHON", "") or (str(own) if own.exists() else "python3")


# ---------------------------------------------------------------------------------------- towards the gateway


class Unreachable(Exception):
    """The gateway cannot answer now; says why in a sentence."""


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
                raise Unreachable(f"The video gateway does not run: {self._child.refusal}")
        if not self._slots.acquire(blocking=False):
            raise Unreachable("Too many requests wait for the video gateway. Try again in a moment.")
        try:
            url = urllib.parse.urlsplit(self._settings.url)
            kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
            connection = kind(url.hostname or "", url.port, timeout=CONNECT_SECONDS)
            try:
                yield self._request(connection, method, url.path + path, headers, body)
            except (OSError, http.client.HTTPException) as error:
                raise Unreachable("The video gateway does not answer. Try again in a moment.") from error
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
        connection.connect()
        connection.sock.settimeout(self._settings.answer_seconds + 60)
        # A refusal may come before the whole body is taken: it is there to be read all the same.
        with suppress(BrokenPipeError, ConnectionResetError):
            connection.request(method, path, body=body, headers=headers)
        return connection.getresponse()


# -------------------------------------------------------------------------------------------- Orthanc's answers


class RefusedUpload(Exception):
    """Makes Orthanc answer a form's upload with an error; any answer of ours to one part of a form is dropped."""


def send(output: Any, status: int, body: bytes, kind: str = "application/json", allow: str = "GET,POST") -> None:
    """A status other than 200 with its body, by the call that Orthanc wants for it."""
    if status == 401:
        output.SendUnauthorized("Orthanc Secure Area")
    elif status == 405:
        output.SendMethodNotAllowed(allow)
    elif not body:
        output.SendHttpStatusCode(known_status(status))
    else:
        try:
            # The core adds its own Content-Type, text/plain, as on all its errors; a second one would only confuse.
            output.SendHttpStatus(known_status(status), body)
        except TypeError:  # before plugin 4.2: text and its length in bytes, and no Content-Type but ours
            text = body.decode("utf-8", "replace")
            output.SetHttpHeader("Content-Type", kind)
            output.SendHttpStatus(known_status(status), text, len(text.encode()))


_SHOWN_HEADERS = (
    *("Accept-Ranges", "Cache-Control", "Content-Disposition", "Content-Range", "ETag", "Last-Modified"),
    *("Location", "Retry-After", "Vary"),
)


def set_headers(output: Any, answer: http.client.HTTPResponse) -> None:
    for name in _SHOWN_HEADERS:
        value = answer.headers.get(name)
        if value is not None:
            output.SetHttpHeader(name, clip_content_range(value) if name == "Content-Range" else value)


class Plugin:
    """The routes on Orthanc's own port. ``api`` is the module ``orthanc``."""

    def __init__(self, api: Any, settings: Settings, child: Child | None) -> None:
        self._api = api
        self._settings = settings
        self._child = child
        self._link = Link(settings, child)
        # A binary 206 and streamed answers exist since 5.0. Without AllowThreads (since 4.3) sending to a slow client
        # stops every Python callback of this Orthanc, so a video then goes by the gateway's own port.
        self._can_stream = settings.allow_threads and hasattr(api.RestOutput, "StartStreamAnswer")

    def on_change(self, change: int, *_: Any) -> None:
        if self._child is not None and change == self._api.ChangeType.ORTHANC_STARTED:
            self._child.start()
        elif self._child is not None and change == self._api.ChangeType.ORTHANC_STOPPED:
            self._child.stop()

    def instances(self, output: Any, uri: str, **request: Any) -> None:
        """GET and POST /instances: Orthanc's own, but for a body that is neither DICOM nor zip."""
        if request["method"] == "GET":
            query = query_of(request.get("get") or {})
            self._answer_own(output, uri, request, lambda: self._api.RestApiGet("/instances" + query))
        elif request["method"] == "POST":
            self._upload(output, uri, request)
        else:
            output.SendMethodNotAllowed("GET,POST")

    def _upload(self, output: Any, uri: str, request: Mapping[str, Any]) -> None:
        body = request.get("body") or b""
        zipped = request["headers"].get("content-encoding", "").strip().lower() == "gzip"
        if not body:
            self._refuse(output, uri, request, BAD_FILE_FORMAT, Details="Received an empty DICOM file")
            return
        try:
            head = gunzip(body, 512) if zipped else body[:512]
            if not (is_dicom(head) or is_zip(head) or came_back(request["headers"])):
                self._forward_upload(output, uri, request)
                return
            plain = gunzip(body, LARGEST_UNZIPPED + 1) if zipped else body
        except zlib.error:
            self._refuse(output, uri, request, BAD_FILE_FORMAT)
            return
        if len(plain) > LARGEST_UNZIPPED:
            self._refuse(output, uri, request, BAD_FILE_FORMAT, Details="The gzip-encoded body is too large")
            return
        self._answer_own(output, uri, request, lambda: self._api.RestApiPost("/instances", plain))

    def _answer_own(self, output: Any, uri: str, request: Mapping[str, Any], call: Callable[[], bytes]) -> None:
        """Orthanc's own answer to a request that this plugin took from it."""
        try:
            answer = call()
        except self._api.OrthancException as error:
            code, sentence = error.args
            self._refuse(output, uri, request, (code, sentence))
            return
        output.AnswerBuffer(answer, "application/json; charset=utf-8")

    def _refuse(self, output: Any, uri: str, request: Mapping[str, Any], error: tuple[int, str], **more: str) -> None:
        status = _HTTP_STATUS.get(error[0], 500)
        self._send_error(output, request, status, error_body(status, error, request["method"], uri, more))

    def _send_error(self, output: Any, request: Mapping[str, Any], status: int, body: bytes) -> None:
        if "host" in request["headers"]:
            send(output, status, body)
            return
        # No Host: this is one part of a form, split off by Orthanc's core. Only an exception gets through to the page.
        document = json.loads(body) if body.startswith(b"{") else {}
        output.SetHttpErrorDetails(str(document.get("detail") or document.get("Message") or "refused"), False)
        raise RefusedUpload(f"A file of a form was refused (HTTP {status}).")

    def _unreachable(self, output: Any, uri: str, request: Mapping[str, Any], error: Unreachable) -> None:
        body = error_body(503, NETWORK_PROTOCOL, request["method"], uri, {"Message": str(error)})
        output.SetHttpHeader("Retry-After", "10")
        self._send_error(output, request, 503, body)

    def _forward_upload(self, output: Any, uri: str, request: Mapping[str, Any]) -> None:
        headers = passed_on(request["headers"], self._settings.secret)
        name = file_name(request["headers"])
        if name:
            headers["Orthanc-Video-Filename"] = urllib.parse.quote(name).encode()
        try:
            with self._link.ask("POST", "/instances", headers, request["body"]) as answer:
                body = answer.read()
        except Unreachable as error:
            self._unreachable(output, uri, request, error)
            return
        if answer.status == 200:
            output.AnswerBuffer(body, "application/json; charset=utf-8")
        else:
            set_headers(output, answer)
            self._send_error(output, request, answer.status, body)

    def video(self, output: Any, uri: str, **request: Any) -> None:
        """/video/…: the gateway's, as far as Orthanc's HTTP server can carry it; else by way of a redirect."""
        if came_back(request["headers"]):
            self._refuse(output, uri, request, UNKNOWN_RESOURCE)
            return
        path = urllib.parse.quote(uri, safe="/!$&'()*+,;=:@~") + query_of(request.get("get") or {})
        headers = passed_on(request["headers"], self._settings.secret)
        asked = headers.pop("range", b"").decode()
        if self._can_stream:
            # Several ranges at once a server may ignore; cut to size, their multipart answer would be broken.
            headers |= {"range": clip_range(asked).encode()} if asked and "," not in asked else {}
        elif request["method"] == "GET" and uri.endswith("/stream"):
            self._redirect(output, request, path)
            return
        try:
            with self._link.ask(request["method"], path, headers, request.get("body") or None) as answer:
                self._relay(output, request, path, answer)
        except Unreachable as error:
            self._unreachable(output, uri, request, error)

    def _relay(self, output: Any, request: Mapping[str, Any], path: str, answer: http.client.HTTPResponse) -> None:
        kind = answer.headers.get("Content-Type", "application/octet-stream")
        long = answer.status == 200 and (answer.length is None or answer.length > SMALL_ANSWER)
        if long and request["method"] == "GET" and not self._can_stream:
            self._redirect(output, request, path)
            return
        if long and self._can_stream:
            self._stream(output, kind, answer)
            return
        body = answer.read(LARGEST_RANGE) if answer.status == 206 else answer.read()
        set_headers(output, answer)
        if answer.status == 200:
            output.AnswerBuffer(body, kind)
        elif answer.status == 206:
            output.SetHttpHeader("Content-Type", kind)
            output.SendHttpStatus(206, body)
        else:
            send(output, answer.status, body, kind, answer.headers.get("Allow", "GET"))

    def _stream(self, output: Any, kind: str, answer: http.client.HTTPResponse) -> None:
        set_headers(output, answer)
        if answer.length is not None:
            output.SetHttpHeader("Content-Length", str(answer.length))
        output.StartStreamAnswer(kind)
        # A player that seeks hangs up in the middle of an answer: nothing to report. Where it is the gateway that
        # breaks off, the client sees by Content-Length that bytes are missing.
        with suppress(self._api.OrthancException, OSError, http.client.HTTPException):
            while block := answer.read1(MIB):
                output.SendStreamChunk(block)

    def _redirect(self, output: Any, request: Mapping[str, Any], path: str) -> None:
        output.SetHttpHeader("Location", outside_url(self._settings, request["headers"]) + path)
        output.SendHttpStatusCode(307)

    def viewer(self, output: Any, _uri: str, **request: Any) -> None:
        """/video: the viewer's first page."""
        if request["method"] == "GET":
            self._redirect(output, request, "/")
        else:
            output.SendMethodNotAllowed("GET")


# A link beside Orthanc Explorer's own buttons, on every page that has them.
EXPLORER = """
$('div[data-role="page"]').live('pagebeforecreate', function() {
  var group = $(this).children('div[data-role="header"]').children('.ui-btn-left');
  if (group.length && !group.find('.orthanc-video').length) {
    group.append($('<a>').addClass('orthanc-video').text('Videos').attr({
      'href': '../video', 'target': '_blank', 'rel': 'external', 'data-ajax': 'false',
      'data-role': 'button', 'data-icon': 'star'
    }));
  }
});
"""


def install(api: Any) -> Plugin:
    """Reads Orthanc's configuration and registers everything with it."""
    configuration = json.loads(api.GetConfiguration())
    settings = read_settings(configuration)
    child = None
    if settings.launch:
        whole = with_absolute_paths(configuration, api.GetConfigurationPath())
        greeting = json.dumps({"Secret": settings.secret, "Configuration": whole}).encode() + b"\n"
        child = Child(api, [interpreter(settings.python), "-m", "orthanc_video", "gateway"], greeting)
    plugin = Plugin(api, settings, child)
    if settings.override_instances:
        api.RegisterRestCallback("/instances", plugin.instances)
    api.RegisterRestCallback("/video", plugin.viewer)
    api.RegisterRestCallback("/video/(.*)", plugin.video)
    api.RegisterOnChangeCallback(plugin.on_change)
    api.ExtendOrthancExplorer(EXPLORER)
    return plugin


install(orthanc)
