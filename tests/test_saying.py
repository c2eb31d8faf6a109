"""Commands whose words nobody reads, or that have nowhere to say them: what they do is done all the same."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from clips import Clips

_COMMAND = [sys.executable, "-m", "orthanc_video"]
# What is written waits in a buffer, as it does for everybody who has not asked for something else.
_ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}


def _run(*arguments: str | Path, **streams: Any) -> subprocess.CompletedProcess[str]:
    given = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | streams
    return subprocess.run([*_COMMAND, *map(str, arguments)], text=True, timeout=120, env=_ENVIRONMENT, **given)


def _unread(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """To a pipe whose reader has gone, as head(1) goes."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        return _run(*arguments, stdout=writer)
    finally:
        os.close(writer)


@pytest.fixture(scope="module")
def dicom(clips: Clips, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("saying") / "in.dcm"
    assert _run("convert", clips.conforming(), target).returncode == 0
    return target


_MADE = {
    "clip": ("out.mp4", ["--range", "frame:2", "frame:3"]),
    "still": ("out.png", ["--at", "frame:2"]),
    "edit": ("out.mp4", ["--strip"]),
    "convert": ("out.dcm", []),
}


@pytest.mark.parametrize("command", _MADE)
def test_what_is_made_is_made_whoever_listens(clips: Clips, tmp_path: Path, command: str) -> None:
    name, arguments = _MADE[command]
    done = _unread(command, clips.with_sound(), tmp_path / name, *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_nobody_has_to_listen_to_the_end(clips: Clips, dicom: Path) -> None:
    for arguments in (["--help"], ["clip", "--help"], ["probe", clips.conforming()], ["check", dicom]):
        done = _unread(*arguments)
        assert (done.returncode, done.stderr) == (0, ""), arguments


def test_a_file_that_was_not_judged_is_not_called_clean(dicom: Path, tmp_path: Path) -> None:
    (tmp_path / "none.dcm").write_bytes(b"none")
    done = _unread("check", tmp_path / "none.dcm")
    assert (done.returncode, done.stderr) == (2, "")
    done = _unread("check", dicom, tmp_path / "none.dcm")
    assert (done.returncode, done.stderr) == (141, "")


def test_a_sentence_that_nobody_reads_leaves_the_exit_code(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    assert _run("probe", tmp_path / "none.mp4", stderr=writer).returncode == 1
    os.close(writer)


def test_words_for_which_there_is_no_room(clips: Clips, tmp_path: Path) -> None:
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        done = _run("clip", clips.conforming(), tmp_path / "out.mp4", "--range", "frame:2", "frame:3", stdout=full)
    sentence = "What was done cannot be told: standard output cannot be written (No space left on device).\n"
    assert (done.returncode, done.stderr) == (1, sentence)
    assert [path.name for path in tmp_path.iterdir()] == ["out.mp4"]


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_standard_streams_that_are_closed(dicom: Path, tmp_path: Path, closed: str) -> None:
    arguments = ["clip", dicom, tmp_path / "out.dcm", "--range", "frame:2", "frame:3"]
    command = ["sh", "-c", f'exec "$@" {closed}', "sh", *_COMMAND, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    assert ("clip: " in done.stdout) == (">&-" not in closed.replace("2>&-", ""))
    assert [path.name for path in tmp_path.iterdir()] == ["out.dcm"]
