"""A stored DICOM object as it is read here: its attributes in bounded memory, and the places of its Pixel Data."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple, Protocol

from pydicom import config, dcmread
from pydicom.dataset import Dataset, FileDataset
from pydicom.filereader import read_dataset, read_preamble
from pydicom.uid import DeflatedExplicitVRLittleEndian

from orthanc_video.dicom.said import text
from orthanc_video.errors import BrokenVideo, NotVideo, VideoError
from orthanc_video.model import Span

# Stored objects are other programs' work, and pydicom's warnings quote the values that it finds unusual.
config.settings.reading_validation_mode = config.IGNORE

_ITEM = 0xE000
_END = 0xE0DD
_UNDEFINED = 0xFFFFFFFF
IDENTIFIERS = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID")
_SERIES = 0x0020000E
_BEGINNING = 1 << 20
MOST_FRAGMENTS = 100_000
# Of an enhanced object's functional groups some kilobytes for each frame; what is longer would fill the memory.
LONGEST_HEADER = 16 << 20


class Object(Protocol):
    """A stored object: its ``size`` in bytes, and any part of it."""

    size: int

    def read(self, offset: int, length: int) -> bytes: ...


class Header(NamedTuple):
    """An object's attributes before Pixel Data, and ``at``, where the element that follows them begins."""

    syntax: str
    said: FileDataset
    at: int


class Meta(NamedTuple):
    """A file's own meta information (PS3.10 7.1), and ``at``, where its data set begins."""

    syntax: str
    sop_class: str
    sop_instance: str
    at: int


class _AsFile(io.RawIOBase):
    """pydicom reads files; this makes one of an Object, of which only so much is read."""

    name = ""  # pydicom asks for one

    def __init__(self, stored: Object) -> None:
        super().__init__()
        self._stored = stored
        self._at = 0
        self._left = LONGEST_HEADER

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        if self._left <= 0:
            raise BrokenVideo(f"The stored object's attributes take more than {LONGEST_HEADER >> 20} MiB.")
        piece = self._stored.read(self._at, min(len(buffer), self._left))
        buffer[: len(piece)] = piece
        self._at += len(piece)
        self._left -= len(piece)
        return len(piece)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._stored.size}[whence]
        self._at = base + offset
        return self._at

    def tell(self) -> int:
        return self._at


def _is_ours(error: Exception) -> bool:
    """A refusal, or a disk's failure. pydicom has no end of errors for damaged files: struct.error, an OSError without
    a number, …"""
    return isinstance(error, VideoError) or (isinstance(error, OSError) and error.errno is not None)


def header(stored: Object) -> Header:
    """Reads all before Pixel Data; raises NotVideo for what is no DICOM."""
    file = io.BufferedReader(_AsFile(stored), 1 << 16)
    try:
        if _syntax(file) == DeflatedExplicitVRLittleEndian:
            # A few bytes of it may stand for gigabytes, and pydicom would inflate them all.
            raise NotVideo("The stored object is deflated as a whole, which is not read here.")
        file.seek(0)
        said = dcmread(file, stop_before_pixels=True)
        return Header(str(said.file_meta.get("TransferSyntaxUID", "")), said, file.tell())
    except Exception as error:
        if _is_ours(error):
            raise
        raise NotVideo("The stored object cannot be read as DICOM.") from error


def meta(stored: Object) -> Meta:
    """Reads a file's meta information only; raises NotVideo for what is no DICOM."""
    file = io.BufferedReader(_AsFile(stored), 1 << 12)
    try:
        said = _meta(file)
    except Exception as error:
        if _is_ours(error):
            raise
        raise NotVideo("The stored object cannot be read as DICOM.") from error
    names = ("TransferSyntaxUID", "MediaStorageSOPClassUID", "MediaStorageSOPInstanceUID")
    syntax, sop_class, sop_instance = (text(said, name) for name in names)
    return Meta(syntax, sop_class, sop_instance, file.tell())


def _syntax(file: BinaryIO) -> str:
    return str(_meta(file).get("TransferSyntaxUID", ""))


def _meta(file: BinaryIO) -> Dataset:
    read_preamble(file, force=False)
    return read_dataset(file, False, True, stop_when=lambda tag, _vr, _length: tag >> 16 != 2)


def identifiers(stored: Object) -> dict[str, str]:
    """SOP class, SOP instance, study and series by keyword, also of what is deflated; raises NotVideo for no DICOM."""
    said: Dataset
    try:
        said = header(stored).said
    except NotVideo:
        said = _inflated(stored)
    return {keyword: text(said, keyword) for keyword in IDENTIFIERS}


def _inflated(stored: Object) -> Dataset:
    """The beginning of a data set that is deflated as a whole (PS3.5 A.5), in bounded memory."""
    file = io.BufferedReader(_AsFile(stored), 1 << 16)
    try:
        if _syntax(file) != DeflatedExplicitVRLittleEndian:
            raise NotVideo("What came as DICOM cannot be read as DICOM.")
        inflated = zlib.decompressobj(-zlib.MAX_WBITS).decompress(file.read(_BEGINNING), _BEGINNING)
        return read_dataset(io.BytesIO(inflated), False, True, stop_when=lambda tag, _vr, _length: tag > _SERIES)
    except Exception as error:
        if _is_ours(error):
            raise
        raise NotVideo("What came as DICOM cannot be read as DICOM.") from error


def native(stored: Object, header: Header) -> Span | None:
    """The value of Pixel Data as the header announces it, None where it is encapsulated; raises where there is none."""
    length = 8 if header.said.is_implicit_VR else 12
    head = stored.read(header.at, length)
    if len(head) < length or struct.unpack("<HH", head[:4]) != (0x7FE0, 0x0010):
        raise NotVideo("The stored object holds no Pixel Data.")
    announced = struct.unpack("<I", head[-4:])[0]
    return None if announced == _UNDEFINED else Span(header.at + length, announced)


def items(stored: Object, header: Header) -> Iterator[Span]:
    """What the items of encapsulated Pixel Data hold (PS3.5 A.4): the Basic Offset Table, then the fragments."""
    at = header.at + 12
    for _ in range(MOST_FRAGMENTS + 1):
        item = stored.read(at, 8)
        if len(item) < 8:
            raise BrokenVideo("The stored object ends inside its Pixel Data.")
        group, element, length = struct.unpack("<HHI", item)
        if group != 0xFFFE or element not in {_ITEM, _END} or at + 8 + length > stored.size:
            raise BrokenVideo(f"The stored object's Pixel Data is damaged at byte {at}.")
        if element == _END:
            return
        yield Span(at + 8, length)
        at += 8 + length
    raise BrokenVideo(f"The stored object's Pixel Data has more than {MOST_FRAGMENTS} fragments.")
