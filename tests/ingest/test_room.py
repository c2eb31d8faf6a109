"""Room for uploads: marks, and what uploads under way have announced."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orthanc_video.errors import Busy, TooLarge
from orthanc_video.ingest.room import SILENT_SECONDS, Hold, Room
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
            assert room.left == 4 * MIB
            (await room.hold(4 * MIB)).end()
            lies.write_bytes(bytes(2 * MIB))
            await hold.take(2 * MIB)
            assert (room.held, hold.held) == (6 * MIB, 4 * MIB)
            hold.wrote(2 * MIB)
            with pytest.raises(Busy):
                await room.hold(4 * MIB + 1)
            (await room.hold(4 * MIB)).end()
        (await room.hold(8 * MIB)).end()
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
            (await room.hold(10 * MIB)).end()
        begun = await room.hold(None)
        free = 99 * MIB
        with pytest.raises(Busy):
            await room.hold(None)
        with pytest.raises(Busy, match="disk"):
            await begun.take(1)

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


@pytest.mark.parametrize("written", [True, False])
def test_bytes_that_nobody_announced_stop_at_the_mark(tmp_path: Path, written: bool) -> None:
    room = Room(_settings(tmp_path, SpoolMB=10))
    lies = tmp_path / "spool" / "upload" / "source"

    async def story() -> None:
        other = await room.hold(3 * MIB)
        with await room.hold(None) as hold, lies.open("wb") as file:
            for _ in range(7):
                await hold.take(MIB)
                if written:
                    file.write(bytes(MIB))
                    file.flush()
                    hold.wrote(MIB)
            with pytest.raises(Busy, match="spool"):
                await hold.take(1)
        assert room.held == 3 * MIB
        other.end()

    asyncio.run(story())


def test_what_was_only_announced_lapses_and_is_asked_for_again(tmp_path: Path, clock: Clock) -> None:
    room = Room(_settings(tmp_path, SpoolMB=10))

    async def story() -> None:
        silent, slow = await room.hold(4 * MIB), await room.hold(4 * MIB)
        for _ in range(3):
            clock.now += SILENT_SECONDS * 0.9
            await slow.take(1)
            slow.wrote(1)
        assert (silent.held, slow.held) == (0, 4 * MIB - 3)
        with await room.hold(6 * MIB):
            with pytest.raises(Busy):
                await room.renew(silent, 4 * MIB)
            with pytest.raises(Busy):
                await silent.take(4)
            await slow.take(MIB)
            slow.wrote(MIB)
        await room.renew(silent, 4 * MIB)
        assert room.held == 4 * MIB + 3 * MIB - 3
        assert Hold(room, MIB, SILENT_SECONDS).held == 0

    asyncio.run(story())


class Clock:
    """Stands still unless it is moved."""

    now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("orthanc_video.ingest.room.time", clock)
    return clock


@given(announced=st.integers(0, 1000), blocks=st.lists(st.integers(0, 400)))
def test_of_what_was_announced_only_the_rest_is_held(announced: int, blocks: list[int]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        room = Room(_settings(Path(folder)))

        async def story() -> None:
            with Hold(room, announced) as hold:
                come = 0
                for block in blocks:
                    come += block
                    await hold.take(block)
                    hold.wrote(block)
                    if come <= announced:
                        assert room.held == announced - come
                    assert room.held >= 0

        asyncio.run(story())
        assert room.held == 0
