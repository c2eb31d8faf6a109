"""Orders to send as Orthanc reads them, and the jobs of them as Orthanc shows its own."""

from __future__ import annotations

import json
from typing import Any

import pytest

from orthanc_video.archive import jobs, orders
from orthanc_video.archive.jobs import Part, Told
from orthanc_video.errors import BadRequest

ONE, OTHER = "-".join(["0123abcd"] * 5), "-".join(["89abcdef"] * 5)


@pytest.mark.parametrize(
    "body",
    [ONE, f" {ONE}\r\n", json.dumps(ONE), json.dumps([ONE]), json.dumps({"Resources": [f" {ONE} "], "Other": 1})],
)
def test_one_resource_in_each_way(body: str) -> None:
    asked = orders.read(body.encode())
    assert asked is not None
    assert asked.resources == (ONE,)
    assert asked.synchronous


@pytest.mark.parametrize(
    "body",
    [
        *("", "nonsense", "5", "null", "{}", "[5]", f"{ONE}\n{OTHER}", '["x"]', "[" * 100_000),
        *(json.dumps({"Resources": given}) for given in (ONE, None, {ONE: 1}, [ONE, "x"])),
        *(json.dumps({"Resources": [ONE], key: value}) for key, value in {"Synchronous": "no", "Port": "1"}.items()),
        *(json.dumps({"Resources": [ONE], key: value}) for key, value in {"Priority": True, "LocalAet": 5}.items()),
    ],
)
def test_what_orthanc_has_to_judge(body: str) -> None:
    assert orders.read(body.encode()) is None


@pytest.mark.parametrize(
    "fields",
    [
        *({"Port": port} for port in (-1, 0, 65536)),
        *({"MoveOriginatorID": number} for number in (-1, 65536)),
        *({"Timeout": seconds} for seconds in (-1, 1 << 40)),
        *({"LocalAet": title} for title in ("A" * 17, "A\\B", "A\nB", "\x00", "É", "  ")),
        {"CalledAet": "A" * 17},
        {"MoveOriginatorAet": "A" * 17},
    ],
    ids=str,
)
def test_what_nothing_can_be_sent_with_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(BadRequest, match=next(iter(fields))):
        orders.refuse_unusable({"Permissive": True} | fields)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"Port": 1, "MoveOriginatorID": 0, "Timeout": 0, "LocalAet": "A" * 16, "CalledAet": ""},
        {"Port": 65535, "MoveOriginatorID": 65535, "Timeout": 3600, "LocalAet": "A B_1", "MoveOriginatorAet": "MOVER"},
    ],
)
def test_what_can_be_sent_with_is_not(fields: dict[str, Any]) -> None:
    orders.refuse_unusable(fields)


@pytest.mark.parametrize(
    ("fields", "waits"),
    [
        ({}, True),
        ({"Synchronous": False}, False),
        ({"Asynchronous": True}, False),
        ({"Synchronous": True, "Asynchronous": True}, True),
    ],
)
def test_whether_somebody_waits(fields: dict[str, bool], waits: bool) -> None:
    asked = orders.read(json.dumps({"Resources": [], **fields}).encode())
    assert asked is not None
    assert asked.synchronous is waits
    assert dict(asked.fields) == fields


TOLD = Told(id="video-1", resources=[ONE], local="ORTHANC", remote="PEER", created=1_790_000_000.0)
DONE, FAILED = Part("Success"), Part("Failure", failed=1, details="No.")
OWN: dict[str, Any] = {
    "State": "Running",
    "Progress": 50,
    "ErrorCode": 0,
    "ErrorDescription": "Success",
    "Content": {"InstancesCount": 8, "FailedInstancesCount": 0},
}


@pytest.mark.parametrize(
    ("parts", "state", "progress"),
    [
        ([Part("Pending"), Part("Pending")], "Pending", 0),
        ([Part("Pending"), DONE], "Running", 50),
        ([Part("Retry"), DONE], "Retry", 50),
        ([Part("Retry"), Part("Running")], "Running", 0),
        ([Part("Running", 0.5), DONE, DONE, DONE], "Running", 87),
        ([jobs.of_orthanc(OWN), DONE, DONE], "Running", 60),
        ([jobs.of_orthanc(OWN | {"State": "Paused"}), DONE], "Paused", 55),
        ([DONE, FAILED], "Failure", 50),
        ([Part("Running"), FAILED], "Running", 0),
        ([DONE, DONE], "Success", 100),
    ],
)
def test_a_job_is_as_far_as_its_parts(parts: list[Part], state: str, progress: int) -> None:
    shown = jobs.shown(TOLD, parts)
    assert (shown["State"], shown["Progress"]) == (state, progress)
    assert jobs.ended(shown) is ("CompletionTime" in shown)
    assert shown["CreationTime"] == "20260921T141320.000000"


def test_a_failure_is_told_unless_it_may_be() -> None:
    shown = jobs.shown(TOLD, [DONE, FAILED])
    assert (shown["ErrorCode"], shown["ErrorDetails"]) == (9, "No.")
    assert shown["Content"]["FailedInstancesCount"] == 1
    permissive = Told(id="video-1", resources=[], local="", remote="", permissive=True)
    assert jobs.shown(permissive, [DONE, FAILED])["ErrorCode"] == 0
    own = jobs.of_orthanc(OWN | {"State": "Failure", "ErrorCode": 15, "ErrorDescription": "Bad file format"})
    assert jobs.shown(TOLD, [own])["ErrorDescription"] == "Bad file format"


def test_what_is_recorded_of_orthancs_job_tells_the_same() -> None:
    whole = OWN | {"ErrorDetails": "Why.", "Content": OWN["Content"] | {"ParentResources": [ONE] * 1000}}
    assert jobs.of_orthanc(jobs.recorded(whole)) == jobs.of_orthanc(whole)
    assert len(json.dumps(jobs.recorded(whole))) < 300


def test_no_id_of_orthancs_is_ours() -> None:
    assert jobs.new_id().startswith("video-")
    assert len(jobs.new_id()) == len("video-") + 36
