"""Resumable uploads on the disk: a record of each until it expires, its bytes where the job will find them.

``uploads/{id}.json`` is the record; ``spool/{id}/source`` holds the bytes, and its size is the upload's offset.
While bytes arrive that a checksum will have to confirm, ``spool/{id}/unconfirmed`` says where they begin: after a crash
they do not count. All functions block, and raise Busy for a disk that cannot be written.
"""

from __future__ import annotations

import json
import os
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orthanc_video.ingest.receive import Description
from orthanc_video.ingest.spool import disk_trouble, sync
from orthanc_video.jobs.ingest_job import folder_of, tidy
from orthanc_video.plain import from_json, to_json
from orthanc_video.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One resumable upload. ``length`` in bytes, None while only its sender knows it.

    ``metadata`` is Upload-Metadata as it was sent; ``owner`` tells, with ``salt``, its creator again; ``answer`` is
    Orthanc's own to what was no video but DICOM, once it is stored.
    """

    id: str
    length: int | None
    metadata: str
    salt: str
    owner: str
    described: Description
    answer: Any = None


class Unfinished:
    """The records and bytes in one gateway's folder."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        settings.uploads.mkdir(parents=True, exist_ok=True, mode=0o700)
        for half_written in settings.uploads.glob("*.new"):
            with suppress(OSError):  # somebody else's folder
                half_written.unlink()

    def create(self, record: Record) -> None:
        """An empty upload; once this returns it survives a power cut."""
        with _disk():
            folder = folder_of(self._settings, record.id)
            folder.mkdir(mode=0o700)
            self.source(record.id).touch()
            sync(folder)
            sync(self._settings.spool)
            self.write(record)

    def write(self, record: Record) -> None:
        with _disk():
            path = self._record(record.id)
            new = path.with_suffix(".new")
            new.write_text(json.dumps(to_json(record)), encoding="utf-8")
            sync(new)
            new.replace(path)
            sync(path.parent)

    def find(self, upload: str) -> Record | None:
        """The record of an upload that there is and that has not expired."""
        try:
            if str(uuid.UUID(upload)) != upload or self.expires(upload) < time.time():
                return None
            return from_json(Record, json.loads(self._record(upload).read_text(encoding="utf-8")))
        except (FileNotFoundError, ValueError):
            return None

    def all(self) -> Iterator[str]:
        """The names of all uploads, expired ones as well."""
        return (path.stem for path in self._settings.uploads.glob("*.json"))

    def expires(self, upload: str) -> float:
        """When an upload that nobody goes on with is forgotten, in seconds since 1970. Raises FileNotFoundError."""
        return self.touched(upload) + self._settings.gateway.upload_expires_hours * 3600

    def touched(self, upload: str) -> float:
        """When it was last heard of, in seconds since 1970. Raises FileNotFoundError."""
        touched = self._record(upload).stat().st_mtime
        with suppress(FileNotFoundError):
            touched = max(touched, self.source(upload).stat().st_mtime)
        return touched

    def source(self, upload: str) -> Path:
        return folder_of(self._settings, upload) / "source"

    def offset(self, upload: str) -> int | None:
        """How many bytes there are for good, on the disk; None once they are a job's and it has ended, or stored."""
        source = self.source(upload)
        try:
            with _disk(), source.open("rb") as file:
                size = os.fstat(file.fileno()).st_size
                os.fsync(file.fileno())
                mark = source.with_name("unconfirmed")
                return int(mark.read_text(encoding="ascii") or size) if mark.exists() else size
        except FileNotFoundError:
            return None

    def begin(self, upload: str, offset: int, *, unconfirmed: bool) -> None:
        """Before bytes are added at ``offset``: whatever was never confirmed is cut off."""
        self.cut(upload, offset)
        if unconfirmed:
            with _disk():
                mark = self.source(upload).with_name("unconfirmed")
                mark.write_text(str(offset), encoding="ascii")
                sync(mark)
                sync(mark.parent)

    def confirm(self, upload: str) -> None:
        """What has been added counts."""
        sync(self.source(upload))
        with _disk():
            self.source(upload).with_name("unconfirmed").unlink(missing_ok=True)
            sync(self.source(upload).parent)

    def cut(self, upload: str, offset: int) -> None:
        """Only the first ``offset`` bytes count."""
        with _disk():
            if self.source(upload).stat().st_size > offset:
                os.truncate(self.source(upload), offset)
        self.confirm(upload)

    def touch(self, upload: str) -> None:
        """Begins the time to its expiry anew."""
        with _disk():
            os.utime(self._record(upload))

    def discard(self, upload: str) -> None:
        """Removes an upload's bytes; its record stays."""
        tidy(self._settings, upload)

    def forget(self, upload: str) -> None:
        """Removes an upload's record; its bytes stay."""
        with _disk():
            self._record(upload).unlink(missing_ok=True)
            sync(self._settings.uploads)

    def _record(self, upload: str) -> Path:
        return self._settings.uploads / f"{upload}.json"


@contextmanager
def _disk() -> Iterator[None]:
    """What cannot be read or written, but for what is not there, is Busy."""
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        raise disk_trouble(error) from error
