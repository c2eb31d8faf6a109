"""A job's events: at once, at each change, to the end; and no work for who has gone."""

from __future__ import annotations

import asyncio
import json
import threading
from types import SimpleNamespace
from typing import Any, cast

import pytest
from fastapi.sse import EventSourceResponse

from orthanc_video.web import events
from orthanc_video.web.context import Gateway


def view(state: str, progress: int = 0) -> dict[str, Any]:
    return {"ID": "job", "State": state, "Progress": progress}


class Fake:
    """A gateway whose job looks as the list says, one after the other; the last view stays."""

    def __init__(self, *views: dict[str, Any]) -> None:
        self.views = list(views)
        self.asked = 0
        self.looked = threading.Event()
        self.stopping = asyncio.Event()
        self.engine = SimpleNamespace(job=self._job)

    def _job(self, _: str) -> dict[str, Any]:
        self.asked += 1
        self.looked.set()
        return self.views.pop(0) if len(self.views) > 1 else self.views[0]

    @property
    def gateway(self) -> Gateway:
        return cast(Gateway, self)


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "_LOOK", 0.001)


async def _all(fake: Fake, first: dict[str, Any]) -> list[str]:
    return [block.decode() async for block in events._events(fake.gateway, first)]


def parsed(block: str) -> tuple[str, dict[str, Any]]:
    lines = dict(line.split(": ", 1) for line in block.strip().splitlines())
    return lines["event"], json.loads(lines["data"])


def test_each_change_is_told_once_and_the_end_last() -> None:
    fake = Fake(view("Running"), view("Running"), view("Running", 7), view("Running", 7), view("Success", 100))
    told = [parsed(block) for block in asyncio.run(_all(fake, view("Pending")))]
    assert told == [
        ("progress", view("Pending")),
        ("progress", view("Running")),
        ("progress", view("Running", 7)),
        ("progress", view("Success", 100)),
        ("end", view("Success", 100)),
    ]


def test_a_finished_job_ends_at_once() -> None:
    fake = Fake(view("Failure"))
    told = [parsed(block) for block in asyncio.run(_all(fake, view("Failure")))]
    assert told == [("progress", view("Failure")), ("end", view("Failure"))]
    assert fake.asked == 0


def test_in_silence_the_line_is_kept_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "_SILENCE", 0.01)

    async def first_two() -> list[bytes]:
        stream = cast(Any, events._events(Fake(view("Running")).gateway, view("Running")))
        found = [await anext(stream), await anext(stream)]
        await stream.aclose()
        return found

    assert asyncio.run(asyncio.wait_for(first_two(), 5))[1] == b": ping\n\n"


def test_a_gateway_that_stops_ends_it() -> None:
    async def stopped() -> list[str]:
        fake = Fake(view("Running"))
        watching = asyncio.create_task(_all(fake, view("Running")))
        assert await asyncio.to_thread(fake.looked.wait, 5)
        fake.stopping.set()
        return await asyncio.wait_for(watching, 5)

    assert [parsed(block)[0] for block in asyncio.run(stopped())] == ["progress"]


def test_who_has_gone_is_not_worked_for() -> None:
    """As the server does it: a disconnect ends the answer, and with it the looking."""

    async def gone() -> Fake:
        fake = Fake(view("Running"))
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        async def receive() -> dict[str, str]:
            assert await asyncio.to_thread(fake.looked.wait, 5)
            return {"type": "http.disconnect"}

        answer = EventSourceResponse(events._events(fake.gateway, view("Running")))
        scope = {"type": "http", "asgi": {"spec_version": "2.3"}}
        await asyncio.wait_for(answer(scope, receive, send), 5)
        return fake

    async def scenario() -> None:
        fake = await gone()
        asked = fake.asked
        for _ in range(50):
            await asyncio.sleep(0.001)
        assert fake.asked == asked

    asyncio.run(scenario())
