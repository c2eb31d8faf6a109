"""What the plugin makes of orders to send, without Orthanc; with it: tests/e2e/test_sends.py and test_moves.py."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

import orthanc_plugin_sends as sends
from orthanc_plugin_http import VIA, read_settings
from orthanc_plugin_link import Link, NotAsked
from orthanc_video.archive import service

ONE = "-".join(["0123abcd"] * 5)
STORE = "/modalities/A/store"


@pytest.mark.parametrize(
    ("body", "order"),
    [
        (ONE, {"Resources": [ONE], "Synchronous": False}),
        (json.dumps(ONE), {"Resources": [ONE], "Synchronous": False}),
        (json.dumps([ONE]), {"Resources": [ONE], "Synchronous": False}),
        (json.dumps({"Resources": [ONE], "Port": 5}), {"Resources": [ONE], "Port": 5, "Synchronous": False}),
        (
            json.dumps({"Resources": [ONE], "Synchronous": True, "Asynchronous": True}),
            {"Resources": [ONE], "Synchronous": False},
        ),
    ],
)
def test_an_order_that_waits_is_one_that_does_not_and_a_wait(body: str, order: dict[str, Any]) -> None:
    unwaited, waits = sends.unwaited(body.encode())
    assert json.loads(unwaited) == order
    assert waits


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b"\xff",
        json.dumps({"Resources": [ONE], "Synchronous": False}).encode(),
        json.dumps({"Resources": [ONE], "Asynchronous": True}).encode(),
        json.dumps({"Resources": [ONE], "Synchronous": "yes"}).encode(),
    ],
)
def test_any_other_stays_as_it_is(body: bytes) -> None:
    assert sends.unwaited(body) == (body, False)


@pytest.mark.parametrize("count", [1, 2, 3, 7, 99, 100])
def test_no_instance_is_told_of_before_it_has_arrived(count: int) -> None:
    for arrived in range(count + 1):
        shown = {"State": "Running", "Progress": int(100 * arrived / count)}
        assert sends._arrived(shown, count) == min(arrived, count - 1)


def test_of_many_some_may_be_told_of_by_less_than_a_percent_early() -> None:
    for arrived in range(0, 2500, 7):
        told = sends._arrived({"State": "Running", "Progress": int(100 * arrived / 2500)}, 2500)
        assert told - arrived < 25


class Orthanc:
    """As much of the module as is asked here: jobs that end at the third look."""

    class OrthancException(Exception):
        pass

    def __init__(self, state: str = "Success") -> None:
        self.looks = 0
        self.state = state
        self.orders: list[bytes] = []

    def RestApiPost(self, _path: str, body: bytes) -> bytes:  # noqa: N802
        self.orders.append(body)
        return b'{"ID": "own", "Path": "/jobs/own"}'

    def RestApiGet(self, _path: str) -> bytes:  # noqa: N802
        self.looks += 1
        if self.state == "forgotten":
            raise self.OrthancException(17, "Unknown resource")
        state = self.state if self.looks > 2 else "Running"
        job = {"State": state, "ErrorCode": 9, "ErrorDescription": "Error", "ErrorDetails": "Details."}
        return json.dumps(job | {"Progress": 0, "Content": {"InstancesCount": 1}}).encode()


class Output:
    """What a callback answers."""

    status = 0
    body = b""

    def AnswerBuffer(self, body: bytes, _kind: str) -> None:  # noqa: N802
        self.status, self.body = 200, body

    def SendHttpStatus(self, status: int, body: bytes) -> None:  # noqa: N802
        self.status, self.body = status, body


@pytest.fixture
def stopping() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


def plugin(orthanc: Orthanc, stopping: threading.Event, **configuration: Any) -> sends.Sends:
    """With a gateway where nobody listens."""
    settings = read_settings({"VideoGateway": {"Launch": False, "Url": "http://127.0.0.1:1", "Secret": "s"}})
    return sends.Sends(orthanc, settings, Link(settings, None), configuration, stopping)


def answered(one: sends.Sends, body: bytes, **headers: str) -> Output:
    output = Output()
    one.store(output, STORE, method="POST", body=body, headers={"host": "h"} | headers)
    return output


def test_a_gateway_that_is_not_there_is_not_asked() -> None:
    settings = read_settings({"VideoGateway": {"Launch": False, "Url": "http://127.0.0.1:1"}})
    with pytest.raises(NotAsked), Link(settings, None).ask("GET", "/", {}, None):
        raise AssertionError("somebody answered")


def test_orthancs_own_is_waited_for_without_holding_python(stopping: threading.Event) -> None:
    orthanc = Orthanc()
    output = answered(plugin(orthanc, stopping), ONE.encode())
    assert [json.loads(body)["Synchronous"] for body in orthanc.orders] == [False]
    assert orthanc.looks == 3
    assert (output.status, json.loads(output.body)) == (200, {"InstancesCount": 1})


@pytest.mark.parametrize(("state", "status", "details"), [("Failure", 500, "Details."), ("forgotten", 404, "forgot")])
def test_how_it_failed_is_told(stopping: threading.Event, state: str, status: int, details: str) -> None:
    output = answered(plugin(Orthanc(state), stopping), ONE.encode())
    assert output.status == status
    assert details in json.loads(output.body)["Details"]


def test_where_orthanc_forgets_at_once_it_waits_itself(stopping: threading.Event) -> None:
    orthanc = Orthanc()
    answered(plugin(orthanc, stopping, JobsHistorySize=0), ONE.encode())
    assert (orthanc.orders, orthanc.looks) == ([ONE.encode()], 0)


def test_both_processes_write_via_alike() -> None:
    assert service.VIA == VIA


class Asked(Link):
    """A gateway that is told of, and is away."""

    def __init__(self) -> None:
        self.paths: list[str] = []

    def ask(self, _method: str, path: str, _headers: Any, _body: bytes | None) -> Any:
        self.paths.append(path)
        raise NotAsked("away")


@pytest.mark.parametrize(
    ("headers", "paths"),
    [
        ({}, ["/modalities/A/store"]),
        ({"via": "1.1 orthanc-video"}, []),
        ({"via": "1.1 proxy"}, ["/modalities/A/store"]),
    ],
)
def test_what_comes_back_from_the_gateway_does_not_go_there_again(
    stopping: threading.Event, headers: dict[str, str], paths: list[str]
) -> None:
    link = Asked()
    settings = read_settings({"VideoGateway": {"Launch": False, "Secret": "s"}})
    output = answered(sends.Sends(Orthanc(), settings, link, {}, stopping), ONE.encode(), **headers)
    assert output.status == 200
    assert link.paths == paths


def test_a_script_inside_orthanc_is_never_led_out_of_it(stopping: threading.Event) -> None:
    orthanc, output = Orthanc(), Output()
    request: dict[str, Any] = {"method": "POST", "body": ONE.encode(), "headers": {}}
    plugin(orthanc, stopping).store(output, STORE, **request)
    assert (orthanc.orders, orthanc.looks) == ([ONE.encode()], 0)


def test_nobody_is_waited_for_when_orthanc_ends(stopping: threading.Event) -> None:
    stopping.set()
    orthanc = Orthanc("Running")
    output = answered(plugin(orthanc, stopping), ONE.encode())
    assert (output.status, json.loads(output.body)["OrthancStatus"]) == (500, 16)
    with pytest.raises(sends.MoveFailed, match="goes on: job own"):
        plugin(orthanc, stopping).go_on(sends.Moved("own", 1))
