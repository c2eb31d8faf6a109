"""Orders to send: videos and the rest as one job, in the words of Orthanc's own jobs."""

from __future__ import annotations

import concurrent.futures
from collections.abc import Mapping
from typing import Any

from dbos import DBOS, WorkflowStatus

from orthanc_video.archive import jobs
from orthanc_video.archive import orders as orthanc
from orthanc_video.archive.jobs import Part, Told
from orthanc_video.archive.service import Archive
from orthanc_video.errors import Conflict, NotFound
from orthanc_video.jobs import sends, views
from orthanc_video.jobs.engine import Engine
from orthanc_video.jobs.running import Outcome
from orthanc_video.plain import from_json
from orthanc_video.routing.delivery import Delivery, Order

Waiters = dict[str, "concurrent.futures.Future[Outcome]"]
_NONE: Mapping[str, Outcome] = {}


class Orders:
    """Those of an engine. Blocking."""

    def __init__(self, engine: Engine, archive: Archive) -> None:
        self._engine = engine
        self._archive = archive

    def begin(self, order: Order, *, awaited: bool) -> Waiters:
        """Commits an order and begins it; what its parts come to, by workflow, where that is awaited."""
        return self._engine.send(order, awaited=awaited)

    def job(self, job: str, outcomes: Mapping[str, Outcome] = _NONE) -> dict[str, Any]:
        """As Orthanc shows a job of its own; ``outcomes`` are those that are known already. Raises NotFound."""
        status, order = _recorded(job)
        parts = [self._delivery(one, status, outcomes) for one in order.deliveries]
        if order.rest:
            parts.append(self._rest(order, outcomes))
        terms = order.deliveries[0].terms
        told = Told(
            id=job,
            resources=order.resources,
            local=order.local,
            remote=order.remote,
            originator=terms.originator,
            message=terms.message,
            priority=order.priority,
            permissive=order.permissive,
            created=(status.created_at or 0) / 1000,
            completed=_completed(order),
            deliveries=[one.id for one in order.deliveries],
            rest=order.rest,
        )
        return jobs.shown(told, parts)

    def cancel(self, job: str) -> None:
        """Ends all of it that has not ended. Raises NotFound."""
        status, order = _recorded(job)
        if status.status in views.UNFINISHED:
            DBOS.cancel_workflow(job)
        for one in order.deliveries:
            if views.latest_attempt(one.id) is not None:
                self._engine.cancel(one.id)
        if order.rest:
            orthanc.control(self._archive, order.rest, "cancel")

    def resubmit(self, job: str) -> None:
        """Tries again what of it failed. Raises NotFound, Conflict where nothing can be tried again."""
        _, order = _recorded(job)
        again = [one.id for one in order.deliveries if self._failed(one.id)]
        for delivery in again:
            self._engine.retry(delivery)
        rest = _latest_rest(order)
        failed = rest is not None and rest.status in views.ENDED and views.state_of(rest) == "Failure"
        if rest is not None and failed and orthanc.control(self._archive, order.rest, "resubmit"):
            sends.follow(views.next_attempt(rest.workflow_id), order.rest)
        elif not again:
            raise Conflict("Nothing of this job can be tried again: it has not failed, or Orthanc has forgotten it.")

    def _failed(self, delivery: str) -> bool:
        latest = views.latest_attempt(delivery)
        return latest is not None and latest.status in views.ENDED and views.state_of(latest) == "Failure"

    def _delivery(self, one: Delivery, order: WorkflowStatus, outcomes: Mapping[str, Outcome]) -> Part:
        if one.id in outcomes:
            told = outcomes[one.id]
        elif views.latest_attempt(one.id) is not None:
            told = self._engine.job(one.id)
        else:  # the order has not begun it yet, and never will where it was cancelled before
            told = views.CANCELLED if order.status == "CANCELLED" else {"State": jobs.PENDING}
        sentence = str(told.get("Sentence", ""))
        if told["State"] == "Cancelled":
            return Part(jobs.FAILURE, failed=1, error=jobs.CANCELLED, details=sentence)
        if told["State"] == jobs.RUNNING and told["Stage"] == "wait":
            return Part(jobs.RETRY)
        if told["State"] == jobs.RUNNING:
            return Part(jobs.RUNNING, told["Progress"] / 100 if told["Stage"] == "send" else 0.0)
        failed = told["State"] == jobs.FAILURE
        return Part(str(told["State"]), failed=int(failed), details=sentence if failed else "")

    def _rest(self, order: Order, outcomes: Mapping[str, Outcome]) -> Part:
        came_to = outcomes.get(sends.rest_of(order.id))
        latest = _latest_rest(order) if came_to is None else None
        if latest is not None and latest.status in views.ENDED:
            came_to = views.outcome(latest)
        if came_to is None:
            found = orthanc.job(self._archive, order.rest)
            return jobs.of_orthanc(found) if found else Part(jobs.RUNNING, count=0)
        if "Job" in came_to:
            return jobs.of_orthanc(came_to["Job"])
        return Part(jobs.FAILURE, count=0, details=str(came_to.get("Sentence", "")))


def _recorded(job: str) -> tuple[WorkflowStatus, Order]:
    found = DBOS.list_workflows(workflow_ids=[job], name=views.ORDER)
    if not found or found[0].input is None:
        raise NotFound("There is no such job.")
    return found[0], from_json(Order, found[0].input["args"][0])


def _latest_rest(order: Order) -> WorkflowStatus | None:
    """The last attempt at it; None while there is none."""
    name = sends.rest_of(order.id)
    found = DBOS.list_workflows(workflow_id_prefix=name, name=views.REST, sort_desc=True, limit=1)
    return found[0] if found else None


def _completed(order: Order) -> float | None:
    """When the last of its parts ended, in seconds since 1970; None while one has not."""
    latest = [views.latest_attempt(one.id) for one in order.deliveries]
    if order.rest:
        latest.append(_latest_rest(order))
    ends = [one.completed_at for one in latest if one is not None]
    known = [end for end in ends if end is not None]
    return max(known) / 1000 if len(known) == len(latest) and known else None
