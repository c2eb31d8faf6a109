"""How fast work goes and how long it still takes, from what a media process tells. No guess where nothing is known."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from orthanc_video.model import Progress

# Seconds: the speed is the mean over a window, unknown before the least has been watched, and falls after a silence.
_WINDOW = 15.0
_LEAST = 1.0
_SILENCE = 2.0


@dataclass(frozen=True, slots=True)
class Estimate:
    """``frames_per_second`` of the present stage, ``seconds_left`` of the whole task; None: not known."""

    frames_per_second: float | None = None
    seconds_left: int | None = None


@dataclass(frozen=True, slots=True)
class _Seen:
    at: float
    told: Progress


class Pace:
    """Of one task. One thread tells, any thread may ask."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: deque[_Seen] = deque()
        # The oldest and the newest that count, replaced as one: what other threads read.
        self._ends: tuple[_Seen, _Seen] | None = None

    def tell(self, told: Progress) -> None:
        """The speed of one stage says nothing about the next; nor does the time before the first frame came out."""
        if self._seen and (told.stage != self._seen[-1].told.stage or told.frames < self._seen[-1].told.frames):
            self._seen.clear()
        if told.frames:
            now = self._clock()
            self._seen.append(_Seen(now, told))
            while now - self._seen[0].at > _WINDOW and len(self._seen) > 2:
                self._seen.popleft()
        self._ends = (self._seen[0], self._seen[-1]) if self._seen else None

    def estimate(self, stage: str) -> Estimate:
        """While the task is at ``stage``."""
        ends = self._ends
        if ends is None or ends[1].told.stage != stage:
            return Estimate()
        (first, last), now = ends, self._clock()
        until = last.at if now - last.at < _SILENCE else now
        span, frames, part = until - first.at, last.told.frames - first.told.frames, last.told.part - first.told.part
        if span < _LEAST or frames <= 0 or part <= 0:
            return Estimate()
        return Estimate(round(frames / span, 1), math.ceil(max(0.0, 1 - last.told.part) * span / part))
