"""Whose turn it is: what waits in a queue begins in this process as soon as there is a place for it."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Iterable, Iterator

from dbos import DBOS

from orthanc_video.jobs import ingest_job, queues, views
from orthanc_video.jobs.database import TROUBLES
from orthanc_video.jobs.running import Places, Running

log = logging.getLogger(__name__)


class Turns:
    """Those of one process. One that runs no jobs takes none: another will."""

    def __init__(self, dbos: DBOS, running: Running) -> None:
        self._dbos, self._running = dbos, running
        self._places = {
            queues.TRANSCODES: running.transcodes,
            queues.RENDITIONS: running.renditions,
            queues.DERIVATIONS: running.derivations,
        }
        self._takes = self._ended = False

    def take(self) -> None:
        """From now on jobs begin here; to be called once DBOS is launched."""
        self._takes = True
        threading.Thread(target=self._fill_places, name="places", daemon=True).start()

    def end(self) -> None:
        """What ends now makes no room for others."""
        self._ended = True

    def begin(self, queue: str) -> None:
        """Begins the job whose turn it is in a queue, where there is room: others look only from time to time."""
        if self._takes:
            with _later():
                self._begin_any([queue])

    def begin_deliveries(self) -> None:
        """Begins what may go to destinations now."""
        if self._takes:
            with _later():
                self._begin_deliveries()

    def _fill_places(self) -> None:
        """Begins the next job as soon as another has ended, and looks for those that others put into the queue."""
        while True:
            self._running.vacated.wait(queues.POLL_SECONDS)
            self._running.vacated.clear()
            with _later():
                while not self._ended and self._begin_any(queues.LOOKED_INTO):
                    pass
                while not self._ended and self._begin_deliveries():
                    pass

    def _begin_any(self, names: Iterable[str]) -> bool:
        waiting = queues.next_priorities(self._dbos, names)
        begun = [
            self._begin_one(places, name, short=waiting[name] == ingest_job.SHORT)
            for name, places in self._places.items()
            if name in waiting
        ]
        for name in waiting.keys() & queues.AT_ONCE:
            claim = queues.Claim(self._dbos, name, one=False)
            claim.begin()
            begun.append(bool(claim.workflows))
        return any(begun)

    def _begin_deliveries(self) -> bool:
        """Within the hours of each destination, as many as it takes at once."""
        begun = False
        for name in queues.destinations(self._dbos):
            if not self._running.peers.closed_for(name):
                begun |= self._begin_one(self._running.way(name), queues.DELIVERIES, short=False, destination=name)
        return begun

    def _begin_one(self, places: Places, queue: str, *, short: bool, destination: str | None = None) -> bool:
        """Begins the next of a queue, or of its deliveries to one destination, where there is a place for it."""
        with places.room(short=short) as room:
            if room is None:
                return False
            claim = queues.Claim(self._dbos, queue, one=True, destination=destination)
            for workflow in claim.workflows:
                room.keep_for(views.job_of(workflow))
            claim.begin()
            return bool(claim.workflows)


@contextlib.contextmanager
def _later() -> Iterator[None]:
    """Around what begins recorded work: where that cannot be now, DBOS begins it when it looks the next time."""
    try:
        yield
    except TROUBLES:
        log.warning("The jobs' database does not answer: what waits begins when it does.")
