"""Newly written indexes: made once, bounded in memory, named by what they are."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from clips import Clips
from orthanc_video.archive import retimed
from orthanc_video.archive.objects import StoredVideo
from orthanc_video.archive.retimed import Retimed
from orthanc_video.dicom.syntaxes import H264_HIGH_41
from orthanc_video.errors import NotFound
from orthanc_video.model import Located, Span


def stored(path: Path, uuid: str = "one") -> StoredVideo:
    size = path.stat().st_size
    located = Located(
        transfer_syntax=H264_HIGH_41, sop_class="1.2", sop_instance="1.3", spans=(Span(0, size),), length=size
    )
    return StoredVideo("instance", uuid, path, located)


def test_made_once_under_a_name_of_its_own(clips: Clips, monkeypatch: pytest.MonkeyPatch) -> None:
    known, video = Retimed(), stored(clips.conforming())
    made = asyncio.run(known.of(video))
    assert made.uuid.startswith("one-")
    assert made.located.length == len(made.head) + sum(span.length for span in made.located.spans)
    monkeypatch.setattr(retimed, "retimed", lambda *_: pytest.fail("it was made already"))
    assert asyncio.run(known.of(video)) is made


def test_what_stays_as_it_is_is_known_too(clips: Clips, monkeypatch: pytest.MonkeyPatch) -> None:
    known, video = Retimed(), stored(clips.fragmented())
    assert asyncio.run(known.of(video)) is video
    monkeypatch.setattr(retimed, "retimed", lambda *_: pytest.fail("it was looked at already"))
    assert asyncio.run(known.of(video)) is video


def test_only_so_many_bytes_are_kept(clips: Clips, monkeypatch: pytest.MonkeyPatch) -> None:
    known = Retimed()
    first = asyncio.run(known.of(stored(clips.conforming(), "first")))
    monkeypatch.setattr(retimed, "_MOST_BYTES", 2 * len(first.head))
    asyncio.run(known.of(stored(clips.conforming(), "second")))
    assert asyncio.run(known.of(stored(clips.conforming(), "second"))).uuid.startswith("second-")
    again = asyncio.run(known.of(stored(clips.conforming(), "first")))
    assert again == first
    assert again is not first


def test_a_deleted_one_is_not_found(clips: Clips, tmp_path: Path) -> None:
    gone = tmp_path / "gone.dcm"
    gone.write_bytes(clips.conforming().read_bytes())
    video = stored(gone)
    gone.unlink()
    with pytest.raises(NotFound):
        asyncio.run(Retimed().of(video))
