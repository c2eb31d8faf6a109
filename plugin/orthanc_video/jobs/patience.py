"""How long DBOS repeats a call while its database cannot be used: for a workflow until it can, for a caller not at all.

A workflow has done something that must be recorded, so it waits. Who waits for an answer is told (``TROUBLES`` of
``database``), and a thread that looks again in any case looks again. Not public API of DBOS, whose version is pinned:
tested in test_outages.py.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time
from collections.abc import Iterator

from dbos import DBOS, _sys_db, _utils

# An outage shorter than this is waited out for an upload that has all arrived: three tries in under five seconds.
_MOMENT = 1.0
# Of a disk that is full SQLite says this, or that it cannot make or lengthen one of its files.
_NO_ROOM = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN})
_PRIMARY = 0xFF

_thread = threading.local()


def install() -> None:
    """To be called before DBOS is launched; again is nothing."""
    _sys_db.SystemDatabase._retry_connection_errors = property(_waits, lambda *_: None)  # type: ignore[assignment]
    _sys_db.retriable_sqlite_exception = _passes  # type: ignore[attr-defined, assignment]


@contextlib.contextmanager
def for_a_moment() -> Iterator[None]:
    """What this thread asks of DBOS in here outlasts a short outage."""
    _thread.until = time.monotonic() + _MOMENT
    try:
        yield
    finally:
        _thread.until = 0.0


def _waits(_database: object = None) -> bool:
    return DBOS.workflow_id is not None or time.monotonic() < getattr(_thread, "until", 0.0)


def _passes(error: Exception) -> bool:
    """Whether SQLite is to be asked again: when another has locked it, or when there is no room."""
    cause = getattr(error, "orig", None)
    code = getattr(cause, "sqlite_errorcode", sqlite3.SQLITE_OK)
    return _utils.retriable_sqlite_exception(error) or (code & _PRIMARY in _NO_ROOM and _waits())
