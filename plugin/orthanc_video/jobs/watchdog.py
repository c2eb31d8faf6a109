"""Ends a media process that takes too long altogether, or that comes no further: a file can make a decoder go round."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from orthanc_video.model import Progress

# Seconds without progress. Nothing that goes on was seen to take as long from one step to the next: x264's last frames,
# which ffmpeg 5.1 has counted before they are done, took 25 s with the preset placebo on two cores (less than one
# with the default), and putting the index of an MP4 in front copies it, 4 GiB within this time on a disk of 10 MB/s.
# Using the processor, or saying the same frame number again and again, is what a process does that goes round.
STANDSTILL = 15 * 60.0


class Watchdog:
    """Watches over one task until ``dismiss``. ``sentence`` says why it was ended, empty while it was not."""

    def __init__(self, task: str, seconds: float, end: Callable[[], None]) -> None:
        """``seconds`` is the longest that it may take altogether."""
        self._task = task
        self._seconds = seconds
        self._end = end
        self._last: Progress | None = None
        self._began = self._moved = time.monotonic()
        self._dismissed = threading.Event()
        self.sentence = ""
        threading.Thread(target=self._run, name="watchdog", daemon=True).start()

    def tell(self, told: Progress) -> None:
        """What the task says of itself. The same again is no progress."""
        if told != self._last:
            self._last, self._moved = told, time.monotonic()

    def dismiss(self) -> None:
        self._dismissed.set()

    def _run(self) -> None:
        while (left := self._until() - time.monotonic()) > 0:
            if self._dismissed.wait(left):
                return
        if self._moved + STANDSTILL < self._began + self._seconds:
            self.sentence = self._stands_still()
        else:
            self.sentence = f"The {self._task} of this file took longer than {self._seconds:g} s and was ended."
        self._end()

    def _until(self) -> float:
        return min(self._began + self._seconds, self._moved + STANDSTILL)

    def _stands_still(self) -> str:
        told = self._last
        where = f" at frame {told.frames} of {told.total}," if told else ""
        return (
            f"The {told.stage if told else self._task} of this file came no further for {STANDSTILL / 60:g} minutes,"
            f"{where} and was ended: the file is damaged there, or the disk does not answer."
        )
