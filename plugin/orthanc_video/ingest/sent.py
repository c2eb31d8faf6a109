"""A video whose sender has written its data set: from the spool to a job, or a refusal that says why."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydicom import dcmwrite
from pydicom.dataset import Dataset

from orthanc_video.dicom import check, sent, syntaxes, wishes, write
from orthanc_video.dicom.build import file_meta
from orthanc_video.errors import Nonconforming, TooLarge, UnsupportedMedia, WorkerFailed, revive
from orthanc_video.files import SpanSource
from orthanc_video.ingest.receive import Committed, examine, now, submit
from orthanc_video.ingest.spool import SpoolFile, sync
from orthanc_video.jobs import ingest_job
from orthanc_video.jobs.engine import Engine
from orthanc_video.model import Made, MediaInfo, Plan, Upload
from orthanc_video.settings import LARGEST_INSTANCE, MIB

_DESCRIBED = "described.dcm"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """An instance's data set, who it says that it is, and the UID of the transfer syntax that its part names."""

    dataset: Dataset
    identity: dict[str, str]
    content_type: str = ""
    transfer_syntax: str = ""


async def commit(engine: Engine, spooled: SpoolFile, instance: Sent) -> Committed:
    """The job that stores it. Raises UnsupportedMedia for a stream that has to stay as it is and does not conform,
    Nonconforming for attributes, TooLarge, NotVideo, BrokenVideo, Busy.
    """
    if instance.transfer_syntax and instance.transfer_syntax not in syntaxes.BY_UID:
        raise UnsupportedMedia("The part's transfer-syntax is none of a video.")
    if instance.transfer_syntax == syntaxes.HEVC_MAIN_10:
        raise UnsupportedMedia(
            f"{instance.transfer_syntax} is not stored: {syntaxes.UNMADE[instance.transfer_syntax]}."
        )
    asked = wishes.of({}, engine.settings.gateway)
    sha256, info, planned = await examine(engine, spooled, asked)
    plan = _plan(engine, instance, info, planned)
    upload = Upload(
        id=spooled.id,
        path=str(spooled.path),
        size=spooled.size,
        sha256=sha256,
        content_type=instance.content_type,
        received=now(),
        wishes=asked,
        described=str(spooled.path.with_name(_DESCRIBED)),
        identity=instance.identity,
    )
    await asyncio.to_thread(_keep, instance.dataset, upload, info, plan)
    return await submit(engine, spooled, upload, info, plan)


def _plan(engine: Engine, instance: Sent, info: MediaInfo, planned: Plan) -> Plan:
    try:
        plan = sent.unchanged(info, instance.transfer_syntax)
    except UnsupportedMedia as error:
        if not engine.settings.gateway.stow_converts:
            raise UnsupportedMedia(
                f"{error.sentence} Convert it first, or have VideoGateway.StowConverts on."
            ) from error
        if instance.transfer_syntax and planned.transfer_syntax != instance.transfer_syntax:
            raise
        return planned
    if info.size > LARGEST_INSTANCE:
        raise TooLarge(f"The video is larger than one object can be here ({LARGEST_INSTANCE // MIB} MiB).")
    return plan


def _keep(dataset: Dataset, upload: Upload, info: MediaInfo, plan: Plan) -> None:
    """Judges what can be judged before anything is made, and writes the data set beside the stream, to the disk."""
    path = Path(upload.described)
    dataset.file_meta = file_meta(dataset, plan)
    dcmwrite(path, dataset, enforce_file_format=True)
    sync(path)
    sync(path.parent)
    made = Made(path=upload.path, size=upload.size, video=info.video, probed=info)
    completed = sent.completed(ingest_job.described(upload), upload, plan, made).dataset
    with SpanSource(Path(upload.path)) as stream:
        examined = check.examine(write.Written(write.envelope(completed, min(upload.size, LARGEST_INSTANCE)), stream))
    if wrong := check.errors(examined.findings):
        raise Nonconforming(" ".join(f"{one.sentence} ({one.section})" for one in wrong))


async def outcome(engine: Engine, job: Committed) -> dict[str, Any]:
    """Orthanc's answer once the job has ended, however long it takes; raises the VideoError that it ended with.

    Empty when the gateway stops first: the job goes on when it runs again.
    """
    came_to = await asyncio.shield(asyncio.wrap_future(job.waiter))
    if not came_to:
        return {}
    if came_to["State"] != "Success":
        await asyncio.to_thread(engine.refused, job.upload.id)
        raise revive(came_to.get("Kind", WorkerFailed.__name__), came_to["Sentence"])
    found: dict[str, Any] = came_to["Answer"]
    return found
