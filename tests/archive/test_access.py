"""Who a caller is, to be known again, with no secret kept; and an Orthanc that is slow, or frozen."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path

import pytest

from orthanc_video.archive import access
from orthanc_video.archive.access import Access, Caller
from orthanc_video.errors import Busy
from orthanc_video.settings import settings_from


def _caller(**headers: str) -> Caller:
    return Caller(credentials=tuple((name.replace("_", "-"), value) for name, value in headers.items()))


def _basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def test_a_user_is_known_by_name_from_anywhere() -> None:
    alice = _caller(authorization=_basic("alice", "x")).owner("salt")
    assert _caller(authorization=_basic("alice", "new"), x_forwarded_for="203.0.113.9").owner("salt") == alice
    assert (
        Caller(credentials=_caller(authorization=_basic("alice", "x")).credentials, local=False).owner("salt") == alice
    )
    for page in ("theme=dark", "theme=light"):
        assert _caller(authorization=_basic("alice", "x"), cookie=page).owner("salt") == alice
    others = [
        _caller(),
        _caller(authorization=_basic("alicia", "x")),
        _caller(authorization=_basic("alice", "x"), token="t"),
        _caller(authorization="Bearer alice"),
        _caller(authorization="Basic alice"),
        _caller(cookie=_basic("alicia", "x")),
        _caller(cookie="session=1"),
        _caller(authorization="Bearer alice", cookie="session=1"),
    ]
    assert alice not in {other.owner("salt") for other in others}
    assert len({other.owner("salt") for other in others}) == len(others)
    assert _caller(authorization=_basic("alice", "x")).owner("pepper") != alice


def test_nobody_is_nobody_everywhere() -> None:
    assert _caller().owner("salt") == _caller(x_forwarded_for="203.0.113.9").owner("salt")


ID = "11111111-22222222-33333333-44444444-55555555"
Question = Callable[[Access], Awaitable[object]]


async def _ask_a_slow_orthanc(question: Question, answers_after: float) -> object:
    """One that was stopped (SIGSTOP) is as slow as can be: the kernel goes on taking connections for it."""

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with closing(writer):
            await asyncio.sleep(answers_after)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
            await writer.drain()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    asking = Access(settings_from({"HttpPort": server.sockets[0].getsockname()[1]}))
    try:
        async with asyncio.timeout(10):
            return await question(asking)
    finally:
        await asking.close()
        server.close()


async def _bytes_of_what_was_known(asking: Access) -> None:
    asking._allowed[Caller().key, f"{access._file_of(ID)}/info"] = (float("inf"), access.Attachment("u", 1, "t"))
    await asking.may_read(Caller(), ID)


@pytest.mark.parametrize(
    "question",
    [
        lambda asking: asking.may_enter(Caller()),
        lambda asking: asking.may_upload(Caller()),
        lambda asking: asking.may_see_jobs(Caller()),
        lambda asking: asking.instance(Caller(), "1.2.3"),
        _bytes_of_what_was_known,
    ],
)
def test_a_question_to_a_frozen_orthanc_ends(question: Question, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "_PATIENCE", 0.2)
    with pytest.raises(Busy, match="does not answer"):
        asyncio.run(_ask_a_slow_orthanc(question, 60))


def test_storing_an_object_may_take_longer_than_a_question(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "_PATIENCE", 0.2)
    file = tmp_path / "object"
    file.write_bytes(b"DICM")
    assert asyncio.run(_ask_a_slow_orthanc(lambda asking: asking.store(Caller(), file, 4), 0.6)) == {}
