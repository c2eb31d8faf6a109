"""``orthanc-video doctor``: examines an installation and says what to do about each finding."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from orthanc_video.doctor import database, destinations, keys, machine, plugins, services
from orthanc_video.doctor.finding import Finding, Level, ok, problem
from orthanc_video.errors import ConfigurationError
from orthanc_video.jobs.database import url_of
from orthanc_video.saying import say
from orthanc_video.settings import read_configuration, settings_of

_ORDER = (Level.PROBLEM, Level.ADVICE, Level.OK)


def run(configuration: Path, url: str, as_json: bool) -> int:
    """Prints all findings, the worst first; the exit status: 1 where there is a problem, else 0."""
    found = sorted(examine(configuration, url), key=lambda finding: _ORDER.index(finding.level))
    if as_json:
        say(json.dumps([finding.json() for finding in found], indent=2))
    else:
        for finding in found:
            say(f"{finding.level:8} {finding.what}" + (f"\n         → {finding.do}" if finding.do else ""))
        counts = {level: sum(finding.level is level for finding in found) for level in _ORDER}
        say(", ".join(f"{level}: {count}" for level, count in counts.items()))
    return int(any(finding.level is Level.PROBLEM for finding in found))


def examine(path: Path, url: str) -> Iterator[Finding]:
    """All findings; a configuration that cannot be read, or cannot work, is the only one then."""
    try:
        configuration = read_configuration(path)
        settings = settings_of(path)
        jobs = url_of(settings)
    except ConfigurationError as error:
        yield problem("settings", error.sentence, "Correct the configuration, and ask again.")
        return
    if url:
        settings = replace(settings, orthanc_url=url.rstrip("/"))
    yield ok("settings", "The configuration can be read, and the gateway can work with it.")
    yield from keys.examine(configuration, settings)
    yield from plugins.examine(configuration, settings)
    yield from machine.examine(settings)
    yield from database.examine(jobs)
    yield from services.examine(configuration, settings)
    yield from destinations.examine(settings)
