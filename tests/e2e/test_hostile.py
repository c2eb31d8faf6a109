"""A thousand hostile files: each gets an answer within its limits, nobody falls over, nothing is read elsewhere."""

from __future__ import annotations

import itertools
import os
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

import hostile
from bombs import bombs
from e2e.films import Films
from e2e.orthanc_server import OrthancServer
from e2e.test_durability import wait_for_job
from hostile import Hostile
from processes import has_task
from references import Canary, canary, references

_FILES = 1000
_CLIENTS = 6
_PROBE, _ANSWER, _JOB = 10.0, 0.5, 20.0
_SECRET = b"canary 7c1f0f3d: nobody may read this"
_GROWTH = 32 << 20


@dataclass(frozen=True)
class Answer:
    """What came back for one file, and after how long."""

    file: Hostile
    status: int
    body: dict[str, Any]
    seconds: float


def test_a_thousand_hostile_files(start: Any, films: Films, tmp_path: Path) -> None:
    limits = {"MaximumUploadMB": 16, "ProbeSeconds": _PROBE, "AnswerSeconds": _ANSWER, "JobSeconds": _JOB,
              "WorkerMemoryMB": 1024, "Transcodes": 4}  # fmt: skip
    server: OrthancServer = start({"VideoGateway": limits})
    film = server.folder / "canary.mp4"  # where Orthanc's root has it, too
    film.write_bytes(films.source("h264.mp4").read_bytes() + b"\0\0\0\x2dfree" + _SECRET)
    pids = (server.pid, server.gateway_pid())
    with canary(film) as bird:
        files = _files(tmp_path, bird)
        assert len(files) >= _FILES
        warm, rest = files[: _FILES // 4], files[_FILES // 4 :]
        answers = _sent(server, warm)
        before = _memory(server.gateway_pid())
        answers += _sent(server, rest)
        _assert_ended(server, answers)
        assert bird.touched() == []
    assert (server.pid, server.gateway_pid()) == pids
    assert server.running
    assert [wrong for answer in answers if (wrong := _wrong(server, answer))] == []
    assert _memory(server.gateway_pid()) - before < _GROWTH
    assert _holding(server, _SECRET) == []
    _assert_mixed(answers)
    # And whoever comes next is served as ever.
    answer = requests.post(f"{server.gateway_url}/instances", data=films.unique().read_bytes(), timeout=60)
    assert answer.json()["Status"] == "Success"


def _files(folder: Path, bird: Canary) -> list[Hostile]:
    """Mutations, bombs and references, mixed."""
    clips = hostile.clips(folder)
    special = [*references(bird, clips), *bombs(clips)]
    damaged = list(hostile.mutations(folder, _FILES - len(special)))
    mixed = itertools.zip_longest(damaged, special)
    return [one for pair in mixed for one in pair if one is not None]


def _sent(server: OrthancServer, files: list[Hostile]) -> list[Answer]:
    """Several clients at once, most at the gateway's port, every tenth file at Orthanc's own."""

    def send(numbered: tuple[int, Hostile]) -> Answer:
        number, file = numbered
        base = server.url if number % 10 == 0 and not file.headers else server.gateway_url
        began = time.monotonic()
        answer = requests.post(f"{base}/instances", data=file.data, headers=file.headers, timeout=120)
        return Answer(file, answer.status_code, answer.json(), time.monotonic() - began)

    with ThreadPoolExecutor(_CLIENTS) as pool:
        return list(pool.map(send, enumerate(files)))


def _wrong(server: OrthancServer, answer: Answer) -> str:
    """In words what is wrong with an answer; nothing when it is right."""
    sentence = answer.body.get("detail", "")
    wrongs = {
        "no such status": answer.status not in {200, 400, 413, 415, 422},
        "no such result": answer.status == 200
        and answer.body.get("Status") not in {"Success", "AlreadyStored", "Processing"},
        "no sentence": answer.status != 200 and not (sentence.endswith(".") and 20 < len(sentence) < 400),
        "a path in it": str(server.folder) in str(answer.body) or "/spool/" in str(answer.body),
        "too late": answer.seconds > _PROBE + _ANSWER + 10,
    }
    return "; ".join(
        f"{answer.file.name}: {what} ({answer.status} {answer.body})" for what, is_so in wrongs.items() if is_so
    )


def _assert_ended(server: OrthancServer, answers: list[Answer]) -> None:
    """Work that was put off ends, too; then nothing is left of any upload, and no process.

    What was promised and cannot be made is kept for a person to decide: here it is discarded.
    """
    for answer in answers:
        if answer.body.get("Status") == "Processing":
            job = answer.body["Video"]["Job"]
            state = wait_for_job(server, job, within=_JOB * 3)
            assert state["State"] in {"Success", "DeadLetter"}, (answer.file.name, state["Sentence"])
            assert requests.delete(f"{server.gateway_url}/video/jobs/{job}", timeout=10).ok
    limit = time.monotonic() + 30
    spool = server.storage / "video-gateway" / "spool"
    while left := [*spool.iterdir(), *_media_processes(server)]:
        assert time.monotonic() < limit, left
        time.sleep(0.1)


def _media_processes(server: OrthancServer) -> list[int]:
    """All below the gateway that have a task."""
    return [pid for pid in set(server.gateway_pids()) - {server.gateway_pid()} if has_task(pid)]


def _memory(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return int(status.partition("VmRSS:")[2].split()[0]) << 10


def _holding(server: OrthancServer, secret: bytes) -> list[Path]:
    """The files that were written and hold these bytes."""
    return [
        Path(folder) / name
        for folder, _, names in os.walk(server.storage)
        for name in names
        if secret in (Path(folder) / name).read_bytes()
    ]


def _assert_mixed(answers: list[Answer]) -> None:
    """The files are of every kind: some are still videos, most are not, in more ways than one."""
    statuses = Counter(answer.status for answer in answers)
    assert statuses[200] > 50, statuses
    assert statuses[422] > 200, statuses
    assert statuses[415] > 50, statuses
    assert statuses[413] >= 1, statuses
    assert len({answer.body["detail"] for answer in answers if answer.status == 422}) > 50
