"""What is made of stored objects by a durable job: begun, waited for, and answered."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import JSONResponse, Response

from orthanc_video.archive.objects import Stored
from orthanc_video.derivation import Derivation, Making, Origin
from orthanc_video.errors import Busy, revive
from orthanc_video.ingest.waiting import outcome_of
from orthanc_video.jobs import views
from orthanc_video.web.context import Gateway

Outcome = dict[str, Any]


def order(making: Making, origins: Sequence[Stored], asked: Mapping[str, Any], *, long: bool = False) -> Derivation:
    """A new one; ``long`` where it takes minutes rather than seconds."""
    named = tuple(Origin(one.instance, one.uuid) for one in origins)
    return Derivation(id=str(uuid.uuid4()), making=making, origins=named, asked=asked, long=long)


async def outcome(gateway: Gateway, task: Derivation) -> Outcome:
    """Commits the job and waits for it, AnswerSeconds at most; empty where it takes longer.

    Raises what it ended with.
    """
    waiter = await asyncio.to_thread(gateway.engine.derive, task)
    found = await outcome_of(gateway.engine, waiter)
    if not found or found["State"] == "Success":
        return found
    if found["State"] == "Cancelled":
        raise Busy(f"{found['Sentence']} Ask again to have it made.")
    raise revive(found.get("Kind", ""), found["Sentence"])


def answer(task: Derivation, found: Outcome) -> Response:
    """What was made, the first of it as Orthanc answers an upload; 202 with the job while it is being made."""
    results = views.derived(task, found)
    first = {key: value for key, value in results[0].items() if key in _OWN} if results else {}
    status = first.get("Status", "Success") if found else "Processing"
    told = {**first, "Status": status, "Job": task.id, "Results": results}
    headers = {"Location": f"/video/jobs/{task.id}"}
    return JSONResponse(told, status_code=200 if found else 202, headers=headers)


_OWN = frozenset({"ID", "Path", "ParentPatient", "ParentStudy", "ParentSeries", "Status", "Url"})
