"""How long a request wants to wait for its answer: RFC 7240."""

from __future__ import annotations

import re

from starlette.requests import Request

_WAIT = re.compile(r"\bwait\s*=\s*(\d{1,6})", re.IGNORECASE)
_ASYNC = re.compile(r"(?:^|[,;])\s*respond-async\s*(?:$|[,;])", re.IGNORECASE)


def says_how_long(request: Request) -> bool:
    """Whether it says by itself how long its answer may take."""
    return _WAIT.search(_preferred(request)) is not None


def patience(request: Request, most: float) -> float:
    """Seconds until the answer, ``most`` where nothing else is preferred (4.3)."""
    wanted = _WAIT.search(_preferred(request))
    return min(most, float(wanted[1])) if wanted else most


def at_once(request: Request, most: float) -> float | None:
    """Seconds after which the answer shall come without the outcome (4.1); None where that is not asked for."""
    if not _ASYNC.search(_preferred(request)):
        return None
    return patience(request, most) if says_how_long(request) else 0.0


def _preferred(request: Request) -> str:
    return ", ".join(request.headers.getlist("prefer"))
