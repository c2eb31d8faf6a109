"""What the plugin decides without Orthanc: its settings, and how requests and answers travel. Pure.

Standard library only, like all that Orthanc loads.
"""

from __future__ import annotations

import base64
import email.message
import http
import json
import re
import secrets
import urllib.parse
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
# The section's keys that name folders.
FOLDERS = ("Directory", "OHIF")
MIB = 1 << 20
LARGEST_RANGE = 4 * MIB
# Orthanc tells plugins a body's size in 32 bits: of a larger one they see that many bytes less, and no error.
LARGEST_BODY = (1 << 32) - 1


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
    if whole.get("HttpsCACertificates"):
        whole["HttpsCACertificates"] = str(base / whole["HttpsCACertificates"])
    section = whole.get(SECTION)
    if isinstance(section, dict):
        named = {key: section[key] for key in FOLDERS if isinstance(section.get(key), str) and section[key]}
        whole[SECTION] = {**section, **{key: str(base / folder) for key, folder in named.items()}}
    return whole


# ------------------------------------------------------------------------------------------ pure HTTP matters


def is_dicom(head: bytes) -> bool:
    """With a preamble, or a bare data set that begins with group 0002 or 0008."""
    if head[128:132] == b"DICM":
        return True
    if len(head) < 8:
        return False
    explicit = head[4:6].isalpha() and head[4:6].isupper()
    if head[0:2] in (b"\x00\x02", b"\x00\x08") and head[2] == 0:  # big endian
        return explicit
    little = head[0:2] in (b"\x02\x00", b"\x08\x00") and head[3] == 0
    return little and (explicit or int.from_bytes(head[4:8], "little") <= 1024)


def is_zip(head: bytes) -> bool:
    return head.startswith((b"PK\x03\x04", b"PK\x05\x06"))


def is_endless(uri: str) -> bool:
    """Whether the gateway's answer goes on for as long as a job: it would hold one of Orthanc's HTTP threads."""
    return re.fullmatch(r"/video/jobs/[^/]+/events", uri) is not None


def is_cut(headers: Mapping[str, str]) -> bool:
    """Whether the body that is handed over is a part only of the one that was announced."""
    announced = headers.get("content-length", "").strip()
    return re.fullmatch(r"[0-9]{1,4000}", announced) is not None and int(announced) > LARGEST_BODY


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
    bounded = re.fullmatch(r"bytes=([0-9]{1,18})-([0-9]*)", asked.strip())
    if bounded is None:
        return asked
    first = int(bounded[1])
    most = first + LARGEST_RANGE - 1
    # Beyond every file, more digits say no more, and Python reads no number of thousands of them.
    last = int(bounded[2][:19]) if bounded[2] else most
    return asked if last < first else f"bytes={first}-{min(last, most)}"


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


def not_carried(method: str, uri: str) -> str:
    """What Orthanc's HTTP server does to a request below /video/ that it cannot carry; empty for all others."""
    if method == "POST" and uri == "/video/ingest":
        return "loses the attributes of this request"
    if uri == "/video/uploads" or uri.startswith("/video/uploads/"):
        return "does not know the methods that a resumable upload needs (PATCH, HEAD)"
    if uri == "/video/session" or (method == "POST" and re.fullmatch(r"/video/instances/[^/]+/links", uri)):
        return "neither sets cookies nor is where a link leads"
    return ""


def file_name(headers: Mapping[str, str]) -> str:
    """The file name in a form part's (or a request's) Content-Disposition."""
    if "content-disposition" not in headers:
        return ""
    message = email.message.Message()
    message["content-disposition"] = headers["content-disposition"].replace("\r", " ").replace("\n", " ")
    name = message.get_filename("") or ""
    # Browsers and curl write it so in a form's quotes (WHATWG HTML, multipart/form-data encoding algorithm).
    return name if "filename*" in headers["content-disposition"] else name.replace("%22", '"')


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


# The gateway names a finished object by this type instead of sending it: its stream is a file of this machine.
REFERENCE = "application/vnd.orthanc-video.reference+json"


def is_reference(headers: Mapping[str, str], secret: str) -> bool:
    """Whether this comes from the very gateway that this plugin started, and so names a file that may be read."""
    given = headers.get("orthanc-video-secret", "").encode()
    return headers.get("content-type") == REFERENCE and secrets.compare_digest(given, secret.encode())


def referred(body: bytes) -> tuple[bytes, Path, bytes]:
    """What goes before the stream, the stream's file, what goes after it."""
    reference = json.loads(body)
    before, after = (base64.b64decode(reference[name]) for name in ("Before", "After"))
    return before, Path(reference["Path"]), after


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
    return kept | {"via": via.encode(), "Orthanc-Video-Secret": secret.encode()}


# As in Orthanc's own table of error codes; every other code is a 500.
HTTP_STATUS = {3: 400, 5: 400, 7: 404, 8: 400, 12: 400, 13: 404, 15: 400, 17: 404, 21: 404, 28: 400, 34: 406}
HTTP_STATUS |= {36: 503, 41: 416, 42: 503, 43: 409, 45: 403, 46: 409}
BAD_REQUEST = (8, "Bad request")
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
