"""Multi-frame objects made in memory: their attributes, and Pixel Data laid out as a test wants it."""

from __future__ import annotations

import io
import struct
from collections.abc import Sequence
from typing import Any

from pydicom import dcmwrite
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ImplicitVRLittleEndian

from dicom.objects import encapsulated

ULTRASOUND = "1.2.840.10008.5.1.4.1.1.3.1"
NATIVE, IMPLICIT = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2"
JPEG, RLE = "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.5"


# What an ultrasound film has to have, and may leave empty.
UNKNOWN = (
    *("PatientName", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime", "ReferringPhysicianName", "StudyID"),
    *("AccessionNumber", "SeriesNumber", "Manufacturer", "InstanceNumber", "PatientOrientation"),
)


def attributes(frames: int = 3, **more: Any) -> Dataset:
    """Of a grey ultrasound film of 4 × 2 pixels; what is None is left out."""
    given = {
        "SOPClassUID": ULTRASOUND,
        "SOPInstanceUID": "2.25.1",
        "StudyInstanceUID": "2.25.2",
        "SeriesInstanceUID": "2.25.3",
        "PatientID": "4711",
        **dict.fromkeys(UNKNOWN, ""),
        "ImageType": ["ORIGINAL", "PRIMARY"],
        "Modality": "US",
        "NumberOfFrames": frames,
        "Rows": 2,
        "Columns": 4,
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "BitsAllocated": 8,
        "BitsStored": 8,
        "HighBit": 7,
        "PixelRepresentation": 0,
        "FrameIncrementPointer": 0x00181063,
        "FrameTime": "33.333",
    }
    dataset = Dataset()
    for keyword, value in (given | more).items():
        if value is not None:
            setattr(dataset, keyword, value)
    return dataset


def header(dataset: Dataset, syntax: str = NATIVE) -> bytes:
    """The file up to Pixel Data."""
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = UID(syntax)
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    file = io.BytesIO()
    dcmwrite(file, dataset, enforce_file_format=True)
    return file.getvalue()


def native(pixels: bytes, dataset: Dataset, syntax: str = NATIVE, announced: int | None = None) -> bytes:
    """``announced`` is the length that Pixel Data claims, where it is not the true one."""
    length = len(pixels) if announced is None else announced
    tag = struct.pack("<HH", 0x7FE0, 0x0010) + (b"" if syntax == ImplicitVRLittleEndian else b"OW\x00\x00")
    return header(dataset, syntax) + tag + struct.pack("<I", length) + pixels


def fragmented(fragments: Sequence[bytes], dataset: Dataset, offsets: Sequence[int] = (), syntax: str = JPEG) -> bytes:
    return header(dataset, syntax) + encapsulated(fragments, struct.pack(f"<{len(offsets)}I", *offsets))


def extended(fragments: Sequence[bytes], dataset: Dataset, offsets: Sequence[int], syntax: str = JPEG) -> bytes:
    """With an Extended Offset Table (PS3.3 C.7.6.3.1.8)."""
    dataset.ExtendedOffsetTable = struct.pack(f"<{len(offsets)}Q", *offsets)
    dataset.ExtendedOffsetTableLengths = struct.pack(f"<{len(offsets)}Q", *map(len, fragments))
    return fragmented(fragments, dataset, syntax=syntax)
