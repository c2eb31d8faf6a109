"""This process among all that run jobs: it says that it lives, takes over from the dead, and obeys the job table.

A process whose beat is older than ``TIME_TO_LIVE`` seconds is taken for dead, and its unfinished jobs go back to a
queue. It may only have been slow: DBOS then refuses what it records, and its media processes end as soon as it looks.
A job whose thread has died in a process that lives goes back, too, once that process has seen it twice.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable

import sqlalchemy as sa
from dbos import DBOS, WorkflowStatus

from orthanc_video.jobs import queues
from orthanc_video.jobs.database import Database
from orthanc_video.jobs.running import Running

log = logging.getLogger(__name__)

TIME_TO_LIVE = 15.0
_LOOK = 0.5
_LONG_DEAD = 3600.0


class Membership:
    """One thread that looks at the job table twice a second while there is something to look for."""

    def __init__(self, dbos: DBOS, database: Database, running: Running, executor: str, recovery_queue: str) -> None:
        self._dbos = dbos
        self._database = database
        self._running = running
        self._executor = executor
        self._recovery_queue = recovery_queue
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="membership", daemon=True)
        self._next_beat = 0.0
        self._next_judgement = 0.0
        self._answers = True
        self._lost: set[tuple[str, int]] = set()

    def join(self) -> None:
        """From here on this process counts as living; its own unfinished jobs are not taken by others."""
        self._database.beat(self._executor)

    def begin(self) -> None:
        """To be called once DBOS is launched."""
        self._thread.start()

    def leave(self) -> None:
        """Lets others take up what is unfinished, at once."""
        self._stop.set()
        self._running.woken.set()
        self._thread.join(timeout=2)
        try:
            self._database.leave(self._executor)
        except sa.exc.SQLAlchemyError:
            log.warning("The jobs' database does not answer: others wait %g s before they take over.", TIME_TO_LIVE)

    def _run(self) -> None:
        while True:
            self._wait()
            if self._stop.is_set():
                return
            try:
                self._look()
            except Exception as error:
                if self._answers:
                    log.warning("The jobs' database does not answer (%s); it is asked again.", type(error).__name__)
                self._answers = False
                # What others did meanwhile is not known: they get the time to show that they live.
                self._next_judgement = time.monotonic() + TIME_TO_LIVE
            else:
                self._answers = True

    def _wait(self) -> None:
        """Until it is time to look again; at once when work comes to a process that had none."""
        if self._running.active or self._running.reported or self._running.awaited():
            self._stop.wait(_LOOK)
        else:
            self._running.woken.wait(TIME_TO_LIVE / 4)
        self._running.woken.clear()

    def _look(self) -> None:
        if self._running.active or self._running.reported:
            self._obey()
            self._running.reported = {job: active.report() for job, active in list(self._running.active.items())}
            self._database.report(self._executor, self._running.reported)
        self._settle_elsewhere()
        now = time.monotonic()
        if now >= self._next_beat:
            self._database.beat(self._executor)
            self._next_beat = now + TIME_TO_LIVE / 4
        if now >= self._next_judgement:
            self._take_over()
            self._next_judgement = now + TIME_TO_LIVE / 2

    def _obey(self) -> None:
        """Ends the media processes of jobs that were cancelled, or that another process has taken over."""
        active = {one.workflow: one for one in list(self._running.active.values())}
        for workflow, (status, owner) in queues.owners(self._dbos, active).items():
            if status == "CANCELLED":
                active[workflow].end(cancelled=True)
            elif status != "PENDING" or owner != self._executor:
                active[workflow].end(cancelled=False)

    def _settle_elsewhere(self) -> None:
        """Hands on the outcomes of jobs that are waited for here and run in another process."""
        elsewhere = self._running.awaited() - set(self._running.active)
        if elsewhere:
            for status in DBOS.list_workflows(workflow_ids=list(elsewhere), load_input=False):
                if isinstance(status.output, dict):
                    self._running.settle(status.workflow_id, status.output)

    def _take_over(self) -> None:
        living = self._database.living(TIME_TO_LIVE)
        pending = DBOS.list_workflows(status="PENDING", load_input=False, load_output=False)
        for status in pending:
            if status.executor_id not in living and self._reenqueue(status):
                log.warning("A job of a process that no longer answers is taken up again.")
                self._database.forget_the_dead(_LONG_DEAD)
        self._take_up_the_lost(status for status in pending if status.executor_id == self._executor)

    def _take_up_the_lost(self, own: Iterable[WorkflowStatus]) -> None:
        """What is this process's, and nobody here is at it, now as at the look before: its thread has died."""
        at_work = queues.at_work(self._dbos)
        lost = {} if at_work is None else {_run(status): status for status in own if status.workflow_id not in at_work}
        for run in self._lost & lost.keys():
            if self._reenqueue(lost[run]):
                log.warning("A job that nobody was at any more is taken up again.")
        self._lost = set(lost)

    def _reenqueue(self, status: WorkflowStatus) -> bool:
        """Puts a job back into its queue if its owner has not changed since it was looked at.

        Not public API: ``resume_workflow``, which is, forgets the number of attempts and does not look at the owner.
        """
        owners = [status.executor_id or ""]
        return self._dbos._sys_db.reenqueue_for_recovery(status.workflow_id, owners, self._recovery_queue)


def _run(status: WorkflowStatus) -> tuple[str, int]:
    """Which run of which workflow: each one that begins is counted."""
    return status.workflow_id, status.recovery_attempts or 0
