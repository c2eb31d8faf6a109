"""The jobs' database: SQLite in the gateway's folder, or PostgreSQL; DBOS's tables and six of ours beside them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import sqlalchemy as sa

from orthanc_video.errors import Busy, ConfigurationError
from orthanc_video.jobs import patience
from orthanc_video.settings import Settings

_tables = sa.MetaData()
_executors = sa.Table(
    "orthanc_video_executors",
    _tables,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("beat", sa.Float, nullable=False),  # seconds since 1970 by the database's own clock
)
_progress = sa.Table(
    "orthanc_video_progress",
    _tables,
    sa.Column("job", sa.String(64), primary_key=True),
    sa.Column("executor", sa.String(64), nullable=False),
    sa.Column("report", sa.JSON, nullable=False),
)
_position = sa.Table(
    "orthanc_video_position",
    _tables,
    sa.Column("of", sa.String(64), primary_key=True),
    sa.Column("number", sa.BigInteger, nullable=False),
)
_marks = sa.Table(
    "orthanc_video_marks",
    _tables,
    sa.Column("of", sa.String(64), primary_key=True),
    sa.Column("change", sa.JSON, nullable=False),
)
_films = sa.Table(
    "orthanc_video_films",
    _tables,
    sa.Column("stored", sa.String(64), primary_key=True),  # the attachment's UUID
    sa.Column("instance", sa.String(64), nullable=False),
    sa.Column("received", sa.String(32), nullable=False),  # as Orthanc writes times
)
_peers = sa.Table(
    "orthanc_video_peers",
    _tables,
    sa.Column("address", sa.String(64), primary_key=True),  # a hash of where it is and what it is called
    sa.Column("capabilities", sa.JSON, nullable=False),
)
_CHANGES = "changes"  # of Orthanc: the only list that is followed
# What may pass: SQLite's disk is full, PostgreSQL is away, all connections are in use.
TROUBLES = (sa.exc.OperationalError, sa.exc.InterfaceError, sa.exc.TimeoutError)
TROUBLE = "The jobs' database cannot be used now: its disk is full, or it does not answer. Try again in a moment."
# Whole seconds, of a server that does not even refuse.
CONNECT_SECONDS = 3
_CLOCKS = {
    "postgresql": "extract(epoch from clock_timestamp())",
    "sqlite": "(julianday('now') - 2440587.5) * 86400.0",
}


def url_of(settings: Settings) -> str:
    """The database's URL as DBOS and SQLAlchemy take it, password included; raises ConfigurationError."""
    given = settings.gateway.database
    if not given:
        return f"sqlite:///{settings.database}"
    try:
        url = sa.make_url(given)
    except sa.exc.ArgumentError as error:
        raise ConfigurationError('"VideoGateway.Database" is no URL: postgresql://user:password@host/name.') from error
    if url.get_backend_name() != "postgresql":
        raise ConfigurationError(
            '"VideoGateway.Database" must begin with postgresql:// (or be empty: SQLite in the gateway\'s folder).'
        )
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


@contextlib.contextmanager
def answering() -> Iterator[None]:
    """Raises Busy for what the jobs' database cannot do just now, nor in a few seconds."""
    try:
        with patience.for_a_moment():
            yield
    except TROUBLES as error:
        raise Busy(TROUBLE) from error


