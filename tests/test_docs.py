"""What the documents say, compared with the code: they may not promise what is not there, nor leave out what is."""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

import orthanc_video
from orthanc_video import __main__ as commands
from orthanc_video.archive.service import Archive
from orthanc_video.dicom.checks.finding import KINDS
from orthanc_video.errors import BY_NAME
from orthanc_video.jobs.engine import Engine
from orthanc_video.settings import SECTION, Gateway, key_of, settings_from
from orthanc_video.web.app import create_app

REPOSITORY = Path(__file__).resolve().parents[1]
PAGES = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "viewer/README.md")
TYPES = {bool: "boolean", str: "string", int: "integer", float: "number", dict: "object", list: "array"}
# Of the Free Software Foundation's text of November 2007.
AGPL_3 = "0d96a4ff68ad6d4b6f1f30f713b18d5184912ba8dd389f86aa7710db079abcb0"


def text(name: str) -> str:
    return (REPOSITORY / name).read_text(encoding="utf-8")


def section(page: str, heading: str) -> str:
    """The part of a page below a heading, up to the next heading of the same or a higher level."""
    level = heading.index(" ")
    _, _, rest = page.partition(f"\n{heading}\n")
    assert rest, f"there is no heading {heading!r}"
    return re.split(rf"^#{{1,{level}}} ", rest, maxsplit=1, flags=re.MULTILINE)[0]


def rows(part: str) -> list[list[str]]:
    """The cells of a part's tables, without their headings."""
    lines = part.splitlines()
    ruled = [number for number, line in enumerate(lines) if re.fullmatch(r"[|-]+", line) and line.startswith("|-")]
    headings = {*ruled, *(number - 1 for number in ruled)}
    inner = [line.strip("|") for number, line in enumerate(lines) if line.startswith("|") and number not in headings]
    return [[cell.strip() for cell in line.split("|")] for line in inner]


def code(cell: str) -> list[str]:
    return re.findall(r"`([^`]*)`", cell)


def documents() -> list[Path]:
    return [*(REPOSITORY / name for name in PAGES), *sorted((REPOSITORY / "docs").glob("*.md"))]


def tracked() -> list[Path]:
    if not (REPOSITORY / ".git").exists():
        pytest.skip("this is a copy without git's list of files")
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True).stdout
    return [path for name in listed.decode().split("\0") if name and (path := REPOSITORY / name).is_file()]


# ---------------------------------------------------------------------------------------------- DICOMweb


def test_every_row_of_dicomweb_names_tests_that_there_are() -> None:
    table = rows(text("docs/dicomweb.md"))
    assert len(table) > 10
    for row in table:
        named = [name for name in code(row[-1]) if "::" in name]
        assert named, f"no test is named for {row[:-1]}"
        for name in named:
            path, _, function = name.partition("::")
            assert re.search(rf"^(?:async )?def {function}\(", text(path), re.MULTILINE), f"there is no {name}"


# ---------------------------------------------------------------------------------------------- configuration


def test_every_setting_is_documented_with_its_type_and_default_and_nothing_else_is() -> None:
    table = rows(section(text("docs/configuration.md"), f"## Section {SECTION}"))
    documented = {code(row[0])[0]: (row[1], json.loads(code(row[2])[0])) for row in table}
    assert len(documented) == len(table), "a key is documented twice"
    defaults = {key_of(f.name): getattr(Gateway(), f.name) for f in fields(Gateway)}
    real = {key: (TYPES[type(default)], default) for key, default in defaults.items()}
    assert documented == real
    assert all(row[3] and row[4] for row in table)


def test_every_environment_variable_is_documented_and_nothing_else_is() -> None:
    where = [
        *(REPOSITORY / "scripts").glob("*.sh"),
        REPOSITORY / "orthanc.json",
        *(REPOSITORY / "plugin").rglob("*.py"),
    ]
    used = set(
        re.findall(r"\b(?:ORTHANC_VIDEO|ORTHANC_\w+_PORT|GATEWAY_PORT)\w*", " ".join(map(Path.read_text, where)))
    )
    used -= {"ORTHANC_VIDEO"}  # the implementation's name in DICOM files
    table = rows(section(text("docs/configuration.md"), "## Environment"))
    assert {code(row[0])[0] for row in table} == used
    shipped = text("orthanc.json")
    for row in table:
        for default in code(row[1]):
            assert f"${{{code(row[0])[0]}:-{default}}}" in shipped


def test_the_exit_codes_are_the_programs() -> None:
    table = rows(section(text("docs/configuration.md"), "## Exit codes"))
    assert {(code(row[0])[0], row[1]) for row in table} >= {("orthanc-video gateway", str(commands.EX_CONFIG))}


def examples() -> Iterator[tuple[str, Any]]:
    for path in documents():
        for block in re.findall(r"```json\n(.*?)```", path.read_text(encoding="utf-8"), re.DOTALL):
            yield path.name, json.loads(block)


def test_every_json_example_is_json_and_every_configuration_is_one() -> None:
    configurations = [example for _, example in examples() if SECTION in example]
    assert configurations
    for configuration in configurations:
        assert settings_from(configuration).gateway.port


# ---------------------------------------------------------------------------------------------- HTTP


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    """The gateway's own description; no Orthanc is asked for it."""
    settings = settings_from({})
    archive = Archive(settings)
    paths: dict[str, Any] = create_app(settings, archive, Engine(settings, archive)).openapi()["paths"]
    return paths


def unnamed(path: str) -> str:
    return re.sub(r"\{\w+\}", "{}", path)


