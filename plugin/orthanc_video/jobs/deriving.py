"""The workflow that makes objects and films out of stored objects: clips, and whatever else ``makers`` knows.

Unfinished ones outlive an upgrade, as others do. What was made before and is still there is not made again.
"""

from __future__ import annotations

import contextlib
import functools
from pathlib import Path

from dbos import DBOS, SetEnqueueOptions, SetWorkflowID

from orthanc_video import metrics
from orthanc_video.archive.changes import Arrival
from orthanc_video.archive.identifiers import IDENTITY, answer, orthanc_ids
from orthanc_video.derivation import Derivation
from orthanc_video.dicom import stored, write
from orthanc_video.errors import Busy, VideoError, WorkerFailed
from orthanc_video.files import Bytes, SpanSource
from orthanc_video.jobs import derivations, ingest_job, reading, views
from orthanc_video.jobs.makers import MAKERS
from orthanc_video.jobs.running import Active, Outcome, here
from orthanc_video.jobs.workflows import failure, until_it_passes
from orthanc_video.plain import from_json, to_json

# What takes seconds while somebody waits for it.
QUEUE = "derivations"
# So many are made or wait for it, of all objects and callers.
_MOST = 64


def enqueue(workflow: str, task: Outcome, long_queue: str) -> str:
    """Records an order; it begins when its turn comes. The queue that it waits in.

    Raises Busy where so many wait that one more would be too many.
    """
    unfinished = DBOS.list_workflows(name=views.DERIVE, status=views.UNFINISHED, load_input=False, load_output=False)
    if len(unfinished) >= _MOST:
        raise Busy(f"{_MOST} clips, stills or edits are being made. Try again in a moment.")
    queue = long_queue if task["long"] else QUEUE
    with SetWorkflowID(workflow), SetEnqueueOptions(priority=ingest_job.SHORT + 1):
        DBOS.enqueue_workflow(queue, derive, task)
    return queue


@DBOS.workflow(name=views.DERIVE)
def derive(task: Outcome) -> Outcome:
    """One order. A failure is an outcome: it is told to who waits, and a person may have it tried again."""
    order = from_json(Derivation, task)
    workflow = DBOS.workflow_id or order.id
    with here().job(order.id, workflow, order.name) as active:
        outcome = _steps(active, task)
    _clear_up(order.id)
    metrics.job_ended(outcome)
    here().settle(workflow, outcome)
    return outcome


def _steps(active: Active, task: Outcome) -> Outcome:
    known = _known(task)
    if known is not None:
        return _ended(known)
    made = until_it_passes(lambda: _make(task))
    if made["State"] != "Success":
        return made
    active.stage = "store"
    items = []
    for item in made["Items"]:
        stored_as: Outcome = {"State": "Success", "Answer": {}}
        if item["object"]:
            stored_as = until_it_passes(functools.partial(_publish, task, item["object"]))
        if stored_as["State"] != "Success":
            return stored_as
        items.append(
            {"Film": item["film"], "Plays": item["plays"], "Told": item["told"], "Answer": stored_as["Answer"]}
        )
    kept = until_it_passes(lambda: _keep(task, items))
    return _ended(items) if kept["State"] == "Success" else kept


def _ended(items: derivations.Kept) -> Outcome:
    answers = [item["Answer"] for item in items if item["Answer"]]
    stored_as = {"Answer": answers[0], "Instances": [one["ID"] for one in answers]} if answers else {}
    return {"State": "Success", "Items": items, **stored_as}


@DBOS.step(name="known")
def _known(task: Outcome) -> derivations.Kept | None:
    """What was made before by the same order, where all of it is still there."""
    items = derivations.found(here().settings, from_json(Derivation, task))
    if items is None:
        return None
    answers = [item["Answer"] for item in items if item["Answer"]]
    try:
        if not all(here().archive.has(one["ID"]) for one in answers):
            return None
    except VideoError:
        return None  # not known now: the publishing step asks again
    for one in answers:
        one["Status"] = "AlreadyStored"
    return items


@DBOS.step(name="make_derived")
def _make(task: Outcome) -> Outcome:
    order, active = from_json(Derivation, task), here().active[task["id"]]
    folder = ingest_job.folder_of(here().settings, order.id)
    places = here().transcodes if order.long else here().derivations
    try:
        with places.taken(order.id, short=False), contextlib.ExitStack() as files:
            active.stage = order.making
            sources = [
                files.enter_context(reading.file_of(here().settings, here().archive, Arrival(one.instance, one.uuid)))
                for one in order.origins
            ]
            ingest_job.tidy(here().settings, order.id)
            folder.mkdir(mode=0o700)
            ingest_job.room_for(here().settings, sum(path.stat().st_size for path in sources))
            items = MAKERS[order.making](here().settings, active.process, sources, order.asked, folder, active.tell)
    except VideoError as error:
        return failure(error)
    return {"State": "Success", "Items": to_json(list(items))}


@DBOS.step(name="publish_derived")
def _publish(task: Outcome, name: str) -> Outcome:
    """Stores one of the objects, unless it is there already."""
    path = ingest_job.folder_of(here().settings, task["id"]) / name
    try:
        return {"State": "Success", "Answer": _stored(path)}
    except FileNotFoundError:
        return failure(WorkerFailed("What was made was removed before it was stored."))
    except VideoError as error:
        return failure(error)


def _stored(path: Path) -> Outcome:
    with SpanSource(path) as file:
        said, size = stored.header(Bytes(file)).said, file.size
    ids = orthanc_ids({keyword: str(said.get(keyword) or "") for keyword in IDENTITY})
    if here().archive.has(ids["ID"]):
        return answer(ids, "AlreadyStored")
    told = here().archive.store(write.whole(size), path)
    metrics.stored_bytes.inc(size)
    return answer(ids, str(told["Status"]))


@DBOS.step(name="keep_derived")
def _keep(task: Outcome, items: derivations.Kept) -> Outcome:
    order = from_json(Derivation, task)
    folder = ingest_job.folder_of(here().settings, order.id)
    try:
        derivations.keep(here().settings, order, folder, items)
    except FileNotFoundError:
        if derivations.found(here().settings, order) is None:
            return failure(WorkerFailed("What was made was removed before it was in the cache."))
    except OSError as error:
        return failure(Busy(f"What was made could not be put into the cache ({error.strerror})."))
    return {"State": "Success"}


@DBOS.step(name="clear_up_derived")
def _clear_up(job: str) -> None:
    ingest_job.tidy(here().settings, job)
