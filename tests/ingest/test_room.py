"""Room for uploads: marks, and what uploads under way have announced."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
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


@given(announced=st.integers(0, 1000), blocks=st.lists(st.integers(0, 400)))
def test_more_than_was_announced_holds_nothing(announced: int, blocks: list[int]) -> None:
    room = Room(settings_from({}))
    with Hold(room, announced) as hold:
        for number, block in enumerate(blocks):
            hold.took(block)
            assert room.held == max(0, announced - sum(blocks[: number + 1]))
    assert room.held == 0
