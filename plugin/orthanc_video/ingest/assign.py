"""A stored video's move to another study or patient: the request becomes a committed job, and the job an answer."""

from __future__ import annotations

import asyncio
import datetime
import uuid
from collections.abc import Mapping
from typing import Any

from orthanc_video.archive import parents
from orthanc_video.archive.callers import Caller
from orthanc_video.archive.identifiers import answer as answer_of
from orthanc_video.archive.identifiers import orthanc_ids
from orthanc_video.archive.objects import Objects, Stored, held
from orthanc_video.dicom import attributes, whose
from orthanc_video.dicom.assigned import identify
from orthanc_video.dicom.stored import header
from orthanc_video.dicom.whose import Parent
from orthanc_video.errors import BadRequest, revive
from orthanc_video.files import Bytes, SpanSource
from orthanc_video.ingest.waiting import outcome_of
from orthanc_video.jobs.engine import Engine
from orthanc_video.model import Assignment

KEEP = "KeepSource"
_WHO = (whose.STUDY, whose.PATIENT, whose.ACCESSION, *whose.IDENTITY)


async def assignment(objects: Objects, caller: Caller, stored: Stored, given: Mapping[str, Any]) -> Assignment:
    """``given`` holds DICOM keywords, ParentStudy, ParentPatient, KeepSource.

    Raises BadRequest, NotFound, Conflict, and what Orthanc refuses the caller.
    """
    rest = dict(given)
    keep = rest.pop(KEEP, False)
    if not isinstance(keep, bool):
        raise BadRequest(f"{KEEP} must be true or false.")
    if not any(rest.get(key) for key in _WHO):
        raise BadRequest(f"Say whose the video is: by one of {', '.join(_WHO)}.")
    request = attributes.checked({key: value for key, value in rest.items() if key not in _WHO[:2]})
    parent = await parents.named(objects, caller, rest)
    if parent is not None:
        whose.refuse_contradiction(request, parent)
    identity = await asyncio.to_thread(_identity, stored, request, parent)
    if parent is not None and parent.is_study:
        request.setdefault("SeriesNumber", str(parent.series_number(identity["SeriesInstanceUID"])))
    return Assignment(
        id=str(uuid.uuid4()),
        instance=stored.instance,
        stored=stored.uuid,
        identity=identity,
        attributes=request,
        inherited=parent.attributes if parent is not None else {},
        keep=keep,
        requested=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    )


def _identity(stored: Stored, request: Mapping[str, str], parent: Parent | None) -> dict[str, str]:
    with held(stored.path), SpanSource(stored.path) as file:
        return identify(header(Bytes(file)).said, request, parent)


async def assign(engine: Engine, task: Assignment) -> dict[str, Any]:
    """Commits the job and waits for short work; Orthanc's JSON plus ``Video``. Raises what the job ended with."""
    waiter = await asyncio.to_thread(engine.assign, task)
    outcome = await outcome_of(engine, waiter)
    if outcome and outcome["State"] != "Success":
        raise revive(outcome.get("Kind", ""), outcome["Sentence"])
    known = outcome.get("Answer") or answer_of(orthanc_ids(task.identity), "Processing")
    return {**known, "Video": {"Job": task.id, "Action": "assign", "Reasons": []}}
