"""The last step of a job: what would not conform is not stored."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from clips import Clips
from dicom.conftest import prepare
from orthanc_video.dicom.write import Envelope
from orthanc_video.errors import Nonconforming
from orthanc_video.files import SpanSource
from orthanc_video.jobs import ingest_job
from orthanc_video.media.probe import probe
from orthanc_video.model import Made
from orthanc_video.plain import from_json, to_json


@dataclass
class Shelf:
    """In an archive's place: keeps what it is given."""

    stored: list[Envelope] = field(default_factory=list)

    def has(self, _: str) -> bool:
        return False

    def store(self, parts: Envelope, _: Path) -> dict[str, Any]:
        self.stored.append(parts)
        return {"Status": "Success"}


@pytest.mark.parametrize("probed", [True, False], ids=["of this version", "of the version before"])
def test_what_conforms_is_stored(clips: Clips, tmp_path: Path, probed: bool) -> None:
    one, shelf = prepare(clips.conforming(), tmp_path), Shelf()
    made = replace(one.made, probed=one.info if probed else None)
    recorded = to_json(made)
    if not probed:
        del recorded["probed"]
    answer = ingest_job.publish(shelf, one.upload, one.info, one.plan, from_json(Made, recorded))  # type: ignore[arg-type]
    assert (answer["Status"], len(shelf.stored)) == ("Success", 1)


def test_what_does_not_conform_is_not_stored(clips: Clips, tmp_path: Path) -> None:
    one, shelf = prepare(clips.conforming(), tmp_path), Shelf()
    other = clips.video("h264", "mkv")
    made = Made(path=str(other), size=other.stat().st_size, video=one.info.video, probed=probe(other))
    with pytest.raises(Nonconforming, match=r"container is matroska.*PS3\.5 8\.2\.7"):
        ingest_job.publish(shelf, one.upload, one.info, one.plan, made)  # type: ignore[arg-type]
    assert shelf.stored == []


def test_the_whole_object_is_never_read(clips: Clips, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is judged costs next to nothing, however long the film."""
    film = clips.long_gap(2 << 30)
    one, shelf = prepare(clips.conforming(), tmp_path), Shelf()
    read: list[int] = []
    original = SpanSource.read_at

    def counted(self: Any, offset: int, length: int) -> bytes:
        read.append(length)
        return original(self, offset, length)

    monkeypatch.setattr(SpanSource, "read_at", counted)
    info = replace(one.info, size=film.stat().st_size)
    made = Made(
        path=str(film), size=info.size, video=replace(one.info.video, frames=one.info.video.frames), probed=info
    )
    ingest_job.publish(shelf, one.upload, info, one.plan, made)  # type: ignore[arg-type]
    assert len(shelf.stored) == 1
    assert sum(read) < 1 << 17
