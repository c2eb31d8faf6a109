"""Small objects to send, made by hand."""

from __future__ import annotations

import io
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pydicom import dcmwrite
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, generate_uid

from dicom import objects
from orthanc_video.dicom.syntaxes import H264_HIGH_41, IMAGES

# No multiple of any PDU's length.
_PATTERN = bytes(index * 7 % 251 for index in range(251))
_LARGE = 20_000_000


@pytest.fixture
def film(tmp_path: Path) -> Callable[..., Path]:
    """A file of one film: ``film(length, syntax, sop_class)``; a native one in native pixels."""

    def make(length: int = 100_000, syntax: str = H264_HIGH_41, sop_class: str = objects.PHOTOGRAPHIC) -> Path:
        uid = str(generate_uid(prefix="2.25."))[:40]
        native = syntax in IMAGES and IMAGES[syntax].native
        path = tmp_path / f"{uid}.dcm"
        with path.open("wb") as file:
            file.write(_head(syntax, sop_class, uid))
            if not native:
                file.write(objects.PIXEL_DATA + objects.item(0) + objects.item(length))
                if length < _LARGE:
                    file.write((_PATTERN * (length // len(_PATTERN) + 1))[:length])
                else:
                    file.seek(length, io.SEEK_CUR)  # zeros that take no room
                file.write(objects.item(0, objects.DELIMITER))
        return path

    return make


@pytest.fixture
def deaf() -> Iterator[int]:
    """The port of somebody who takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield int(server.getsockname()[1])


def _head(syntax: str, sop_class: str, uid: str) -> bytes:
    dataset = Dataset()
    dataset.SOPClassUID, dataset.SOPInstanceUID = sop_class, uid
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = f"{uid}.1", f"{uid}.2"
    dataset.PatientID, dataset.Modality = "4711", "XC"
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = UID(syntax)
    dataset.file_meta.MediaStorageSOPClassUID, dataset.file_meta.MediaStorageSOPInstanceUID = UID(sop_class), UID(uid)
    file = io.BytesIO()
    dcmwrite(file, dataset, enforce_file_format=True)
    return file.getvalue()
