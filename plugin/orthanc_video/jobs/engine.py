"""Durable jobs on DBOS: recorded before an upload is acknowledged, taken up again after any crash."""

from __future__ import annotations

import concurrent.futures
import contextlib
import logging
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from dbos import DBOS, DBOSPortableJSONSerializer, SetWorkflowID, WorkflowStatus

from orthanc_video import metrics
from orthanc_video.archive import awaited
from orthanc_video.archive.identifiers import answer as answer_of
from orthanc_video.archive.service import Archive
from orthanc_video.errors import NotFound, VideoError
from orthanc_video.jobs import ingest_job, processes
from orthanc_video.jobs.pace import Estimate, Pace
from orthanc_video.model import Action, Made, MediaInfo, Plan, Progress, Upload, from_json, to_json
from orthanc_video.settings import Settings

_TRANSCODES = "transcodes"
_ATTEMPTS = 500
_LONGEST_DELAY = 60.0
# The version of the workflows' step order, not of the program: an upgrade takes up what its predecessor left.
_WORKFLOW_VERSION = "1"
_STATES = {"ENQUEUED": "Pending", "DELAYED": "Pending", "PENDING": "Running", "CANCELLED": "Cancelled"}
_UNFINISHED = ["ENQUEUED", "DELAYED", "PENDING"]

Outcome = dict[str, Any]


@dataclass
class _Active:
    """A job that runs in this process: what it is at, and how to end it."""

    process: processes.MediaProcess
    stage: str = "waiting"
    progress: float = 0.0
    cancelled: bool = False
    pace: Pace = field(default_factory=Pace)

    def tell(self, told: Progress) -> None:
        self.stage, self.progress = told.stage, told.part
        self.pace.tell(told)


