"""Waiting for short work: as long as an answer may take."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
from typing import Any

from orthanc_video.jobs.engine import Engine


async def outcome_of(
    engine: Engine, waiter: concurrent.futures.Future[dict[str, Any]], seconds: float | None = None
) -> dict[str, Any]:
    """A job's outcome, if it comes within so many seconds, else AnswerSeconds; or empty, and the job goes on."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(engine.settings.gateway.answer_seconds if seconds is None else seconds):
            return await asyncio.shield(asyncio.wrap_future(waiter))
    return {}
