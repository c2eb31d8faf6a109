"""Rooms and who may look into which: the design's section 3, held against every import there is."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

_PACKAGE = Path(__file__).parents[1] / "plugin" / "orthanc_video"
_BASE = {
    "errors",
    "settings",
    "model",
    "files",
    "lifetime",
    "metrics",
    "film",
    "form",
    "picture",
    "plain",
    "clip",
    "edit",
    "derivation",
    "still",
    "view",
}
_COMMANDS = {
    "command_check",
    "command_clip",
    "command_convert",
    "command_doctor",
    "command_files",
    "command_edit",
    "command_gateway",
    "command_probe_pacs",
    "command_still",
    "command_worker",
    "ending",
    "saying",
    "terminal",
    "__main__",
}

# Each room and what it may import, itself aside. "room.module" allows that module alone.
_ALLOWED: dict[str, set[str]] = {
    "errors": set(),
    "model": {"errors"},
    "settings": {"errors"},
    "film": {"model"},
    "form": set(),
    "clip": {"errors", "model"},
    "edit": {"clip", "errors", "model"},
    "derivation": set(),
    "still": {"clip"},
    "view": set(),
    "picture": {"film"},
    "plain": set(),
    "files": {"model"},
    "lifetime": set(),
    "metrics": {"errors"},
    "bitstream": {"errors", "model"},
    "media": {*_BASE, "bitstream", "dicom.syntaxes", "dicom.fit", "dicom.audio", "dicom.frametimes"},
    "dicom": {*_BASE, "bitstream"},
    "archive": {*_BASE, "dicom"},
    "routing": {*_BASE, "bitstream.scaling", "dicom", "archive"},
    # The gateway's process never parses media: it may ask what the first bytes look like, no more.
    "jobs": {*_BASE, "dicom", "archive", "routing", "media.sniff"},
    "ingest": {*_BASE, "dicom", "archive", "jobs", "media.sniff"},
    "web": {*_BASE, "bitstream", "dicom", "archive", "routing", "jobs", "ingest", "media.sniff"},
    "doctor": {*_BASE, "dicom", "archive", "routing"},
    "commands": {*_BASE, "dicom", "archive", "routing", "jobs", "web", "doctor", *_COMMANDS},
}

# Orthanc's own paths (not DICOMweb's, which are a standard's).
_ORTHANC_PATH = re.compile(
    r"/(instances|series|studies|patients|tools|system|jobs|changes|modalities|peers|plugins|statistics)(/|$|\?)"
)


def _modules() -> list[Path]:
    return sorted(_PACKAGE.rglob("*.py"))


def _room(path: Path) -> str:
    first = path.relative_to(_PACKAGE).parts[0].removesuffix(".py")
    return "commands" if first in _COMMANDS else first


def _name(path: Path) -> str:
    return str(path.relative_to(_PACKAGE))


def _imports(path: Path) -> Iterator[tuple[int, str]]:
    """What a module imports of the package: ``room`` or ``room.module``."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{_name(path)}:{node.lineno} imports relatively"
            # "from room import module" names a module as "from room.module import name" does.
            whole = [f"{node.module}.{alias.name}" for alias in node.names]
            names = [name if _exists(name) else str(node.module) for name in whole]
        else:
            continue
        for name in names:
            if name.startswith("orthanc_video."):
                yield node.lineno, ".".join(name.split(".")[1:3])


def _exists(name: str) -> bool:
    path = _PACKAGE.parent.joinpath(*name.split("."))
    return path.is_dir() or path.with_suffix(".py").exists()


def _may(room: str, imported: str) -> bool:
    target = imported.split(".")[0]
    return target == room or target in _ALLOWED[room] or imported in _ALLOWED[room]


@pytest.mark.parametrize("room", _ALLOWED)
def test_imports_go_one_way(room: str) -> None:
    wrong = [
        f"{_name(path)}:{line} imports {imported}"
        for path in _modules()
        if _room(path) == room
        for line, imported in _imports(path)
        if not _may(room, imported)
    ]
    assert wrong == []


def test_every_module_is_in_a_room() -> None:
    rooms = {_room(path) for path in _modules()} - {"__init__"}
    assert rooms == set(_ALLOWED)


def test_the_rooms_make_no_circle() -> None:
    """Guards the table itself."""
    left = {room: {one.split(".")[0] for one in allowed} - _COMMANDS for room, allowed in _ALLOWED.items()}
    left["media"] -= {"dicom"}  # the table of syntaxes, and what fits it
    while left:
        free = {room for room, needed in left.items() if not needed & set(left)}
        assert free, f"a circle among {sorted(left)}"
        left = {room: needed for room, needed in left.items() if room not in free}


def test_the_table_of_syntaxes_and_what_fits_it_need_nothing_else() -> None:
    assert list(_imports(_PACKAGE / "dicom" / "syntaxes.py")) == []
    assert {module for _, module in _imports(_PACKAGE / "dicom" / "fit.py")} == {"dicom.syntaxes", "model"}


@pytest.mark.parametrize("path", [path for path in _modules() if _room(path) != "archive"], ids=_name)
def test_orthancs_own_paths_are_known_to_the_archive_alone(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    ours = {id(argument) for node in ast.walk(tree) if _is_route(node) for argument in ast.walk(node)}
    wrong = [
        f"{_name(path)}:{node.lineno} {node.value}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and id(node) not in ours
        and _ORTHANC_PATH.match(node.value)
    ]
    assert wrong == []


def _is_route(node: ast.AST) -> bool:
    """@router.get("/path") and the like: the gateway's own paths."""
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and "rout" in node.func.value.id
    )


def test_the_gateways_process_does_not_even_load_a_decoder() -> None:
    """Hostile media may end a media process, never the gateway: PyAV has no business in it."""
    script = (
        "import sys, orthanc_video.web.app, orthanc_video.command_gateway;"
        "print([name for name in ('av', 'numpy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "av" not in done.stdout


def test_parsers_of_bits_do_no_io() -> None:
    forbidden = {"os", "io", "pathlib", "subprocess", "socket", "av", "httpx", "asyncio", "tempfile", "shutil"}
    for path in (_PACKAGE / "bitstream").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                assert not {alias.name.split(".")[0] for alias in node.names} & forbidden, _name(path)
            elif isinstance(node, ast.ImportFrom):
                assert str(node.module).split(".")[0] not in forbidden, _name(path)
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in {"open", "print", "exec", "eval"}, _name(path)