class Engine:
    """The jobs of one gateway process. One engine exists at a time: DBOS is a singleton."""

    queues = (_TRANSCODES,)

    def __init__(self, settings: Settings, archive: Archive) -> None:
        self.settings = settings
        self.archive = archive
        self._active: dict[str, _Active] = {}
        self._waiters: dict[str, concurrent.futures.Future[Outcome]] = {}
        self._locks: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()

    def launch(self) -> None:
        """Opens the job table, takes up unfinished jobs, clears the spool of what was never acknowledged."""
        global _engine
        _engine = self
        self.settings.spool.mkdir(parents=True, exist_ok=True, mode=0o700)
        DBOS(
            config={
                "name": "orthanc-video",
                "system_database_url": f"sqlite:///{self.settings.database}",
                "application_version": _WORKFLOW_VERSION,
                "executor_id": "gateway",
                "log_level": "ERROR",
                "max_executor_threads": 64,
                "serializer": DBOSPortableJSONSerializer(),
            }
        )
        logging.getLogger("dbos").addFilter(lambda record: not _is_cancellation(record))
        DBOS.launch()
        DBOS.register_queue(
            _TRANSCODES, worker_concurrency=self.settings.gateway.transcodes, on_conflict="always_update"
        )
        self._sweep()

    def close(self) -> None:
        """Ends media processes and leaves; unfinished jobs go on at the next launch."""
        processes.close()
        for active in list(self._active.values()):
            active.process.end()

    def _sweep(self) -> None:
        wanted = {status.workflow_id for status in DBOS.list_workflows(status=_UNFINISHED, load_input=False)}
        for folder in self.settings.spool.iterdir():
            if folder.name not in wanted:
                ingest_job.tidy(self.settings, folder.name)

    def submit(self, upload: Upload, info: MediaInfo, plan: Plan) -> concurrent.futures.Future[Outcome]:
        """Commits the job (when this returns, it survives any crash) and starts it; the outcome to wait for.

        It is empty when the gateway stops before there is one.
        """
        waiter: concurrent.futures.Future[Outcome] = concurrent.futures.Future()
        self._waiters[upload.id] = waiter
        arguments = (to_json(upload), to_json(info), to_json(plan))
        with SetWorkflowID(upload.id):
            if plan.action is Action.TRANSCODE:
                DBOS.enqueue_workflow(_TRANSCODES, ingest_video, *arguments)
            else:
                DBOS.start_workflow(ingest_video, *arguments)
        return waiter

    def record_refusal(self, error: VideoError) -> str:
        """A refused upload whose sender cannot be told (multipart on Orthanc's port) shows as a failed job."""
        job = str(uuid.uuid4())
        with SetWorkflowID(job):
            DBOS.start_workflow(refused_upload, _failure(error)).get_result()
        return job

    def job(self, job: str) -> dict[str, Any]:
        """The job as the API shows it; raises NotFound."""
        found = DBOS.list_workflows(workflow_ids=[job], limit=1)
        if not found:
            raise NotFound("There is no such job.")
        return self._view(found[0])

    def jobs(self, since: int, limit: int) -> list[dict[str, Any]]:
        """Newest first; no names in them."""
        return [self._view(status) for status in DBOS.list_workflows(sort_desc=True, limit=limit, offset=since)]

    def unfinished(self) -> list[tuple[str, str]]:
        """State and queue (empty: it began at once) of every job that has not ended."""
        found = DBOS.list_workflows(status=_UNFINISHED, load_input=False, load_output=False)
        return [(_STATES[status.status], status.queue_name or "") for status in found]

    def awaited_study(self, study: str) -> dict[str, Any] | None:
        """The study of this Orthanc ID as it will be, where an acknowledged upload that is not stored yet makes it."""
        unfinished = DBOS.list_workflows(status=_UNFINISHED, name="ingest_video")
        arguments = ((status.input or {"args": ()})["args"] for status in unfinished)
        return awaited.study(
            study,
            (
                ingest_job.foreseen(from_json(Upload, upload), from_json(MediaInfo, info), from_json(Plan, plan))
                for upload, info, plan in arguments
            ),
        )

    def _view(self, status: WorkflowStatus) -> dict[str, Any]:
        outcome: Outcome = status.output if isinstance(status.output, dict) else {}
        state = _STATES.get(status.status) or outcome.get("State", "Failure")
        active = self._active.get(status.workflow_id)
        finished = state == "Success"
        arguments = (status.input or {"args": ()})["args"]
        plan = arguments[2] if len(arguments) > 2 else {}
        pace = active.pace.estimate(active.stage) if active and state == "Running" else Estimate()
        return {
            "ID": status.workflow_id,
            "State": state,
            "Progress": 100 if finished else int(active.progress * 100) if active else 0,
            "Stage": "done" if finished else active.stage if active else state.lower(),
            "FramesPerSecond": pace.frames_per_second,
            "SecondsLeft": pace.seconds_left,
            "Sentence": outcome.get("Sentence", ""),
            "Instance": outcome.get("Answer", {}).get("ID"),
            "Action": plan.get("action", ""),
            "Reasons": plan.get("reasons", []),
            "Created": status.created_at,
        }

    def cancel(self, job: str) -> None:
        """Ends a job at once; a finished one stays as it is."""
        if self.job(job)["State"] not in {"Pending", "Running"}:
            return
        DBOS.cancel_workflow(job)
        active = self._active.get(job)
        if active is not None:
            active.cancelled = True
            active.process.end()
        else:
            ingest_job.tidy(self.settings, job)
        self.settle(job, {"State": "Cancelled", "Sentence": "The job was cancelled."})

    def settle(self, job: str, outcome: Outcome) -> None:
        metrics.job_ended(outcome)
        waiter = self._waiters.pop(job, None)
        if waiter is not None and not waiter.done():
            waiter.set_result(outcome)

    def release(self) -> None:
        """Lets go of all who wait for an outcome: their jobs are recorded and go on, here or after a restart."""
        for job in list(self._waiters):
            self.settle(job, {})

    @contextlib.contextmanager
    def active(self, job: str, target: str) -> Iterator[_Active]:
        """Marks a job as running here; two jobs for the same object (``target``) run one after the other."""
        active = self._active[job] = _Active(processes.MediaProcess())
        with self._lock:
            lock = self._locks.setdefault(target, threading.Lock())
        try:
            with lock:
                yield active
        finally:
            del self._active[job]
            if active.cancelled:
                ingest_job.tidy(self.settings, job)


