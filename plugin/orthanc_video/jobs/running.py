"""What this process is at: the jobs that run in it, and who waits for the outcome of which."""

from __future__ import annotations

import concurrent.futures
import contextlib
import threading
import weakref
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from orthanc_video.archive.service import Archive
from orthanc_video.jobs import ingest_job, processes
from orthanc_video.jobs.database import Database
from orthanc_video.jobs.pace import Pace
from orthanc_video.jobs.peers import Peers
from orthanc_video.model import Progress
from orthanc_video.routing.routes import routes_from
from orthanc_video.settings import Settings

Outcome = dict[str, Any]
# Deliveries that wait and let others go first; DBOS has 64 threads for all work.
_ASIDE = 16


@dataclass
class Active:
    """A job that runs in this process: which attempt at it, what it is at, and how to end it.

    ``cancelled``: nobody wants it any more, so what is left of it here is removed. ``attempts`` are a delivery's.
    """

    workflow: str
    process: processes.MediaProcess = field(default_factory=processes.MediaProcess)
    stage: str = "waiting"
    progress: float = 0.0
    pace: Pace = field(default_factory=Pace)
    cancelled: bool = False
    attempts: list[Outcome] = field(default_factory=list)

    def tell(self, told: Progress) -> None:
        """What the media process says of its work."""
        self.stage, self.progress = told.stage, told.part
        self.pace.tell(told)

    def report(self) -> dict[str, Any]:
        """What the job's view shows of it."""
        estimate = self.pace.estimate(self.stage)
        return {
            "Stage": self.stage,
            "Progress": int(self.progress * 100),
            "FramesPerSecond": estimate.frames_per_second,
            "SecondsLeft": estimate.seconds_left,
            **({"Attempts": self.attempts} if self.attempts else {}),
        }

    def end(self, *, cancelled: bool) -> None:
        """Ends its media process: it was cancelled, or another process has taken it over."""
        self.cancelled = cancelled
        self.process.end()


class Room:
    """The place of a job that is about to begin."""

    def __init__(self, reserved: dict[str, bool], *, short: bool) -> None:
        self._reserved = reserved
        self._short = short
        self.kept = False

    def keep_for(self, job: str) -> None:
        self._reserved[job] = self._short
        self.kept = True


class Places:
    """How many jobs of one kind are worked on at once in this process, wherever they come from.

    Where long ones have all places there is one more for a short one, so that minutes of work do not wait for hours.
    """

    def __init__(self, most: int, vacated: threading.Event) -> None:
        """``vacated`` is set whenever a job has given its place back."""
        self._most = most
        self._long = self._short = 0
        self._turn = threading.Condition()
        self._vacated = vacated
        # The jobs for which a place is kept, and whether they are short.
        self._reserved: dict[str, bool] = {}

    @contextlib.contextmanager
    def room(self, *, short: bool) -> Iterator[Room | None]:
        """A place for one more job, if there is one; given back unless it is kept for a job."""
        with self._turn:
            free = self._has_room(short=short)
            self._count(int(free), short=short)
        if not free:
            yield None
            return
        room = Room(self._reserved, short=short)
        try:
            yield room
        finally:
            if not room.kept:
                self._give_back(short=short)

    @contextlib.contextmanager
    def taken(self, job: str, *, short: bool) -> Iterator[None]:
        """Waits for its turn: jobs come from a queue, directly, and from before a crash."""
        if job in self._reserved:
            short = self._reserved.pop(job)
        else:
            with self._turn:
                self._turn.wait_for(lambda: self._has_room(short=short))
                self._count(1, short=short)
        try:
            yield
        finally:
            self._vacate(short=short)

    @contextlib.contextmanager
    def given_up(self) -> Iterator[None]:
        """Gives back a place that is taken, for so long; then waits until there is one again."""
        self._vacate(short=False)
        try:
            yield
        finally:
            with self._turn:
                self._turn.wait_for(lambda: self._has_room(short=False))
                self._count(1, short=False)

    def give_back(self, job: str) -> None:
        """The place that was kept for a job which has ended without taking it."""
        if job in self._reserved:
            self._vacate(short=self._reserved.pop(job))

    def _has_room(self, *, short: bool) -> bool:
        return self._long + self._short < self._most or (short and not self._short)

    def _count(self, more: int, *, short: bool) -> None:
        if short:
            self._short += more
        else:
            self._long += more

    def _give_back(self, *, short: bool) -> None:
        with self._turn:
            self._count(-1, short=short)
            self._turn.notify_all()

    def _vacate(self, *, short: bool) -> None:
        self._give_back(short=short)
        self._vacated.set()