def test_every_path_method_and_parameter_is_documented_and_nothing_else_is(described: dict[str, Any]) -> None:
    table = rows(section(text("docs/http.md"), "## Paths"))
    documented = {
        (method, unnamed(code(row[1])[0])): set(code(row[2])) for row in table for method in row[0].split(", ")
    }
    real = {
        (method.upper(), unnamed(path)): {one["name"] for one in entry.get("parameters", []) if one["in"] == "query"}
        for path, methods in described.items()
        for method, entry in methods.items()
    }
    assert documented == real


def test_every_error_is_documented_with_its_status_and_nothing_else_is() -> None:
    table = rows(section(text("docs/http.md"), "## Errors"))
    shown = {(str(kind.status), kind.title) for name, kind in BY_NAME.items() if name != "ConfigurationError"}
    assert {(row[0], row[1]) for row in table} == shown


def test_every_finding_is_documented_and_nothing_else_is() -> None:
    table = rows(section(text("docs/check.md"), "## Findings"))
    documented = {code(row[0])[0]: (row[1], row[2]) for row in table if row[3]}
    assert documented == {name: (str(kind.severity), kind.section) for name, kind in KINDS.items()}


# ---------------------------------------------------------------------------------------------- README and the rest


def test_every_relative_link_leads_somewhere() -> None:
    missing = [
        f"{page.relative_to(REPOSITORY)} → {target}"
        for page in documents()
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8"))
        if "://" not in target and not (page.parent / target).exists()
    ]
    assert missing == []


def test_the_map_names_the_rooms_that_exist() -> None:
    rooms = section(text("README.md"), "## Rooms")
    named = set(re.findall(r"`plugin/orthanc_video/(\w+)/`", rooms))
    assert named == {path.parent.name for path in (REPOSITORY / "plugin/orthanc_video").glob("*/__init__.py")}
    files = set(re.findall(r"`plugin/(\w+\.py)`", rooms))
    assert files == {path.name for path in (REPOSITORY / "plugin").glob("*.py")}
    for row in rows(rooms):
        for place in code(row[0]):
            assert (REPOSITORY / place).exists(), place


def test_the_commands_named_are_the_programs() -> None:
    (choices,) = [a.choices for a in commands._parser()._actions if isinstance(a, argparse._SubParsersAction)]
    pattern = r"orthanc-video ([a-z][a-z-]*)(?=[` ])"
    assert set(re.findall(rf"`{pattern}", section(text("README.md"), "## Rooms"))) == set(choices)
    for page in documents():
        inline = re.findall(rf"(?:`|bin/){pattern}", page.read_text(encoding="utf-8"))
        assert set(inline) <= set(choices), page.name


def test_make_has_the_targets_that_the_pages_name() -> None:
    targets = set(re.findall(r"^([\w-]+):", text("Makefile"), re.MULTILINE))
    for page in documents():
        named = re.findall(r"(?:^ {4}|`)make ([a-z][a-z-]*)", page.read_text(encoding="utf-8"), re.MULTILINE)
        assert set(named) <= targets, page.name


def test_the_version_is_said_once() -> None:
    version = orthanc_video.__version__
    assert tomllib.loads(text("pyproject.toml"))["project"]["version"] == version
    newest = re.search(r"^## \[(\d[^\]]*)\] - \d{4}-\d\d-\d\d$", text("CHANGELOG.md"), re.MULTILINE)
    assert newest is not None
    assert newest[1] == version


def test_every_benchmark_has_its_part_of_a_page_and_its_figures_there() -> None:
    command = [sys.executable, "-m", "benchmarks", "--help"]
    told = subprocess.run(command, cwd=REPOSITORY, env={"COLUMNS": "1000"}, capture_output=True, text=True, check=True)
    listed = re.search(r"of (.+); without any, all", told.stdout)
    assert listed, "python -m benchmarks --help names no benchmarks"
    pages = text("docs/performance.md") + text("docs/viewer.md")
    parts = dict(
        re.findall(r"(?s)<!-- Measured: written by `python -m benchmarks (\S+) --write` -->(.*?)<!-- Meas", pages)
    )
    names = listed[1].split(", ")
    assert set(parts) == set(names)
    assert [name for name in names if "| Measure |" not in parts[name]] == []


def test_the_licence_is_the_whole_text() -> None:
    assert hashlib.sha256((REPOSITORY / "LICENSE").read_bytes()).hexdigest() == AGPL_3
    assert tomllib.loads(text("pyproject.toml"))["project"]["license"] == "AGPL-3.0-or-later"


# Assembled, so that this file does not name them itself.
REGISTRIES = ("pypi." + "org", "python" + "hosted", "registry.npm" + "js", "proxy.go" + "lang", "crates" + ".io")
# A path of somebody's machine: not the middle of a longer path, a URL or a variable's path.
MACHINE_PATH = re.compile(r"(?<![\w.}$/*-])/(?:ho" + r"me|ro" + r"ot|Us" + r"ers|wo" + r"rk|tm" + r"p)/[\w.-]")
# Inside the root file system that the script makes, not on this machine.
ALLOWED = {("scripts/rootfs.sh", "/tm" + "p/requirements.lock")}


def test_nothing_of_a_machine_or_a_registry_is_in_the_repository() -> None:
    found = []
    for path in tracked():
        name = str(path.relative_to(REPOSITORY))
        content = path.read_bytes().decode("utf-8", "replace")
        for allowed_in, words in ALLOWED:
            content = content.replace(words, "") if name == allowed_in else content
        for number, line in enumerate(content.splitlines(), 1):
            if MACHINE_PATH.search(line) or any(host in line for host in REGISTRIES):
                found.append(f"{name}:{number}: {line.strip()[:120]}")
    assert found == []


def test_the_conformance_statement_says_what_the_tables_say() -> None:
    command = [sys.executable, str(REPOSITORY / "scripts" / "conformance.py"), "--print"]
    written = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert written == text("docs/conformance.md"), "run: .venv/bin/python scripts/conformance.py"