class Database:
    """Heartbeats of the processes that run jobs, and how far their jobs are. Blocking; raises SQLAlchemyError."""

    def __init__(self, settings: Settings) -> None:
        self.url = url_of(settings)
        url = sa.make_url(self.url)
        if url.get_backend_name() == "postgresql":
            self._engine = sa.create_engine(
                url.set(drivername="postgresql+psycopg"),
                pool_pre_ping=True,
                hide_parameters=True,
                connect_args={"connect_timeout": CONNECT_SECONDS},
            )
        else:
            self._engine = sa.create_engine(url, connect_args={"timeout": 30}, hide_parameters=True)
        self._now = sa.literal_column(_CLOCKS[self._engine.dialect.name], sa.Float)

    def prepare(self) -> None:
        """Makes the tables; raises Busy while the database does not answer."""
        try:
            with self._engine.begin() as connection:
                if self._engine.dialect.name == "postgresql":  # two that start at once must not both create
                    connection.execute(sa.text("select pg_advisory_xact_lock(5820043)"))
                _tables.create_all(connection)
        except sa.exc.OperationalError as error:
            raise Busy(
                'The jobs\' database ("VideoGateway.Database") does not answer, does not exist, or refuses this user.'
            ) from error

    def close(self) -> None:
        self._engine.dispose()

    def beat(self, executor: str) -> None:
        """Says that this process lives."""
        with self._engine.begin() as connection:
            mine = sa.update(_executors).where(_executors.c.id == executor).values(beat=self._now)
            if not connection.execute(mine).rowcount:
                connection.execute(sa.insert(_executors).values(id=executor, beat=self._now))

    def leave(self, executor: str) -> None:
        """Says that this process ends: what it had not finished may be taken up at once."""
        with self._engine.begin() as connection:
            connection.execute(sa.delete(_executors).where(_executors.c.id == executor))
            connection.execute(sa.delete(_progress).where(_progress.c.executor == executor))

    def living(self, within: float) -> set[str]:
        """The processes that have beaten in the last ``within`` seconds."""
        with self._engine.begin() as connection:
            return set(
                connection.execute(sa.select(_executors.c.id).where(_executors.c.beat > self._now - within)).scalars()
            )

    def report(self, executor: str, reports: dict[str, dict[str, Any]]) -> None:
        """Puts this process's reports, by job, in place of its earlier ones."""
        with self._engine.begin() as connection:
            earlier = sa.or_(_progress.c.executor == executor, _progress.c.job.in_(list(reports)))
            connection.execute(sa.delete(_progress).where(earlier))
            rows = [{"job": job, "executor": executor, "report": report} for job, report in reports.items()]
            if rows:
                connection.execute(sa.insert(_progress), rows)

    def reports(self, jobs: Iterable[str]) -> dict[str, dict[str, Any]]:
        """What those of ``jobs`` that run have last reported."""
        wanted = sa.select(_progress.c.job, _progress.c.report).where(_progress.c.job.in_(list(jobs)))
        with self._engine.begin() as connection:
            return {row.job: row.report for row in connection.execute(wanted)}

    def position(self) -> int | None:
        """The last of Orthanc's changes that has been dealt with; None before the first."""
        with self._engine.begin() as connection:
            return connection.execute(sa.select(_position.c.number).where(_position.c.of == _CHANGES)).scalar()

    def mark(self) -> list[Any] | None:
        """What was marked with the position, to know Orthanc's record again."""
        with self._engine.begin() as connection:
            return connection.execute(sa.select(_marks.c.change).where(_marks.c.of == _CHANGES)).scalar()

    def move(self, before: int | None, after: int, mark: Sequence[Any] | None = None) -> None:
        """Moves the position, and the mark if there is a new one, unless another gateway has moved it meanwhile."""
        with contextlib.suppress(sa.exc.IntegrityError), self._engine.begin() as connection:
            if before is None:
                connection.execute(sa.insert(_position).values(of=_CHANGES, number=after))
            else:
                here = sa.and_(_position.c.of == _CHANGES, _position.c.number == before)
                if not connection.execute(sa.update(_position).where(here).values(number=after)).rowcount:
                    return
            if mark is not None or after < (before or 0):
                connection.execute(sa.delete(_marks).where(_marks.c.of == _CHANGES))
            if mark is not None:
                connection.execute(sa.insert(_marks).values(of=_CHANGES, change=list(mark)))

    def add_film(self, stored: str, instance: str, received: str) -> None:
        """Remembers a film of single pictures; once more is nothing."""
        with contextlib.suppress(sa.exc.IntegrityError), self._engine.begin() as connection:
            connection.execute(sa.insert(_films).values(stored=stored, instance=instance, received=received))

    def films(self) -> list[tuple[str, str]]:
        """When each was received, and its instance."""
        with self._engine.begin() as connection:
            return [(row.received, row.instance) for row in connection.execute(sa.select(_films))]

    def forget_films(self, stored: Iterable[str]) -> None:
        with self._engine.begin() as connection:
            connection.execute(sa.delete(_films).where(_films.c.stored.in_(list(stored))))

    def capabilities(self, address: str) -> dict[str, Any] | None:
        """What the peer at this address takes, as far as it was asked."""
        with self._engine.begin() as connection:
            return connection.execute(sa.select(_peers.c.capabilities).where(_peers.c.address == address)).scalar()

    def learn(self, address: str, capabilities: dict[str, Any]) -> None:
        """Puts what the peer takes in place of what was known."""
        with self._engine.begin() as connection:
            there = sa.update(_peers).where(_peers.c.address == address).values(capabilities=capabilities)
            if not connection.execute(there).rowcount:
                connection.execute(sa.insert(_peers).values(address=address, capabilities=capabilities))

    def forget_the_dead(self, older: float) -> None:
        """Removes processes that have not beaten for ``older`` seconds, and their reports."""
        with self._engine.begin() as connection:
            connection.execute(sa.delete(_executors).where(_executors.c.beat < self._now - older))
            living = sa.select(_executors.c.id)
            connection.execute(sa.delete(_progress).where(_progress.c.executor.not_in(living)))
