"""The same bytes however they are asked for: over real HTTP, of objects in one fragment and in many."""

from __future__ import annotations

import email
import email.policy
import gzip
import random
import threading
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import httpx
import pytest
import uvicorn
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dicom.objects import Counting, encapsulated, header
from orthanc_video.archive.objects import StoredVideo
from orthanc_video.command_gateway import listen
from orthanc_video.dicom.locate import locate
from orthanc_video.web.streaming import picture, respond

# An MP4's boxes, by which a stream's end is told from a pad byte: more than a block of what is read at once, of odd
# length, and nothing that compresses.
_MEDIA = random.Random(9110).randbytes((1 << 20) + 4321)  # noqa: S311
_CONTENT = b"\x00\x00\x00\x10ftypisom\x00\x00\x00\x00" + (8 + len(_MEDIA)).to_bytes(4, "big") + b"mdat" + _MEDIA
_SIZE = len(_CONTENT)
_WHAT = ("whole", "fragments")
_PICTURE = b"\xff\xd8" + bytes(1000)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client of a real server that serves two stored objects."""
    folder = tmp_path_factory.mktemp("objects")
    cuts = [0, 1000, 1002, 70_000, 70_002, 1 << 20, _SIZE]
    pieces = {"whole": [_CONTENT], "fragments": [_CONTENT[a:b] for a, b in pairwise(cuts)]}
    stored = {name: _store(folder / name, one) for name, one in pieces.items()}

    async def stream(request: Request) -> Response:
        return await respond(request, stored[request.path_params["name"]])

    async def poster(request: Request) -> Response:
        return picture(request, _PICTURE, "image/jpeg")

    routes = [Route("/{name}", stream, methods=["GET", "HEAD"]), Route("/small/poster", poster)]
    listener = listen("127.0.0.1", 0, "Port")
    listener.listen()
    server = uvicorn.Server(uvicorn.Config(Starlette(routes=routes), log_level="warning"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    # From now on connections wait in the socket's queue until the server takes them.
    with httpx.Client(base_url=f"http://127.0.0.1:{listener.getsockname()[1]}", timeout=20) as asking:
        yield asking
    server.should_exit = True
    thread.join()
    listener.close()


def _store(path: Path, pieces: list[bytes]) -> StoredVideo:
    path.write_bytes(header("1.2.840.10008.1.2.4.102.1") + encapsulated(pieces))
    return StoredVideo("id", f"uuid-{path.name}", path, locate(Counting(path.read_bytes())))


def _parts(answer: httpx.Response) -> list[tuple[str, bytes]]:
    """Content-Range and bytes of every part of a multipart/byteranges answer, as a MIME parser has them."""
    kind = f"Content-Type: {answer.headers['content-type']}\r\n\r\n".encode()
    message = email.message_from_bytes(kind + answer.content, policy=email.policy.HTTP)
    assert not message.defects
    boundary = message.get_boundary()
    bodies = (b"\r\n" + answer.content).split(f"\r\n--{boundary}".encode())[1:-1]
    ranges = [str(part["Content-Range"]) for part in message.iter_parts()]
    assert len(ranges) == len(bodies)
    return list(zip(ranges, (body.partition(b"\r\n\r\n")[2] for body in bodies), strict=True))


_CUTS = st.lists(
    st.one_of(st.integers(1, _SIZE - 1), st.integers(995, 1010), st.sampled_from([1 << 20, (1 << 20) - 1, 70_001])),
    max_size=9, unique=True,
)  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(cuts=_CUTS, name=st.sampled_from(_WHAT), order=st.randoms(use_true_random=False), ending=st.integers(0, 3))
def test_any_split_gives_the_same_bytes(
    client: httpx.Client, cuts: list[int], name: str, order: random.Random, ending: int
) -> None:
    edges = [0, *sorted(cuts), _SIZE]
    pieces = [(first, end - 1) for first, end in pairwise(edges)]
    asked = {first: f"{first}-{last}" for first, last in pieces}
    # The last one as players ask for it: exactly, open, beyond the end, as a suffix.
    final = pieces[-1][0]
    asked[final] = (asked[final], f"{final}-", f"{final}-{_SIZE + 99}", f"-{_SIZE - final}")[ending]
    order.shuffle(pieces)
    found: dict[int, bytes] = {}
    for first, last in pieces:
        answer = client.get(f"/{name}", headers={"Range": f"bytes={asked[first]}"})
        assert answer.status_code == 206
        assert answer.headers["Content-Range"] == f"bytes {first}-{last}/{_SIZE}"
        assert answer.headers["Content-Length"] == str(len(answer.content)) == str(last - first + 1)
        found[first] = answer.content
    assert b"".join(found[first] for first in sorted(found)) == _CONTENT
    together = client.get(f"/{name}", headers={"Range": "bytes=" + ",".join(asked[first] for first, _ in pieces)})
    assert together.status_code == 206
    assert together.headers["Content-Length"] == str(len(together.content))
    if len(pieces) > 1:
        assert "Content-Range" not in together.headers
        assert _parts(together) == [(f"bytes {first}-{last}/{_SIZE}", found[first]) for first, last in pieces]
    else:
        assert together.content == _CONTENT


@settings(max_examples=15, deadline=None)
@given(size=st.integers(150_000, 400_000), name=st.sampled_from(_WHAT))
def test_reading_on_from_where_the_last_answer_ended_gives_the_same_bytes(
    client: httpx.Client, size: int, name: str
) -> None:
    """As a player does that has been cut off: each time with the ETag of what it has."""
    whole, etag = bytearray(), client.head(f"/{name}").headers["ETag"]
    while len(whole) < _SIZE:
        headers = {"Range": f"bytes={len(whole)}-", "If-Range": etag}
        with client.stream("GET", f"/{name}", headers=headers) as answer:
            assert answer.status_code == 206
            assert answer.headers["ETag"] == etag
            whole += next(answer.iter_bytes(size))
    assert bytes(whole) == _CONTENT


@pytest.mark.parametrize("name", _WHAT)
@pytest.mark.parametrize("encoding", ["gzip", "gzip, deflate, br, zstd", "identity;q=0, *", "*"])
def test_nothing_is_compressed_on_the_way(client: httpx.Client, name: str, encoding: str) -> None:
    for more in ({}, {"Range": "bytes=0-99999"}, {"Range": "bytes=0-9,100-99999"}):
        answer = client.get(f"/{name}", headers={"Accept-Encoding": encoding, **more})
        assert "Content-Encoding" not in answer.headers
        assert "no-transform" in answer.headers["Cache-Control"]
        assert answer.headers["Content-Length"] == str(len(answer.content))
    assert len(gzip.compress(_CONTENT)) > _SIZE


@pytest.mark.parametrize("name", _WHAT)
def test_head_has_the_headers_of_get(client: httpx.Client, name: str) -> None:
    get, head = client.get(f"/{name}"), client.head(f"/{name}")
    assert (get.status_code, head.status_code, head.content) == (200, 200, b"")
    assert {k: v for k, v in get.headers.items() if k != "date"} == {
        k: v for k, v in head.headers.items() if k != "date"
    }
    assert head.headers["Content-Length"] == str(_SIZE)


@pytest.mark.parametrize("condition", ["If-None-Match", "If-Match"])
def test_a_list_may_come_in_several_lines(client: httpx.Client, condition: str) -> None:
    """RFC 9110 5.3: such lines are one list."""
    status = {"If-None-Match": 304, "If-Match": 200}[condition]
    lines = [(condition, '"other"'), (condition, 'W/"uuid-whole", "uuid-whole"')]
    assert client.get("/whole", headers=lines).status_code == status
    assert client.get("/whole", headers=[("Range", "bytes=0-1"), ("Range", "bytes=5-6")]).status_code == 200


def test_a_small_answer_is_known_by_its_content(client: httpx.Client) -> None:
    first = client.get("/small/poster")
    assert (first.status_code, first.content) == (200, _PICTURE)
    assert first.headers["Cache-Control"] == "private, no-cache, no-transform"
    again = client.get("/small/poster", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", first.headers["ETag"])
    assert client.get("/small/poster", headers={"If-None-Match": '"other"'}).status_code == 200
    assert client.get("/small/poster", headers={"If-Match": '"other"'}).status_code == 412
