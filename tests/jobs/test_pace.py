"""How fast, and how long still: right for steady work, and silent where nothing is known."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from orthanc_video.jobs.pace import Estimate, Pace
from orthanc_video.model import Progress

UNKNOWN = Estimate(None, None)


class Watched:
    """A pace whose clock stands still until it is told to go on."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.pace = Pace(lambda: self.now)

    def tell(self, after: float, frames: int, total: int = 1000, stage: str = "transcode") -> None:
        self.now += after
        self.pace.tell(Progress(stage=stage, part=frames / total, frames=frames, total=total))


@pytest.fixture
def watched() -> Watched:
    return Watched()


def test_nothing_is_known_at_first(watched: Watched) -> None:
    assert watched.pace.estimate("transcode") == UNKNOWN
    watched.tell(0, 0)
    watched.tell(5, 0)
    assert watched.pace.estimate("transcode") == UNKNOWN
    watched.tell(0.5, 50)
    assert watched.pace.estimate("transcode") == UNKNOWN
    watched.tell(0.5, 100)
    assert watched.pace.estimate("transcode") == UNKNOWN  # half a second of work seen


def test_the_time_before_the_first_frame_does_not_count(watched: Watched) -> None:
    watched.tell(0, 0)
    watched.tell(60, 20)
    for _ in range(4):
        watched.tell(0.5, watched.pace._seen[-1].told.frames + 50)
    assert watched.pace.estimate("transcode") == Estimate(100.0, math.ceil(780 / 100))


@given(
    fps=st.floats(0.2, 2000),
    step=st.floats(0.1, 1.5),
    count=st.integers(20, 200),
    total=st.integers(10_000, 2_000_000),
)
def test_of_steady_work_it_is_right(fps: float, step: float, count: int, total: int) -> None:
    watched = Watched()
    for number in range(1, count):
        watched.tell(step, min(total, round(1 + number * step * fps)), total)
    told = watched.pace._seen[-1].told
    seen = told.frames - watched.pace._seen[0].told.frames
    assume(seen >= 5 and told.frames < total)
    found = watched.pace.estimate("transcode")
    assert found.frames_per_second is not None
    assert found.seconds_left is not None
    exact = (total - told.frames) / fps
    # A count of frames is right to one frame; what is shown is rounded.
    assert abs(found.frames_per_second - fps) <= 1.3 * fps / seen + 0.06
    assert abs(found.seconds_left - exact) <= 1.3 * exact / seen + 1.01


@given(st.lists(st.tuples(st.floats(0, 100), st.integers(0, 2000), st.sampled_from(["transcode", "check"]))))
def test_whatever_is_told_it_stays_sane(events: list[tuple[float, int, str]]) -> None:
    watched = Watched()
    for after, frames, stage in events:
        watched.tell(after, frames, stage=stage)
        found = watched.pace.estimate(stage)
        assert (found.frames_per_second is None) == (found.seconds_left is None)
        if found.frames_per_second is not None and found.seconds_left is not None:
            assert 0 <= found.frames_per_second < math.inf
            assert 0 <= found.seconds_left < math.inf


def test_a_change_of_speed_is_followed_smoothly(watched: Watched) -> None:
    frames = 0
    shown = []
    for speed in (100, 20):
        for _ in range(60):
            frames += speed // 2
            watched.tell(0.5, frames, 100_000)
            shown.append(watched.pace.estimate("transcode").frames_per_second or 0.0)
    assert shown[59] == 100
    assert shown[-1] == 20
    assert all(before - after < 5 for before, after in itertools.pairwise(shown[60:]))


def test_what_stands_still_becomes_slower_and_then_unknown(watched: Watched) -> None:
    for number in range(1, 21):
        watched.tell(0.5, number * 50)
    watched.now += 1.9
    assert watched.pace.estimate("transcode").frames_per_second == 100
    watched.now += 8
    slower = watched.pace.estimate("transcode").frames_per_second
    assert slower is not None
    assert slower < 50.1
    for _ in range(40):
        watched.tell(0.5, 1000)
    assert watched.pace.estimate("transcode") == UNKNOWN


def test_one_stage_says_nothing_of_the_next(watched: Watched) -> None:
    for number in range(1, 21):
        watched.tell(0.5, number * 50)
    assert watched.pace.estimate("store") == UNKNOWN
    watched.tell(0.5, 1000, stage="check")
    assert watched.pace.estimate("check") == UNKNOWN
    assert watched.pace.estimate("transcode") == UNKNOWN


def test_work_that_begins_again_is_seen_anew(watched: Watched) -> None:
    for number in range(1, 21):
        watched.tell(0.5, number * 50)
    watched.tell(0.5, 0)
    assert watched.pace.estimate("transcode") == UNKNOWN
