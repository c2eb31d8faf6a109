"""Commands that are ended in the middle: nothing of a patient is left behind, and no process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from clips import Clips, picture_source
from orthanc_video.command_files import beside
from processes import await_end, media_processes

_SIGNALS = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}


@pytest.fixture(autouse=True)
def _heeds_ctrl_c() -> Iterator[None]:
    """What a shell runs in the background ignores it, and so would the commands that are begun here."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def _film(clips: Clips) -> Path:
    """Of two key frames: hundreds of frames are decoded, or coded anew, on the way to any other."""
    source = picture_source(seconds=20, size="640x480")
    return clips.encoded("ending.mp4", "-g 550 -bf 3 -movflags +faststart", source=source)


_COMMANDS: dict[str, Callable[[Path, Path], list[str | Path]]] = {
    "still": lambda film, folder: ["still", film, folder / "out.png", "--at", "frame:540"],
    "clip": lambda film, folder: ["clip", film, folder / "out.mp4", "--range", "frame:2", "frame:540"],
    "edit": lambda film, folder: ["edit", film, folder / "out.mp4", "--crop", "0,0,320,240"],
    "convert": lambda film, folder: ["convert", film, folder / "out.dcm", "--constant-rate", "24"],
}


def _begun(arguments: list[str | Path], folder: Path) -> tuple[subprocess.Popen[str], set[int]]:
    """The command, whose media process has its task, and stands still that it does not get done."""
    command = [sys.executable, "-m", "orthanc_video", *map(str, arguments)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    until = time.monotonic() + 60
    while not (media := media_processes(process.pid)) or not list(folder.glob(".orthanc-video-*")):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until, "it did not begin"
        time.sleep(0.005)
    for one in media:
        os.kill(one, signal.SIGSTOP)
    return process, media


@pytest.mark.parametrize(
    ("name", "number"), [*(("still", number) for number in _SIGNALS), *((name, signal.SIGTERM) for name in _COMMANDS)]
)
def test_nothing_is_left(clips: Clips, tmp_path: Path, name: str, number: signal.Signals) -> None:
    process, media = _begun(_COMMANDS[name](_film(clips), tmp_path), tmp_path)
    for _ in range(3):  # as timeout(1) and shells that end send several
        process.send_signal(number)
    told, complaint = process.communicate(timeout=60)
    sentence = f"Interrupted ({number.name}): nothing unfinished is left.\n"
    assert (process.returncode, told, complaint) == (_SIGNALS[number], "", sentence)
    assert list(tmp_path.iterdir()) == []
    for one in media:
        await_end(one)


def test_who_is_not_to_hear_of_a_closed_terminal_goes_on(clips: Clips, tmp_path: Path) -> None:
    """As nohup(1) has it."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        process, media = _begun(_COMMANDS["still"](_film(clips), tmp_path), tmp_path)
    finally:
        signal.signal(signal.SIGHUP, before)
    process.send_signal(signal.SIGHUP)
    for one in media:
        os.kill(one, signal.SIGCONT)
    _, complaint = process.communicate(timeout=120)
    assert (process.returncode, complaint) == (0, "")
    assert [path.name for path in tmp_path.iterdir()] == ["out.png"]


def test_what_is_ended_while_it_is_tidied_up_is_tidied_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cleanup, signals = tempfile.TemporaryDirectory.cleanup, [KeyboardInterrupt]

    def interrupted(folder: tempfile.TemporaryDirectory[str]) -> None:
        if signals:
            raise signals.pop()
        cleanup(folder)

    monkeypatch.setattr(tempfile.TemporaryDirectory, "cleanup", interrupted)
    with pytest.raises(KeyboardInterrupt), beside(tmp_path / "out.mp4", tmp_path) as scratch:
        (scratch / "source").write_bytes(b"patient")
    assert list(tmp_path.iterdir()) == []
