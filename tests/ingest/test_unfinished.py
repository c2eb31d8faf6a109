"""What of a resumable upload is on the disk: which bytes count, and for how long."""

from __future__ import annotations

import os
import time
import uuid
from pathlib import Path

import pytest

from orthanc_video.ingest.receive import Description
from orthanc_video.ingest.unfinished import Record, Unfinished
from orthanc_video.settings import settings_from

_ID = str(uuid.UUID(int=7))


@pytest.fixture
def files(tmp_path: Path) -> Unfinished:
    """The place, with one upload of five bytes in it."""
    settings = settings_from({"VideoGateway": {"Directory": str(tmp_path), "UploadExpiresHours": 1}})
    settings.spool.mkdir()
    files = Unfinished(settings)
    described = Description(filename="x.mp4", attributes={"PatientID": "1"}, sop_class="photographic")
    files.create(Record(id=_ID, length=10, metadata="a eA==", salt="s", owner="o", described=described))
    files.source(_ID).write_bytes(b"12345")
    return files


def test_a_record_comes_back(files: Unfinished) -> None:
    record = files.find(_ID)
    assert record is not None
    assert (record.length, record.described.attributes, record.answer) == (10, {"PatientID": "1"}, None)
    assert list(files.all()) == [_ID]
    for nobodys in (str(uuid.uuid4()), _ID.upper() + "x", "../jobs", "", _ID.replace("-", "")):
        assert files.find(nobodys) is None


def test_bytes_count_at_once_unless_a_checksum_has_to_confirm_them(files: Unfinished) -> None:
    files.begin(_ID, 5, unconfirmed=False)
    files.source(_ID).write_bytes(b"1234567")
    assert files.offset(_ID) == 7
    files.begin(_ID, 7, unconfirmed=True)
    files.source(_ID).write_bytes(b"123456789")
    assert files.offset(_ID) == 7
    files.confirm(_ID)
    assert files.offset(_ID) == 9


def test_what_was_never_confirmed_is_cut_off_by_the_next_to_add(files: Unfinished) -> None:
    files.begin(_ID, 5, unconfirmed=True)
    files.source(_ID).write_bytes(b"12345xxx")
    assert files.offset(_ID) == 5
    files.begin(_ID, 5, unconfirmed=False)
    assert files.source(_ID).read_bytes() == b"12345"
    assert files.offset(_ID) == 5


def test_a_mark_that_was_never_finished_stands_before_any_byte(files: Unfinished) -> None:
    files.source(_ID).with_name("unconfirmed").touch()
    assert files.offset(_ID) == 5


def test_bytes_that_are_somebody_elses_have_no_offset(files: Unfinished) -> None:
    files.discard(_ID)
    assert files.offset(_ID) is None
    assert files.find(_ID) is not None
    files.forget(_ID)
    assert files.find(_ID) is None


def test_what_was_half_written_is_gone_after_a_restart(files: Unfinished, tmp_path: Path) -> None:
    (tmp_path / "uploads" / f"{_ID}.new").write_text("{", encoding="utf-8")
    Unfinished(settings_from({"VideoGateway": {"Directory": str(tmp_path)}}))
    assert [path.stem for path in (tmp_path / "uploads").iterdir()] == list(files.all()) == [_ID]


def test_an_hour_after_the_last_byte_it_is_gone(files: Unfinished, tmp_path: Path) -> None:
    record, hour = tmp_path / "uploads" / f"{_ID}.json", 3600
    long_ago = time.time() - 2 * hour
    os.utime(record, (long_ago, long_ago))
    assert files.find(_ID) is not None
    os.utime(files.source(_ID), (long_ago, long_ago))
    assert files.find(_ID) is None
    assert files.expires(_ID) == pytest.approx(long_ago + hour)
    files.touch(_ID)
    assert files.find(_ID) is not None
