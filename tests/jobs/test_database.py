"""What is ours in the jobs' database."""

from __future__ import annotations

from pathlib import Path

from orthanc_video.jobs.database import Database
from orthanc_video.settings import settings_from


def test_films_are_remembered_once_and_forgotten(tmp_path: Path) -> None:
    settings = settings_from({"StorageDirectory": str(tmp_path)})
    settings.database.parent.mkdir(parents=True, exist_ok=True)
    database = Database(settings)
    database.prepare()
    for stored in ("a", "b", "a"):
        database.add_film(stored, f"instance-{stored}", "20261121T115718")
    assert sorted(database.films()) == [("20261121T115718", "instance-a"), ("20261121T115718", "instance-b")]
    database.forget_films(["a", "c"])
    assert database.films() == [("20261121T115718", "instance-b")]
    database.close()
