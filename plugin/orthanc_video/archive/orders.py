"""Orders to send (POST /modalities/{name}/store) as Orthanc reads them, and what of them are videos."""

from __future__ import annotations

import json
import urllib.parse
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from orthanc_video.archive.changes import Arrival
from orthanc_video.archive.identifiers import is_orthanc_id
from orthanc_video.archive.service import Archive
from orthanc_video.dicom import syntaxes
from orthanc_video.errors import BadRequest, Busy

RESOURCES, PERMISSIVE, PRIORITY, TIMEOUT = "Resources", "Permissive", "Priority", "Timeout"
LOCAL_AET, CALLED_AET, HOST, PORT = "LocalAet", "CalledAet", "Host", "Port"
MOVE_AET, MOVE_ID = "MoveOriginatorAet", "MoveOriginatorID"
_SYNCHRONOUS, _ASYNCHRONOUS, _COMMITMENT = "Synchronous", "Asynchronous", "StorageCommitment"
# What Orthanc wants each field to be; it knows no others, and looks at none of them.
_KINDS: dict[str, type] = {
    **dict.fromkeys((_SYNCHRONOUS, _ASYNCHRONOUS, PERMISSIVE, _COMMITMENT), bool),
    **dict.fromkeys((LOCAL_AET, CALLED_AET, HOST, MOVE_AET), str),
    **dict.fromkeys((PRIORITY, PORT, MOVE_ID, TIMEOUT), int),
}
# What can be sent with; a timeout in seconds, as long as sockets can wait.
_RANGES = {PORT: range(1, 1 << 16), MOVE_ID: range(1 << 16), TIMEOUT: range(2_000_001)}
_LONGEST_TITLE = 16


@dataclass(frozen=True, slots=True)
class Asked:
    """``fields`` are all but the resources, which are Orthanc's IDs."""

    resources: tuple[str, ...]
    fields: Mapping[str, Any] = field(default_factory=dict)

    @property
    def synchronous(self) -> bool:
        """Whether the answer is to come when all is sent, as it does where nothing is said."""
        if _SYNCHRONOUS in self.fields:
            return bool(self.fields[_SYNCHRONOUS])
        return not self.fields.get(_ASYNCHRONOUS, False)


@dataclass(frozen=True, slots=True)
class Parts:
    """``rest`` are the IDs, of any level, of all that is no video."""

    videos: tuple[Arrival, ...]
    rest: tuple[str, ...]


def read(body: bytes) -> Asked | None:
    """One ID as plain text, or JSON: a string, an array, an object. None for what Orthanc refuses, or may refuse."""
    text = body.decode("utf-8", "replace").strip()
    if is_orthanc_id(text):
        return Asked((text,))
    try:
        given = json.loads(text)
    except (ValueError, RecursionError):
        return None
    given = [given] if isinstance(given, str) else given
    fields = {key: value for key, value in given.items() if key != RESOURCES} if isinstance(given, dict) else {}
    resources = given.get(RESOURCES) if isinstance(given, dict) else given
    named = [one.strip() for one in resources if isinstance(one, str)] if isinstance(resources, list) else []
    if not isinstance(resources, list) or len(named) != len(resources) or not all(map(is_orthanc_id, named)):
        return None
    # In JSON, as in Orthanc, true is no number.
    if any(key in fields and type(fields[key]) is not kind for key, kind in _KINDS.items()):
        return None
    return Asked(tuple(named), fields)


def refuse_unusable(fields: Mapping[str, Any]) -> None:
    """Raises BadRequest for what no video can be sent with: a delivery would try it for days."""
    for key, known in _RANGES.items():
        if key in fields and fields[key] not in known:
            raise BadRequest(f'"{key}" is {fields[key]}: give a whole number from {known[0]} to {known[-1]}.')
    for key in (LOCAL_AET, CALLED_AET, MOVE_AET):
        if not _is_title(fields.get(key, "")):
            raise BadRequest(
                f'"{key}" is no AE title: give at most {_LONGEST_TITLE} printable characters of ASCII, no backslash '
                "among them, and not spaces alone."
            )


def _is_title(given: str) -> bool:
    """Whether it can be an AE title (PS3.5 6.2), or is empty, which is as if it were not said."""
    printable = given.isascii() and given.isprintable() and "\\" not in given
    return printable and len(given) <= _LONGEST_TITLE and bool(given.strip() or not given)


def parts(archive: Archive, resources: Sequence[str]) -> Parts:
    """What of these resources are videos, by what Orthanc has noted of them: the objects stay unread. Raises Busy.

    What Orthanc does not hold is part of the rest: it says so itself.
    """
    if not _videos(_instances(archive, resources)):
        return Parts((), tuple(resources))
    videos, rest = dict[str, Arrival](), list[str]()
    for resource in dict.fromkeys(resources):
        held = _instances(archive, [resource])
        moving = _videos(held)
        videos |= {one.instance: one for one in moving}
        others = [str(one["ID"]) for one in held if one["ID"] not in videos]
        rest += others if moving else [resource]
    return Parts(tuple(videos.values()), tuple(dict.fromkeys(rest)))


def _instances(archive: Archive, resources: Sequence[str]) -> list[dict[str, Any]]:
    question = {"Resources": list(resources), "Level": "Instance", "Metadata": True, "MainDicomTags": False}
    found: list[dict[str, Any]] = archive.ask("/tools/bulk-content", question) if resources else []
    return found


def _videos(instances: Iterable[Mapping[str, Any]]) -> list[Arrival]:
    return [
        Arrival(str(one["ID"]), str(one["FileUuid"]))
        for one in instances
        if one["Metadata"].get("TransferSyntax") in syntaxes.BY_UID
    ]


def begin(archive: Archive, name: str, rest: Sequence[str], fields: Mapping[str, Any]) -> tuple[int, Any]:
    """Has Orthanc send the rest by a job of its own: its HTTP status, and its answer or what is wrong. Raises Busy."""
    asked = {key: value for key, value in fields.items() if key != _ASYNCHRONOUS}
    path = f"/modalities/{urllib.parse.quote(name, safe='')}/store"
    status, answer = archive.asked(path, asked | {_SYNCHRONOUS: False, RESOURCES: list(rest)})
    if answer is None:
        raise Busy(f"Orthanc answered HTTP {status}. Try again in a moment.")
    return status, answer


def job(archive: Archive, name: str) -> dict[str, Any] | None:
    """A job of Orthanc's own as it shows it, None when it knows it no more: it keeps the newest ones alone."""
    found: dict[str, Any] | None = archive.get(f"/jobs/{name}")
    return found


def control(archive: Archive, name: str, action: str) -> bool:
    """Has Orthanc ``cancel`` or ``resubmit`` a job of its own; whether it did."""
    status, _ = archive.asked(f"/jobs/{name}/{action}", {})
    return status == HTTPStatus.OK
