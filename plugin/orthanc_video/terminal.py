"""A progress bar for a person at a terminal."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Self

from tqdm import tqdm

from orthanc_video.jobs.pace import Pace
from orthanc_video.model import Progress

_WORDS = {"transcode": "converting", "remux": "repacking", "check": "checking"}
_LOOK = "{desc} {percentage:3.0f} % |{bar}|{postfix}"


class Bar:
    """One line on stderr while a media process works, gone when it ends; nothing where stderr is no terminal."""

    def __init__(self) -> None:
        self._pace = Pace()
        self._bar = tqdm(
            total=1.0,
            disable=None,  # where it is no terminal
            file=sys.stderr,
            bar_format=_LOOK,
            dynamic_ncols=True,
            leave=False,
            delay=0.1,
            miniters=0,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.close()

    def show(self, told: Progress) -> None:
        self._pace.tell(told)
        pace = self._pace.estimate(told.stage)
        facts = []
        if pace.frames_per_second is not None:
            facts.append(f"{pace.frames_per_second:g} fps")
        if pace.seconds_left is not None:
            facts.append(f"{tqdm.format_interval(pace.seconds_left)} left")
        self._bar.set_description_str(f"{_WORDS.get(told.stage, told.stage):<10}", refresh=False)
        self._bar.set_postfix_str(", ".join(facts), refresh=False)
        self._bar.update(told.part - self._bar.n)
