"""Which plugins Orthanc is told to load, in which order, and the script that the Python plugin runs."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from orthanc_video.doctor.finding import Finding, advice, ok, problem
from orthanc_video.settings import SECTION, Settings

PYTHON, DICOM_WEB = "libOrthancPython", "libOrthancDicomWeb"
SCRIPT = "orthanc_plugin.py"
# Reading all of the gateway's modules from a cold disk.
_SECONDS = 60


def examine(configuration: dict[str, Any], settings: Settings) -> Iterator[Finding]:
    """Plugins and script; where Orthanc runs on another machine, only what the configuration says of them."""
    here = settings.gateway.launch
    names = list(_libraries(configuration.get("Plugins", [])))
    yield _python(names, here)
    yield _dicom_web(names, here)
    yield _order(configuration.get("Plugins", []), names)
    yield _script(str(configuration.get("PythonScript", "")), here)
    if here:
        yield _files(configuration.get("Plugins", []))
        yield _interpreter(settings.gateway.python)


def _libraries(given: list[str]) -> Iterator[str]:
    """The names of the libraries in the order of loading; those of a folder in that of their names."""
    for entry in given:
        path = Path(entry)
        if path.is_dir():
            yield from sorted(found.name for found in path.glob("*.so*"))
        else:
            yield path.name


def _place(names: list[str], wanted: str) -> int | None:
    return next((place for place, name in enumerate(names) if name.startswith(wanted)), None)


def _python(names: list[str], here: bool) -> Finding:
    if _place(names, PYTHON) is not None:
        return ok("python-plugin", "Orthanc's Python plugin is among its plugins.")
    return problem(
        "python-plugin",
        'Orthanc is not told to load its Python plugin: "Plugins" does not name it'
        + (", nor a folder that holds it." if here else "."),
        f'Install it (Debian: apt-get install orthanc-python) and name {PYTHON}.so first in "Plugins".',
    )


def _dicom_web(names: list[str], here: bool) -> Finding:
    if _place(names, DICOM_WEB) is not None:
        return ok("dicomweb-plugin", "Orthanc's DICOMweb plugin is among its plugins.")
    where = "apt-get install orthanc-dicomweb" if here else "Debian: orthanc-dicomweb"
    return advice(
        "dicomweb-plugin",
        "Orthanc is not told to load its DICOMweb plugin: DICOMweb viewers find no list of studies.",
        f'Install it ({where}) and name {DICOM_WEB}.so in "Plugins", after {PYTHON}.so.',
    )


def _order(given: list[str], names: list[str]) -> Finding:
    place = _place(names, PYTHON)
    if any(Path(entry).is_dir() for entry in given):
        return ok(
            "plugin-order", '"Plugins" names a folder, which is loaded in no certain order; Debian\'s do not mind.'
        )
    if place:
        return advice(
            "plugin-order",
            f"{names[0]} is loaded before the Python plugin: a route that both register is the first one's.",
            f'Name {PYTHON}.so first in "Plugins".',
        )
    return ok("plugin-order", "No other plugin can register this one's routes before it.")


def _script(given: str, here: bool) -> Finding:
    subject = "PythonScript"
    if not given:
        return problem(subject, "Orthanc is told to run no Python script.", f'Set "{subject}" to the path of {SCRIPT}.')
    path = Path(given)
    if not path.is_absolute():
        return advice(
            subject,
            f'"{subject}" is a relative path: it counts from the folder that Orthanc is started in.',
            f"Write the whole path of {SCRIPT}.",
        )
    if not here:
        return ok(subject, f"Orthanc runs {path}, where it is; that cannot be seen from here.")
    if not os.access(path, os.R_OK):
        return problem(
            subject,
            f"{path} is not there, or cannot be read by the user who asks.",
            f'Set "{subject}" to where {SCRIPT} is, and let Orthanc\'s user read it and the folders above it.',
        )
    if path.name != SCRIPT:
        return advice(
            subject,
            f"Orthanc runs another script, {path.name}; it has to import orthanc_plugin, or videos are not taken.",
            f'In it: sys.path.append("FOLDER OF {SCRIPT}"), then import orthanc_plugin.',
        )
    return ok(subject, f"Orthanc runs {path}.")


def _files(given: list[str]) -> Finding:
    # A relative path counts from the folder that Orthanc is started in, which is not known here.
    missing = [entry for entry in given if Path(entry).is_absolute() and not os.access(entry, os.R_OK)]
    if missing:
        return problem(
            "Plugins",
            f"{missing[0]} is not there, or cannot be read by the user who asks: Orthanc starts without it, or not at "
            "all (1.12 was seen not to).",
            'Install it, or correct its path in "Plugins".',
        )
    return ok("Plugins", "The files and folders that Orthanc is told to load are there.")


def _interpreter(given: str) -> Finding:
    """What the plugin will start the gateway with, asked as it will be."""
    if not given:
        return ok("Python", "The gateway runs in its own Python.")
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    try:
        done = subprocess.run(
            [given, "-c", "import orthanc_video.command_gateway"],
            env=environment,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
        if done.returncode == 0:
            return ok("Python", f"The gateway can run in {given}.")
        why = "lacks what the gateway needs"
    except (OSError, subprocess.TimeoutExpired) as error:
        why = f"cannot be run ({getattr(error, 'strerror', None) or 'it does not end'})"
    return problem(
        "Python",
        f"{given} {why}: the gateway does not start.",
        f'Leave "{SECTION}.Python" out, or set it to the Python that requirements.lock was installed for.',
    )
