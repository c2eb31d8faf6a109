"""One request at a time adds to an upload."""

from __future__ import annotations

import asyncio

import pytest

from orthanc_video.errors import Conflict, Locked
from orthanc_video.ingest import turns
from orthanc_video.ingest.turns import Turns


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "SETTLING_SECONDS", 0.05)


async def _hold(taken: Turns, entered: asyncio.Event, cleaned: list[str]) -> None:
    async with taken.take("a"):
        entered.set()
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)  # as writing what has arrived
            cleaned.append("a")


def test_the_second_waits_a_moment_and_is_locked_out() -> None:
    async def story() -> None:
        taken, entered, cleaned = Turns(), asyncio.Event(), list[str]()
        first = asyncio.create_task(_hold(taken, entered, cleaned))
        await entered.wait()
        with pytest.raises(Locked):
            async with taken.take("a"):
                pass
        async with taken.take("b"):
            pass
        first.cancel()  # as a gateway that stops
        async with taken.take("a"):
            assert cleaned == ["a"]
        with pytest.raises(asyncio.CancelledError):
            await first

    asyncio.run(story())


def test_the_silent_gives_way_to_one_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns.Turns.quiet, "__defaults__", (0.0,))
    monkeypatch.setattr(turns, "SETTLING_SECONDS", 60)

    async def story() -> None:
        taken, entered, cleaned, inside = Turns(), asyncio.Event(), list[str](), 0
        first = asyncio.create_task(_hold(taken, entered, cleaned))
        await entered.wait()

        async def come() -> None:
            nonlocal inside
            async with taken.take("a") as turn:
                inside += 1
                assert (inside, cleaned) == (1, ["a"])
                turn.heard += 60
                await asyncio.sleep(0.01)
                inside -= 1

        await asyncio.gather(come(), come())
        with pytest.raises(Conflict, match="silent"):
            await first

    asyncio.run(story())
