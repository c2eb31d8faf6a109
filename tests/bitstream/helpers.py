"""What the tests of the parsers share: a source in memory, hand-made boxes, and ffmpeg."""

from __future__ import annotations

import io
import subprocess
from pathlib import Path


class BytesSource:
    """A source over bytes in memory."""

    def __init__(self, data: bytes) -> None:
        self._file = io.BytesIO(data)
        self.size = len(data)

    def read(self, offset: int, length: int) -> bytes:
        self._file.seek(offset)
        return self._file.read(length)


def box(kind: str, *content: bytes) -> bytes:
    body = b"".join(content)
    return (8 + len(body)).to_bytes(4) + kind.encode("latin-1") + body


def numbers(*values: int, width: int = 4) -> bytes:
    return b"".join(value.to_bytes(width, signed=value < 0) for value in values)


def ffmpeg(*arguments: str | Path, folder: Path | None = None) -> str:
    """Runs ffmpeg in a folder; what it says on standard error."""
    command = ["ffmpeg", "-hide_banner", "-nostdin", "-y", *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True, text=True, cwd=folder).stderr
