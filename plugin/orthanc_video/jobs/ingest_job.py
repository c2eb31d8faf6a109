"""What a job does, step by step: make the stream, wrap and store it, remove the upload. Plain functions, no engine.

Each step may be repeated after a crash: it writes to fixed names, and the object's UIDs follow from its content.
"""

from __future__ import annotations

import contextlib
import shutil
import uuid
from pathlib import Path
from typing import Any

from pydicom import dcmread
from pydicom.dataset import Dataset

from orthanc_video import metrics
from orthanc_video.archive.identifiers import answer, orthanc_ids
from orthanc_video.archive.service import Archive
from orthanc_video.dicom import check, sent, write
from orthanc_video.dicom.build import build, identify
from orthanc_video.errors import TRIED_AGAIN, Busy, TooLarge, WorkerFailed
from orthanc_video.files import SpanSource
from orthanc_video.jobs.making import Making, how
from orthanc_video.jobs.processes import Listener, MediaProcess, job_limits, most_of
from orthanc_video.model import Made, MediaInfo, Most, Plan, Upload
from orthanc_video.settings import LARGEST_INSTANCE, Settings

# Seconds of 1920 × 1080.
_LONG, _VERY_LONG = 120, 1800
# The priority of the shortest work; the next numbers are those of longer work.
SHORT = 1


def folder_of(settings: Settings, upload: str) -> Path:
    """Where an upload and all that is made of it lie until its job ends."""
    return settings.spool / upload


def ids_of(upload: Upload, plan: Plan, part: int = 1) -> dict[str, str]:
    """The Orthanc identifiers that the object has or will have, or this part of the film."""
    return orthanc_ids(identify(upload, plan, part))


def priority(info: MediaInfo) -> int:
    """Whose turn it is among transcodes that wait, ``SHORT`` first: minutes of work do not wait for hours of it."""
    video = info.video
    full_hd_seconds = video.seconds * video.coded_width * video.coded_height / (1920 * 1080)
    return SHORT + (full_hd_seconds > _LONG) + (full_hd_seconds > _VERY_LONG)


def make(
    settings: Settings, process: MediaProcess, upload: Upload, info: MediaInfo, plan: Plan, listener: Listener | None
) -> list[Made]:
    """The conforming stream: the upload itself (wrap), or a new file beside it; several of a long film."""
    source = Path(upload.path)
    # A name of its own: an earlier attempt, in a process that was taken for dead, may still write to its file.
    for left in source.parent.glob("made-*"):
        left.unlink()
    target = source.with_name(f"made-{uuid.uuid4().hex}.mp4")
    own = settings.gateway
    most = Most(bytes=LARGEST_INSTANCE) if upload.described else most_of(own)
    making = Making(upload=upload, info=info, plan=plan, target=target, how=how(own), most=most)
    if not making.is_file:
        room_for(settings, upload.size)
    made = making.run(process, job_limits(settings), listener)
    if upload.described and len(made) > 1:
        raise TooLarge(f"The video becomes larger than one object can be ({LARGEST_INSTANCE >> 20} MiB).")
    return made


def publish(archive: Archive, upload: Upload, info: MediaInfo, plan: Plan, made: Made) -> dict[str, Any]:
    """Stores the object, unless it is there already; Orthanc's answer. Raises Nonconforming."""
    ids = ids_of(upload, plan, made.part)
    if archive.has(ids["ID"]):
        return answer(ids, "AlreadyStored")
    dataset, changes = _dataset(upload, info, plan, made)
    parts = write.envelope(dataset, made.size)
    with SpanSource(Path(made.path)) as stream:
        check.refuse_faulty(write.Written(parts, stream), made.video, made.probed)
    stages = metrics.Stages("store")
    stored = archive.store(parts, Path(made.path))
    stages.end()
    metrics.stored_bytes.inc(parts.size)
    return answer(ids, str(stored["Status"])) | changes


def _dataset(upload: Upload, info: MediaInfo, plan: Plan, made: Made) -> tuple[Dataset, dict[str, Any]]:
    """The data set, and what of the sender's own had to be changed."""
    if not upload.described:
        return build(upload, info, plan, made), {}
    completed = sent.completed(described(upload), upload, plan, made)
    return completed.dataset, {"Coerced": list(completed.coerced), "Filled": list(completed.filled)}


def described(upload: Upload) -> Dataset:
    """The data set that the sender has written."""
    try:
        return dcmread(upload.described)
    except OSError as error:
        raise WorkerFailed("The attributes that came with the video have vanished from the spool.") from error


def foreseen(upload: Upload, info: MediaInfo, plan: Plan) -> Dataset:
    """The object as far as it is known before its stream is made: who and when, not the pictures."""
    if upload.described:  # nobody has been told yet that it will be there
        known = Dataset()
        for keyword, value in upload.identity.items():
            setattr(known, keyword, value)
        return known
    return build(upload, info, plan, Made(path="", size=upload.size, video=info.video))


def tidy(settings: Settings, upload: str) -> None:
    """Removes everything of an upload from the spool."""
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(folder_of(settings, upload))


def room_for(settings: Settings, size: int) -> None:
    """Raises Busy when ``size`` bytes would fill the spool's disk."""
    free = shutil.disk_usage(settings.spool).free
    if free < size + (settings.gateway.minimum_free_disk_mb << 20):
        raise Busy(f"The spool's disk is nearly full{TRIED_AGAIN}")
