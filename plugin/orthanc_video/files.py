"""Files and spans of files as byte sources: for the pure parsers, and as file objects."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

from orthanc_video.model import Span


def synced(path: Path) -> Path:
    """A file whose bytes are on the disk: one that a power cut left empty would be served for good."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return path


class SpanSource(io.RawIOBase):
    """Consecutive spans of one file, read as one stream; ``size`` is their summed length in bytes.

    Serves the pure parsers (``size``, ``read_at``) and, as a file object, PyAV.
    """

    _descriptor = -1  # what could not be opened is closed all the same

    def __init__(self, path: Path, spans: tuple[Span, ...] | None = None) -> None:
        super().__init__()
        self._descriptor = os.open(path, os.O_RDONLY)
        self.spans = spans or (Span(0, os.fstat(self._descriptor).st_size),)
        self.size = sum(span.length for span in self.spans)
        self._at = 0

    def read_at(self, offset: int, length: int) -> bytes:
        """The bytes from ``offset`` on; fewer than ``length`` at the end."""
        first = self.spans[0]
        if offset + length <= first.length:  # as most reads are, one for each frame
            return os.pread(self._descriptor, length, first.offset + offset)
        pieces = []
        for span in self.spans:
            if length <= 0:
                break
            if offset < span.length:
                piece = os.pread(self._descriptor, min(length, span.length - offset), span.offset + offset)
                pieces.append(piece)
                offset += len(piece)
                length -= len(piece)
            offset -= span.length
        return b"".join(pieces)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        piece = self.read_at(self._at, len(buffer))
        buffer[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self.size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def tell(self) -> int:
        return self._at

    def close(self) -> None:
        if not self.closed and self._descriptor >= 0:
            os.close(self._descriptor)
        super().close()


class Bytes:
    """A SpanSource as the pure parsers of bitstream/ want it: ``size`` and ``read(offset, length)``."""

    def __init__(self, source: SpanSource) -> None:
        self.size = source.size
        self.read = source.read_at
