"""The workflow that makes a rendition: an MP4 for browsers of a stored stream that they cannot play.

A rendition has one job, named by its object and by how it is wanted, however often it is asked for. Its attempts are
workflows, as those of an upload's job: there is another when the cache has dropped the file, or somebody has it tried
again. Unfinished ones outlive an upgrade, as those in ``workflows`` do.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dbos import DBOS, SetWorkflowID, WorkflowStatus

from orthanc_video import metrics
from orthanc_video.archive.changes import Arrival
from orthanc_video.errors import Busy, NotFound, VideoError, revive
from orthanc_video.jobs import ingest_job, rendition_job, renditions, views
from orthanc_video.jobs.running import Active, Outcome, here
from orthanc_video.jobs.workflows import failure, until_it_passes
from orthanc_video.picture import Rendering
from orthanc_video.plain import from_json, to_json

# Where what nobody waits for waits.
IN_ADVANCE = "renditions-in-advance"
_DELETED = {"State": "Cancelled", "Sentence": "The video was deleted before its rendition was made."}
# Of renditions that are as requests wanted them so many are made or wait for it, of all objects and callers.
_MOST = 16
_JOB = re.compile(r"rendition-[0-9a-f]{16}-")


def job_of(stored: str, rendering: Rendering = renditions.PLAIN) -> str:
    """The job of the rendition of the object with this UUID. No job's name begins with another's."""
    key = renditions.key(rendering)
    return f"rendition-{key}-{stored}" if key else f"rendition-{stored}"


def wanted(arguments: Sequence[Any]) -> tuple[Arrival, Rendering]:
    """What the workflow was given."""
    instance, stored, *rendering = arguments
    return Arrival(instance, stored), from_json(Rendering, rendering[0] if rendering and rendering[0] else {})


def refuse_too_many(rendering: Rendering) -> None:
    """Raises Busy where one more that is as a request wants it would be too many."""
    if rendering == renditions.PLAIN:
        return
    unfinished = DBOS.list_workflows(name=views.RENDITION, status=views.UNFINISHED, load_input=False, load_output=False)
    if sum(_JOB.match(one.workflow_id) is not None for one in unfinished) >= _MOST:
        raise Busy(f"{_MOST} renditions with parameters of their own are being made. Try again in a moment.")


def in_advance(arrival: Arrival) -> None:
    """Has an object's rendition made when there is time, once."""
    with SetWorkflowID(job_of(arrival.uuid)):
        DBOS.enqueue_workflow(IN_ADVANCE, rendition, arrival.instance, arrival.uuid)


def next_attempt(latest: WorkflowStatus | None, job: str) -> str:
    """The name of the attempt that makes a rendition which is not there; ``latest`` has ended.

    Raises what it failed with, where trying again would only fail again.
    """
    if latest is None:
        return job
    outcome = views.outcome(latest)
    if outcome["State"] == "Failure":
        error = revive(outcome.get("Kind", ""), outcome["Sentence"])
        if not error.passing:
            raise error
    return views.next_attempt(latest.workflow_id)


@DBOS.workflow(name=views.RENDITION)
def rendition(instance: str, stored: str, rendering: Outcome | None = None) -> Outcome:
    """One object to one file in the cache. A failure is an outcome: it is remembered, and told to who asks again.

    ``rendering`` is how it is wanted; earlier versions knew only one way.
    """
    how = wanted([instance, stored, rendering])[1]
    workflow, job = DBOS.workflow_id or "", job_of(stored, how)
    with here().job(job, workflow, job) as active:
        outcome = _steps(active, instance, stored, to_json(how))
    _clear_up(job)
    metrics.job_ended(outcome)
    here().settle(workflow, outcome)
    return outcome


def _steps(active: Active, instance: str, stored: str, rendering: Outcome) -> Outcome:
    made = until_it_passes(lambda: _render(instance, stored, rendering))
    if made["State"] != "Success":
        return made
    active.stage = "store"
    kept = until_it_passes(lambda: _keep(instance, stored, made["Path"], rendering))
    if kept["State"] == "Success" and made["Frames"] != made["Of"]:
        kept["Sentence"] = f"Of {made['Of']} frames of the stream {made['Frames']} could be decoded."
    return kept


@DBOS.step(name="render")
def _render(instance: str, stored: str, rendering: Outcome) -> Outcome:
    how = from_json(Rendering, rendering)
    job = job_of(stored, how)
    active = here().active[job]
    leisure = _nobody_waits(active.workflow)
    try:
        with contextlib.nullcontext() if leisure else here().renditions.taken(job, short=False):
            active.stage = "probe"
            made = rendition_job.make(
                here().settings,
                here().archive,
                active.process,
                Arrival(instance, stored),
                how,
                ingest_job.folder_of(here().settings, job),
                active.tell,
                leisure=leisure,
            )
    except VideoError as error:
        return _failed(error)
    return {"State": "Success", "Path": made["path"], "Of": made["of"], "Frames": made["frames"]}


def _nobody_waits(workflow: str) -> bool:
    """Where it began says so: it is moved to another queue when somebody comes to wait before that."""
    (status,) = DBOS.list_workflows(workflow_ids=[workflow], load_input=False, load_output=False)
    return status.queue_name == IN_ADVANCE


@DBOS.step(name="keep")
def _keep(instance: str, stored: str, made: str, rendering: Outcome) -> Outcome:
    how, arrival = from_json(Rendering, rendering), Arrival(instance, stored)
    try:
        rendition_job.keep(here().settings, here().archive, arrival, how, Path(made))
    except VideoError as error:
        return _failed(error)
    return {"State": "Success"}


def _failed(error: VideoError) -> Outcome:
    return dict(_DELETED) if isinstance(error, NotFound) else failure(error)


@DBOS.step(name="clear_up")
def _clear_up(job: str) -> None:
    ingest_job.tidy(here().settings, job)
