"""Jobs as a person sees them, out of DBOS's records.

A job is named by its upload. Its attempts are workflows: ``{job}``, then ``{job}.2`` … for each time that a person had
it tried again.
"""

from __future__ import annotations

from typing import Any

from dbos import DBOS, WorkflowStatus

from orthanc_video.archive import provenance
from orthanc_video.archive.objects import StoredVideo
from orthanc_video.derivation import Derivation
from orthanc_video.dicom.history import History, history_of
from orthanc_video.errors import NotFound
from orthanc_video.jobs import attempts, derivations, ingest_job
from orthanc_video.jobs.running import Outcome
from orthanc_video.model import Made, Plan, Upload
from orthanc_video.plain import from_json
from orthanc_video.settings import Settings

UNFINISHED = ["ENQUEUED", "DELAYED", "PENDING"]
ENDED = ["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]
# Not the first looks at what arrived: there is one for every video in Orthanc.
RENDITION, ASSIGN, DELIVERY, DERIVE = "rendition", "assign_video", "deliver", "derive"
SHOWN = ["ingest_video", "refused_upload", "catch_up", RENDITION, ASSIGN, DELIVERY, DERIVE]
# What is asked of Orthanc to be sent, and its own job for a part of that: they show as Orthanc's jobs do.
ORDER, REST = "send_order", "follow_rest"
# Jobs that keep no upload.
_WITHOUT_UPLOAD = frozenset({RENDITION, DELIVERY, DERIVE})
# Of what has not come to an outcome of its own.
STATES = {"ENQUEUED": "Pending", "DELAYED": "Pending", "PENDING": "Running", "CANCELLED": "Cancelled"}
CANCELLED: Outcome = {"State": "Cancelled", "Sentence": "The job was cancelled."}
_UNEXPECTED = "The job failed in an unexpected way; the log says where. It can be tried again."


def job_of(workflow: str) -> str:
    """The job that a workflow is an attempt at."""
    return workflow.partition(".")[0]


def next_attempt(workflow: str) -> str:
    job, _, attempt = workflow.partition(".")
    return f"{job}.{int(attempt or 1) + 1}"


def latest(job: str) -> WorkflowStatus:
    """What was last tried for a job; raises NotFound when there is no such job."""
    found = latest_attempt(job)
    if found is None:
        raise NotFound("There is no such job.")
    return found


def latest_attempt(job: str) -> WorkflowStatus | None:
    """What was last tried for a job; None when there is no such job."""
    if "." in job or not job:
        return None
    found = DBOS.list_workflows(workflow_id_prefix=job, name=SHOWN, sort_desc=True, limit=1)
    return found[0] if found and job_of(found[0].workflow_id) == job else None


def keeps_upload(status: WorkflowStatus) -> bool:
    """Whether a job's folder in the spool is still wanted: by an unfinished job, or as a dead letter's."""
    return status.status in UNFINISHED or (state_of(status) == "Failure" and status.name not in _WITHOUT_UPLOAD)


def is_dead_letter(settings: Settings, status: WorkflowStatus) -> bool:
    """An acknowledged upload that could not be stored: its bytes are kept until a person decides.

    The bytes themselves say so: those of a failure whose sender was told of it are removed.
    """
    failed = state_of(status) == "Failure" and status.name not in _WITHOUT_UPLOAD
    return failed and ingest_job.folder_of(settings, job_of(status.workflow_id)).exists()


def view(settings: Settings, status: WorkflowStatus, reports: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The job as the API shows it; ``reports`` are those of running jobs, by job."""
    job = job_of(status.workflow_id)
    came_to = outcome(status) if status.status in ENDED else {}
    state = state_of(status)
    arguments = (status.input or {"args": ()})["args"]
    instance, plan = came_to.get("Answer", {}).get("ID"), arguments[2] if len(arguments) > 2 else {}
    if status.name == RENDITION:
        instance, plan = arguments[0], {"action": "render"}
    if status.name == ASSIGN:
        plan = {"action": "assign"}
    more: dict[str, Any] = {}
    if status.name == DELIVERY:
        instance, plan = arguments[0]["instance"], {"action": "deliver", "reasons": came_to.get("Reasons", [])}
        if status.status in ENDED and "Attempts" not in came_to:
            came_to = came_to | attempts.recorded(DBOS.list_workflow_steps(status.workflow_id))
        more = _delivery(arguments[0], came_to)
    if status.name == DERIVE:
        task = from_json(Derivation, arguments[0])
        instance, plan = instance or task.origins[0].instance, {"action": str(task.making)}
        more = {"Results": derived(task, came_to)}
    at = {"Stage": state.lower(), "Progress": 0, "FramesPerSecond": None, "SecondsLeft": None}
    if state == "Running":
        at |= reports.get(job, {"Stage": "waiting"})
    elif state == "Success":
        at |= {"Stage": "done", "Progress": 100}
    return {
        "ID": job,
        "State": "DeadLetter" if is_dead_letter(settings, status) else state,
        **at,
        "Sentence": came_to.get("Sentence", ""),
        "Instance": instance,
        "Instances": came_to.get("Instances") or [one for one in [instance] if one],
        "Action": plan.get("action", ""),
        "Reasons": plan.get("reasons", []),
        **provenance.shown(_history(arguments, came_to)),
        **(more | {"Attempts": at["Attempts"]} if "Attempts" in at else more),
        "Created": status.created_at,
    }


def _delivery(task: dict[str, Any], came_to: Outcome) -> dict[str, Any]:
    """What is told of a delivery alone."""
    sent = came_to.get("Form")
    return {
        "Destination": task["destination"],
        "Asked": task["asked"],
        "Form": attempts.form(sent) if sent else None,
        "Proof": came_to.get("Proof"),
        "Attempts": came_to.get("Attempts", []),
    }


def derived(task: Derivation, came_to: Outcome) -> list[dict[str, Any]]:
    """What was made by an order, as the API shows it: ``Url`` where it can be played, ``ID`` of what Orthanc holds."""
    shown = []
    for number, item in enumerate(came_to.get("Items", ()), 1):
        url, known = derivations.address(task, item, number), item["Answer"]
        shown.append({**item["Told"], **({"Url": url} if url else {}), **known})
    return shown


def _history(arguments: tuple[Any, ...], came_to: Outcome) -> History | None:
    """What came of an upload's conversion; None where there is no result, or the object had been there before."""
    if "Made" not in came_to:
        return None
    upload, plan = from_json(Upload, arguments[0]), from_json(Plan, arguments[2])
    return history_of(upload, plan, from_json(Made, came_to["Made"]))


def rendition(latest: WorkflowStatus | None, made: StoredVideo | None) -> dict[str, Any] | None:
    """A rendition as the API shows it; None when there is none and none is on its way: it is made when asked for."""
    state = state_of(latest) if latest is not None else "Success"
    if made is None and (latest is None or state in {"Success", "Cancelled"}):
        return None
    return {
        "State": "Success" if made else state,
        "Job": job_of(latest.workflow_id) if latest else None,
        "Size": made.located.length if made else None,
        "Sentence": outcome(latest).get("Sentence", "") if latest and latest.status in ENDED else "",
    }


def outcome(status: WorkflowStatus) -> Outcome:
    """What an ended job has come to."""
    if isinstance(status.output, dict):
        return status.output
    if status.status == "CANCELLED":
        return CANCELLED
    return {"State": "Failure", "Sentence": _UNEXPECTED}


def state_of(status: WorkflowStatus) -> str:
    """What the API calls the state, dead letters apart."""
    return STATES.get(status.status) or str(outcome(status)["State"])
