"""The cache of renditions: whole files, bounded, named so that no name is ever another's bytes."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

from orthanc_video.archive.objects import StoredVideo
from orthanc_video.jobs import renditions
from orthanc_video.model import Located, Span
from orthanc_video.settings import Settings, settings_from


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    configured = settings_from({"StorageDirectory": str(tmp_path)})
    return replace(configured, gateway=replace(configured.gateway, cache_mb=2))


@pytest.fixture
def stored(tmp_path: Path) -> StoredVideo:
    located = Located(transfer_syntax="1.2", sop_class="3", sop_instance="4", spans=(Span(9, 5),), length=5)
    return StoredVideo("instance", "uuid", tmp_path / "object", located, playable=False)


def make(folder: Path, size: int) -> Path:
    path = folder / "made-1.mp4"
    path.write_bytes(os.urandom(size))
    return path


def test_what_is_kept_is_found(settings: Settings, stored: StoredVideo, tmp_path: Path) -> None:
    assert renditions.found(settings, stored) is None
    made = make(tmp_path, 1000)
    data = made.read_bytes()
    renditions.keep(settings, "uuid", made)
    found = renditions.found(settings, stored)
    assert found is not None
    assert (found.path.read_bytes(), found.located.spans, found.playable) == (data, (Span(0, 1000),), True)
    assert found.located.sop_instance == "4"
    assert not made.exists()


def test_keeping_again_is_nothing_and_keeping_nothing_is_an_error(settings: Settings, tmp_path: Path) -> None:
    """A process that was killed after it had done so does it again."""
    made = make(tmp_path, 10)
    with pytest.raises(FileNotFoundError):
        renditions.keep(settings, "other", tmp_path / "made-2.mp4")
    renditions.keep(settings, "uuid", made)
    renditions.keep(settings, "uuid", made)


def test_made_anew_it_has_another_name(settings: Settings, stored: StoredVideo, tmp_path: Path) -> None:
    names = set()
    for _ in range(3):
        renditions.keep(settings, "uuid", make(tmp_path, 1000))
        found = renditions.found(settings, stored)
        assert found is not None
        names.add(found.uuid)
        time.sleep(0.02)  # the clock of files is a coarse one
    assert len(names) == 3
    assert stored.uuid not in names


def test_the_least_recently_used_go(settings: Settings, stored: StoredVideo, tmp_path: Path) -> None:
    """Half of CacheMB: here room for two."""
    for number, name in enumerate(("a", "b", "c")):
        renditions.keep(settings, name, make(tmp_path, 400_000))
        if name != "c":
            os.utime(renditions.path_of(settings, name), (number, number))
        if name == "b":
            assert renditions.found(settings, replace(stored, uuid="a"))  # used: now b is the oldest
    assert [renditions.path_of(settings, name).exists() for name in ("a", "b", "c")] == [True, False, True]
    renditions.keep(settings, "large", make(tmp_path, 2_000_000))
    assert [path.stem for path in renditions.path_of(settings, "").parent.iterdir()] == ["large"]


def test_it_is_forgotten(settings: Settings, stored: StoredVideo, tmp_path: Path) -> None:
    renditions.keep(settings, "uuid", make(tmp_path, 10))
    renditions.forget(settings, "uuid")
    renditions.forget(settings, "uuid")
    assert renditions.found(settings, stored) is None
