"""Follows Orthanc's record of changes, so that every video that arrives is noticed, whichever way it came.

The position in it is kept in the jobs' database and moves on only once the jobs for all before it are recorded. A nudge
makes it look at once; without one it looks every few seconds.
"""

from __future__ import annotations

import logging
import threading

import sqlalchemy as sa

from orthanc_video.archive import changes
from orthanc_video.archive.service import Archive
from orthanc_video.errors import VideoError
from orthanc_video.jobs import background
from orthanc_video.jobs.database import Database

log = logging.getLogger(__name__)

_LOOK_SECONDS = 10.0
# Arrivals come in bursts: one look for all that came within this.
_GATHER_SECONDS = 0.25
_LONGEST_PAUSE = 60.0


class Noticing:
    """One thread. Several gateways may follow at once: each arrival has one job, and the position moves once."""

    def __init__(self, archive: Archive, database: Database, news: threading.Event) -> None:
        self._archive = archive
        self._database = database
        self._news = news
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="noticing", daemon=True)

    def begin(self) -> None:
        """To be called once DBOS is launched. What an Orthanc holds when it is first met is left to catching up."""
        if self._database.position() is None:
            try:
                latest = changes.latest(self._archive)
                self._database.move(None, latest.position, latest.last)
            except VideoError:
                self._database.move(None, 0)  # what arrives until it answers must not be missed
        self._thread.start()

    def end(self) -> None:
        self._stop.set()
        self._news.set()

    def _run(self) -> None:
        pause = 0.0
        failures = 0
        while not self._stop.is_set():
            if self._news.wait(pause):
                self._stop.wait(_GATHER_SECONDS)
            self._news.clear()
            try:
                pause = 0.0 if self._look() else _LOOK_SECONDS
                failures = 0
            except (VideoError, sa.exc.SQLAlchemyError) as error:
                if not failures:
                    log.warning("What arrived in Orthanc cannot be seen (%s); it is asked again.", type(error).__name__)
                failures += 1
                pause = min(_LONGEST_PAUSE, 0.5 * 2.0**failures)
                self._stop.wait(0.5)  # nudges do not hurry what does not answer

    def _look(self) -> bool:
        """Deals with one page; whether more is waiting."""
        position = self._database.position() or 0
        page = changes.after(self._archive, position)
        if page.position < position or (page.position > position and not self._goes_on(position)):
            log.warning("Orthanc's database is another one, or an older copy: all that it holds is noticed anew.")
            self._database.move(position, 0)
            return True
        found = (changes.moving(self._archive, instance) for instance in page.instances)
        background.notice((arrival for arrival in found if arrival is not None), new=True)
        if page.position != position:
            self._database.move(position, page.position, page.last)
        return page.more

    def _goes_on(self, position: int) -> bool:
        """Whether these are the changes that the position was kept of; an earlier version kept no mark with it."""
        mark = self._database.mark()
        return mark is None or changes.goes_on(self._archive, position, changes.Mark(*mark))
