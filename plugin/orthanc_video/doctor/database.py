"""Whether the jobs' database answers. Only PostgreSQL is asked: SQLite's file is the gateway's own, in its folder."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa

from orthanc_video.doctor.finding import Finding, ok, problem
from orthanc_video.settings import SECTION

_SECONDS = 5


def examine(url: str) -> Iterator[Finding]:
    """``url`` as SQLAlchemy takes it."""
    subject, parsed = "Database", sa.make_url(url)
    if parsed.get_backend_name() == "sqlite":
        yield ok(subject, "The jobs are kept in a file of the gateway's own folder (SQLite).")
        return
    asking = parsed.set(drivername="postgresql+psycopg")
    engine = sa.create_engine(asking, connect_args={"connect_timeout": _SECONDS}, hide_parameters=True)
    try:
        with engine.connect() as connection:
            connection.execute(sa.text("select 1"))
    except sa.exc.SQLAlchemyError:
        yield problem(
            subject,
            f"The jobs' database at {parsed.host}:{parsed.port or 5432} does not answer, does not exist, or "
            "refuses the gateway's user: no uploads are taken.",
            f'Start PostgreSQL, or correct "{SECTION}.Database"; PostgreSQL\'s log says whom it refused, and why.',
        )
    else:
        yield ok(subject, f"The jobs' database (PostgreSQL) answers at {parsed.host}:{parsed.port or 5432}.")
    finally:
        engine.dispose()
