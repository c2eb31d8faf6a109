"""Pixel Data of pictures coded each by itself (PS3.5 8.2, A.4): what lies around them, in constant memory.

The pictures lie in a file as the items that they will be, one fragment for each, or end to end where they are not
encapsulated.
"""

from __future__ import annotations

import io
import struct
from array import array
from collections.abc import Iterator, Sequence
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

from pydicom import dcmwrite
from pydicom.dataset import Dataset

from orthanc_video.dicom import syntaxes
from orthanc_video.dicom.write import Envelope
from orthanc_video.errors import BrokenVideo, TooLarge, WorkerFailed
from orthanc_video.files import SpanSource
from orthanc_video.model import Span

_ITEM = struct.Struct("<HHI")
_PLACE = struct.Struct("<QQ")
_TAG = struct.pack("<HH", 0x7FE0, 0x0010)
_UNDEFINED = 0xFFFFFFFF
_BLOCK = 1 << 20
_DELIMITER = _ITEM.pack(0xFFFE, 0xE0DD, 0)
_LARGEST_OFFSET = 2**32 - 1
# A value's length is a number of 32 bits as a fragment's is, even, the largest of which means "undefined" (PS3.5 7.1).
LARGEST_VALUE = syntaxes.LARGEST_FRAGMENT


class Pictures(NamedTuple):
    """A file of pictures: the ``lengths`` of them in bytes without padding, and their ``times`` in microseconds after
    the first."""

    path: Path
    lengths: Sequence[int]
    times: Sequence[int]
    native: bool

    @property
    def spans(self) -> list[tuple[int, int]]:
        """Where each lies in its file, an item's header and padding included: offset and length."""
        sizes = [length if self.native else _item_size(length) for length in self.lengths]
        return list(zip(accumulate(sizes, initial=0), sizes, strict=False))


def pictures(path: Path, index: Path, frames: int, *, native: bool) -> Pictures:
    """What a media process has made, which a hostile film may have taken over: raises WorkerFailed unless the file is
    what the index says, item by item."""
    data = index.read_bytes()
    if len(data) != frames * _PLACE.size or not frames:
        raise _nonsense()
    lengths, times = array("Q"), array("Q")
    for length, time in _PLACE.iter_unpack(data):
        lengths.append(length)
        times.append(time)
    made = Pictures(path, lengths, times, native)
    with SpanSource(path) as source:
        spans = made.spans
        if source.size != sum(spans[-1]) or not all(lengths):
            raise _nonsense()
        for (offset, size), _ in zip(() if native else spans, lengths, strict=False):
            if size - 8 > LARGEST_VALUE or source.read_at(offset, 8) != _ITEM.pack(0xFFFE, 0xE000, size - 8):
                raise _nonsense()
    return made


def _nonsense() -> WorkerFailed:
    return WorkerFailed("The media process has not made the pictures that it says: the film may be made to do so.")


def _item_size(length: int) -> int:
    return 8 + length + length % 2


def envelope(dataset: Dataset, made: Pictures, only: int | None = None) -> Envelope:
    """What surrounds all pictures, or the one of number ``only`` (from 0). Raises TooLarge for what cannot be said.

    Where a Basic Offset Table's 32 bits do not reach the last frame there is an Extended one (PS3.3 C.7.6.3.1.8).
    """
    spans = made.spans if only is None else [made.spans[only]]
    lengths = made.lengths if only is None else [made.lengths[only]]
    offset, length = spans[0][0], sum(size for _, size in spans)
    if made.native:
        return _native(dataset, length, offset)
    places = [at - offset for at, _ in spans]
    if places[-1] > _LARGEST_OFFSET:
        dataset.ExtendedOffsetTable = struct.pack(f"<{len(places)}Q", *places)
        dataset.ExtendedOffsetTableLengths = struct.pack(f"<{len(places)}Q", *(one + one % 2 for one in lengths))
        places = []
    table = struct.pack(f"<{len(places)}L", *places)
    head = _TAG + b"OB\x00\x00" + struct.pack("<I", _UNDEFINED) + _ITEM.pack(0xFFFE, 0xE000, len(table)) + table
    return Envelope(_written(dataset) + head, _DELIMITER, length, offset)


def _native(dataset: Dataset, length: int, offset: int) -> Envelope:
    if length > LARGEST_VALUE:
        raise TooLarge(
            f"Uncompressed the pictures take {length} bytes, more than Pixel Data can have without compression (4 GiB)."
        )
    pad = length % 2
    implicit = str(dataset.file_meta.TransferSyntaxUID) == syntaxes.IMPLICIT
    # By PS3.5 A.1 Pixel Data is OW with implicit VR; with explicit VR it is of more than 8 bits, else either (A.2).
    kind = b"OW" if dataset.BitsAllocated > 8 else b"OB"
    head = _TAG + (b"" if implicit else kind + b"\x00\x00") + struct.pack("<I", length + pad)
    return Envelope(_written(dataset) + head, b"\x00" * pad, length, offset)


def taken(dataset: Dataset, source: Path, frames: Sequence[Sequence[Span]], target: Path) -> None:
    """Writes the object whose frames are these, as they lie in ``source``: byte for byte, one fragment each.

    Raises TooLarge as ``envelope``.
    """
    native = syntaxes.IMAGES[str(dataset.file_meta.TransferSyntaxUID)].native
    lengths = [sum(span.length for span in frame) for frame in frames]
    around = envelope(dataset, Pictures(source, lengths, (), native))
    with target.open("wb") as out, SpanSource(source) as file:
        out.write(around.before)
        for length, frame in zip(lengths, frames, strict=True):
            out.write(b"" if native else _ITEM.pack(0xFFFE, 0xE000, length + length % 2))
            for span in frame:
                out.writelines(_blocks(file, span))
            out.write(b"" if native else b"\x00" * (length % 2))
        out.write(around.after)


def _blocks(file: SpanSource, span: Span) -> Iterator[bytes]:
    for begin in range(0, span.length, _BLOCK):
        length = min(_BLOCK, span.length - begin)
        block = file.read_at(span.offset + begin, length)
        if len(block) < length:
            raise BrokenVideo("The stored object became shorter while it was read.")
        yield block


def _written(dataset: Dataset) -> bytes:
    file = io.BytesIO()
    dcmwrite(file, dataset, enforce_file_format=True)
    return file.getvalue()
