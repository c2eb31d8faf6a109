"""Objects that are clean but for what a test plants: a data set, a stream and Pixel Data laid out at will."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

from pydicom import config, dcmwrite
from pydicom.dataset import Dataset
from pydicom.uid import UID

from dicom.objects import DELIMITER, PIXEL_DATA, item
from orthanc_video.dicom.build import build
from orthanc_video.dicom.syntaxes import H264_HIGH_41
from orthanc_video.media.probe import probe
from orthanc_video.model import Action, Made, Plan, Upload


def described(path: Path, syntax: str = H264_HIGH_41, action: Action = Action.WRAP) -> Dataset:
    """The data set that this stream gets when it is called by that transfer syntax, whether it may be or not."""
    info = probe(path)
    upload = Upload(id="1", path="", size=info.size, sha256="ab" * 32, received="2026-03-04T05:06:07+00:00")
    plan = Plan(action=action, transfer_syntax=syntax, reasons=("Planted.",))
    return build(upload, info, plan, Made(path="", size=info.size, video=info.video))


def header(dataset: Dataset) -> bytes:
    """The file up to Pixel Data, written as it is said, right or wrong."""
    dataset.preamble = bytes(128)
    meta = dataset.file_meta
    meta.FileMetaInformationGroupLength = 0  # pydicom writes the true one where there is one
    meta.FileMetaInformationVersion = meta.get("FileMetaInformationVersion", b"\x00\x01")
    syntax = meta.TransferSyntaxUID
    if not syntax.is_transfer_syntax:  # pydicom knows no encoding for it
        meta.TransferSyntaxUID = UID(H264_HIGH_41)
        assert len(syntax) == len(H264_HIGH_41)
    file = io.BytesIO()
    with unchecked():
        dcmwrite(file, dataset, enforce_file_format=False)
    return file.getvalue().replace(meta.TransferSyntaxUID.encode(), syntax.encode())


@contextlib.contextmanager
def unchecked() -> Iterator[None]:
    """Illegal values are written, too."""
    before = config.settings.writing_validation_mode
    config.settings.writing_validation_mode = config.IGNORE
    try:
        yield
    finally:
        config.settings.writing_validation_mode = before


def pixel_data(fragments: Sequence[bytes], table: bytes = b"", element: bytes = PIXEL_DATA) -> bytes:
    """Pixel Data of these fragments, none of them padded."""
    items = b"".join(item(len(fragment)) + fragment for fragment in fragments)
    return element + item(len(table)) + table + items + item(0, DELIMITER)


def even(stream: bytes) -> bytes:
    return stream + bytes(len(stream) % 2)
