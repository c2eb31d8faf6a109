"""What a process does at each look at the job table; DBOS's own table, without a server."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from dbos import DBOS, SetWorkflowID, WorkflowHandle

from orthanc_video.jobs.database import Database
from orthanc_video.jobs.membership import Membership
from orthanc_video.jobs.running import Active, Running
from orthanc_video.settings import settings_from

_EXECUTOR = "this-process"


@DBOS.workflow(name="test_of_membership")
def _nothing() -> None:
    pass


@pytest.fixture
def table(tmp_path: Path) -> Iterator[tuple[Membership, Running]]:
    """A job table with one job that ended long ago, in a process that has nothing to do."""
    settings = settings_from({"VideoGateway": {"Directory": str(tmp_path)}})
    database = Database(settings)
    database.prepare()
    dbos = DBOS(
        config={"name": "test", "system_database_url": database.url, "executor_id": _EXECUTOR, "log_level": "ERROR"}
    )
    DBOS.launch()
    with SetWorkflowID("ended"):
        _nothing()
    archive: Any = SimpleNamespace()
    running = Running(settings, archive, database, 1, 1)
    yield Membership(dbos, database, running, _EXECUTOR, "queue"), running
    DBOS.destroy()
    database.close()


def test_a_look_when_the_last_job_has_just_ended(
    table: tuple[Membership, Running], caplog: pytest.LogCaptureFixture
) -> None:
    """No workflow named is for DBOS every workflow: none of those is this process's business."""
    membership, running = table
    running.reported = {"just-ended": {"Stage": "store"}}
    with caplog.at_level(logging.WARNING):
        membership._look()
    assert running.reported == {}
    assert membership._next_beat > 0


def test_a_job_that_is_no_longer_this_processs_is_ended(table: tuple[Membership, Running]) -> None:
    membership, running = table
    ended = []
    active = Active("ended")
    active.end = lambda *, cancelled: ended.append(cancelled)  # type: ignore[method-assign]
    running.active["ended"] = active
    membership._look()
    assert ended == [False]


def wait_for(event: threading.Event) -> None:
    assert event.wait(30)


_began, _goes_on = threading.Event(), threading.Event()
_runs: list[str] = []


@DBOS.workflow(name="test_of_a_thread_that_dies")
def _dies_the_first_time() -> str:
    _runs.append("dies")
    if len(_runs) == 1:
        raise SystemExit  # no outcome is recorded of it: as if even that had failed
    return "done"


@DBOS.workflow(name="test_of_a_thread_that_works")
def _works() -> str:
    _runs.append("works")
    _began.set()
    wait_for(_goes_on)
    return "done"


def test_a_job_whose_thread_has_died_is_taken_up_again(table: tuple[Membership, Running]) -> None:
    """At the second look: it may have begun at the first."""
    membership, _ = table
    _runs.clear()
    membership.join()
    DBOS.register_queue("queue", polling_interval_sec=0.1)
    with SetWorkflowID("dies"):
        handle = DBOS.start_workflow(_dies_the_first_time)
    with pytest.raises(SystemExit):
        handle.get_result()
    membership._take_over()
    assert DBOS.list_workflows(workflow_ids=["dies"])[0].status == "PENDING"
    membership._take_over()
    assert DBOS.list_workflows(workflow_ids=["dies"])[0].status != "PENDING"
    again: WorkflowHandle[str] = DBOS.retrieve_workflow("dies")
    assert again.get_result() == "done"
    assert _runs == ["dies", "dies"]


def test_a_job_that_is_worked_on_is_left_alone(table: tuple[Membership, Running]) -> None:
    membership, _ = table
    _runs.clear()
    membership.join()
    DBOS.register_queue("queue", polling_interval_sec=0.1)
    with SetWorkflowID("works"):
        handle = DBOS.start_workflow(_works)
    wait_for(_began)
    for _ in range(3):
        membership._take_over()
    assert DBOS.list_workflows(workflow_ids=["works"])[0].status == "PENDING"
    _goes_on.set()
    assert handle.get_result() == "done"
    assert _runs == ["works"]
