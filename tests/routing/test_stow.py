"""STOW-RS to servers of every kind of answer: what arrives, and what is made of the answer."""

from __future__ import annotations

import json
import os
import re
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread

from orthanc_video.dicom.nativexml import written
from orthanc_video.errors import Busy
from orthanc_video.routing.association import Manner
from orthanc_video.routing.destinations import Web
from orthanc_video.routing.outcomes import Outcome, Result
from orthanc_video.routing.stow import store

Film = Callable[..., Path]
_QUICK = Manner(answer=5.0, idle=5.0, stored=5.0)


@dataclass
class Answer:
    status: int = 200
    body: Callable[[list[str]], bytes] = lambda _: b""
    # What the server reads of a request before it answers and closes; -1: all.
    reads: int = -1


@dataclass
class Server:
    port: int
    answer: Answer = field(default_factory=Answer)
    requests: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    discard: bool = False

    def web(self, **other: Any) -> Web:
        return Web(url=f"http://127.0.0.1:{self.port}/dicom-web/", **other)

    @property
    def parts(self) -> list[list[bytes]]:
        """The payloads of each request."""
        found = []
        for _, headers, body in self.requests:
            boundary = re.fullmatch(
                r'multipart/related; type="application/dicom"; boundary=(\w+)', headers["content-type"]
            )
            assert boundary is not None
            pieces = body.split(b"--" + boundary[1].encode())
            assert (pieces[0], pieces[-1]) == (b"", b"--\r\n")
            heads = {piece.partition(b"\r\n\r\n")[0] for piece in pieces[1:-1]}
            assert heads == {b"\r\nContent-Type: application/dicom"}
            found.append([piece.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n") for piece in pieces[1:-1]])
        return found


@pytest.fixture
def server() -> Iterator[Server]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            if known.answer.reads < 0 and not known.discard:
                body = self.rfile.read(length)
            else:
                left, body = length if known.discard else known.answer.reads, b""
                while left:
                    left -= len(self.rfile.read(min(left, 1 << 20)))
            known.requests.append((self.path, {key.lower(): value for key, value in self.headers.items()}, body))
            uids = (
                [] if known.discard else [uid.decode() for uid in re.findall(rb"2\.25\.\d{35}(?=\0?\x02\0\x10)", body)]
            )
            answer = known.answer.body(uids)
            self.send_response(known.answer.status)
            self.send_header("Content-Length", str(len(answer)))
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        known = Server(running.server_address[1])
        thread = threading.Thread(target=running.serve_forever, args=(0.05,))
        thread.start()
        yield known
        running.shutdown()
        thread.join()


def _uid(path: Path) -> str:
    return str(dcmread(path, stop_before_pixels=True).SOPInstanceUID)


def _module(
    failed: dict[str, int] | None = None, stored: dict[str, int] | None = None, words: str = ""
) -> dict[str, Any]:
    def items(which: dict[str, int], tag: str) -> list[dict[str, Any]]:
        return [
            {"00081155": {"vr": "UI", "Value": [uid]}}
            | ({tag: {"vr": "US", "Value": [number]}} if number else {})
            | ({"0040A160": {"vr": "UT", "Value": [words]}} if words else {})
            for uid, number in which.items()
        ]

    return {
        "00081198": {"vr": "SQ", "Value": items(failed or {}, "00081197")},
        "00081199": {"vr": "SQ", "Value": items(stored or {}, "00081196")},
    }


def _json(**module: Any) -> Callable[[list[str]], bytes]:
    return lambda _: json.dumps(_module(**module)).encode()


def test_what_arrives_are_the_files_to_the_last_byte(server: Server, film: Film) -> None:
    files = [film(100_000), film(3_333_332), film(0)]
    outcomes = list(store(server.web(), files, manner=_QUICK))
    assert outcomes == [Outcome(Result.DELIVERED, "It has been stored.")] * 3
    assert [len(parts) for parts in server.parts] == [3]
    assert server.parts[0] == [path.read_bytes() for path in files]
    path, headers, body = server.requests[0]
    assert path == "/dicom-web/studies"
    assert headers["content-length"] == str(len(body))
    assert headers["accept"] == "application/dicom+json"
    assert "transfer-encoding" not in headers


def test_requests_are_as_large_as_they_may_be(server: Server, film: Film) -> None:
    files = [film(length) for length in (40_000, 40_000, 40_000, 90_000, 10_000)]
    assert len(list(store(server.web(), files, 100_000, _QUICK))) == 5
    assert [len(parts) for parts in server.parts] == [2, 1, 1, 1]
    assert all(len(body) <= 100_000 for _, _, body in server.requests)
    (outcome,) = store(server.web(), [film(100_000)], 100_000, _QUICK)
    assert outcome.result is Result.REFUSED
    assert len(server.requests) == 4


def test_credentials_are_the_entrys(server: Server, film: Film) -> None:
    list(store(server.web(headers=(("Authorization", "Bearer secret"),)), [film()], manner=_QUICK))
    list(store(server.web(username="amy", password="of pond"), [film()], manner=_QUICK))
    assert server.requests[0][1]["authorization"] == "Bearer secret"
    assert server.requests[1][1]["authorization"] == "Basic YW15Om9mIHBvbmQ="


@pytest.mark.parametrize(
    ("status", "result"),
    [
        (400, Result.REFUSED),
        (401, Result.STOPPED),
        (403, Result.STOPPED),
        (404, Result.STOPPED),
        (409, Result.REFUSED),
        (413, Result.REFUSED),
        (415, Result.REFUSED),
        (429, Result.LATER),
        (500, Result.LATER),
        (501, Result.REFUSED),
        (503, Result.LATER),
        (308, Result.STOPPED),
        (202, Result.WARNED),
    ],
)
def test_a_status_without_a_word(server: Server, film: Film, status: int, result: Result) -> None:
    server.answer = Answer(status, lambda _: b"<html>what a page</html>")
    (outcome,) = store(server.web(), [film()], manner=_QUICK)
    assert outcome.result is result
    assert str(status) in outcome.sentence


@pytest.mark.parametrize("written_as", ["json", "json in a list", "xml"])
def test_what_is_said_of_each_instance_counts(server: Server, film: Film, written_as: str) -> None:
    good, warned, bad = (film(100) for _ in range(3))
    module = _module({_uid(bad): 0xC122}, {_uid(good): 0, _uid(warned): 0xB006}, "as it is")
    forms: dict[str, Callable[[], bytes]] = {
        "json": lambda: json.dumps(module).encode(),
        "json in a list": lambda: json.dumps([module]).encode(),
        "xml": lambda: written(module),
    }
    server.answer = Answer(202, lambda _: forms[written_as]())
    outcomes = list(store(server.web(), [good, warned, bad], manner=_QUICK))
    assert [(one.result, one.status) for one in outcomes] == [
        (Result.DELIVERED, 0),
        (Result.WARNED, 0xB006),
        (Result.REFUSED, 0xC122),
    ]
    assert "transfer syntax" in outcomes[2].sentence
    assert outcomes[2].comment == "as it is"


def test_what_is_listed_as_stored_is_stored_whatever_the_status(server: Server, film: Film) -> None:
    good, bad = film(100), film(100)
    server.answer = Answer(400, _json(failed={_uid(bad): 0xC000}, stored={_uid(good): 0}))
    assert [one.result for one in store(server.web(), [good, bad], manner=_QUICK)] == [Result.DELIVERED, Result.REFUSED]


def test_a_conflict_with_its_reason(server: Server, film: Film) -> None:
    path = film()
    server.answer = Answer(409, _json(failed={_uid(path): 0xA700}))
    (outcome,) = store(server.web(), [path], manner=_QUICK)
    assert (outcome.result, outcome.status) == (Result.LATER, 0xA700)


def test_nothing_is_sent_after_a_request_that_failed(server: Server, film: Film) -> None:
    server.answer = Answer(503)
    assert len(list(store(server.web(), [film(5000), film(5000)], 9000, _QUICK))) == 1
    assert len(server.requests) == 1


def test_a_server_that_answers_early(server: Server, film: Film) -> None:
    server.answer = Answer(413, reads=100_000)
    (outcome,) = store(server.web(), [film(100_000_000)], manner=_QUICK)
    # Closed with bytes unread, its answer may be lost on the way (RFC 9112 9.6).
    assert outcome.result in {Result.REFUSED, Result.LATER}


def test_it_takes_no_more_memory_for_large_files(server: Server, film: Film) -> None:
    server.discard = True
    path = film(300_000_000)
    told: list[int] = []
    tracemalloc.start()
    try:
        (outcome,) = store(server.web(), [path], manner=_QUICK, progress=told.append)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert outcome.delivered
    assert told[-1] == path.stat().st_size
    assert peak < 20 << 20


def test_progress_may_end_it_and_a_file_that_shrinks_does(server: Server, film: Film) -> None:
    class Enough(Exception):
        pass

    def end(_: int) -> None:
        raise Enough

    with pytest.raises(Enough):
        list(store(server.web(), [film(5_000_000)], manner=_QUICK, progress=end))
    path = film(5_000_000)
    with pytest.raises(Busy, match="cannot be read"):
        list(store(server.web(), [path], manner=_QUICK, progress=lambda _: os.truncate(path, 1_500_000)))


def test_nobody_there_and_nobody_answering(film: Film, deaf: int) -> None:
    (late,) = store(Web(url=f"http://127.0.0.1:{deaf}/"), [film()], manner=Manner(answer=0.5, idle=0.5, stored=0.5))
    assert (late.result, "too long" in late.sentence) == (Result.LATER, True)
    (absent,) = store(Web(url="http://127.0.0.1:9/"), [film()], manner=_QUICK)
    assert (absent.result, "cannot be reached" in absent.sentence) == (Result.LATER, True)
