"""What Orthanc is to send: POST /modalities/{name}/store on its own port, and C-MOVE to its DICOM port.

The gateway takes what holds videos; all else, and everything while the gateway is away, is sent by Orthanc itself.
Standard library only, like all that Orthanc loads.
"""

from __future__ import annotations

import json
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any

from orthanc_plugin_answers import Answers, send, set_headers
from orthanc_plugin_http import HTTP_STATUS, Settings, came_back, error_body, passed_on
from orthanc_plugin_link import Link, NotAsked, Unreachable

STORE = "/modalities/([^/]+)/store"
# The gateway's jobs in Orthanc's words; Orthanc's own have no such IDs, and never come here.
JOB = "/jobs/video-[0-9a-f-]{36}"
CONTROL = JOB + "/(cancel|resubmit|pause|resume)"
_OURS = "video-"
# A caller who waits, or a C-MOVE in which nothing goes on, is told after so many seconds that it goes on without them.
_LONGEST_WAIT, _LONGEST_STANDSTILL = 3600.0, 600.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.02, 0.5
# Orthanc forgets all but as many of its finished jobs: with fewer one may be gone before it is looked at.
_ENOUGH_HISTORY = 10
_TIMEOUT = (16, "Timeout")
_FORGOTTEN = {
    "State": "Failure",
    "ErrorCode": 7,
    "ErrorDescription": "Accessing an inexistent item",
    "ErrorDetails": "Orthanc has forgotten the job before it was seen to end: raise JobsHistorySize",
}
# A workstation waits, and without this plugin it would wait for no other job: those of higher numbers come first.
_SOON = 100
# What C-MOVE names at each level, as Orthanc itself reads it; a study also by its accession number.
_KEYS = {
    "PATIENT": ("Patient", "PatientID"),
    "STUDY": ("Study", "StudyInstanceUID"),
    "SERIES": ("Series", "SeriesInstanceUID"),
    "INSTANCE": ("Instance", "SOPInstanceUID"),
}

Job = dict[str, Any]


class Moved:
    """A C-MOVE that is answered: the job that sends it all, and how many of its instances have been told of."""

    def __init__(self, job: str, count: int) -> None:
        self.job = job
        self.count = count
        self.told = 0


class MoveFailed(Exception):
    """Makes Orthanc answer a C-MOVE, or one of its sub-operations, with a failure."""


