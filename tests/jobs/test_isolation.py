"""What holds media processes, told to a person: all is well here, and what is missing elsewhere is said."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from orthanc_video.jobs import isolation, processes
from orthanc_video.media import landlock
from orthanc_video.model import Isolation
from orthanc_video.settings import Settings, settings_from

_ALL = Isolation(no_new_privileges=True, landlock=7, system_calls=True, capabilities=0)


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    yield settings_from({"StorageDirectory": str(tmp_path)})
    processes.close()


def test_a_media_process_is_asked(settings: Settings) -> None:
    found = isolation.in_force(settings)
    assert found.no_new_privileges
    assert found.system_calls
    assert found.landlock == landlock.version()


def test_where_all_holds_nothing_is_missing() -> None:
    assert isolation.missing(_ALL) == ()


@pytest.mark.parametrize(
    ("lacking", "words"),
    [({"system_calls": False}, "libseccomp2"), ({"landlock": 0}, "5.13"), ({"landlock": 2}, "6.2"),
     ({"no_new_privileges": False}, "PR_SET_NO_NEW_PRIVS")],
)  # fmt: skip
def test_each_measure_that_is_missing_is_told(lacking: dict[str, int], words: str) -> None:
    (sentence,) = isolation.missing(dataclasses.replace(_ALL, **lacking))  # type: ignore[arg-type]
    assert words in sentence


def test_the_log_says_it(settings: Settings, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    with caplog.at_level(logging.INFO):
        isolation.log(settings)
        monkeypatch.setattr(isolation, "in_force", lambda _: dataclasses.replace(_ALL, landlock=0))
        isolation.log(settings)
    here, *_, elsewhere, warning = (record.getMessage() for record in caplog.records)
    assert "seccomp" in here
    assert ("Landlock" in here) == (landlock.version() > 0)
    assert "Landlock" not in elsewhere
    assert "no Landlock" in warning
