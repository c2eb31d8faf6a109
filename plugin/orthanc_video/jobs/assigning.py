"""The workflow that moves a video to another study or patient. Unfinished ones outlive an upgrade, as others do."""

from __future__ import annotations

from dbos import DBOS

from orthanc_video import metrics
from orthanc_video.errors import VideoError
from orthanc_video.jobs import assign_job, views
from orthanc_video.jobs.running import Active, Outcome, here
from orthanc_video.jobs.workflows import failure, until_it_passes
from orthanc_video.model import Assignment
from orthanc_video.plain import from_json


@DBOS.workflow(name=views.ASSIGN)
def assign_video(task: Outcome) -> Outcome:
    """One object becomes another one; the old one goes once the new one is stored and its MD5 has been compared."""
    with here().job(task["id"], DBOS.workflow_id or task["id"], task["instance"]) as active:
        outcome = _steps(active, task)
    metrics.job_ended(outcome)
    here().settle(task["id"], outcome)
    return outcome


def _steps(active: Active, task: Outcome) -> Outcome:
    active.stage = "store"
    outcome = until_it_passes(lambda: _publish(task))
    if outcome["State"] != "Success" or task["keep"]:
        return outcome
    active.stage = "remove"
    removed = until_it_passes(lambda: _remove(task))
    return outcome if removed["State"] == "Success" else removed | {"Answer": outcome["Answer"]}


@DBOS.step(name="publish_assigned")
def _publish(task: Outcome) -> Outcome:
    try:
        answer = assign_job.publish(here().settings, here().archive, from_json(Assignment, task))
    except VideoError as error:
        return failure(error)
    return {"State": "Success", "Answer": answer}


@DBOS.step(name="remove_source")
def _remove(task: Outcome) -> Outcome:
    try:
        assign_job.remove(here().archive, from_json(Assignment, task))
    except VideoError as error:
        return failure(error)
    return {"State": "Success"}
