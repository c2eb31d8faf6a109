"""An Orthanc that is slow, or frozen, and what is asked of it for a caller."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path

import pytest

from orthanc_video.archive import access
from orthanc_video.archive.access import Access
from orthanc_video.archive.callers import Caller
from orthanc_video.errors import Busy
from orthanc_video.settings import settings_from

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
