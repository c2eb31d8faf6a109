"""Requests that differ in their range alone are answered as the first of them was, for a moment."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from orthanc_video.errors import NotFound
from orthanc_video.model import Span
from orthanc_video.web import recurring, streaming, tickets
from orthanc_video.web.recurring import Recurring
from orthanc_video.web.streaming import Representation

_FILM = bytes(range(256)) * 20


class _Film:
    """An application that sends one film, and counts how often it is asked."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "film"
        self.path.write_bytes(_FILM)
        self.asked = 0
        self.until = float("inf")
        self.origin: Path | None = None
        self._app = Recurring(self)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.asked += 1
        scope["orthanc-video.until"] = self.until
        pieces = (b"head", Span(0, len(_FILM)))
        film = Representation(
            path=self.path, pieces=pieces, tag="tag", kind="video/mp4", name="film.mp4", origin=self.origin
        )
        answer = await streaming.send(Request(scope), film)
        answer.headers.append("Warning", "299 - one")
        answer.headers.append("Warning", "299 - two")
        await answer(scope, receive, send)

    def ask(self, query: str = "", method: str = "GET", address: str = "127.0.0.1", **headers: str) -> httpx.Response:
        async def asked() -> httpx.Response:
            transport = httpx.ASGITransport(self._app, client=(address, 1))
            async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
                named = {name.replace("_", "-"): value for name, value in headers.items()}
                return await client.request(method, f"/rendered?{query}", headers=named)

        return asyncio.run(asked())


@pytest.fixture
def film(tmp_path: Path) -> _Film:
    return _Film(tmp_path)


def _told(answer: httpx.Response) -> tuple[int, bytes, list[tuple[str, str]]]:
    return answer.status_code, answer.content, sorted(answer.headers.multi_items())


@given(data=st.data())
def test_no_answer_differs_from_the_applications_own(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    film = _Film(tmp_path_factory.mktemp("film"))
    film.ask()
    for _ in range(3):
        first, last = data.draw(st.integers(0, 6000)), data.draw(st.integers(0, 6000))
        asked = {
            "Range": data.draw(st.sampled_from([f"bytes={first}-{last}", f"bytes={first}-", f"bytes=-{last}", "-"]))
        }
        if data.draw(st.booleans()):
            asked["If-Range"] = data.draw(st.sampled_from(['"tag"', '"other"', "Sun, 22 Nov 2026 10:00:00 GMT"]))
        assert _told(film.ask(**asked)) == _told(_Film(film.path.parent).ask(**asked))


def test_another_range_does_not_come_to_the_application(film: _Film) -> None:
    assert film.ask(Range="bytes=0-").status_code == 206
    assert film.ask(Range="bytes=2-9").content == (b"head" + _FILM)[2:10]
    assert film.ask(Range="bytes=2-9", If_Range='"tag"').status_code == 206
    assert film.ask(Range="bytes=2-9", If_Range='"older"').status_code == 200
    assert film.ask().status_code == 200
    assert film.asked == 1


@pytest.mark.parametrize(
    "other",
    [
        {"authorization": "Basic b3RoZXI6b3RoZXI="},
        {"cookie": "orthanc-video-session=other"},
        {"accept": "video/mpeg"},
        {"if_none_match": '"tag"'},
        {"x_forwarded_for": "203.0.113.1"},
        {"orthanc_video_secret": "guessed"},
        {"query": "link=other"},
        {"address": "192.0.2.1"},
        {"method": "HEAD"},
    ],
    ids=lambda other: next(iter(other)),
)
def test_any_other_request_does(film: _Film, other: dict[str, Any]) -> None:
    film.ask()
    film.ask(**other)
    assert film.asked == 2


@pytest.mark.parametrize("wanted", ["bytes=0-1,5-6", "bytes=99999-"])
def test_so_does_what_is_answered_otherwise(film: _Film, wanted: str) -> None:
    film.ask()
    film.ask(Range=wanted)
    film.ask(Range=wanted)
    assert film.asked == 3


def test_it_holds_for_a_moment(film: _Film, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recurring, "_SECONDS", 0.0)
    film.ask()
    film.ask()
    assert film.asked == 2


def test_it_holds_no_longer_than_the_link_it_came_by(film: _Film) -> None:
    film.until = time.time()
    film.ask()
    film.ask()
    assert film.asked == 2
    assert tickets.left({}) == float("inf")


def test_nor_than_the_file(film: _Film) -> None:
    film.ask()
    film.path.rename(film.path.with_name("elsewhere"))
    with pytest.raises(NotFound):
        film.ask()
    assert film.asked == 2


def test_nor_than_what_it_was_made_of(film: _Film, tmp_path: Path) -> None:
    film.origin = tmp_path / "object"
    film.origin.touch()
    film.ask()
    film.ask()
    assert film.asked == 1
    film.origin.unlink()
    film.ask()
    assert film.asked == 2


def test_what_is_kept_is_bounded(film: _Film, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recurring, "_MOST", 2)
    for query in ("a", "b", "c", "c", "b", "a"):
        film.ask(query)
    assert film.asked == 4
