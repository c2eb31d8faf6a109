"""Media processes as the gateway sees them: whatever happens to one, the right error comes out and nothing stays."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY

from clips import Clips
from orthanc_video.errors import BrokenVideo, NotVideo, VideoError, WorkerFailed
from orthanc_video.jobs import processes
from orthanc_video.jobs.processes import Limits, MediaProcess
from orthanc_video.media.plan import plan
from orthanc_video.media.probe import probe
from orthanc_video.model import Progress, to_json
from processes import address_space_at_start, await_end, children, media_processes

_LIMITS = Limits(seconds=30, memory=3 << 30)


@pytest.fixture(autouse=True)
def nothing_left_behind(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every test has a spare process of its own, and none runs after it."""
    spare = processes._Spare()
    monkeypatch.setattr(processes, "_spare", spare)
    before = media_processes()
    yield
    spare.close()
    assert media_processes() <= before


@pytest.fixture
def pipe(tmp_path: Path) -> dict[str, Any]:
    """A task that hangs: it opens a pipe that nobody writes to."""
    os.mkfifo(tmp_path / "pipe")
    span = {"offset": 0, "length": 100}
    return {"path": str(tmp_path / "pipe"), "spans": [span], "target": str(tmp_path / "t.jpg"), "width": 100}


def _task(clips: Clips, target: Path) -> dict[str, Any]:
    """A task that takes minutes and tells its progress."""
    source = clips.encoded("slow.webm", "-g 1000", codec="vp8", source="testsrc2=s=320x240:r=60:d=20")
    info = probe(source)
    return {"source": str(source), "target": str(target), "video": to_json(info.video), "plan": to_json(plan(info)),
            "preset": "placebo", "crf": 1}  # fmt: skip


class _Running:
    """A task in a thread of its own, which has told its first progress."""

    def __init__(self, name: str, arguments: dict[str, Any]) -> None:
        self.process = MediaProcess()
        self._begun = threading.Event()
        self._pool = ThreadPoolExecutor(1)
        self.result: Future[Any] = self._pool.submit(
            self.process.run, name, arguments, _LIMITS, lambda _: self._begun.set()
        )
        assert self._begun.wait(20)

    def error(self) -> BaseException | None:
        error = self.result.exception(timeout=10)
        self._pool.shutdown()
        return error


def test_a_result(clips: Clips) -> None:
    found = MediaProcess().run("probe", {"path": str(clips.conforming())}, _LIMITS)
    assert found["plan"]["action"] == "wrap"


def test_a_refusal_is_the_same_error_here(clips: Clips) -> None:
    with pytest.raises(NotVideo, match="text"):
        MediaProcess().run("probe", {"path": str(clips.text())}, _LIMITS)
    with pytest.raises(BrokenVideo, match="encrypted"):
        MediaProcess().run("probe", {"path": str(clips.encrypted())}, _LIMITS)


def test_one_that_hangs_is_ended_in_time(pipe: dict[str, Any]) -> None:
    began = time.monotonic()
    with pytest.raises(BrokenVideo, match=r"thumbnail of this file took longer than 0\.5 s"):
        MediaProcess().run("thumbnail", pipe, Limits(seconds=0.5, memory=3 << 30))
    assert time.monotonic() - began < 1.5


def test_one_that_is_killed_failed(clips: Clips, tmp_path: Path) -> None:
    running = _Running("make", _task(clips, tmp_path / "made.mp4"))
    began = time.monotonic()
    killed = media_processes()
    for pid in killed:  # the spare one, too
        os.kill(pid, signal.SIGKILL)
    error = running.error()
    assert isinstance(error, WorkerFailed)
    assert "died during make (exit -9)" in error.sentence
    assert time.monotonic() - began < 1
    for pid in killed:
        await_end(pid)
    # The next task is not bothered by the spare process that died.
    assert MediaProcess().run("probe", {"path": str(clips.conforming())}, _LIMITS)


def test_one_that_wants_too_much_memory_is_ended(clips: Clips) -> None:
    big = clips.encoded("big.avi", codec="mjpeg", source="color=s=8000x8000:r=25:d=0.04")
    with pytest.raises((BrokenVideo, WorkerFailed)):
        MediaProcess().run(
            "probe", {"path": str(big)}, Limits(seconds=30, memory=address_space_at_start() + (30 << 20))
        )
    assert MediaProcess().run("probe", {"path": str(big)}, _LIMITS)["info"]["video"]["width"] == 8000


def test_a_cancelled_one_is_gone_within_a_second(clips: Clips, tmp_path: Path) -> None:
    running = _Running("make", _task(clips, tmp_path / "made.mp4"))
    ffmpegs = [pid for worker in media_processes() for pid in children(worker)]
    assert len(ffmpegs) == 1
    began = time.monotonic()
    running.process.end()
    error = running.error()
    assert isinstance(error, WorkerFailed)
    assert "cancelled" in error.sentence
    await_end(ffmpegs[0])
    assert time.monotonic() - began < 1


def test_one_cancelled_before_it_began_never_begins(clips: Clips) -> None:
    process = MediaProcess()
    process.end()
    with pytest.raises(WorkerFailed, match="cancelled"):
        process.run("probe", {"path": str(clips.conforming())}, _LIMITS)


def test_cancelling_a_finished_one_does_nothing(clips: Clips) -> None:
    process = MediaProcess()
    process.run("probe", {"path": str(clips.conforming())}, _LIMITS)
    process.end()


def test_progress_is_passed_on(clips: Clips, tmp_path: Path) -> None:
    source = clips.video("vp9", "webm")
    info = probe(source)
    told: list[Progress] = []
    arguments = {"source": str(source), "target": str(tmp_path / "made.mp4"), "video": to_json(info.video),
                 "plan": to_json(plan(info)), "preset": "veryfast", "crf": 20}  # fmt: skip
    MediaProcess().run("make", arguments, _LIMITS, told.append)
    parts = [one.part for one in told]
    assert parts
    assert parts == sorted(parts)
    assert [one.stage for one in told] == sorted((one.stage for one in told), key=["transcode", "remux", "check"].index)
    for stage in ("transcode", "remux", "check"):
        assert REGISTRY.get_sample_value("orthanc_video_stage_seconds_count", {"stage": stage})


def test_a_failing_listener_leaves_no_process(clips: Clips, tmp_path: Path) -> None:
    def listener(_: Progress) -> None:
        raise VideoError("the listener fails")

    with pytest.raises(VideoError, match="the listener fails"):
        MediaProcess().run("make", _task(clips, tmp_path / "made.mp4"), _LIMITS, listener)


def test_many_at_once(clips: Clips) -> None:
    paths = [clips.conforming(), clips.fragmented(), clips.video("vp9", "webm"), clips.with_sound()]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda p: MediaProcess().run("probe", {"path": str(p)}, _LIMITS), paths))
    assert [one["info"]["size"] for one in found] == [path.stat().st_size for path in paths]
