"""A job of this gateway's as Orthanc shows its own jobs that send (GET /jobs/{id}). Pure."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

# Orthanc's own IDs are UUIDs, so that none of them is ever one of ours.
PREFIX = "video-"
PENDING, RUNNING, RETRY, SUCCESS, FAILURE = "Pending", "Running", "Retry", "Success", "Failure"
PAUSED = "Paused"
# Orthanc's codes of errors (OrthancErrorCode of its plugin SDK).
_NO_ERROR, NETWORK, CANCELLED = (0, "Success"), (9, "Error in the network protocol"), (37, "This job was canceled")
_UNFINISHED = (RUNNING, RETRY, PAUSED, PENDING)


@dataclass(frozen=True, slots=True)
class Part:
    """``count`` instances that are sent together; ``progress`` from 0 to 1, ``error`` and ``details`` of a failure."""

    state: str
    progress: float = 0.0
    count: int = 1
    failed: int = 0
    error: tuple[int, str] = NETWORK
    details: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What Orthanc's description of a job says that does not follow from its parts. Times in seconds since 1970."""

    id: str
    resources: Sequence[str]
    local: str
    remote: str
    originator: str = ""
    message: int = 0
    priority: int = 0
    permissive: bool = False
    created: float = 0.0
    completed: float | None = None
    deliveries: Sequence[str] = ()
    rest: str = ""


def new_id() -> str:
    return f"{PREFIX}{uuid.uuid4()}"


def path_of(job: str) -> str:
    return f"/jobs/{job}"


def ended(shown: dict[str, Any]) -> bool:
    return shown["State"] in {SUCCESS, FAILURE}


def shown(told: Told, parts: Sequence[Part]) -> dict[str, Any]:
    """The whole job."""
    now = datetime.datetime.now(datetime.UTC).timestamp()
    state = _state(parts, permissive=told.permissive)
    failure = next((part for part in parts if part.state == FAILURE), None) if state == FAILURE else None
    code, description = failure.error if failure else _NO_ERROR
    total = sum(part.count for part in parts)
    done = sum(part.count * (1.0 if part.state == SUCCESS else part.progress) for part in parts)
    over = state in {SUCCESS, FAILURE}
    end = (told.completed or now) if over else now
    return {
        **({"CompletionTime": _time(end)} if over else {}),
        "Content": _content(told, parts),
        "CreationTime": _time(told.created),
        "EffectiveRuntime": round(max(0.0, end - told.created), 3),
        "ErrorCode": code,
        "ErrorDescription": description,
        "ErrorDetails": failure.details if failure else "",
        "ID": told.id,
        "Priority": told.priority,
        "Progress": 100 if state == SUCCESS else int(100 * done / total) if total else 0,
        "State": state,
        "Timestamp": _time(now),
        "Type": "DicomModalityStore",
    }


def _state(parts: Sequence[Part], *, permissive: bool) -> str:
    states = {part.state for part in parts}
    if not states & set(_UNFINISHED):
        return FAILURE if FAILURE in states and not permissive else SUCCESS
    if states & {SUCCESS, FAILURE} and PENDING in states:  # some are through, others wait for their turn
        states.add(RUNNING)
    return next(state for state in _UNFINISHED if state in states)


def _content(told: Told, parts: Sequence[Part]) -> dict[str, Any]:
    mover = {"MoveOriginatorAET": told.originator, "MoveOriginatorID": told.message} if told.message else {}
    return {
        "Description": "REST API",
        "FailedInstancesCount": sum(part.failed for part in parts),
        "InstancesCount": sum(part.count for part in parts),
        "LocalAet": told.local,
        **mover,
        "ParentResources": list(told.resources),
        "RemoteAet": told.remote,
        "Video": {"Deliveries": list(told.deliveries), "Rest": told.rest},
    }


def of_orthanc(job: dict[str, Any]) -> Part:
    """The rest, by Orthanc's own description of its job or by what was recorded of that."""
    content, state = job.get("Content", {}), str(job["State"])
    return Part(
        state,
        int(job.get("Progress", 0)) / 100,
        int(content.get("InstancesCount", 0)),
        int(content.get("FailedInstancesCount", 0)),
        (int(job.get("ErrorCode", 0)), str(job.get("ErrorDescription", ""))),
        str(job.get("ErrorDetails", "")),
    )


def recorded(job: dict[str, Any]) -> dict[str, Any]:
    """As much of Orthanc's description of its job as ``of_orthanc`` needs."""
    counts = {key: job["Content"].get(key, 0) for key in ("InstancesCount", "FailedInstancesCount")}
    kept = ("State", "Progress", "ErrorCode", "ErrorDescription", "ErrorDetails")
    return {key: job[key] for key in kept if key in job} | {"Content": counts}


def _time(seconds: float) -> str:
    return f"{datetime.datetime.fromtimestamp(seconds, datetime.UTC):%Y%m%dT%H%M%S.%f}"
