"""The workflows of what is asked to be sent as Orthanc is asked: a delivery for each video, and Orthanc's job for the
rest, which is followed to its end, since Orthanc soon forgets it.

Unfinished ones outlive an upgrade, as others do.
"""

from __future__ import annotations

from dbos import DBOS, SetWorkflowID

from orthanc_video.archive import jobs, orders
from orthanc_video.errors import NotFound, VideoError
from orthanc_video.jobs import delivering, views
from orthanc_video.jobs.running import Outcome, here
from orthanc_video.jobs.workflows import failure, until_it_passes
from orthanc_video.plain import from_json, to_json
from orthanc_video.routing.delivery import Order

# Orthanc's jobs that are followed wait here: each holds a thread for as long as Orthanc takes.
QUEUE = "rests"
_FIRST_LOOK, _LATER, _SELDOM = 0.2, 1.5, 5.0
_FORGOTTEN = "Orthanc knows nothing more of its own job that sent what is no video: whether it ended well is not known."


def rest_of(order: str) -> str:
    """The workflow that follows the rest of an order."""
    return f"{order}-rest"


def follow(workflow: str, job: str) -> None:
    """Has one of Orthanc's jobs followed. The same workflow once more is nothing."""
    with SetWorkflowID(workflow):
        DBOS.enqueue_workflow(QUEUE, follow_rest, job)


@DBOS.workflow(name=views.ORDER)
def send_order(task: Outcome) -> Outcome:
    """Begins all that belongs to an order. How far it is, its parts say."""
    order = from_json(Order, task)
    for one in order.deliveries:
        delivering.enqueue(one.id, to_json(one))
    if order.rest:
        follow(rest_of(order.id), order.rest)
    here().vacated.set()  # there may be room for them
    return {"State": "Success"}


@DBOS.workflow(name=views.REST)
def follow_rest(job: str) -> Outcome:
    """One of Orthanc's own jobs; the outcome's ``Job`` is what it came to."""
    pause = _FIRST_LOOK
    while True:
        outcome = until_it_passes(lambda: _look(job))
        if outcome["State"] != "Running":
            break
        DBOS.sleep(pause)
        pause = min(_SELDOM, _LATER * pause)
    here().settle(DBOS.workflow_id or "", outcome)
    return outcome


@DBOS.step(name="look_at_rest")
def _look(job: str) -> Outcome:
    try:
        found = orders.job(here().archive, job)
    except VideoError as error:
        return failure(error)
    if found is None:
        return failure(NotFound(_FORGOTTEN))
    return {"State": found["State"] if jobs.ended(found) else "Running", "Job": jobs.recorded(found)}
