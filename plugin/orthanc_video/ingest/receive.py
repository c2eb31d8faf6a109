"""Where every door in ends: received bytes become a committed job, and the job an answer."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
from dataclasses import dataclass
from typing import Any

from orthanc_video.archive.identifiers import answer as answer_of
from orthanc_video.errors import revive
from orthanc_video.ingest.spool import SpoolFile
from orthanc_video.jobs import ingest_job
from orthanc_video.jobs.engine import Engine
from orthanc_video.jobs.processes import run_short
from orthanc_video.model import MediaInfo, Plan, Upload, from_json


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """What came along with the bytes: ``attributes`` by DICOM keyword, already checked."""

    filename: str = ""
    content_type: str = ""
    attributes: dict[str, str]
    sop_class: str


async def receive(engine: Engine, spooled: SpoolFile, described: Description) -> dict[str, Any]:
    """Probe and plan, commit the job, wait for short work; Orthanc's JSON plus ``Video``. Raises VideoError.

    The bytes reach the disk while they are probed; both are done before the job is committed, the job is committed
    before anything is answered.
    """
    sha256 = await spooled.finish()
    probing = asyncio.to_thread(_probe, engine, str(spooled.path))
    syncing = asyncio.to_thread(spooled.sync)
    probed, synced = await asyncio.gather(probing, syncing, return_exceptions=True)
    for failed in (probed, synced):
        if isinstance(failed, BaseException):
            raise failed
    info, plan = probed  # type: ignore[misc]
    upload = Upload(
        id=spooled.id,
        path=str(spooled.path),
        size=spooled.size,
        sha256=sha256,
        filename=described.filename,
        content_type=described.content_type,
        attributes=described.attributes,
        sop_class=described.sop_class,
        received=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    )
    # Shielded: a client that goes away now does not undo what is being committed.
    return await asyncio.shield(_committed(engine, spooled, upload, info, plan))


async def _committed(engine: Engine, spooled: SpoolFile, upload: Upload, info: MediaInfo, plan: Plan) -> dict[str, Any]:
    spooled.handed_over = True
    try:
        waiter = await asyncio.to_thread(engine.submit, upload, info, plan)
    except BaseException:
        spooled.handed_over = False
        raise
    outcome: dict[str, Any] = {}
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(engine.settings.gateway.answer_seconds):
            outcome = await asyncio.shield(asyncio.wrap_future(waiter))
    if not outcome:
        engine.give_up_waiting(upload.id)
    elif outcome["State"] != "Success":
        await asyncio.to_thread(engine.refused, upload.id)
        raise revive(outcome.get("Kind", ""), outcome["Sentence"])
    answer = outcome.get("Answer") or answer_of(ingest_job.ids_of(upload, plan), "Processing")
    return {**answer, "Video": {"Job": upload.id, "Action": plan.action, "Reasons": list(plan.reasons)}}


def _probe(engine: Engine, path: str) -> tuple[MediaInfo, Plan]:
    result = run_short("probe", {"path": path}, engine.settings)
    return from_json(MediaInfo, result["info"]), from_json(Plan, result["plan"])
