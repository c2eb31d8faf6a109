"""What is known of PACS in the field, one file for each in the folder beside this module, each line with its evidence.

A line is measured (a test of this repository shows it), public (a source that can be looked up says it), or unknown.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).with_name("profiles")
# What every profile speaks of, in this order, and what that means.
SUBJECTS = {
    "doors": "How objects get in",
    "video": "Video transfer syntaxes",
    "frames": "Multi-frame objects of single pictures",
    "limits": "Limits of size",
    "verification": "How it says that it has an object",
}


_INTRODUCTION = (
    "Nobody has to know this: a destination is asked what it takes, and gets the best form of a video that it takes",
    "([configuration.md](configuration.md#destinations-and-routes)). This page is for who plans. Each line says where",
    'it comes from: "measured here" names a test of this repository, "public source" what can be looked up; the rest',
    "is unknown. Versions and configurations differ: what counts is what your own PACS answers, which",
    "`orthanc-video probe-pacs` shows ([routing.md](routing.md#trying-out-a-pacs)).",
)


class Evidence(StrEnum):
    """Where a line comes from."""

    MEASURED = "measured here"
    PUBLIC = "public source"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """``says`` is empty where it is unknown. ``source`` and ``url`` are a public source's, ``test`` is as pytest names
    it."""

    subject: str
    evidence: Evidence
    says: str = ""
    source: str = ""
    url: str = ""
    test: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """``version`` is the one that the lines are about, empty where nothing is known."""

    key: str
    name: str
    version: str
    lines: tuple[Line, ...]


def profiles() -> tuple[Profile, ...]:
    """All there are, by name. Raises ValueError with the file and what is wrong in it."""
    found = (_profile(path) for path in FOLDER.glob("*.toml"))
    return tuple(sorted(found, key=lambda profile: profile.name.lower()))


def _profile(path: Path) -> Profile:
    given = tomllib.loads(path.read_text(encoding="utf-8"))
    if set(given) != {"name", "version", *SUBJECTS}:
        raise ValueError(f"{path.name} must say name, version, {', '.join(SUBJECTS)}, and nothing else.")
    lines = tuple(_line(path.name, subject, given[subject]) for subject in SUBJECTS)
    return Profile(key=path.stem, name=given["name"], version=given["version"], lines=lines)


def _line(place: str, subject: str, given: Mapping[str, Any]) -> Line:
    """An empty table is unknown; else it has ``says``, and either ``source`` and ``url`` or ``test``."""
    evidence = {
        frozenset[str](): Evidence.UNKNOWN,
        frozenset({"says", "source", "url"}): Evidence.PUBLIC,
        frozenset({"says", "test"}): Evidence.MEASURED,
    }.get(frozenset(given))
    if evidence is None or not all(isinstance(value, str) and value.strip() for value in given.values()):
        raise ValueError(f"{place}: {subject} must be empty, or say what, with source and url, or with test.")
    return Line(subject=subject, evidence=evidence, **given)


def page() -> str:
    """docs/pacs-compatibility.md."""
    return "\n".join(_page()) + "\n"


def _page() -> Iterator[str]:
    yield "# What PACS in the field take"
    yield ""
    yield (
        "<!-- Written by `python scripts/compatibility.py` out of plugin/orthanc_video/routing/profiles/: "
        "change those, not this file. -->"
    )
    yield ""
    yield from _INTRODUCTION
    yield ""
    for profile in profiles():
        yield f"## {profile.name}"
        yield ""
        if profile.version:
            yield f"Of {profile.version}."
            yield ""
        yield "| What | What is known | Where from |"
        yield "|---|---|---|"
        for line in profile.lines:
            yield f"| {SUBJECTS[line.subject]} | {line.says or '–'} | {_from(line)} |"
        yield ""


def _from(line: Line) -> str:
    if line.evidence is Evidence.PUBLIC:
        return f"{line.evidence}: [{line.source}]({line.url})"
    return f"{line.evidence}: `{line.test}`" if line.evidence is Evidence.MEASURED else str(line.evidence)
