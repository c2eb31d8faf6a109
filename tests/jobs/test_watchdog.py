"""What goes on is left alone, however slowly; what stands still is ended, however much it says."""

from __future__ import annotations

import threading
import time

import pytest

from orthanc_video.jobs import watchdog
from orthanc_video.jobs.watchdog import Watchdog
from orthanc_video.model import Progress


class Task:
    """A task that is watched, and may be ended."""

    def __init__(self, seconds: float = 60) -> None:
        self.ended = threading.Event()
        self.dog = Watchdog("make", seconds, self.ended.set)

    def tell(self, frames: int) -> None:
        self.dog.tell(Progress(stage="transcode", part=frames / 100, frames=frames, total=100))


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watchdog, "STANDSTILL", 1.0)


def test_what_tells_nothing_is_ended() -> None:
    task = Task()
    began = time.monotonic()
    assert task.ended.wait(5)
    assert time.monotonic() - began >= 0.9
    assert task.dog.sentence.startswith("The make of this file came no further for")


def test_the_same_again_is_no_progress() -> None:
    task = Task()
    began = time.monotonic()
    while not task.ended.wait(0.05):
        assert time.monotonic() - began < 5
        task.tell(30)
    assert "The transcode of this file" in task.dog.sentence
    assert "at frame 30 of 100, and was ended" in task.dog.sentence


def test_what_goes_on_slowly_is_left_alone() -> None:
    task = Task()
    for frame in range(8):
        assert not task.ended.wait(0.3)
        task.tell(frame)
    assert task.ended.wait(5), "until it stands still"
    assert "at frame 7 of 100" in task.dog.sentence


def test_what_takes_too_long_altogether_is_ended_however_well_it_goes_on() -> None:
    task = Task(seconds=1.2)
    began, frame = time.monotonic(), 0
    while not task.ended.wait(0.05):
        assert time.monotonic() - began < 5
        task.tell(frame := frame + 1)
    assert task.dog.sentence == "The make of this file took longer than 1.2 s and was ended."


def test_what_has_answered_is_not_ended_afterwards() -> None:
    task = Task()
    task.dog.dismiss()
    assert not task.ended.wait(1.5)
    assert task.dog.sentence == ""