_engine: Engine | None = None


def engine() -> Engine:
    """The engine of this process; there is one from launch on."""
    if _engine is None:
        raise RuntimeError("the job engine has not been launched")
    return _engine


@DBOS.workflow(name="ingest_video")
def ingest_video(upload_json: Outcome, info_json: Outcome, plan_json: Outcome) -> Outcome:
    """One upload to one stored object. Failures are outcomes, not exceptions, so that they are recorded as data."""
    upload, plan = from_json(Upload, upload_json), from_json(Plan, plan_json)
    ids = ingest_job.ids_of(upload, plan)
    with engine().active(upload.id, ids["ID"]) as active:
        outcome = _steps(active, upload_json, info_json, plan_json, ids)
    _tidy(upload.id)
    engine().settle(upload.id, outcome)
    return outcome


def _steps(active: _Active, upload: Outcome, info: Outcome, plan: Outcome, ids: dict[str, str]) -> Outcome:
    active.stage = plan["action"]
    if _is_stored(ids["ID"]):
        return {"State": "Success", "Answer": answer_of(ids, "AlreadyStored")}
    made = _until_it_passes(lambda: _make(upload, info, plan))
    if made["State"] != "Success":
        return made
    active.stage = "store"
    return _until_it_passes(lambda: _publish(upload, info, plan, made["Made"]))


def _until_it_passes(step: Callable[[], Outcome]) -> Outcome:
    """Repeats a step while its failure may pass; every attempt and every wait is recorded, so a restart goes on."""
    outcome: Outcome = {}
    for attempt in range(_ATTEMPTS):
        outcome = step()
        if not outcome.get("Passing"):
            break
        DBOS.sleep(min(_LONGEST_DELAY, 0.5 * 2.0 ** min(attempt, 10)))
    return outcome


@DBOS.step(name="is_stored")
def _is_stored(instance: str) -> bool:
    try:
        return engine().archive.has(instance)
    except VideoError:
        return False  # not known now: the publishing step asks again


@DBOS.step(name="make")
def _make(upload: Outcome, info: Outcome, plan: Outcome) -> Outcome:
    job = upload["id"]
    active = engine()._active[job]
    try:
        made = ingest_job.make(
            engine().settings,
            active.process,
            from_json(Upload, upload),
            from_json(MediaInfo, info),
            from_json(Plan, plan),
            active.tell,
        )
    except VideoError as error:
        return _failure(error)
    return {"State": "Success", "Made": to_json(made)}


@DBOS.step(name="publish")
def _publish(upload: Outcome, info: Outcome, plan: Outcome, made: Outcome) -> Outcome:
    try:
        answer = ingest_job.publish(
            engine().archive,
            from_json(Upload, upload),
            from_json(MediaInfo, info),
            from_json(Plan, plan),
            from_json(Made, made),
        )
    except VideoError as error:
        return _failure(error)
    return {"State": "Success", "Answer": answer}


@DBOS.step(name="tidy")
def _tidy(upload: str) -> None:
    ingest_job.tidy(engine().settings, upload)


@DBOS.workflow(name="refused_upload")
def refused_upload(outcome: Outcome) -> Outcome:
    """Nothing to do: the record is all."""
    return outcome


def _is_cancellation(record: logging.LogRecord) -> bool:
    """A cancelled job's traceback, which DBOS logs as an error, tells nobody anything."""
    kind = record.exc_info[0] if record.exc_info else None
    text = record.getMessage() if kind is None else kind.__name__
    return "CancelledError" in text


def _failure(error: VideoError) -> Outcome:
    kind = type(error).__name__
    return {"State": "Failure", "Kind": kind, "Sentence": error.sentence, "Passing": error.passing}
