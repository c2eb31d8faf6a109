"""Folders, disk, memory and ffmpeg, each as it should be and as it should not."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from orthanc_video.doctor import machine
from orthanc_video.doctor.finding import Finding, Level
from orthanc_video.settings import Settings, settings_from

# Of Debian's ffmpeg, shortened.
ENCODERS = """Encoders:
 V..... = Video
 ------
 V....D libx264              libx264 H.264 / AVC / MPEG-4 AVC / MPEG-4 part 10 (codec h264)
 A....D aac                  AAC (Advanced Audio Coding)
"""
VERSION = "ffmpeg version 7.1 Copyright\nbuilt with gcc\nconfiguration: --prefix=/usr {} --enable-shared\nlibavutil 59"


def settings(tmp_path: Path, **gateway: Any) -> Settings:
    return settings_from({"StorageDirectory": str(tmp_path / "storage"), "VideoGateway": gateway})


def found(given: Settings) -> dict[str, Finding]:
    return {one.subject: one for one in machine.examine(given)}


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """Storage with one object, and the gateway's folder, as they are after a first upload."""
    file = tmp_path / "storage" / "ab" / "cd" / "abcd-uuid"
    file.parent.mkdir(parents=True)
    file.touch()
    (tmp_path / "storage" / "video-gateway").mkdir(mode=0o700)
    return tmp_path


def test_an_installation_as_it_should_be(installed: Path) -> None:
    levels = {subject: one.level for subject, one in found(settings(installed, MaximumUploadMB=1)).items()}
    levels.pop("user", None)  # where the tests run as root
    assert set(levels) == {"Directory", "StorageDirectory", "spool-disk", "storage-disk", "WorkerMemoryMB", "encoders",
                           "ffmpeg-licence"}  # fmt: skip
    assert set(levels.values()) == {Level.OK}


@pytest.mark.parametrize(
    ("page", "level"),
    [(None, Level.PROBLEM), ('<script src="/app.js">', Level.PROBLEM), ('<script src="/ohif/app.js">', Level.OK)],
)
def test_ohif_has_to_be_there_and_made_for_its_address(installed: Path, page: str | None, level: Level) -> None:
    folder = installed / "ohif"
    folder.mkdir()
    if page is not None:
        (folder / "index.html").write_text(page, encoding="utf-8")
    assert found(settings(installed, OHIF=str(folder)))["OHIF"].level is level


def test_a_folder_that_others_may_look_into(installed: Path) -> None:
    (installed / "storage" / "video-gateway").chmod(0o755)
    finding = found(settings(installed))["Directory"]
    assert finding.level is Level.PROBLEM
    assert "chmod" in finding.do
    subprocess.run(["sh", "-c", finding.do], check=True)  # what it says to do helps
    assert found(settings(installed))["Directory"].level is Level.OK


def test_a_folder_that_is_yet_to_be_made(tmp_path: Path) -> None:
    assert found(settings(tmp_path))["Directory"].level is Level.OK


def test_what_an_ordinary_user_may_not_read_or_write(installed: Path) -> None:
    """As a user whom neither folder belongs to; root may do anything, so it is another process's question."""
    if os.geteuid() != 0:
        pytest.skip("only root can ask as somebody else")
    for folder in (installed, *list(installed.parents)[:3]):
        folder.chmod(folder.stat().st_mode | 0o055)
    (installed / "storage" / "ab" / "cd" / "abcd-uuid").chmod(0o600)
    script = (
        "import json, os; from orthanc_video.doctor import machine; from orthanc_video.settings import settings_from;"
        # Once as root: that user may not be allowed to read this Python's own modules.
        "list(machine.examine(settings_from({})));"
        "os.setgroups([]); os.setgid(65534); os.setuid(65534);"
        f"asked = settings_from({{'StorageDirectory': {str(installed / 'storage')!r}}});"
        "print(json.dumps({one.subject: one.level for one in machine.examine(asked)}))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    levels = json.loads(done.stdout)
    assert levels["Directory"] == "problem"
    assert levels["StorageDirectory"] == "advice"
    assert "user" not in levels


def test_storage_that_is_elsewhere(tmp_path: Path) -> None:
    assert found(settings(tmp_path))["StorageDirectory"].level is Level.ADVICE


@pytest.mark.parametrize(
    ("free_mb", "level"), [(511, Level.PROBLEM), (512, Level.PROBLEM), (513, Level.ADVICE), (50000, Level.OK)]
)
def test_a_disk_that_is_full_or_small(
    installed: Path, monkeypatch: pytest.MonkeyPatch, free_mb: int, level: Level
) -> None:
    usage = shutil.disk_usage(installed)._replace(free=free_mb << 20)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    findings = found(settings(installed))
    assert {findings[subject].level for subject in ("spool-disk", "storage-disk")} == {level}


def test_media_processes_that_take_more_memory_than_there_is(installed: Path) -> None:
    there = machine.memory_limit() >> 20
    assert found(settings(installed, WorkerMemoryMB=there * 2))["WorkerMemoryMB"].level is Level.PROBLEM
    several = settings(installed, WorkerMemoryMB=there // 2, Transcodes=3)
    assert found(several)["WorkerMemoryMB"].level is Level.ADVICE


def test_the_limit_of_a_container_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = machine.memory_limit()
    limit = tmp_path / "memory.max"
    monkeypatch.setattr(machine, "_MEMORY_LIMITS", (limit,))
    for written, expected in (("max\n", None), (f"{1 << 30}\n", 1 << 30), (f"{1 << 62}\n", None)):
        limit.write_text(written, encoding="ascii")
        assert machine.memory_limit() == (expected or max(whole, machine.memory_limit()))


def test_a_machine_without_ffmpeg(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(installed))
    assert found(settings(installed))["ffmpeg"].level is Level.PROBLEM


def test_encoders() -> None:
    assert machine.encoder(ENCODERS).level is Level.OK
    assert machine.encoder(ENCODERS.replace("V....D libx264", "V....D libother")).level is Level.PROBLEM
    assert machine.encoder("").level is Level.PROBLEM


@pytest.mark.parametrize(
    ("options", "level", "words"),
    [
        ("--enable-gpl", Level.OK, "GPL"),
        ("--enable-version3", Level.OK, "LGPL"),
        ("--enable-gpl --enable-nonfree", Level.ADVICE, "not passed on"),
    ],
)
def test_licence(options: str, level: Level, words: str) -> None:
    finding = machine.licence(VERSION.format(options))
    assert finding.level is level
    assert words in finding.what


def test_an_ffmpeg_that_does_not_say() -> None:
    assert machine.licence("").level is Level.ADVICE
