"""The queues: what waits in which, how much of each runs at once in one process, and how often DBOS looks."""

from __future__ import annotations

import os

import sqlalchemy as sa
from dbos import DBOS, _workflow_commands
from dbos._core import execute_dequeued_workflow
from dbos._utils import GlobalParams, generate_uuid

from orthanc_video.jobs import background, rendering
from orthanc_video.settings import MIB, Settings

# What takes minutes, what takes seconds and is not to wait behind it, and what nobody waits for.
TRANSCODES, SHORT, BACKGROUND = "transcodes", "short", background.QUEUE
# What takes minutes while somebody waits to see a video, and the same before anybody does.
RENDITIONS, IN_ADVANCE = "renditions", rendering.IN_ADVANCE
NAMES = (TRANSCODES, SHORT, BACKGROUND, RENDITIONS, IN_ADVANCE)
_SHORT_AT_ONCE = 8
# A queue starts no more at each look; of these, a process works on one at a time.
_BACKGROUND_AT_ONCE = 16
_IN_ADVANCE_AT_ONCE = 1
_POLL_SECONDS = 2.0


def register(settings: Settings) -> None:
    """Makes the queues, or brings them up to these settings; to be called once DBOS is launched."""
    at_once = {
        TRANSCODES: transcodes_at_once(settings),
        SHORT: _SHORT_AT_ONCE,
        BACKGROUND: _BACKGROUND_AT_ONCE,
        RENDITIONS: transcodes_at_once(settings),
        IN_ADVANCE: _IN_ADVANCE_AT_ONCE,
    }
    for name, most in at_once.items():
        DBOS.register_queue(
            name, worker_concurrency=most, polling_interval_sec=_POLL_SECONDS, on_conflict="always_update"
        )


def transcodes_at_once(settings: Settings) -> int:
    """As configured, else one for every four cores (x264 uses about that many well), as far as memory goes."""
    if settings.gateway.transcodes:
        return settings.gateway.transcodes
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    by_memory = memory // (settings.gateway.worker_memory_mb * MIB)
    return max(1, min((os.cpu_count() or 1) // 4, by_memory))


# Not public API of DBOS, whose version is pinned: what follows is tested (test_fairness.py, test_crashes.py).


def calm(dbos: DBOS) -> None:
    """Looks less often for what is not used here (delays, deadlines) or may wait: most of what an idle process does."""
    _workflow_commands._BACKGROUND_JOBS_INTERVAL_SEC = 60.0
    dbos._registry.get_internal_queue()._polling_interval_sec = _POLL_SECONDS


def move(dbos: DBOS, workflow: str, name: str) -> None:
    """A workflow that waits for its turn waits in this queue from now on; one that has begun goes on."""
    system = dbos._sys_db
    table = system.tables.workflow_status
    waits = (*system._wf(table, workflow), table.c.status == "ENQUEUED")
    with system.engine.begin() as connection:
        connection.execute(sa.update(table).where(*waits).values(queue_name=name))


class Claim:
    """The workflow whose turn it is in a queue, taken by this process now instead of at DBOS's next look.

    ``workflow`` is None when none waits.
    """

    def __init__(self, dbos: DBOS, name: str) -> None:
        self._dbos = dbos
        self._owner = generate_uuid()
        queue = dbos._sys_db.get_queue(name)
        found: list[str] = []
        if queue is not None:
            all_but_one = (queue._worker_concurrency or 1) - 1
            found, _ = dbos._sys_db.start_queued_workflows(
                queue,
                GlobalParams.executor_id,
                GlobalParams.app_version,
                None,
                all_but_one,
                owner_xid=self._owner,
                is_latest_version=True,
            )
        self.workflow = found[0] if found else None

    def begin(self) -> None:
        """Runs it, as DBOS does with what it has claimed."""
        status = self._dbos._sys_db.get_workflow_status(self.workflow or "")
        if status is not None:
            execute_dequeued_workflow(self._dbos, status, self._owner)
