"""The workflows that nobody waits for: a first look at every video that arrived, and catching up with an archive.

They have a queue of their own. Unfinished ones outlive an upgrade, as those in ``workflows`` do.
"""

from __future__ import annotations

import contextlib
import functools
import uuid
from collections.abc import Iterable
from typing import Any

from dbos import DBOS, SetEnqueueOptions, SetWorkflowID
from dbos._error import DBOSQueueDeduplicatedError

from orthanc_video import metrics
from orthanc_video.archive import changes
from orthanc_video.archive.changes import Arrival
from orthanc_video.archive.objects import copy_of
from orthanc_video.dicom.checks.finding import finding
from orthanc_video.errors import VideoError
from orthanc_video.jobs import by_rule, derivations, forms, notice_job, rendering, renditions, thumbnails, views
from orthanc_video.jobs.database import answering
from orthanc_video.jobs.running import Active, Outcome, here
from orthanc_video.jobs.workflows import failure, until_it_passes
from orthanc_video.settings import ON_ARRIVAL, Settings

QUEUE = "background"
# What just arrived comes before what is caught up with (in DBOS, no priority is the highest).
_CATCHING_UP = 10


def notice(arrivals: Iterable[Arrival], *, new: bool) -> None:
    """Has each video looked at, once: a second time for the same object is nothing.

    ``new`` ones came just now, and somebody will want to see them; what an archive has held for long is left alone.
    """
    for arrival in arrivals:
        with SetWorkflowID(_name(arrival.uuid)):
            DBOS.enqueue_workflow(QUEUE, notice_video, arrival.instance, arrival.uuid, new)


def findings(stored: str) -> list[dict[str, Any]] | None:
    """What the first look at the object with this UUID found; None while there was none."""
    known = DBOS.list_workflows(workflow_ids=[_name(stored)], load_input=False)
    return told(known[0].output if known else None)


def told(outcome: Any) -> list[dict[str, Any]] | None:
    """The findings that a look's recorded outcome holds."""
    if not isinstance(outcome, dict) or outcome.get("Gone"):
        return None
    found = outcome.get("Findings", [outcome.get("Sentence", "")])
    # Earlier versions, and failures, tell sentences alone.
    return [finding("first-look", one).json() if isinstance(one, str) else one for one in found]


def _name(stored: str) -> str:
    return f"notice-{stored}"


@DBOS.workflow(name="notice_video")
def notice_video(instance: str, stored: str, new: bool = False) -> Outcome:
    """The outcome's ``Findings`` are those of ``check``, in earlier versions sentences; ``Gone`` says that it was
    deleted before.

    ``Unplayable`` says that browsers need a rendition of it. Earlier versions knew neither that nor ``new``.
    """
    outcome = until_it_passes(lambda: _look(instance, stored))
    if new and not outcome.get("Gone"):
        by_rule.deliver_where_wanted(Arrival(instance, stored))
    if new and outcome.get("Unplayable") and here().settings.gateway.renditions == ON_ARRIVAL:
        rendering.in_advance(Arrival(instance, stored))
    return outcome


@DBOS.step(name="look")
def _look(instance: str, stored: str) -> Outcome:
    try:
        found = notice_job.look(here().settings, here().archive, arrival := Arrival(instance, stored))
        if found is None:
            return {"State": "Success", "Gone": True}
        if found.is_film:
            received = changes.received(here().archive, arrival)
            with answering():
                here().database.add_film(stored, instance, received)
    except VideoError as error:
        return failure(error)
    unplayable = found.readable and not found.playable
    return {"State": "Success", "Findings": [one.json() for one in found.findings], "Unplayable": unplayable}


def forget_deleted() -> None:
    """Removes what was made and found of objects that Orthanc no longer holds. Raises Busy."""
    kept = 0
    while page := DBOS.list_workflows(
        name=["notice_video", views.RENDITION], status="SUCCESS", load_output=False, limit=changes.PAGE, offset=kept
    ):
        looks = {status.workflow_id: Arrival(*status.input["args"][:2]) for status in page if status.input}
        held = changes.held(here().archive, looks.values())
        gone = {name: one for name, one in looks.items() if one not in held}
        here().database.forget_films(arrival.uuid for arrival in gone.values())
        for arrival in gone.values():
            forget(here().settings, arrival.uuid)
        DBOS.delete_workflows(list(gone))
        kept += len(page) - len(gone)


def forget(settings: Settings, stored: str) -> None:
    """Removes all that is kept of the object with this UUID, its findings apart."""
    thumbnails.forget(settings, stored)
    renditions.forget(settings, stored)
    forms.forget(settings, stored)
    derivations.forget(settings, stored)
    copy_of(settings, stored).unlink(missing_ok=True)


def begin_catch_up() -> str:
    """The job that goes through all that Orthanc holds; the one under way when there is one."""
    under_way = _catching_up()
    while under_way is None:
        # Of all that ask at the same moment, through whichever gateway, the database lets one in.
        alone = SetEnqueueOptions(deduplication_id="catch-up")
        with contextlib.suppress(DBOSQueueDeduplicatedError), SetWorkflowID(str(uuid.uuid4())), alone:
            return DBOS.enqueue_workflow(QUEUE, catch_up).workflow_id
        under_way = _catching_up()
    return under_way


def _catching_up() -> str | None:
    found = DBOS.list_workflows(name="catch_up", status=["ENQUEUED", "PENDING"], load_input=False, limit=1)
    return found[0].workflow_id if found else None


@DBOS.workflow(name="catch_up")
def catch_up() -> Outcome:
    """Has every video in Orthanc looked at that was not."""
    workflow = DBOS.workflow_id or ""
    with here().job(workflow, workflow, "catch up") as active:
        active.stage = "look through"
        outcome = _go_through(active)
    metrics.job_ended(outcome)
    return outcome


def _go_through(active: Active) -> Outcome:
    """Page by page, newest first: what is deleted meanwhile moves the others to where they are still to come."""
    counted = until_it_passes(_count)
    if counted["State"] != "Success":
        return counted
    left, noticed = counted["Count"], 0
    while left > 0:
        since, limit = max(0, left - changes.PAGE), min(left, changes.PAGE)
        page = until_it_passes(functools.partial(_unnoticed, since, limit))
        if page["State"] != "Success":
            return page
        with SetEnqueueOptions(priority=_CATCHING_UP):
            notice((Arrival(*one) for one in page["Videos"]), new=False)
        left, noticed = since, noticed + len(page["Videos"])
        active.progress = 1 - left / counted["Count"]
    return {"State": "Success", "Sentence": f"{noticed} of {counted['Count']} instances are videos that were new here."}


@DBOS.step(name="count")
def _count() -> Outcome:
    try:
        return {"State": "Success", "Count": changes.count(here().archive)}
    except VideoError as error:
        return failure(error)


@DBOS.step(name="unnoticed")
def _unnoticed(since: int, limit: int) -> Outcome:
    """The videos of one page of instances that nobody has looked at."""
    archive = here().archive
    try:
        page = changes.instances(archive, since, limit)
        videos = [found for found in (changes.moving(archive, instance) for instance in page) if found is not None]
    except VideoError as error:
        return failure(error)
    names = [_name(one.uuid) for one in videos]
    known = DBOS.list_workflows(workflow_ids=names, load_input=False, load_output=False) if names else []
    noticed = {status.workflow_id for status in known}
    return {"State": "Success", "Videos": [list(one) for one in videos if _name(one.uuid) not in noticed]}
