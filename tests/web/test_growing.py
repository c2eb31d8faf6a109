"""A file sent while it grows: all of it when it becomes whole, and no end when it does not."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from orthanc_video.web.growing import BrokenOff, Growing, begun, break_off, is_unexpected


def box(kind: bytes, content: bytes = b"") -> bytes:
    return (8 + len(content)).to_bytes(4) + kind + content


BEGIN = box(b"ftyp", b"isom") + box(b"moov", b"m") + box(b"moof", b"f") + box(b"mdat", b"pictures")
END = box(b"mfra", box(b"mfro", bytes(4) + (24).to_bytes(4)))
Step = Callable[[Path, "asyncio.Future[dict[str, Any]]"], None]


def sent(path: Path, *steps: Step) -> bytes:
    """What a client has by the end, after these have happened one after the other; raises BrokenOff."""

    async def run() -> bytes:
        outcome: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()

        async def happen() -> None:
            for step in steps:
                await asyncio.sleep(0.06)
                step(path, outcome)

        happening = asyncio.create_task(happen())
        found = await begun(lambda: path if path.exists() else None, outcome)
        assert found is not None
        try:
            async with asyncio.timeout(5):
                return b"".join([block async for block in found.blocks()])
        finally:
            found.close()
            await happening

    return asyncio.run(run())


def more(data: bytes) -> Step:
    def step(path: Path, _outcome: asyncio.Future[dict[str, Any]]) -> None:
        with path.open("ab") as file:
            file.write(data)

    return step


def ended(**outcome: str) -> Step:
    return lambda _path, future: future.set_result(dict(outcome))


def removed(path: Path, _outcome: asyncio.Future[dict[str, Any]]) -> None:
    path.unlink()


def test_all_of_it_comes_as_it_grows(tmp_path: Path) -> None:
    steps = (more(BEGIN[:20]), more(BEGIN[20:]), more(b"12345678" * 1000), more(END), removed, ended(State="Success"))
    assert sent(tmp_path / "made", *steps) == BEGIN + b"12345678" * 1000 + END


@pytest.mark.parametrize(
    "steps",
    [
        (more(BEGIN), ended(State="Failure")),
        (more(BEGIN + END), ended(State="Failure")),
        (more(BEGIN), ended(State="Cancelled")),
        (more(BEGIN), ended()),
        (more(BEGIN), ended(State="Success")),
        (more(BEGIN), removed),
        (more(BEGIN), removed, ended(State="Success")),
    ],
    ids=["failed", "failed at its end", "cancelled", "gateway stops", "another attempt did", "began again", "both"],
)
def test_what_does_not_become_whole_has_no_end(tmp_path: Path, steps: tuple[Step, ...]) -> None:
    with pytest.raises(BrokenOff):
        sent(tmp_path / "made", *steps)


def test_nothing_begins_before_there_is_something_to_show(tmp_path: Path) -> None:
    path = tmp_path / "made"
    path.write_bytes(BEGIN[:-1])

    async def wait() -> Growing | None:
        outcome: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_later(0.3, outcome.set_result, {"State": "Success"})
        return await begun(lambda: path, outcome)

    assert asyncio.run(wait()) is None


def test_odd_bytes_are_nothing_to_show(tmp_path: Path) -> None:
    async def shown(data: bytes) -> bool:
        (tmp_path / "made").write_bytes(data)
        growing = Growing(os.open(tmp_path / "made", os.O_RDONLY), asyncio.get_running_loop().create_future())
        try:
            return growing.can_be_shown()
        finally:
            growing.close()

    for data in (b"", b"\0" * 100, b"\xff" * 100, os.urandom(10_000), BEGIN[8:]):
        assert not asyncio.run(shown(data))


def test_only_what_is_broken_off_on_purpose_is_expected() -> None:
    def logged(message: str) -> bool:
        return is_unexpected(logging.LogRecord("uvicorn.error", logging.ERROR, "", 0, message, None, None))

    complaint = "ASGI callable returned without completing response."

    def after() -> tuple[bool, bool]:
        break_off()
        return logged(complaint), logged("Exception in ASGI application")

    assert logged(complaint)
    assert contextvars.copy_context().run(after) == (False, True)
    assert logged(complaint), "another request's mistake is hidden"
