"""Where the stream lies inside a stored DICOM object: found in time that does not depend on the object's size."""

from __future__ import annotations

import io
import struct
from typing import BinaryIO, NamedTuple, Protocol

from pydicom import config, dcmread
from pydicom.dataset import FileDataset

from orthanc_video.bitstream import mp4
from orthanc_video.dicom import syntaxes
from orthanc_video.errors import BrokenVideo, NotVideo
from orthanc_video.model import Located, Span

# Stored objects are other programs' work, and pydicom's warnings quote the values that it finds unusual.
config.settings.reading_validation_mode = config.IGNORE

_ITEM = 0xE000
_END = 0xE0DD
_MOST_FRAGMENTS = 100_000


class Object(Protocol):
    """A stored object: its ``size`` in bytes, and any part of it."""

    size: int

    def read(self, offset: int, length: int) -> bytes: ...


class _AsFile(io.RawIOBase):
    """pydicom reads files; this makes one of an Object."""

    name = ""  # pydicom asks for one

    def __init__(self, stored: Object) -> None:
        super().__init__()
        self._stored = stored
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        piece = self._stored.read(self._at, len(buffer))
        buffer[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._stored.size}[whence]
        self._at = base + offset
        return self._at

    def tell(self) -> int:
        return self._at


class Stream:
    """The located stream as an Object of its own: fragments joined, item headers left out."""

    def __init__(self, stored: Object, spans: tuple[Span, ...], length: int) -> None:
        self._stored = stored
        self._spans = spans
        self.size = length

    def read(self, offset: int, length: int) -> bytes:
        pieces = []
        length = min(length, self.size - offset)
        for span in self._spans:
            if length <= 0:
                break
            if offset < span.length:
                piece = self._stored.read(span.offset + offset, min(length, span.length - offset))
                pieces.append(piece)
                length -= len(piece)
                offset += len(piece)
            offset -= span.length
        return b"".join(pieces)


def exact(located: Located) -> tuple[Span, ...]:
    """The spans without the byte that pads the last."""
    rest = sum(span.length for span in located.spans) - located.length
    return (*located.spans[:-1], Span(located.spans[-1].offset, located.spans[-1].length - rest))


def locate(stored: Object) -> Located:
    """Reads the header and the item headers only; raises NotVideo for an object that holds no video."""
    return described(stored)[0]


def described(stored: Object) -> tuple[Located, FileDataset]:
    """As ``locate``, and the object's attributes before Pixel Data."""
    file = io.BufferedReader(_AsFile(stored), 1 << 16)
    header, dataset = _header(file)
    syntax = syntaxes.BY_UID.get(header.syntax)
    if syntax is None:
        raise NotVideo("The stored object's transfer syntax is none of the video ones.")
    spans = _fragments(stored, file.tell())
    total = sum(span.length for span in spans)
    located = Located(
        transfer_syntax=syntax.uid,
        sop_class=header.sop_class,
        sop_instance=header.sop_instance,
        spans=spans,
        length=_exact(stored, spans, total, header.total_length),
    )
    return located, dataset


class _Header(NamedTuple):
    """What is needed of an object's attributes; ``total_length`` is -1 where the object does not say it."""

    syntax: str
    sop_class: str
    sop_instance: str
    total_length: int


def _header(file: BinaryIO) -> tuple[_Header, FileDataset]:
    """Leaves ``file`` at Pixel Data."""
    try:
        dataset = dcmread(file, stop_before_pixels=True)
        header = _Header(
            syntax=str(dataset.file_meta.get("TransferSyntaxUID", "")),
            sop_class=str(dataset.get("SOPClassUID", "")),
            sop_instance=str(dataset.get("SOPInstanceUID", "")),
            total_length=int(dataset.get("EncapsulatedPixelDataValueTotalLength", None) or -1),
        )
        return header, dataset
    except OSError:
        raise
    except Exception as error:  # pydicom has no end of them for damaged headers: struct.error, NotImplementedError, …
        raise NotVideo("The stored object cannot be read as DICOM.") from error


def _fragments(stored: Object, at: int) -> tuple[Span, ...]:
    head = stored.read(at, 12)
    if len(head) < 12 or struct.unpack("<HH", head[:4]) != (0x7FE0, 0x0010):
        raise NotVideo("The stored object holds no Pixel Data.")
    if head[8:12] != b"\xff\xff\xff\xff":
        raise BrokenVideo("The stored object's Pixel Data is not encapsulated, as a video's must be (PS3.5 A.4).")
    at += 12
    spans = []
    for count in range(_MOST_FRAGMENTS):
        item = stored.read(at, 8)
        if len(item) < 8:
            raise BrokenVideo("The stored object ends inside its Pixel Data.")
        group, element, length = struct.unpack("<HHI", item)
        if group != 0xFFFE or element not in {_ITEM, _END} or at + 8 + length > stored.size:
            raise BrokenVideo(f"The stored object's Pixel Data is damaged at byte {at}.")
        if element == _END:
            break
        if count > 0 and length:  # the first item is the Basic Offset Table
            spans.append(Span(at + 8, length))
        at += 8 + length
    if not spans:
        raise BrokenVideo("The stored object's Pixel Data is empty.")
    return tuple(spans)


def _exact(stored: Object, spans: tuple[Span, ...], total: int, said: int) -> int:
    """The stream's length without the pad byte: as the object says, or as the MP4's boxes add up."""
    if said in {total, total - 1}:
        return said
    try:
        boxes = mp4.top_level(Stream(stored, spans, total))  # reads their headers alone: the index may be long
    except BrokenVideo:
        return total  # no MP4: what is stored is served as it is
    return total - 1 if boxes and boxes[-1].end == total - 1 else total