class Running:
    """The jobs of one process. There is one at a time, since DBOS's workflows are plain functions: see ``here``."""

    def __init__(
        self, settings: Settings, archive: Archive, database: Database, transcodes: int, derivations: int
    ) -> None:
        """``transcodes`` is how many are made at once here, and how many renditions that somebody waits for."""
        self.settings = settings
        # Set when a place has become free: there is room for the next job.
        self.vacated = threading.Event()
        self.transcodes = Places(transcodes, self.vacated)
        self.renditions = Places(transcodes, self.vacated)
        self.derivations = Places(derivations, self.vacated)
        self._aside = threading.BoundedSemaphore(_ASIDE)
        # By destination.
        self._ways: dict[str, Places] = {}
        self.archive = archive
        self.database = database
        self.peers = Peers(settings, archive, database)
        self.routes = routes_from(settings.gateway)
        self.active: dict[str, Active] = {}
        # Set when there is something new to look after.
        self.woken = threading.Event()
        # What the job table was last told of them.
        self.reported: dict[str, dict[str, Any]] = {}
        self._waiters: dict[str, concurrent.futures.Future[Outcome]] = {}
        self._locks: weakref.WeakValueDictionary[str, threading.Lock] = weakref.WeakValueDictionary()
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def job(self, job: str, workflow: str, target: str) -> Iterator[Active]:
        """Marks a job as running here, by this attempt at it (``workflow``).

        Two jobs for the same object (``target``) run one after the other.
        """
        active = self.active[job] = Active(workflow)
        self.woken.set()
        with self._lock:
            lock = self._locks.setdefault(target, threading.Lock())
        try:
            with lock:
                yield active
        finally:
            del self.active[job]
            for places in (self.transcodes, self.renditions, self.derivations, *self._ways.values()):
                places.give_back(job)
            if active.cancelled:
                ingest_job.tidy(self.settings, job)

    def way(self, destination: str) -> Places:
        """How many are on their way to a destination at once."""
        with self._lock:
            return self._ways.setdefault(destination, Places(self.peers.policy(destination).concurrency, self.vacated))

    @contextlib.contextmanager
    def aside(self, destination: str) -> Iterator[None]:
        """While a delivery waits, others have its place; not where too many wait already, each in a thread."""
        if not self._aside.acquire(blocking=False):
            yield
            return
        try:
            with self.way(destination).given_up():
                yield
        finally:
            self._aside.release()

    def outcome_of(self, workflow: str) -> concurrent.futures.Future[Outcome]:
        """The outcome to wait for; empty when this process stops before there is one."""
        waiter = self._waiters.setdefault(workflow, concurrent.futures.Future())
        self.woken.set()
        return waiter

    def awaited(self) -> set[str]:
        """The workflows whose outcome is waited for here."""
        return set(self._waiters)

    def settle(self, workflow: str, outcome: Outcome) -> None:
        waiter = self._waiters.pop(workflow, None)
        if waiter is not None and not waiter.done():
            waiter.set_result(outcome)

    def release(self) -> None:
        """Lets go of all who wait: their jobs are recorded and go on, here after a restart or elsewhere."""
        for workflow in self.awaited():
            self.settle(workflow, {})


_here: Running | None = None


def begin(running: Running) -> None:
    global _here
    _here = running


def here() -> Running:
    """The jobs of this process; there are some from launch on."""
    if _here is None:
        raise RuntimeError("the job engine has not been launched")
    return _here
