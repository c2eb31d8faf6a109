"""What a job does when an object is there already under the name that its sender gave it."""

from __future__ import annotations

import hashlib

from orthanc_video.archive import changes
from orthanc_video.archive.service import Archive
from orthanc_video.dicom import history, locate, stored
from orthanc_video.dicom.said import items, text
from orthanc_video.errors import Duplicate
from orthanc_video.files import Bytes, SpanSource
from orthanc_video.jobs import reading
from orthanc_video.model import Upload
from orthanc_video.settings import Settings

_BLOCK = 1 << 20


def refuse_another(settings: Settings, archive: Archive, upload: Upload, instance: str) -> None:
    """Raises Duplicate unless the stored object holds this upload's stream, or was made of it."""
    arrival = changes.moving(archive, instance)
    if arrival is not None:
        with reading.file_of(settings, archive, arrival) as path, SpanSource(path) as file:
            if _holds(Bytes(file), upload):
                return
    raise Duplicate("Orthanc holds something else under this SOP Instance UID. Give each instance a UID of its own.")


def _holds(source: Bytes, upload: Upload) -> bool:
    header = stored.header(source)
    for item in items(header.said, "ContributingEquipmentSequence"):
        told = history.read(text(item, "ContributionDescription"))
        if told is not None and told.sha256 == upload.sha256:
            return True
    found = locate.in_object(source, header)
    if found.length not in {upload.size, upload.size + upload.size % 2}:
        return False
    stream = locate.Stream(source, found.spans, upload.size)
    digest = hashlib.sha256()
    for at in range(0, upload.size, _BLOCK):
        digest.update(stream.read(at, _BLOCK))
    return digest.hexdigest() == upload.sha256
