"""What an examination says: one sentence of what was found, and one of what to do about it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit


class Level(StrEnum):
    """``advice``: it works, but not as well as it could. ``problem``: something does not work, or is not safe."""

    OK = "ok"
    ADVICE = "advice"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """One result; ``subject`` names for programs what was examined, ``do`` is empty where nothing is to be done.

    Neither sentence holds a password, a token or the name of a patient or user.
    """

    level: Level
    subject: str
    what: str
    do: str = ""

    def json(self) -> dict[str, Any]:
        """The fields as JSON types."""
        return asdict(self)


def ok(subject: str, what: str) -> Finding:
    """All is well."""
    return Finding(Level.OK, subject, what)


def advice(subject: str, what: str, do: str) -> Finding:
    """It works; ``do`` makes it better."""
    return Finding(Level.ADVICE, subject, what, do)


def problem(subject: str, what: str, do: str) -> Finding:
    """It does not work, or is not safe, until somebody does ``do``."""
    return Finding(Level.PROBLEM, subject, what, do)


def shown(url: str) -> str:
    """A URL without what may be secret in it: user, password, query."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
