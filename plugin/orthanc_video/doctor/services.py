"""Orthanc and the gateway as they run now: whether they answer, in which versions, by which configuration."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from orthanc_video.archive.about import About, ask, gateway_answers
from orthanc_video.doctor.finding import Finding, advice, ok, problem, shown
from orthanc_video.errors import Busy, VideoError
from orthanc_video.settings import SECTION, Settings

# Since these, Orthanc answers ranges of stored objects, and the Python plugin lets go of its lock (NEWS of both).
_THREADS_SINCE = (4, 3)
_STREAMS_SINCE = (5, 0)
# Keys that Orthanc tells of itself, where it is new enough to.
_TOLD = {"OverwriteInstances": False, "StorageCompression": False, "MaximumStorageSize": 0, "IngestTranscoding": ""}


def examine(configuration: dict[str, Any], settings: Settings) -> Iterator[Finding]:
    """Asks both; without an Orthanc there is nothing to say of its plugins."""
    try:
        about = ask(settings)
    except VideoError as error:
        yield _no_orthanc(error, settings)
    else:
        yield ok("orthanc", f"Orthanc {about.version} answers at {shown(settings.orthanc_url)}.")
        yield _plugins(about)
        yield _storing(about)
        yield _same(about, configuration)
    yield _gateway(settings)


def _no_orthanc(error: VideoError, settings: Settings) -> Finding:
    where = shown(settings.orthanc_url)
    if isinstance(error, Busy):
        return problem(
            "orthanc",
            f"Orthanc does not answer at {where}.",
            f'Start it (systemctl start orthanc), or name its address: --url, or "{SECTION}.OrthancUrl".',
        )
    return problem(
        "orthanc",
        f"Orthanc at {where} does not let the gateway's own user in.",
        f'Set "{SECTION}.Username" and "{SECTION}.Password" to a user that this Orthanc knows.',
    )


def version(text: str) -> tuple[int, ...]:
    """``"5.0"`` → (5, 0); a version that is no number ("mainline") counts as the newest."""
    found = re.match(r"\d+(\.\d+)*", text)
    return tuple(int(part) for part in found[0].split(".")) if found else (999,)


def _plugins(about: About) -> Finding:
    python = about.plugins.get("python")
    if python is None:
        return problem(
            "plugins",
            "The Orthanc that runs has not loaded the Python plugin.",
            "Restart it; if that does not help, its log says why.",
        )
    names = {"python": "Python plugin", "dicom-web": "DICOMweb", "orthanc-explorer-2": "Explorer 2"}
    said = ", ".join(f"{name} {about.plugins.get(key) or 'missing'}" for key, name in names.items())
    if version(python) < _THREADS_SINCE:
        return advice(
            "plugins",
            f"Loaded: {said}. This Python plugin is too old for AllowThreads: Orthanc's port redirects streams.",
            "Let players use the gateway's address, or update to Debian 13's Orthanc.",
        )
    if version(python) < _STREAMS_SINCE:
        return advice(
            "plugins",
            f"Loaded: {said}. Python plugins before 5.0 are not tested here.",
            "Update the Python plugin to 5.0 or newer.",
        )
    return ok("plugins", f"Loaded: {said}.")


def _storing(about: About) -> Finding:
    if about.stores:
        return ok("storing", "The gateway's own user may store.")
    return problem(
        "storing",
        "Orthanc takes no uploads of the gateway's own user: finished videos cannot be stored.",
        f'Allow POST, GET and DELETE on its instances to the user of "{SECTION}.Username".',
    )


def _same(about: About, configuration: dict[str, Any]) -> Finding:
    other = [
        key
        for key, default in _TOLD.items()
        if key in about.system and about.system[key] != configuration.get(key, default)
    ]
    if other:
        return advice(
            "configuration",
            f"The Orthanc that runs has another {' and another '.join(other)} than this configuration.",
            "Restart Orthanc, or name the configuration that it was started with.",
        )
    return ok("configuration", "What Orthanc tells of its configuration agrees with this one.")


def _gateway(settings: Settings) -> Finding:
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.gateway.host, settings.gateway.host)  # noqa: S104
    url = (settings.gateway.url or f"http://{host}:{settings.gateway.port}").rstrip("/")
    if gateway_answers(url):
        return ok("gateway", f"The gateway answers at {shown(url)}.")
    return problem(
        "gateway",
        f"The gateway does not answer at {shown(url)}.",
        'Start Orthanc (its log says in lines with "gateway" what is wrong), or, where it runs by itself, the gateway.',
    )
