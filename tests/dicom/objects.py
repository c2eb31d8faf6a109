"""Stored objects made by hand, in memory, with counted reads."""

from __future__ import annotations

import io
import struct
from collections.abc import Sequence

from pydicom import dcmwrite
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID

from orthanc_video.dicom.syntaxes import H264_HIGH_41

PHOTOGRAPHIC = "1.2.840.10008.5.1.4.1.1.77.1.4.1"
ITEM, DELIMITER = 0xE000, 0xE0DD


class Counting:
    """An object of parts: bytes, or a number of zeros that take no memory. Counts what is read of it."""

    def __init__(self, *parts: bytes | int) -> None:
        self._parts = parts
        self.size = sum(part if isinstance(part, int) else len(part) for part in parts)
        self.bytes_read = 0
        self.reads = 0

    def read(self, offset: int, length: int) -> bytes:
        found = self._read(offset, length)
        self.bytes_read += len(found)
        self.reads += 1
        return found

    def _read(self, offset: int, length: int) -> bytes:
        pieces = []
        for part in self._parts:
            size = part if isinstance(part, int) else len(part)
            if length > 0 and offset < size:
                end = min(size, offset + length)
                pieces.append(bytes(end - offset) if isinstance(part, int) else part[offset:end])
                length -= end - max(offset, 0)
                offset = 0
            else:
                offset -= size if length > 0 else 0
        return b"".join(pieces)


def header(syntax: str = H264_HIGH_41, total_length: int | None = None) -> bytes:
    """A small data set up to Pixel Data."""
    dataset = Dataset()
    dataset.SOPClassUID = PHOTOGRAPHIC
    dataset.SOPInstanceUID = "2.25.1"
    dataset.PatientID = "4711"
    if total_length is not None:
        dataset.EncapsulatedPixelDataValueTotalLength = total_length
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = UID(syntax)
    dataset.file_meta.MediaStorageSOPClassUID = UID(PHOTOGRAPHIC)
    dataset.file_meta.MediaStorageSOPInstanceUID = UID("2.25.1")
    file = io.BytesIO()
    dcmwrite(file, dataset, enforce_file_format=True)
    return file.getvalue()


def item(length: int, element: int = ITEM) -> bytes:
    return struct.pack("<HHI", 0xFFFE, element, length)


PIXEL_DATA = struct.pack("<HH2sHI", 0x7FE0, 0x0010, b"OB", 0, 0xFFFFFFFF)


def encapsulated(fragments: Sequence[bytes], offsets: bytes = b"") -> bytes:
    """Pixel Data of these fragments, each padded to even length."""
    padded = [fragment + b"\x00" * (len(fragment) % 2) for fragment in fragments]
    items = b"".join(item(len(fragment)) + fragment for fragment in padded)
    return PIXEL_DATA + item(len(offsets)) + offsets + items + item(0, DELIMITER)


def box(kind: bytes, length: int) -> bytes:
    """The first eight bytes of a box with so much content, sixteen where it takes a large size."""
    if length + 8 >= 1 << 32:
        return struct.pack(">I4sQ", 1, kind, length + 16)
    return struct.pack(">I4s", length + 8, kind)


def film(content: int) -> bytes:
    """What is laid out as an MP4 of ``content`` + 48 bytes."""
    return (
        box(b"ftyp", 16)
        + b"isom\x00\x00\x02\x00isommp41"
        + box(b"moov", 8)
        + bytes(8)
        + box(b"mdat", content)
        + (b"\x55" * content)
    )
