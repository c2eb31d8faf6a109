"""Where every door in ends: received bytes become a committed job, and the job an answer."""

from __future__ import annotations

import asyncio
import concurrent.futures
import datetime
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from orthanc_video.archive.identifiers import answer as answer_of
from orthanc_video.errors import revive
from orthanc_video.ingest.waiting import outcome_of
from orthanc_video.jobs import ingest_job
from orthanc_video.jobs.engine import Engine
from orthanc_video.jobs.processes import run_probe
from orthanc_video.model import MediaInfo, Plan, Upload, Wishes
from orthanc_video.plain import from_json


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """What came along with the bytes: ``attributes`` by DICOM keyword, already checked.

    ``transfer_syntax`` is the UID of the one that is asked for, empty where none is.
    ``inherited`` and ``region`` as those of Upload.
    """

    filename: str = ""
    content_type: str = ""
    attributes: dict[str, str]
    sop_class: str
    inherited: dict[str, Any] = field(default_factory=dict)
    region: tuple[str, ...] = ()
    wishes: Wishes = Wishes()  # noqa: RUF009


class Received(Protocol):
    """A file in the spool, all of it. ``handed_over`` says that a job owns it from now on."""

    id: str
    path: Path
    size: int
    handed_over: bool

    async def finish(self) -> str:
        """All bytes are with the operating system; their SHA-256."""

    def sync(self) -> None:
        """Blocks until the bytes are on the disk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Committed:
    """A recorded job: whatever happens now, it goes on. ``waiter`` has its outcome, empty if the gateway stops."""

    upload: Upload
    plan: Plan
    waiter: concurrent.futures.Future[dict[str, Any]]


async def receive(engine: Engine, received: Received, described: Description) -> dict[str, Any]:
    """Probe and plan, commit the job, wait for short work; Orthanc's JSON plus ``Video``. Raises VideoError."""
    return await answer(engine, await commit(engine, received, described))


async def commit(engine: Engine, received: Received, described: Description) -> Committed:
    """The job of a file that has arrived. Raises VideoError when it is refused.

    The bytes reach the disk while they are probed; both are done before the job is committed, the job is committed
    before anything is answered.
    """
    sha256, info, plan = await examine(engine, received, described.wishes)
    upload = Upload(
        id=received.id,
        path=str(received.path),
        size=received.size,
        sha256=sha256,
        filename=described.filename,
        content_type=described.content_type,
        attributes=described.attributes,
        sop_class=described.sop_class,
        inherited=described.inherited,
        region=described.region,
        wishes=described.wishes,
        received=now(),
    )
    return await submit(engine, received, upload, info, plan)


def now() -> str:
    """When something was received, as jobs record it."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


async def examine(engine: Engine, received: Received, wishes: Wishes) -> tuple[str, MediaInfo, Plan]:
    """The SHA-256 of a file that has arrived, what it is and what would be done with it; its bytes are on the disk."""
    sha256 = await received.finish()
    probing = asyncio.to_thread(_probe, engine, received.path, wishes)
    syncing = asyncio.to_thread(received.sync)
    probed, synced = await asyncio.gather(probing, syncing, return_exceptions=True)
    for failed in (probed, synced):
        if isinstance(failed, BaseException):
            raise failed
    info, plan = probed  # type: ignore[misc]
    return sha256, info, plan


async def submit(engine: Engine, received: Received, upload: Upload, info: MediaInfo, plan: Plan) -> Committed:
    """Commits the job. Shielded: a client that goes away now does not undo what is being committed."""
    return await asyncio.shield(_committed(engine, received, upload, info, plan))


async def _committed(engine: Engine, received: Received, upload: Upload, info: MediaInfo, plan: Plan) -> Committed:
    received.handed_over = True
    try:
        waiter = await asyncio.to_thread(engine.submit, upload, info, plan)
    except BaseException:
        received.handed_over = False
        raise
    return Committed(upload=upload, plan=plan, waiter=waiter)


async def answer(engine: Engine, job: Committed, seconds: float | None = None) -> dict[str, Any]:
    """Waits for short work, AnswerSeconds unless told; Orthanc's JSON plus ``Video``.

    Raises the VideoError that the job ended with.
    """
    outcome = await outcome_of(engine, job.waiter, seconds)
    if outcome and outcome["State"] != "Success":
        await asyncio.to_thread(engine.refused, job.upload.id)
        raise revive(outcome.get("Kind", ""), outcome["Sentence"])
    known = outcome.get("Answer") or answer_of(ingest_job.ids_of(job.upload, job.plan), "Processing")
    video = {"Job": job.upload.id, "Action": job.plan.action, "Reasons": list(job.plan.reasons)}
    return {**known, "Video": video | {"Instances": outcome.get("Instances", [known["ID"]])}}


def _probe(engine: Engine, path: Path, wishes: Wishes) -> tuple[MediaInfo, Plan]:
    result = run_probe(path, wishes, engine.settings)
    return from_json(MediaInfo, result["info"]), from_json(Plan, result["plan"])
