"""Media processes as the gateway sees them: whatever happens to one, the right error comes out and nothing stays."""

from __future__ import annotations

import os
import re
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
from orthanc_video.jobs import processes, watchdog
from orthanc_video.jobs.processes import Limits, MediaProcess
from orthanc_video.jobs.template import Template
from orthanc_video.media.plan import plan
from orthanc_video.media.probe import probe
from orthanc_video.model import Most, Progress
from orthanc_video.plain import to_json
from processes import address_space_at_start, await_end, children, has_task, is_running, media_processes, templates

_LIMITS = Limits(seconds=30, memory=3 << 30)


@pytest.fixture(autouse=True)
def template(monkeypatch: pytest.MonkeyPatch) -> Iterator[Template]:
    """Every test has a template process of its own, and nothing of it runs after the test."""
    own = Template()
    monkeypatch.setattr(processes, "_template", own)
    before = templates()
    yield own
    assert media_processes() == set(), "a task has left its process behind"
    own.close()
    assert templates() <= before


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
            "preset": "placebo", "crf": 1, "cut": False, "most": to_json(Most(bytes=1 << 31))}  # fmt: skip


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


def test_one_that_comes_no_further_is_ended_with_its_ffmpeg(
    clips: Clips, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watchdog, "STANDSTILL", 3.0)
    running = _Running("make", _task(clips, tmp_path / "made.mp4"))
    (worker,) = media_processes()
    (ffmpeg,) = children(worker)
    os.kill(ffmpeg, signal.SIGSTOP)  # from outside, a decoder that goes round in one frame looks the same
    error = running.error()
    assert isinstance(error, BrokenVideo)
    assert re.match(r"The transcode of this file came no further .*, at frame \d+ of 1200, and was", error.sentence)
    await_end(ffmpeg)


def test_one_that_is_killed_failed(clips: Clips, tmp_path: Path) -> None:
    running = _Running("make", _task(clips, tmp_path / "made.mp4"))
    began = time.monotonic()
    (killed,) = media_processes()
    os.kill(killed, signal.SIGKILL)
    error = running.error()
    assert isinstance(error, WorkerFailed)
    assert "died during make (exit -9)" in error.sentence
    assert time.monotonic() - began < 1
    await_end(killed)


def test_a_template_that_is_killed_takes_its_tasks_with_it_and_the_next_has_another(
    clips: Clips, tmp_path: Path
) -> None:
    running = _Running("make", _task(clips, tmp_path / "made.mp4"))
    (worker,), (killed,) = media_processes(), templates()
    (ffmpeg,) = children(worker)
    os.kill(killed, signal.SIGKILL)
    assert isinstance(running.error(), WorkerFailed)
    await_end(ffmpeg)
    assert MediaProcess().run("probe", {"path": str(clips.conforming())}, _LIMITS)
    assert templates() - {killed}


def test_one_stands_ready_and_takes_the_next_task(template: Template, clips: Clips) -> None:
    probe = {"path": str(clips.conforming())}
    template.keep_ready()
    (first,) = _ready()
    MediaProcess().run("probe", probe, _LIMITS)
    (ready,) = _ready() - {first}
    forked = template.fork()
    assert _ready() == {ready}, "another was forked"
    forked.kill()
    await_end(ready)
    forked.close()


def test_a_command_has_none_that_nobody_will_ask(template: Template, clips: Clips) -> None:
    template.prepare()
    (ready,) = _ready()
    MediaProcess().run("probe", {"path": str(clips.conforming())}, _LIMITS)
    await_end(ready)
    assert _ready() == set()


def test_one_that_stood_ready_and_was_killed_is_not_asked(template: Template, clips: Clips) -> None:
    template.prepare()
    (ready,) = _ready()
    os.kill(ready, signal.SIGKILL)
    await_end(ready)
    assert MediaProcess().run("probe", {"path": str(clips.conforming())}, _LIMITS)


def test_one_stands_ready_however_many_are_busy(template: Template, pipe: dict[str, Any]) -> None:
    template.keep_ready()
    busy = [MediaProcess() for _ in range(3)]
    with ThreadPoolExecutor(3) as pool:
        ended = [pool.submit(one.run, "thumbnail", pipe, _LIMITS) for one in busy]
        while len(media_processes()) < 3:
            time.sleep(0.01)
        assert len(_ready()) == 1
        for one in busy:
            one.end()
        assert all(isinstance(one.exception(timeout=10), WorkerFailed) for one in ended)


def _ready() -> set[int]:
    """What the template has forked and has no task."""
    (template,) = templates()
    return {child for child in children(template) if is_running(child) and not has_task(child)}


@pytest.mark.parametrize(
    "said",
    [
        *(b"no JSON\n", b"[]\n", b"{}\n", b"x" * (64 << 20), b"1" * 10_000 + b"\n", b"[" * 100_000 + b"\n"),
        b'{"progress": {"stage": "a label of its own", "part": 0.5, "frames": 1, "total": 2}}\n',
        b'{"progress": {"stage": "remux", "part": NaN, "frames": 1, "total": 2}}\n',
        b'{"progress": {"stage": "remux", "part": "1", "frames": null, "total": {}}}\n',
    ],
    ids=len,
)
def test_a_process_that_talks_nonsense_failed(
    template: Template, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, said: bytes
) -> None:
    """A file that has taken its process over can say what it wants, and as much."""
    (tmp_path / "said").write_bytes(said)
    forked = template.fork()
    forked.stdout.close()
    forked.stdout = (tmp_path / "said").open()
    monkeypatch.setattr(template, "fork", lambda: forked)
    with pytest.raises(WorkerFailed, match="nonsense"):
        MediaProcess().run("isolation", {}, _LIMITS)


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
                 "plan": to_json(plan(info)), "preset": "veryfast", "crf": 20,
                 "cut": False, "most": to_json(Most(bytes=1 << 31))}  # fmt: skip
    MediaProcess().run("make", arguments, _LIMITS, told.append)
    parts = [one.part for one in told]
    assert parts
    assert parts == sorted(parts)
    assert [one.stage for one in told] == sorted((one.stage for one in told), key=["transcode", "remux", "check"].index)
    assert REGISTRY.get_sample_value("orthanc_video_stage_seconds_count", {"stage": "transcode"})


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