class Sends:
    """``api`` is the module ``orthanc``; ``stopping`` is set when Orthanc ends."""

    def __init__(
        self, api: Any, settings: Settings, link: Link, configuration: Mapping[str, Any], stopping: threading.Event
    ) -> None:
        self._api = api
        self._secret = settings.secret
        self._link = link
        self._answers = Answers(api)
        self._stopping = stopping
        self._history = int(configuration.get("JobsHistorySize", _ENOUGH_HISTORY)) >= _ENOUGH_HISTORY
        self._waits_for_moves = bool(configuration.get("SynchronousCMove", True))

    # ---------------------------------------------------------------------------------------- REST

    def store(self, output: Any, uri: str, **request: Any) -> None:
        """POST /modalities/{name}/store: the gateway's where there are videos among what is to be sent."""
        if request["method"] != "POST":
            output.SendMethodNotAllowed("POST")
            return
        body = request.get("body") or b""
        order, waits = unwaited(body)
        # Scripts inside Orthanc ask without headers, and may hold its Lua lock, which each question of the gateway's
        # to Orthanc needs.
        from_outside = "host" in request["headers"]
        taken = None
        if order and from_outside and not came_back(request["headers"]):
            try:
                taken = self._by_gateway(uri, passed_on(request["headers"], self._secret), order)
            except Unreachable as error:
                self._answers.unreachable(output, uri, request, error)
                return
        if taken is not None and taken[0] != 200:
            send(output, *taken)
        elif taken is not None:
            self._answer(output, uri, request, taken[1], waits=waits)
        elif waits and from_outside and self._history:
            self._wait_for_own(output, uri, request, order)
        else:
            self._answers.own(output, uri, request, lambda: self._api.RestApiPost(uri, body))

    def _wait_for_own(self, output: Any, uri: str, request: Mapping[str, Any], order: bytes) -> None:
        """Orthanc's own, looked at until it ends: without AllowThreads its waiting would stop all of Python."""
        try:
            begun = self._api.RestApiPost(uri, order)
        except self._api.OrthancException as error:
            self._answers.refuse(output, uri, request, (error.args[0], error.args[1]))
            return
        self._answer(output, uri, request, begun, waits=True)

    def _by_gateway(self, uri: str, headers: dict[str, bytes], order: bytes) -> tuple[int, bytes] | None:
        """Status and body of the gateway's answer; None where it has no video to send, or is away."""
        # A caller's own headers of this kind are never passed on: only the plugin can ask this.
        asking = headers | {"Orthanc-Video-Asks": b"plugin", "content-type": b"application/json"}
        path = urllib.parse.quote(uri, safe="/!$&'()*+,;=:@~")
        with suppress(NotAsked), self._link.ask("POST", path, asking, order) as answer:
            return None if answer.status == 204 else (answer.status, answer.read())
        return None

    def _answer(self, output: Any, uri: str, request: Mapping[str, Any], begun: bytes, *, waits: bool) -> None:
        """The job that has begun, or what it comes to."""
        kind = "application/json; charset=utf-8"
        if not waits:
            output.AnswerBuffer(begun, kind)
            return
        job = str(json.loads(begun)["ID"])
        shown = self._ended(job)
        if shown.get("State") == "Success":
            output.AnswerBuffer(json.dumps(shown["Content"], indent=3).encode(), kind)
            return
        code = (shown["ErrorCode"], shown["ErrorDescription"]) if shown.get("State") == "Failure" else _TIMEOUT
        details = shown["ErrorDetails"] if shown.get("State") == "Failure" else f"It goes on: job {job}"
        status = HTTP_STATUS.get(code[0], 500)
        self._answers.error(
            output, request, status, error_body(status, code, request["method"], uri, {"Details": details})
        )

    def _ended(self, job: str) -> Job:
        """A job once it has ended; as it is by then where that takes too long, or Orthanc stops."""
        shown: Job = {}
        for _ in self._looks(_LONGEST_WAIT):
            shown = self._shown(job) or shown
            if _is_over(shown):
                break
        return shown

    def _looks(self, seconds: float) -> Iterable[None]:
        """Now, and again after pauses that grow, for so long, and no longer than Orthanc runs."""
        pause, limit = _FIRST_PAUSE, time.monotonic() + seconds
        yield
        while time.monotonic() < limit and not self._stopping.wait(pause):
            pause = min(_LONGEST_PAUSE, 2 * pause)
            yield

    def _shown(self, job: str) -> Job:
        """A job of either kind as it is now; empty while nobody can say."""
        path = f"/jobs/{job}"
        if not job.startswith(_OURS):
            try:
                own: Job = json.loads(self._api.RestApiGet(path))
            except (self._api.OrthancException, ValueError):  # not even busy: Orthanc's own jobs are in its memory
                return _FORGOTTEN
            return own
        with (
            suppress(Unreachable, ValueError),
            self._link.ask("GET", path, passed_on({}, self._secret), None) as answer,
        ):
            if answer.status == 200:
                shown: Job = json.loads(answer.read())
                return shown
        return {}

    def job(self, output: Any, uri: str, **request: Any) -> None:
        """/jobs/{id} and its actions, of one of the gateway's jobs: the gateway's."""
        allowed = "POST" if uri.count("/") > 2 else "GET"
        if request["method"] != allowed:
            output.SendMethodNotAllowed(allowed)
            return
        headers = passed_on(request["headers"], self._secret)
        try:
            with self._link.ask(allowed, uri, headers, request.get("body") or None) as answer:
                body = answer.read()
        except Unreachable as error:
            self._answers.unreachable(output, uri, request, error)
            return
        set_headers(output, answer)
        if answer.status == 200:
            output.AnswerBuffer(body, "application/json; charset=utf-8")
        else:
            send(output, answer.status, body)

    # ---------------------------------------------------------------------------------------- C-MOVE

    def register_moves(self, kept: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
        """Takes C-MOVE over where the Python plugin can say how many sub-operations there are (since 4.2).

        ``kept`` makes a callback outlive Python.
        """
        if not hasattr(self._api, "RegisterMoveCallback2"):
            return
        callbacks = (self.move, self.count, self.go_on, self.end)
        try:
            self._api.RegisterMoveCallback2(*(kept(one) for one in callbacks))
        except self._api.OrthancException:
            self._api.LogWarning("Another plugin answers C-MOVE: videos are moved as they are stored.")

    def move(self, **asked: Any) -> Moved:
        """Begins a C-MOVE. Raises MoveFailed as Orthanc would."""
        resources = self._matching(asked)
        if not resources:
            raise MoveFailed("C-MOVE request matching no resource stored in Orthanc")
        order = {
            "Resources": resources,
            "Synchronous": False,
            "Priority": _SOON,
            "MoveOriginatorAet": asked["OriginatorAET"],
            "MoveOriginatorID": asked["OriginatorID"],
        }
        uri, body = f"/modalities/{self._modality(asked['TargetAET'])}/store", json.dumps(order).encode()
        try:
            taken = self._by_gateway(uri, passed_on({}, self._secret), body)
        except Unreachable as error:
            raise MoveFailed(str(error)) from error
        if taken is not None and taken[0] != 200:
            raise MoveFailed(f"The video gateway did not take it (HTTP {taken[0]}).")
        begun = taken[1] if taken else self._api.RestApiPost(uri, body)
        job = str(json.loads(begun)["ID"])
        for _ in self._looks(_LONGEST_STANDSTILL):
            if "Content" in (shown := self._shown(job)):
                return Moved(job, int(shown["Content"]["InstancesCount"]))
        raise MoveFailed("What is to be moved was begun, but its job cannot be seen.")

    def count(self, moved: Moved) -> int:
        return moved.count

    def go_on(self, moved: Moved) -> None:
        """One sub-operation: returns when one more instance has arrived. Raises MoveFailed where none will."""
        moved.told += 1
        if not self._waits_for_moves:
            return
        limit, before = time.monotonic() + _LONGEST_STANDSTILL, ("", 0)
        for _ in self._looks(_LONGEST_WAIT):
            shown = self._shown(moved.job)
            if shown.get("State") == "Success" or _arrived(shown, moved.count) >= moved.told:
                return
            if shown.get("State") == "Failure":
                raise MoveFailed(f"{shown['ErrorDescription']}: {shown['ErrorDetails']}")
            at = (str(shown.get("State", "")), int(shown.get("Progress", 0)))
            if at != before:
                limit, before = time.monotonic() + _LONGEST_STANDSTILL, at
            elif time.monotonic() > limit:
                break
        raise MoveFailed(f"It is waited for no longer, and goes on: job {moved.job}.")

    def end(self, _moved: Moved) -> None:
        """Nothing is held for a C-MOVE: what it has begun goes on."""

    def _matching(self, asked: Mapping[str, Any]) -> list[str]:
        """Orthanc's IDs of what a C-MOVE names, whose values may be lists, and mean nothing but themselves."""
        level, keyword = _KEYS[asked["Level"]]
        if level == "Study" and asked["AccessionNumber"]:
            keyword = "AccessionNumber"
        found: list[str] = []
        for value in str(asked[keyword]).split("\\"):
            question = json.dumps({"Level": level, "Query": {keyword: value}, "Expand": True}).encode()
            records = json.loads(self._api.RestApiPost("/tools/find", question)) if value.strip() else []
            found += [str(one["ID"]) for one in records if _same(one["MainDicomTags"].get(keyword, ""), value)]
        return list(dict.fromkeys(found))

    def _modality(self, title: str) -> str:
        """The name by which Orthanc knows the destination of a C-MOVE."""
        known: dict[str, Any] = json.loads(self._api.RestApiGet("/modalities?expand"))
        for name, one in known.items():
            if _same(one["AET"], title):
                return name
        raise MoveFailed("The destination of a C-MOVE is none of Orthanc's modalities.")


def unwaited(body: bytes) -> tuple[bytes, bool]:
    """An order to send that is answered at once, and whether it was one that waits to its end.

    What Orthanc would refuse stays as it is.
    """
    try:
        text = body.decode().strip()
        given = json.loads(text) if text[:1] in {"[", "{", '"'} else text
    except (ValueError, RecursionError):
        return body, False
    if isinstance(given, str):
        given = [given] if given else []
    if isinstance(given, list):
        return (json.dumps({"Resources": given, "Synchronous": False}).encode(), True) if given else (body, False)
    waits = given.get("Synchronous", not given.get("Asynchronous", False))
    if waits is not True:
        return body, False
    order = {key: value for key, value in given.items() if key != "Asynchronous"} | {"Synchronous": False}
    return json.dumps(order).encode(), True


def _is_over(shown: Mapping[str, Any]) -> bool:
    return shown.get("State") in {"Success", "Failure"}


def _arrived(shown: Mapping[str, Any], count: int) -> int:
    """How many instances are through, by whole percents; the last one when the job says so alone."""
    return max(0, min(count - 1, (int(shown.get("Progress", 0)) * count + count - 1) // 100))


def _same(one: str, other: str) -> bool:
    return one.strip().upper() == other.strip().upper()
