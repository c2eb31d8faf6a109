"""SIGKILL at every step of a job, of every process, on both databases: one object, right pictures, an empty spool."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from e2e import generation
from e2e.breakpoints import Breakpoint
from e2e.films import Films, ffmpeg
from e2e.generation import only_once
from e2e.orthanc_server import REPOSITORY, OrthancServer
from e2e.postgresql import PostgreSQL
from e2e.workers import Workers

# The jobs' database and the workers are ours, whatever Orthanc they serve: once is enough.
DATABASES = ["sqlite"] if generation.OTHER else ["sqlite", "postgresql"]
VICTIMS = ["orthanc"] if generation.OTHER else ["orthanc", "gateway"]

ENGINE, STEPS, ARCHIVE = "orthanc_video.jobs.engine", "orthanc_video.jobs.ingest_job", "orthanc_video.archive.service"
BEFORE_THE_COMMIT = (f"{ENGINE}:Engine.submit", "before")
# In the order in which a job comes to them.
RECORDED = [
    (f"{ENGINE}:Engine.submit", "after"),
    (f"{STEPS}:make", "before"),
    (f"{STEPS}:make", "after"),
    (f"{ARCHIVE}:Archive.store", "before"),
    (f"{ARCHIVE}:Archive.store", "after"),
    (f"{STEPS}:tidy", "before"),
    (f"{STEPS}:tidy", "after"),
]


@pytest.fixture(scope="module")
def postgresql() -> Iterator[PostgreSQL]:
    with PostgreSQL() as running:
        yield running


@pytest.fixture(params=DATABASES)
def database(request: pytest.FixtureRequest) -> str:
    """The setting ``Database``."""
    if request.param == "sqlite":
        return ""
    running: PostgreSQL = request.getfixturevalue("postgresql")
    return running.url()


@pytest.fixture(scope="module")
def film(films: Films) -> Path:
    """Pictures that pass through, in a container that does not: there is something to make, and it is quick."""
    path = films.unique(0.5, size="64x64")
    target = path.with_suffix(".mkv")
    ffmpeg("-i", str(path), "-c", "copy", str(target))
    return target


@pytest.fixture
def breakpoint_(tmp_path: Path) -> Breakpoint:
    return Breakpoint(tmp_path / "orthanc-0", generation.OTHER)


def pictures(path: Path) -> str:
    """The MD5 of all decoded frames."""
    command = ["ffmpeg", "-v", "error", "-i", str(path), "-map", "0:v", "-f", "md5", "-"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def eventually(holds: Callable[[], bool], what: str, within: float = 60) -> None:
    deadline = time.monotonic() + within
    while not holds():
        assert time.monotonic() < deadline, f"after {within:g} s still not: {what}"
        time.sleep(0.05)


def ask(server: OrthancServer, path: str) -> Any:
    """Of the gateway; None while it is away."""
    try:
        answer = requests.get(server.gateway_url + path, timeout=10)
    except requests.ConnectionError:
        return None
    return answer.json() if answer.ok else None


def states(server: OrthancServer) -> list[str]:
    found = ask(server, "/video/jobs")
    return [job["State"] for job in found["Jobs"]] if found else []


def upload(server: OrthancServer, film: Path) -> threading.Thread:
    """Sends it, and does not mind what becomes of the answer."""

    def send() -> None:
        try:
            requests.post(f"{server.gateway_url}/instances", data=film.read_bytes(), timeout=60)
        except requests.ConnectionError:
            return

    thread = threading.Thread(target=send)
    thread.start()
    return thread


def kill(server: OrthancServer, victim: str, stopped: int) -> None:
    if victim == "orthanc":
        server.kill()
        server.assert_no_orphans()
        server.start()
    else:
        os.kill(stopped, signal.SIGKILL)


def assert_stored_once(server: OrthancServer, film: Path, tmp_path: Path) -> None:
    eventually(lambda: not any((server.storage / "video-gateway" / "spool").iterdir()), "the spool is empty")
    (instance,) = requests.get(f"{server.url}/instances", timeout=10).json()
    path = tmp_path / "stored.mp4"
    path.write_bytes(requests.get(f"{server.gateway_url}/video/instances/{instance}/stream", timeout=30).content)
    assert pictures(path) == pictures(film)


def settings(breakpoint_: Breakpoint, database: str, **more: Any) -> dict[str, Any]:
    own = {"Python": str(breakpoint_.python), "Database": database, "AnswerSeconds": 60, **more}
    return {"VideoGateway": own}


@only_once
@pytest.mark.parametrize(("call", "when"), [(1, "after"), (2, "before"), (3, "after")])
def test_killed_between_the_parts_of_a_long_film(
    start: Any, films: Films, breakpoint_: Breakpoint, call: int, when: str
) -> None:
    """Whatever was stored before, all parts are there in the end, each once."""
    film = films.unique(6, "-c:v", "libx264", "-g", "25", "-movflags", "+faststart", size="64x64")
    breakpoint_.set(f"{ARCHIVE}:Archive.store", when, call)
    server = start(settings(breakpoint_, "", InstanceMinutes=2 / 60))
    sending = upload(server, film)
    os.kill(breakpoint_.hit(), signal.SIGKILL)
    sending.join()
    eventually(lambda: states(server) == ["Success"], "the job has ended")
    stored = requests.get(f"{server.url}/instances?expand", timeout=10).json()
    assert sorted(int(one["IndexInSeries"]) for one in stored) == [1, 2, 3]
    assert len({one["ParentSeries"] for one in stored}) == 1
    eventually(lambda: not any((server.storage / "video-gateway" / "spool").iterdir()), "the spool is empty")


@pytest.mark.parametrize("victim", VICTIMS)
@pytest.mark.parametrize(("place", "when"), RECORDED)
def test_killed_at_a_step(
    start: Any, film: Path, tmp_path: Path, breakpoint_: Breakpoint, database: str, victim: str, place: str, when: str
) -> None:
    breakpoint_.set(place, when)
    server = start(settings(breakpoint_, database))
    sending = upload(server, film)
    kill(server, victim, breakpoint_.hit())
    sending.join()
    eventually(lambda: states(server) == ["Success"], "the one job has succeeded")
    assert_stored_once(server, film, tmp_path)


@pytest.mark.parametrize("victim", VICTIMS)
def test_killed_before_the_commit(
    start: Any, film: Path, tmp_path: Path, breakpoint_: Breakpoint, database: str, victim: str
) -> None:
    """Nobody was promised anything: nothing is left of it, and it can be sent again."""
    breakpoint_.set(*BEFORE_THE_COMMIT)
    server = start(settings(breakpoint_, database))
    sending = upload(server, film)
    kill(server, victim, breakpoint_.hit())
    sending.join()
    eventually(lambda: bool(ask(server, "/health")), "the gateway is back")
    assert states(server) == []
    assert requests.get(f"{server.url}/instances", timeout=10).json() == []
    upload(server, film).join()
    assert_stored_once(server, film, tmp_path)


ASSIGN = "orthanc_video.jobs.assign_job"
# Of a move to another study, in the same order.
MOVED = [
    (f"{ENGINE}:Engine.assign", "after"),
    (f"{ASSIGN}:publish", "before"),
    (f"{ASSIGN}:publish", "after"),
    (f"{ASSIGN}:remove", "before"),
    (f"{ARCHIVE}:Archive.delete", "before"),
    (f"{ASSIGN}:remove", "after"),
]


def move(server: OrthancServer, instance: str, study: str) -> threading.Thread:
    """Asks for it, and does not mind what becomes of the answer."""

    def send() -> None:
        try:
            url = f"{server.gateway_url}/video/instances/{instance}/assign"
            requests.post(url, json={"ParentStudy": study}, timeout=60)
        except requests.ConnectionError:
            return

    thread = threading.Thread(target=send)
    thread.start()
    return thread


def two_studies(server: OrthancServer, films: Films, film: Path) -> tuple[str, str]:
    """A stored video, and the study of an image that it is to be moved to."""
    with film.open("rb") as data:
        video = requests.post(f"{server.gateway_url}/instances", data=data, timeout=60).json()
    image = requests.post(f"{server.url}/instances", data=films.image().read_bytes(), timeout=30).json()
    return video["ID"], image["ParentStudy"]


def assert_moved_once(server: OrthancServer, study: str, film: Path, tmp_path: Path) -> None:
    eventually(lambda: states(server) == ["Success", "Success"], "the move has succeeded")
    assert len(requests.get(f"{server.url}/instances", timeout=10).json()) == 2
    (moved,) = (
        one["Instances"][0]
        for one in requests.get(f"{server.url}/studies/{study}/series", timeout=10).json()
        if one["MainDicomTags"]["Modality"] == "XC"
    )
    path = tmp_path / "moved.mp4"
    path.write_bytes(requests.get(f"{server.gateway_url}/video/instances/{moved}/stream", timeout=30).content)
    assert pictures(path) == pictures(film)


@pytest.mark.parametrize("victim", VICTIMS)
@pytest.mark.parametrize(("place", "when"), MOVED)
def test_killed_while_a_video_moves(
    start: Any, films: Films, film: Path, tmp_path: Path, breakpoint_: Breakpoint, victim: str, place: str, when: str
) -> None:
    breakpoint_.set(place, when)
    server = start(settings(breakpoint_, ""))
    instance, study = two_studies(server, films, film)
    sending = move(server, instance, study)
    kill(server, victim, breakpoint_.hit())
    sending.join()
    assert_moved_once(server, study, film, tmp_path)


def test_killed_before_a_move_is_recorded(
    start: Any, films: Films, film: Path, tmp_path: Path, breakpoint_: Breakpoint
) -> None:
    """The video stays where it is, and the move can be asked for again."""
    breakpoint_.set(f"{ENGINE}:Engine.assign", "before")
    server = start(settings(breakpoint_, ""))
    instance, study = two_studies(server, films, film)
    sending = move(server, instance, study)
    kill(server, "orthanc", breakpoint_.hit())
    sending.join()
    eventually(lambda: states(server) == ["Success"], "the gateway is back")
    assert requests.get(f"{server.url}/instances/{instance}", timeout=10).status_code == 200
    move(server, instance, study).join()
    assert_moved_once(server, study, film, tmp_path)


@pytest.fixture
def with_workers(start: Any, database: str, breakpoint_: Breakpoint) -> Iterator[tuple[OrthancServer, Workers]]:
    server = start(settings(breakpoint_, database, Workers=False, AnswerSeconds=0.2))
    with Workers(server) as workers:
        yield server, workers


def stages(server: OrthancServer) -> list[tuple[str, bool]]:
    """Of each job: its stage, and whether it has got anywhere in it."""
    found = ask(server, "/video/jobs")
    return [(job["Stage"], job["Progress"] > 0) for job in found["Jobs"]] if found else []


@only_once
@pytest.mark.parametrize(("place", "when"), RECORDED[1:])
def test_a_worker_killed_at_a_step(
    with_workers: tuple[OrthancServer, Workers],
    film: Path,
    tmp_path: Path,
    breakpoint_: Breakpoint,
    place: str,
    when: str,
) -> None:
    server, workers = with_workers
    breakpoint_.set(place, when)
    first = workers.start(breakpoint_.python)
    upload(server, film).join()
    assert breakpoint_.hit() == first.pid
    first.kill()
    workers.start(breakpoint_.python)
    eventually(lambda: states(server) == ["Success"], "the one job has succeeded")
    assert_stored_once(server, film, tmp_path)


@only_once
def test_a_worker_killed_while_a_video_moves(
    with_workers: tuple[OrthancServer, Workers], films: Films, film: Path, tmp_path: Path, breakpoint_: Breakpoint
) -> None:
    server, workers = with_workers
    breakpoint_.set(f"{ASSIGN}:remove", "before")
    first = workers.start(breakpoint_.python)
    instance, study = two_studies(server, films, film)
    eventually(lambda: states(server) == ["Success"], "the video is stored")
    move(server, instance, study).join()
    assert breakpoint_.hit() == first.pid
    first.kill()
    workers.start(breakpoint_.python)
    assert_moved_once(server, study, film, tmp_path)


@only_once
def test_another_worker_finishes_a_transcode(
    with_workers: tuple[OrthancServer, Workers], films: Films, breakpoint_: Breakpoint
) -> None:
    server, workers = with_workers
    first = workers.start(breakpoint_.python)
    upload(server, films.slow(10)).join()
    eventually(lambda: stages(server) == [("transcode", True)], "the transcode is on its way")
    workers.start(breakpoint_.python)
    first.kill()
    eventually(lambda: states(server) == ["Success"], "the one job has succeeded")
    assert len(requests.get(f"{server.url}/instances", timeout=10).json()) == 1
    eventually(lambda: not any((server.storage / "video-gateway" / "spool").iterdir()), "the spool is empty")


@only_once
def test_a_job_is_cancelled_whose_worker_has_died(
    with_workers: tuple[OrthancServer, Workers], films: Films, breakpoint_: Breakpoint
) -> None:
    """Nobody who worked on it is left to clear up."""
    server, workers = with_workers
    worker = workers.start(breakpoint_.python)
    upload(server, films.slow(10)).join()
    eventually(lambda: stages(server) == [("transcode", True)], "the transcode is on its way")
    worker.kill()
    (job,) = ask(server, "/video/jobs")["Jobs"]
    assert requests.delete(f"{server.gateway_url}/video/jobs/{job['ID']}", timeout=10).ok
    eventually(lambda: not any((server.storage / "video-gateway" / "spool").iterdir()), "the spool is empty")
    assert states(server) == ["Cancelled"]


@only_once
def test_a_worker_that_was_only_slow(
    with_workers: tuple[OrthancServer, Workers], film: Path, tmp_path: Path, breakpoint_: Breakpoint
) -> None:
    """It comes back after another one has stored the object, and stores it again: it is the same object."""
    server, workers = with_workers
    breakpoint_.set(f"{ARCHIVE}:Archive.store", "before")
    slow = workers.start(breakpoint_.python)
    upload(server, film).join()
    breakpoint_.hit()
    slow.send_signal(signal.SIGSTOP)
    workers.start(breakpoint_.python)
    eventually(lambda: states(server) == ["Success"], "the one job has succeeded")
    breakpoint_.go_on()
    slow.send_signal(signal.SIGCONT)
    eventually(lambda: breakpoint_.gone_on(), "the slow one has gone on")
    assert_stored_once(server, film, tmp_path)
    assert states(server) == ["Success"]


@only_once
def test_a_newer_version_finishes_what_an_older_one_began(
    start: Any, film: Path, tmp_path: Path, breakpoint_: Breakpoint, database: str
) -> None:
    """The newer one has a step more, before those that the older one has still to do."""
    breakpoint_.set(f"{ARCHIVE}:Archive.store", "before")
    server = start(settings(breakpoint_, database))
    sending = upload(server, film)
    breakpoint_.hit()
    server.kill()
    server.assert_no_orphans()
    sending.join()
    server.configuration["PythonScript"] = str(_newer_version(tmp_path) / "orthanc_plugin.py")
    server.start()
    eventually(lambda: states(server) == ["Success"], "the older one's job has succeeded")
    assert_stored_once(server, film, tmp_path)
    assert not (tmp_path / "newer-step").exists()
    upload(server, _again(film)).join()
    eventually(lambda: states(server) == ["Success", "Success"], "its own job has succeeded")
    assert (tmp_path / "newer-step").exists()


def _newer_version(folder: Path) -> Path:
    """This program with one more step in its workflow, added as CONTRIBUTING.md says."""
    plugin = folder / "newer" / "plugin"
    shutil.copytree(REPOSITORY / "plugin", plugin, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "newer" / "viewer").symlink_to(REPOSITORY / "viewer")
    path = plugin / "orthanc_video" / "jobs" / "workflows.py"
    old = path.read_text(encoding="utf-8")
    first = "    made = until_it_passes("
    assert old.count(first) == 1
    new = old.replace(first, f'    if DBOS.patch("newer"):\n        _newer()\n{first}')
    step = f'@DBOS.step(name="newer")\ndef _newer() -> None:\n    open({str(folder / "newer-step")!r}, "w").close()\n'
    path.write_text(f"{new}\n\n{step}", encoding="utf-8")
    return plugin


def _again(film: Path) -> Path:
    """The same pictures as another file: another object."""
    other = film.with_name("again.mkv")
    ffmpeg("-y", "-i", str(film), "-c", "copy", "-metadata", "title=again", str(other))
    return other


@only_once
def test_the_database_goes_away_for_a_while(
    start: Any, film: Path, tmp_path: Path, breakpoint_: Breakpoint, postgresql: PostgreSQL
) -> None:
    """What was going on then goes on, and what comes then is taken or asked to come again; the gateway stays."""
    breakpoint_.set(f"{STEPS}:make", "before")
    server = start(settings(breakpoint_, postgresql.url()))
    gateway = server.gateway_pid()
    sending = upload(server, film)
    breakpoint_.hit()
    postgresql.kill()
    breakpoint_.go_on()
    eventually(breakpoint_.gone_on, "the step has been done without a database")
    postgresql.start()
    sending.join()
    eventually(lambda: states(server) == ["Success"], "the one job has succeeded")
    assert_stored_once(server, film, tmp_path)
    assert server.gateway_pid() == gateway


@only_once
def test_who_asks_to_catch_up_at_once_gets_one_job(start: Any, breakpoint_: Breakpoint, database: str) -> None:
    server = start(settings(breakpoint_, database, Workers=False))
    url = f"{server.gateway_url}/video/catch-up"
    with ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(lambda _: requests.post(url, timeout=30), range(16)))
    assert {answer.status_code for answer in answers} == {202}
    (job,) = {answer.json()["ID"] for answer in answers}
    assert [one["ID"] for one in ask(server, "/video/jobs")["Jobs"]] == [job]
    requests.delete(f"{server.gateway_url}/video/jobs/{job}", timeout=10).raise_for_status()
    assert requests.post(url, timeout=30).json()["ID"] != job
