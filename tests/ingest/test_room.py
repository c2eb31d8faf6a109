"""Room for uploads: marks, and what uploads under way have announced."""

from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orthanc_video.errors import Busy, TooLarge
from orthanc_video.ingest.room import Hold, Room
from orthanc_video.settings import MIB, Settings, settings_from


def _settings(folder: Path, **gateway: Any) -> Settings:
    settings = settings_from({"VideoGateway": {"Directory": str(folder), "MinimumFreeDiskMB": 0, **gateway}})
    (settings.spool / "upload").mkdir(parents=True, exist_ok=True)
    return settings


def test_announced_bytes_count_until_they_come(tmp_path: Path) -> None:
    room = Room(_settings(tmp_path, SpoolMB=10))
    lies = tmp_path / "spool" / "upload" / "source"

    async def story() -> None:
        with await room.hold(6 * MIB) as hold:
            with pytest.raises(Busy, match="spool"):
                await room.hold(5 * MIB)
            (await room.hold(4 * MIB)).keep(0)
            lies.write_bytes(bytes(2 * MIB))
            hold.took(2 * MIB)
            with pytest.raises(Busy):
                await room.hold(4 * MIB + 1)
            (await room.hold(4 * MIB)).keep(0)
        (await room.hold(8 * MIB)).keep(0)
        lies.write_bytes(bytes(10 * MIB))
        with pytest.raises(Busy):
            await room.hold(None)
        with pytest.raises(TooLarge, match="SpoolMB"):
            await room.hold(10 * MIB + 1)
        assert room.held == 0

    asyncio.run(story())


def test_the_disks_mark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    room = Room(_settings(tmp_path, MinimumFreeDiskMB=100))
    free = 150 * MIB
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=free))

    async def story() -> None:
        nonlocal free
        with await room.hold(40 * MIB):
            with pytest.raises(Busy, match="disk"):
                await room.hold(20 * MIB)
            (await room.hold(10 * MIB)).keep(0)
        free = 99 * MIB
        with pytest.raises(Busy):
            await room.hold(None)

    asyncio.run(story())


def test_what_lies_in_the_spool_is_counted_while_jobs_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = _settings(tmp_path)
    for number in range(3):
        job = settings.spool / f"job-{number}"
        job.mkdir()
        (job / "source").write_bytes(bytes(1000))
        (job / "made.mp4").write_bytes(bytes(24))
    assert Room(settings).used() == 3 * 1024
    look = os.scandir

    def ending(folder: str | Path) -> list[os.DirEntry[str]]:
        found = sorted(look(folder), key=lambda entry: entry.name)
        if folder == settings.spool:
            shutil.rmtree(settings.spool / "job-2")
        elif Path(folder).name == "job-1":
            (settings.spool / "job-1" / "made.mp4").unlink()
        return found

    monkeypatch.setattr("orthanc_video.ingest.room.os", SimpleNamespace(scandir=ending))
    assert Room(settings).used() == 1024 + 1000


@given(announced=st.integers(0, 1000), blocks=st.lists(st.integers(0, 400)))
def test_more_than_was_announced_holds_nothing(announced: int, blocks: list[int]) -> None:
    room = Room(settings_from({}))
    with Hold(room, announced) as hold:
        for number, block in enumerate(blocks):
            hold.took(block)
            assert room.held == max(0, announced - sum(blocks[: number + 1]))
    assert room.held == 0
