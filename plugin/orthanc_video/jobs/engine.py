"""Durable jobs on DBOS: recorded before an upload is acknowledged, taken up again after any crash."""

from __future__ import annotations

import concurrent.futures
import logging
import threading
import uuid
from pathlib import Path
from typing import Any

from dbos import DBOS, DBOSPortableJSONSerializer, SetEnqueueOptions, SetWorkflowID, WorkflowStatus

from orthanc_video import metrics
from orthanc_video.archive import awaited
from orthanc_video.archive.changes import Arrival
from orthanc_video.archive.objects import Stored
from orthanc_video.archive.service import Archive
from orthanc_video.derivation import Derivation
from orthanc_video.errors import Conflict, VideoError
from orthanc_video.jobs import (
    background,
    delivering,
    deriving,
    ingest_job,
    patience,
    processes,
    queues,
    renditions,
    running,
    sends,
    views,
)
from orthanc_video.jobs import rendering as rendition_jobs
from orthanc_video.jobs.assigning import assign_video
from orthanc_video.jobs.database import CONNECT_SECONDS, Database, answering
from orthanc_video.jobs.housekeeping import Housekeeping
from orthanc_video.jobs.membership import Membership
from orthanc_video.jobs.noticing import Noticing
from orthanc_video.jobs.peers import Peers
from orthanc_video.jobs.running import Outcome, Running
from orthanc_video.jobs.turns import Turns
from orthanc_video.jobs.workflows import failure, ingest_video, refused_upload
from orthanc_video.model import Action, Assignment, MediaInfo, Plan, Upload
from orthanc_video.picture import Rendering
from orthanc_video.plain import from_json, to_json
from orthanc_video.routing.delivery import Delivery, Order
from orthanc_video.settings import Settings

# The version of the workflows' step order, not of the program: an upgrade takes up what its predecessor left.
_WORKFLOW_VERSION = "1"
# Of deliveries, as many of the newest are looked through for those of one instance.
_MOST_DELIVERIES = 1000


