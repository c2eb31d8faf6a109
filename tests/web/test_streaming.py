"""A stored stream over HTTP: statuses, headers and bytes, without a server."""

from __future__ import annotations

import asyncio
import email
import email.policy
import os
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from clips import Clips
from dicom.conftest import prepare
from dicom.objects import Counting, encapsulated, header
from orthanc_video.archive.objects import StoredVideo
from orthanc_video.dicom.locate import locate
from orthanc_video.model import Located, Span
from orthanc_video.web.streaming import media_type, respond


class _Server:
    """Answers for one stored object."""

    def __init__(self, path: Path) -> None:
        self.stored = StoredVideo("id", "uuid", path, locate(Counting(path.read_bytes())))
        self._app = Starlette(routes=[Route("/stream", self._stream, methods=["GET", "HEAD"])])

    async def _stream(self, request: Request) -> Response:
        return await respond(request, self.stored)

    def ask(self, method: str = "GET", **headers: str) -> httpx.Response:
        async def asked() -> httpx.Response:
            transport = httpx.ASGITransport(self._app)
            async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
                named = {name.replace("_", "-"): value for name, value in headers.items()}
                return await client.request(method, "/stream", headers=named)

        return asyncio.run(asked())


@pytest.fixture
def film(clips: Clips) -> bytes:
    """Of odd length, so that the stored object has a pad byte."""
    return clips.odd_length().read_bytes()


@pytest.fixture
def server(clips: Clips, tmp_path: Path) -> _Server:
    return _Server(prepare(clips.odd_length(), tmp_path).write(tmp_path / "object.dcm"))


def test_the_whole_is_the_stream_without_the_pad_byte(server: _Server, film: bytes) -> None:
    answer = server.ask()
    assert answer.status_code == 200
    assert answer.content == film
    assert answer.headers["content-length"] == str(len(film))
    assert answer.headers["content-type"] == "video/mp4"
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["etag"] == '"uuid"'
    assert "content-range" not in answer.headers


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [("0-", 0, -1), ("0-1", 0, 1), ("100-199", 100, 199), ("-10", -10, -1), ("-9999999", 0, -1), ("5-9999999", 5, -1)],
)
def test_a_range(server: _Server, film: bytes, asked: str, first: int, last: int) -> None:
    answer = server.ask(Range=f"bytes={asked}")
    first, last = first % len(film), last % len(film)
    assert answer.status_code == 206
    assert answer.content == film[first : last + 1]
    assert answer.headers["content-range"] == f"bytes {first}-{last}/{len(film)}"
    assert answer.headers["content-length"] == str(last - first + 1)


def test_a_range_that_cannot_be_satisfied(server: _Server, film: bytes) -> None:
    answer = server.ask(Range=f"bytes={len(film)}-")  # where the pad byte lies
    assert answer.status_code == 416
    assert answer.headers["content-range"] == f"bytes */{len(film)}"
    assert film[:20] not in answer.content


def test_several_ranges(server: _Server, film: bytes) -> None:
    answer = server.ask(Range="bytes=0-9,100-199,-5")
    assert answer.status_code == 206
    assert "content-range" not in answer.headers
    assert answer.headers["content-length"] == str(len(answer.content))
    kind = f"Content-Type: {answer.headers['content-type']}\r\n\r\n".encode()
    message = email.message_from_bytes(kind + answer.content, policy=email.policy.HTTP)
    parts = list(message.iter_parts())
    size = len(film)
    assert [part["Content-Range"] for part in parts] == [
        f"bytes 0-9/{size}", f"bytes 100-199/{size}", f"bytes {size - 5}-{size - 1}/{size}"
    ]  # fmt: skip
    assert {part.get_content_type() for part in parts} == {"video/mp4"}
    for piece in (film[:10], film[100:200], film[-5:]):
        assert b"\r\n\r\n" + piece + b"\r\n--" in answer.content


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"If-None-Match": '"uuid"'},
        {"If-Match": '"x"'},
    ],
)
@pytest.mark.parametrize("asked", ["", "bytes=10-19", "bytes=0-1,5-6", "bytes=9999999-"])
def test_head_is_get_without_the_body(server: _Server, headers: dict[str, str], asked: str) -> None:
    """And without its Range, which is defined for GET alone (RFC 9110 14.2)."""
    get, head = server.ask(**headers), server.ask("HEAD", **headers, **({"Range": asked} if asked else {}))
    assert head.content == b""
    assert head.status_code == get.status_code
    for name in get.headers:
        assert head.headers[name] == get.headers[name]


def test_conditions(server: _Server) -> None:
    unchanged = server.ask(If_None_Match='"uuid"')
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert unchanged.headers["etag"] == '"uuid"'
    assert server.ask(If_Match='"other"').status_code == 412
    assert server.ask(Range="bytes=0-9", If_Range='"other"').status_code == 200
    assert server.ask(Range="bytes=0-9", If_Range='"uuid"').status_code == 206


def test_fragments_are_one_stream(film: bytes, tmp_path: Path) -> None:
    path = tmp_path / "fragments.dcm"
    pieces = [film[:1000], film[1000:1002], film[1002:]]
    path.write_bytes(header("1.2.840.10008.1.2.4.102.1") + encapsulated(pieces))
    server = _Server(path)
    assert server.ask().content == film
    assert server.ask(Range="bytes=990-1010").content == film[990:1011]


def test_no_file_stays_open(server: _Server) -> None:
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    for headers in ({}, {"Range": "bytes=0-9"}, {"Range": "bytes=9999999-"}, {"Range": "bytes=0-1,5-6"}):
        server.ask(**headers)
        server.ask("HEAD", **headers)
    assert len(os.listdir("/proc/self/fd")) <= before  # noqa: PTH208


def test_types_are_told_by_content() -> None:
    assert media_type(b"\x00\x00\x00\x20ftypisom") == "video/mp4"
    assert media_type(b"\x47\x40\x11\x10") == "video/mp2t"
    assert media_type(b"\x00\x00\x01\xba") == "video/mpeg"


def test_a_client_that_goes_away_ends_the_reading(tmp_path: Path) -> None:
    """Also of an object that is all in memory, to a connection that takes everything at once."""
    path = tmp_path / "object"
    with path.open("wb") as file:
        file.truncate(1 << 30)
    located = Located(transfer_syntax="", sop_class="", sop_instance="", spans=(Span(0, 1 << 30),), length=1 << 30)
    scope = {"type": "http", "method": "GET", "path": "/stream", "headers": [], "query_string": b""}
    sent: list[int] = []

    async def receive() -> dict[str, str]:
        return {"type": "http.disconnect"}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(len(message.get("body", b"")))

    async def ask() -> None:
        answer = await respond(Request(scope), StoredVideo("id", "uuid", path, located))
        await answer(scope, receive, send)

    asyncio.run(ask())
    assert sum(sent) < 1 << 26
