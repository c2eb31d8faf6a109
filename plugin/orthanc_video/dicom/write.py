"""A DICOM file as what lies around its stream: a few kilobytes before it, a few bytes after it, no copy between."""

from __future__ import annotations

import io
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydicom import dcmwrite
from pydicom.dataset import Dataset

from orthanc_video.errors import TooLarge
from orthanc_video.files import SpanSource

_FRAGMENT_LIMIT = (1 << 32) - 2
_PIXEL_DATA = struct.pack("<HH2sHI", 0x7FE0, 0x0010, b"OB", 0, 0xFFFFFFFF)
_EMPTY_OFFSET_TABLE = struct.pack("<HHI", 0xFFFE, 0xE000, 0)
_DELIMITER = struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
_BLOCK = 1 << 20
_SHORTER = "the stream became shorter while it was copied"


@dataclass(frozen=True, slots=True)
class Envelope:
    """``before`` + the stream of ``length`` bytes + ``after`` is the whole file (PS3.10 7, PS3.5 A.4).

    ``offset`` is where the stream begins in its file.
    """

    before: bytes
    after: bytes
    length: int
    offset: int = 0

    @property
    def size(self) -> int:
        return len(self.before) + self.length + len(self.after)


def envelope(dataset: Dataset, length: int) -> Envelope:
    """What surrounds a single-fragment stream of ``length`` bytes; raises TooLarge above 2**32 - 2 (PS3.5 8.2.7)."""
    if length > _FRAGMENT_LIMIT:
        raise TooLarge(f"The stream of {length} bytes is longer than one DICOM fragment can be (4 GiB).")
    header = io.BytesIO()
    dcmwrite(header, dataset, enforce_file_format=True)
    pad = length % 2
    item = struct.pack("<HHI", 0xFFFE, 0xE000, length + pad)
    return Envelope(header.getvalue() + _PIXEL_DATA + _EMPTY_OFFSET_TABLE + item, b"\x00" * pad + _DELIMITER, length)


def whole(size: int) -> Envelope:
    """Nothing around a file of ``size`` bytes that is a DICOM file already."""
    return Envelope(b"", b"", size)


class Written:
    """The file that ``write`` makes of these parts, read as a stored object is: nothing is copied."""

    def __init__(self, parts: Envelope, stream: SpanSource) -> None:
        self._parts = parts
        self._stream = stream
        self.size = parts.size

    def read(self, offset: int, length: int) -> bytes:
        """The bytes from ``offset`` on; fewer than ``length`` at the end."""
        before, end = len(self._parts.before), len(self._parts.before) + self._parts.length
        pieces = [self._parts.before[offset : offset + length]]
        if offset < end and offset + length > before:
            begin = max(0, offset - before)
            pieces.append(self._stream.read_at(begin, min(offset + length, end) - before - begin))
        if offset + length > end:
            pieces.append(self._parts.after[max(0, offset - end) : offset + length - end])
        return b"".join(pieces)


def replacing(dataset: Dataset, offset: int, size: int) -> Envelope:
    """Other attributes before what a stored file of ``size`` bytes holds from ``offset`` on, Pixel Data, as it is."""
    header = io.BytesIO()
    dcmwrite(header, dataset, enforce_file_format=True)
    return Envelope(header.getvalue(), b"", size - offset, offset)


def blocks(parts: Envelope, stream: Path) -> Iterator[bytes]:
    """The whole file block by block, in constant memory; raises OSError when the stream is shorter than it was."""
    yield parts.before
    left = parts.length
    with stream.open("rb") as file:
        file.seek(parts.offset)
        while left:
            block = file.read(min(_BLOCK, left))
            if not block:
                raise OSError(_SHORTER)
            left -= len(block)
            yield block
    yield parts.after


def write(parts: Envelope, stream: Path, target: Path) -> None:
    """Writes the whole file to ``target``; the kernel copies the stream."""
    with target.open("wb") as out, stream.open("rb") as source:
        out.write(parts.before)
        out.flush()
        left = parts.length
        source.seek(parts.offset)
        while left:
            copied = os.sendfile(out.fileno(), source.fileno(), None, left)
            if not copied:
                raise OSError(_SHORTER)
            left -= copied
        out.seek(0, os.SEEK_END)
        out.write(parts.after)