class Engine:
    """The jobs of one process: a gateway, or a worker. One engine exists at a time: DBOS is a singleton."""

    queues = queues.NAMES

    def __init__(
        self, settings: Settings, archive: Archive, *, worker: bool = False, news: threading.Event | None = None
    ) -> None:
        """``news`` is set when something has arrived in Orthanc."""
        self.settings = settings
        self._worker = worker
        self._runs_jobs = worker or settings.gateway.workers
        self._database = Database(settings)
        at_once = queues.transcodes_at_once(settings), queues.derivations_at_once(settings)
        self._running = Running(settings, archive, self._database, *at_once)
        self._housekeeping = Housekeeping(settings)
        self._noticing = Noticing(archive, self._database, news or threading.Event())
        self._asked = threading.Lock()

    def launch(self) -> None:
        """Opens the job table and takes up unfinished jobs; raises Busy while the database does not answer."""
        running.begin(self._running)
        self.settings.spool.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._database.prepare()
        executor = self._executor()
        patience.install()
        self._dbos = DBOS(
            config={
                "name": "orthanc-video",
                "system_database_url": self._database.url,
                "application_version": _WORKFLOW_VERSION,
                "executor_id": executor,
                "log_level": "ERROR",
                # What a failed statement was given (a video's attributes) has no place in a log.
                "db_engine_kwargs": {
                    "hide_parameters": True,
                    "connect_args": {"connect_timeout": CONNECT_SECONDS, "application_name": "orthanc-video"},
                },
                "max_executor_threads": 64,
                "serializer": DBOSPortableJSONSerializer(),
                "notification_listener_polling_interval_sec": 3600.0,
                "scheduler_polling_interval_sec": 3600.0,
            }
        )
        queues.calm(self._dbos)
        self._turns = Turns(self._dbos, self._running)
        logging.getLogger("dbos").addFilter(lambda record: not _is_cancellation(record))
        self._membership = Membership(self._dbos, self._database, self._running, executor, queues.SHORT)
        self._membership.join()
        DBOS.listen_queues([name for name in self.queues if name != queues.DELIVERIES] if self._runs_jobs else [])
        DBOS.launch()
        queues.register(self.settings)
        self._membership.begin()
        if self._runs_jobs:
            self._turns.take()
        if not self._worker:
            self._noticing.begin()
            self._housekeeping.begin()

    def _executor(self) -> str:
        """Who this process is to the others.

        One gateway has the SQLite file to itself, so it is always the same one and takes up its own jobs at once. Any
        other process is a new one at each start: what it left is taken up when its heartbeat is seen to have stopped.
        """
        if not self._worker and not self.settings.gateway.database:
            return "gateway"
        return f"{'worker' if self._worker else 'gateway'}-{uuid.uuid4().hex}"

    def release(self) -> None:
        """Lets go of all who wait for an outcome: their jobs are recorded and go on, here or after a restart."""
        self._running.release()

    def close(self) -> None:
        """Leaves; unfinished jobs go on at the next launch, or in another process.

        Media processes at work are not ended here, which would be recorded as a failure: they end with this process.
        """
        self._turns.end()
        self._noticing.end()
        processes.close()
        self._membership.leave()

    def submit(self, upload: Upload, info: MediaInfo, plan: Plan) -> concurrent.futures.Future[Outcome]:
        """Commits the job (when this returns, it survives any crash) and starts it; the outcome to wait for.

        It is empty when the gateway stops before there is one. Raises Busy when the job cannot be recorded.
        """
        waiter = self._running.outcome_of(upload.id)
        with answering():
            self._start(upload.id, to_json(upload), to_json(info), to_json(plan))
        return waiter

    def _start(self, workflow: str, upload: Outcome, info: Outcome, plan: Outcome) -> None:
        with SetWorkflowID(workflow):
            if self._runs_jobs and plan["action"] != Action.TRANSCODE:
                DBOS.start_workflow(ingest_video, upload, info, plan)
                return
            queue = queues.TRANSCODES if plan["action"] == Action.TRANSCODE else queues.SHORT
            with SetEnqueueOptions(priority=ingest_job.priority(from_json(MediaInfo, info))):
                DBOS.enqueue_workflow(queue, ingest_video, upload, info, plan)
        self._turns.begin(queues.TRANSCODES)

    def assign(self, task: Assignment) -> concurrent.futures.Future[Outcome]:
        """Commits the move of a video to another study or patient, and starts it; as ``submit``."""
        waiter = self._running.outcome_of(task.id)
        with answering(), SetWorkflowID(task.id):
            if self._runs_jobs:
                DBOS.start_workflow(assign_video, to_json(task))
            else:
                DBOS.enqueue_workflow(queues.SHORT, assign_video, to_json(task))
        return waiter

    def deliver(self, task: Delivery) -> concurrent.futures.Future[Outcome]:
        """Commits a delivery, and starts it when its turn comes; as ``submit``."""
        waiter = self._running.outcome_of(task.id)
        self._deliver(task.id, to_json(task))
        return waiter

    def derive(self, task: Derivation) -> concurrent.futures.Future[Outcome]:
        """Commits that something is made of stored objects, and starts it when its turn comes; as ``submit``."""
        waiter = self._running.outcome_of(task.id)
        self._derive(task.id, to_json(task))
        return waiter

    def _derive(self, workflow: str, task: Outcome) -> None:
        with answering():
            queue = deriving.enqueue(workflow, task, queues.TRANSCODES)
        self._turns.begin(queue)

    def send(self, order: Order, *, awaited: bool) -> dict[str, concurrent.futures.Future[Outcome]]:
        """Commits an order and begins it; where ``awaited``, the outcomes of its parts, by workflow, as ``submit``."""
        parts = [one.id for one in order.deliveries] + ([sends.rest_of(order.id)] if order.rest else [])
        waiters = {part: self._running.outcome_of(part) for part in parts if awaited}
        with answering(), SetWorkflowID(order.id):
            if self._runs_jobs:
                DBOS.start_workflow(sends.send_order, to_json(order))
            else:
                DBOS.enqueue_workflow(queues.SHORT, sends.send_order, to_json(order))
        return waiters

    def _deliver(self, workflow: str, task: Outcome) -> None:
        with answering():
            delivering.enqueue(workflow, task)
        self._turns.begin_deliveries()

    def deliveries(self, instance: str) -> list[dict[str, Any]]:
        """Those of an instance, newest first."""
        found = DBOS.list_workflows(name=views.DELIVERY, sort_desc=True, limit=_MOST_DELIVERIES)
        mine = [one for one in found if one.input and one.input["args"][0]["instance"] == instance]
        reports = self._database.reports(views.job_of(one.workflow_id) for one in mine)
        return [views.view(self.settings, one, reports) for one in mine]

    @property
    def peers(self) -> Peers:
        """What is known of destinations."""
        return self._running.peers

    def render(
        self, arrival: Arrival, rendering: Rendering = renditions.PLAIN
    ) -> tuple[str, concurrent.futures.Future[Outcome]]:
        """Has the rendition that somebody waits for made, if nobody does yet; its job, and the outcome to wait for.

        Raises what it failed with before, where trying again would only fail again, and Busy where so many are made
        as requests want them that one more would be too many.
        """
        job = rendition_jobs.job_of(arrival.uuid, rendering)
        with self._asked:  # from the look at what there is to the record: many ask at once
            latest = views.latest_attempt(job)
            if latest is not None and latest.status in views.UNFINISHED:
                waiter = self._running.outcome_of(latest.workflow_id)
                queues.move(self._dbos, latest.workflow_id, queues.RENDITIONS)
            else:
                workflow = rendition_jobs.next_attempt(latest, job)
                rendition_jobs.refuse_too_many(rendering)
                waiter = self._render_again(latest, workflow, arrival, rendering)
        self._turns.begin(queues.RENDITIONS)
        return job, waiter

    def _render_again(
        self, latest: WorkflowStatus | None, workflow: str, arrival: Arrival, rendering: Rendering
    ) -> concurrent.futures.Future[Outcome]:
        waiter = self._running.outcome_of(workflow)
        wanted = to_json(rendering)
        with SetWorkflowID(workflow):
            DBOS.enqueue_workflow(queues.RENDITIONS, rendition_jobs.rendition, arrival.instance, arrival.uuid, wanted)
        if latest is not None:
            DBOS.delete_workflow(latest.workflow_id)
        return waiter

    def growing(self, job: str) -> Path | None:
        """A rendition that can be played while this job makes it, if there is one by now."""
        return renditions.growing(ingest_job.folder_of(self.settings, job))

    def rendition(self, stored: Stored) -> dict[str, Any] | None:
        """What there is of a stored stream's rendition, as the API shows it."""
        latest = views.latest_attempt(rendition_jobs.job_of(stored.uuid))
        return views.rendition(latest, renditions.found(self.settings, stored))

    def refused(self, job: str) -> None:
        """The sender has been told that the job failed, and has the file: its upload is not kept."""
        ingest_job.tidy(self.settings, job)

    def recorded(self, job: str) -> tuple[list[Any], concurrent.futures.Future[Outcome]] | None:
        """A job's arguments and its outcome to wait for, as ``submit`` gives it; None when there is no such job.

        Raises Busy.
        """
        with answering():
            latest = views.latest_attempt(job)
        if latest is None:
            return None
        waiter = self._running.outcome_of(job)
        if latest.status not in views.UNFINISHED:
            self._running.settle(job, views.outcome(latest))
        return list((latest.input or {"args": ()})["args"]), waiter

    def record_refusal(self, error: VideoError, job: str | None = None) -> None:
        """A refused upload whose sender may not be told shows as a failed job, under the upload's id if it has one.

        So it is with multipart on Orthanc's port, and with a resumable upload whose answer is lost. Raises Busy.
        """
        with answering(), SetWorkflowID(job or str(uuid.uuid4())):
            DBOS.start_workflow(refused_upload, failure(error)).get_result()

    def job(self, job: str) -> dict[str, Any]:
        """The job as the API shows it; raises NotFound."""
        return views.view(self.settings, views.latest(job), self._database.reports([job]))

    def jobs(self, since: int, limit: int) -> list[dict[str, Any]]:
        """Newest first; no names in them."""
        found = DBOS.list_workflows(name=views.SHOWN, sort_desc=True, limit=limit, offset=since)
        reports = self._database.reports(views.job_of(status.workflow_id) for status in found)
        return [views.view(self.settings, status, reports) for status in found]

    def unfinished(self) -> list[str]:
        """The state of every job that has not ended, looks at arrivals apart."""
        found = DBOS.list_workflows(name=views.SHOWN, status=views.UNFINISHED, load_input=False, load_output=False)
        return [views.STATES[status.status] for status in found]

    def waiting(self) -> dict[str, int]:
        """How much waits in each queue, looks at arrivals as well."""
        return dict.fromkeys(self.queues, 0) | queues.waiting(self._dbos)

    def dead_letters(self) -> int:
        """How many acknowledged uploads wait for a person's decision."""
        return self._housekeeping.dead_letters()

    def catch_up(self) -> dict[str, Any]:
        """Has every video in Orthanc looked at that was not; the job, which may be one that is under way."""
        return self.job(background.begin_catch_up())

    def findings(self, stored: str) -> list[dict[str, Any]] | None:
        """What the first look at the stored object with this UUID found; None while there was none."""
        return background.findings(stored)

    def films(self) -> list[tuple[str, str]]:
        """When each film of single pictures that was looked at came into Orthanc, and its instance."""
        return self._database.films()

    def awaited_study(self, study: str) -> dict[str, Any] | None:
        """The study of this Orthanc ID as it will be, where an acknowledged upload that is not stored yet makes it."""
        unfinished = DBOS.list_workflows(status=views.UNFINISHED, name="ingest_video")
        arguments = ((status.input or {"args": ()})["args"] for status in unfinished)
        return awaited.study(
            study,
            (
                ingest_job.foreseen(from_json(Upload, upload), from_json(MediaInfo, info), from_json(Plan, plan))
                for upload, info, plan in arguments
            ),
        )

    def cancel(self, job: str) -> None:
        """Ends a job at once and discards a dead letter's upload; a finished one stays as it is."""
        latest = views.latest(job)
        if latest.status in views.UNFINISHED:
            DBOS.cancel_workflow(latest.workflow_id)
            metrics.job_ended(views.CANCELLED)
            active = self._running.active.get(job)
            if active is not None:
                active.end(cancelled=True)
            elif latest.status != "PENDING":  # else whoever runs it sees that it is cancelled, and clears up
                ingest_job.tidy(self.settings, job)
            for waited in {job, latest.workflow_id}:
                self._running.settle(waited, views.CANCELLED)
        elif views.keeps_upload(latest):
            ingest_job.tidy(self.settings, job)

    def retry(self, job: str) -> None:
        """Tries a dead letter again, or what failed without an upload; raises NotFound, or Conflict for all else."""
        latest = views.latest(job)
        if latest.name == views.RENDITION and views.state_of(latest) == "Failure" and latest.input is not None:
            arrival, rendering = rendition_jobs.wanted(latest.input["args"])
            self._render_again(latest, views.next_attempt(latest.workflow_id), arrival, rendering)
            self._turns.begin(queues.RENDITIONS)
            return
        again = {views.DELIVERY: self._deliver, views.DERIVE: self._derive}.get(latest.name)
        if again is not None and views.state_of(latest) == "Failure" and latest.input is not None:
            again(views.next_attempt(latest.workflow_id), latest.input["args"][0])
            DBOS.delete_workflow(latest.workflow_id)
            return
        if not views.is_dead_letter(self.settings, latest) or latest.input is None:
            raise Conflict("Only a job that failed after its upload was acknowledged can be tried again.")
        self._start(views.next_attempt(latest.workflow_id), *latest.input["args"])
        DBOS.delete_workflow(latest.workflow_id)


def _is_cancellation(record: logging.LogRecord) -> bool:
    """A cancelled job's traceback, which DBOS logs as an error, tells nobody anything."""
    kind = record.exc_info[0] if record.exc_info else None
    text = record.getMessage() if kind is None else kind.__name__
    return "CancelledError" in text or "ConflictIDError" in text
