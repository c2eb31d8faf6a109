"""Local copies of stored objects: never of other bytes than their name says, whatever Orthanc holds meanwhile."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from orthanc_video.archive.access import Access
from orthanc_video.archive.callers import Caller
from orthanc_video.archive.objects import Objects, copy_of
from orthanc_video.errors import Busy
from orthanc_video.settings import Settings, settings_from

ID = "11111111-22222222-33333333-44444444-55555555"


@dataclass
class _Orthanc:
    """Answers for one instance, whose files follow each other."""

    files: list[tuple[str, bytes]]
    replaced_while_read: bool = False
    asked: list[str] = field(default_factory=list)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[int]:
        server = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            server.close()
            await server.wait_closed()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        path = (await reader.readuntil(b"\r\n\r\n")).split(b" ")[1].decode()
        self.asked.append(path.rpartition("/")[2])
        if path.endswith("/data") and self.replaced_while_read:
            self.files.pop(0)
        uuid, data = self.files[0]
        body = data if path.endswith("/data") else json.dumps({"Uuid": uuid, "UncompressedSize": len(data)}).encode()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()
        writer.close()


async def _file(orthanc: _Orthanc, settings: Settings, known: bool = False) -> bytes:
    """What is read; ``known``: after what Orthanc had told of the first file, which it has no more."""
    async with orthanc.serving() as port:
        access = Access(settings_from({"HttpPort": port}))
        objects = Objects(settings, access)
        try:
            if known:
                await access.attachment(Caller(), ID)
                orthanc.files.pop(0)
            _, path = await objects._file(Caller(), ID)
            return path.read_bytes()
        finally:
            await access.close()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_from({"StorageDirectory": str(tmp_path)})


@pytest.mark.parametrize("new", [b"another", b"of another size"])
def test_what_has_replaced_a_known_object_is_read(settings: Settings, new: bytes) -> None:
    orthanc = _Orthanc([("first", b"thefile"), ("second", new)])
    assert asyncio.run(_file(orthanc, settings, known=True)) == new
    assert not copy_of(settings, "first").exists()


@pytest.mark.parametrize("new", [b"another", b"of another size"])
def test_what_is_replaced_while_it_is_read_is_not_taken_for_it(settings: Settings, new: bytes) -> None:
    orthanc = _Orthanc([("first", b"thefile"), ("second", new)], replaced_while_read=True)
    with pytest.raises(Busy, match="replaced while it was read"):
        asyncio.run(_file(orthanc, settings))
    assert not copy_of(settings, "first").exists()
    assert not copy_of(settings, "second").exists()


def test_what_is_just_known_is_not_asked_twice(settings: Settings) -> None:
    orthanc = _Orthanc([("first", b"thefile")])
    assert asyncio.run(_file(orthanc, settings)) == b"thefile"
    assert orthanc.asked == ["info", "data", "info"]
