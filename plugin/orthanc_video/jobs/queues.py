"""The queues: what waits in which, how much of each runs at once in one process, and how often DBOS looks."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator

import sqlalchemy as sa
from dbos import DBOS, _scheduler, _workflow_commands
from dbos._core import execute_dequeued_workflow
from dbos._utils import INTERNAL_QUEUE_NAME, GlobalParams, generate_uuid

from orthanc_video.jobs import background, delivering, deriving, rendering, sends
from orthanc_video.settings import MIB, Settings

# What takes minutes, what takes seconds and is not to wait behind it, and what nobody waits for.
TRANSCODES, SHORT, BACKGROUND = "transcodes", "short", background.QUEUE
# What takes minutes while somebody waits to see a video, and the same before anybody does.
RENDITIONS, IN_ADVANCE = "renditions", rendering.IN_ADVANCE
# What goes to destinations, to each by itself: DBOS looks into it no more than this process has it do.
DELIVERIES = delivering.QUEUE
# Orthanc's own jobs that are followed to their end.
RESTS = sends.QUEUE
# What is made of stored objects in seconds, while somebody waits for it.
DERIVATIONS = deriving.QUEUE
NAMES = (TRANSCODES, SHORT, BACKGROUND, RENDITIONS, IN_ADVANCE, DELIVERIES, RESTS, DERIVATIONS)
_SHORT_AT_ONCE = 8
# A queue starts no more at each look; of these, a process works on one at a time.
_BACKGROUND_AT_ONCE = 16
_RESTS_AT_ONCE = 16
_IN_ADVANCE_AT_ONCE = 1
# More than there will be: how many go to a destination at once is its own affair (``Running.way``).
_TO_ONE_AT_ONCE = 1000
# The engine looks into these with one question, DBOS into each by itself: most of what an idle process does.
POLL_SECONDS, _SELDOM_SECONDS = 2.0, 10.0
# Where DBOS puts what it takes up again after a restart.
_RECOVERED = INTERNAL_QUEUE_NAME
# From these all that wait are begun as far as there is room, without regard to what else goes on.
AT_ONCE = (SHORT, BACKGROUND, RESTS, _RECOVERED)
LOOKED_INTO = (TRANSCODES, RENDITIONS, DERIVATIONS, *AT_ONCE)
_WAITS = ("ENQUEUED", "DELAYED")


def register(settings: Settings) -> None:
    """Makes the queues, or brings them up to these settings; to be called once DBOS is launched."""
    at_once = {
        TRANSCODES: transcodes_at_once(settings),
        SHORT: _SHORT_AT_ONCE,
        BACKGROUND: _BACKGROUND_AT_ONCE,
        RENDITIONS: transcodes_at_once(settings),
        DERIVATIONS: derivations_at_once(settings),
        IN_ADVANCE: _IN_ADVANCE_AT_ONCE,
        RESTS: _RESTS_AT_ONCE,
    }
    for name, most in at_once.items():
        DBOS.register_queue(
            name, worker_concurrency=most, polling_interval_sec=_SELDOM_SECONDS, on_conflict="always_update"
        )
    DBOS.register_queue(
        DELIVERIES,
        partition_worker_concurrency=_TO_ONE_AT_ONCE,
        polling_interval_sec=_SELDOM_SECONDS,
        on_conflict="always_update",
    )


def transcodes_at_once(settings: Settings) -> int:
    """As configured, else one for every four cores (x264 uses about that many well), as far as memory goes."""
    if settings.gateway.transcodes:
        return settings.gateway.transcodes
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    by_memory = memory // (settings.gateway.worker_memory_mb * MIB)
    return max(1, min((os.cpu_count() or 1) // 4, by_memory))


def derivations_at_once(settings: Settings) -> int:
    """One that takes longer does not hold up all others."""
    return max(2, transcodes_at_once(settings))


# Not public API of DBOS, whose version is pinned: what follows is tested (test_fairness.py, test_crashes.py).


def calm(dbos: DBOS) -> None:
    """Looks less often for what is not used here (delays, deadlines, schedules) or what the engine looks for itself."""
    _workflow_commands._BACKGROUND_JOBS_INTERVAL_SEC = 60.0
    _scheduler._STARTUP_FAST_POLL_DURATION_SEC = 0.0
    dbos._registry.get_internal_queue()._polling_interval_sec = _SELDOM_SECONDS


def move(dbos: DBOS, workflow: str, name: str) -> None:
    """A workflow that waits for its turn waits in this queue from now on; one that has begun goes on."""
    system = dbos._sys_db
    table = system.tables.workflow_status
    waits = (*system._wf(table, workflow), table.c.status == "ENQUEUED")
    with system.engine.begin() as connection:
        connection.execute(sa.update(table).where(*waits).values(queue_name=name))


def waiting(dbos: DBOS) -> dict[str, int]:
    """How many workflows wait in each queue, those that have none apart: there may be very many."""
    table = dbos._sys_db.tables.workflow_status
    counted = (
        sa.select(table.c.queue_name, sa.func.count()).where(table.c.status.in_(_WAITS)).group_by(table.c.queue_name)
    )
    with dbos._sys_db.engine.begin() as connection:
        return {name: count for name, count in connection.execute(counted) if name in NAMES}


def next_priorities(dbos: DBOS, names: Iterable[str]) -> dict[str, int]:
    """Of each of these queues in which something waits, the priority of that whose turn it is; 0 where it has none."""
    table = dbos._sys_db.tables.workflow_status
    first = (
        sa.select(table.c.queue_name, sa.func.min(table.c.priority))
        .where(table.c.queue_name.in_(list(names)), table.c.status == "ENQUEUED")
        .group_by(table.c.queue_name)
    )
    with dbos._sys_db.engine.begin() as connection:
        return {name: int(priority or 0) for name, priority in connection.execute(first)}


def destinations(dbos: DBOS) -> list[str]:
    """Those to which something waits to be delivered."""
    table = dbos._sys_db.tables.workflow_status
    wanted = (
        sa.select(table.c.queue_partition_key)
        .where(table.c.queue_name == DELIVERIES, table.c.status == "ENQUEUED")
        .distinct()
    )
    with dbos._sys_db.engine.begin() as connection:
        return sorted(filter(None, connection.execute(wanted).scalars()))


def owners(dbos: DBOS, workflows: Iterable[str]) -> dict[str, tuple[str, str | None]]:
    """The status of each of these workflows, and the process that it was given to. Asked twice a second."""
    table = dbos._sys_db.tables.workflow_status
    wanted = sa.select(table.c.workflow_uuid, table.c.status, table.c.executor_id).where(
        table.c.workflow_uuid.in_(list(workflows))
    )
    with dbos._sys_db.engine.begin() as connection:
        return {workflow: (status, owner) for workflow, status, owner in connection.execute(wanted)}


def at_work(dbos: DBOS) -> set[str] | None:
    """The workflows that have a thread in this process; None while some that it has begun may wait for one."""
    if not dbos._executor._work_queue.empty():
        return None
    return set(dbos._active_workflows_set.activeList())


@contextlib.contextmanager
def _one_at_a_time(dbos: DBOS) -> Iterator[None]:
    """What another process takes from a queue at this moment is left to it."""
    try:
        yield
    except sa.exc.DBAPIError as error:
        if not (dbos._sys_db.is_lock_conflict(error) or dbos._sys_db.is_serialization_conflict(error)):
            raise


class Claim:
    """Workflows taken from a queue by this process now instead of at DBOS's next look, in their order.

    ``workflows`` is empty when none waits, or there is no room.
    """

    def __init__(self, dbos: DBOS, name: str, *, one: bool, destination: str | None = None) -> None:
        """``one``: the first alone, whatever else of this queue runs here; else as many as may run at once.

        ``destination``: of deliveries, those that go there.
        """
        self._dbos = dbos
        self._owner = generate_uuid()
        queue = dbos._registry.get_internal_queue() if name == _RECOVERED else dbos._sys_db.get_queue(name)
        self.workflows: list[str] = []
        if queue is None:
            return
        running = (queue._worker_concurrency or 1) - 1 if one else dbos._active_workflows_set.count_for_queue(name)
        with _one_at_a_time(dbos):
            self.workflows, _ = dbos._sys_db.start_queued_workflows(
                queue,
                GlobalParams.executor_id,
                GlobalParams.app_version,
                destination,
                running,
                _TO_ONE_AT_ONCE - 1,
                owner_xid=self._owner,
                is_latest_version=True,
            )

    def begin(self) -> None:
        """Runs them, as DBOS does with what it has claimed."""
        for workflow in self.workflows:
            status = self._dbos._sys_db.get_workflow_status(workflow)
            if status is not None:
                execute_dequeued_workflow(self._dbos, status, self._owner)
