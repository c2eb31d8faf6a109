"""What the tests of the parsers share: a source in memory, hand-made boxes, and ffmpeg."""

from __future__ import annotations

import io
import json
import re
import subprocess
from pathlib import Path
from typing import Any


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


def ue(value: int) -> str:
    """An unsigned Exp-Golomb number as bits (H.264 9.1)."""
    bits = f"{value + 1:b}"
    return "0" * (len(bits) - 1) + bits


def nal_of(header: bytes, bits: str) -> bytes:
    """A NAL unit out of its header and what follows, trailing bits and emulation prevention added."""
    padded = bits + "1" + "0" * (-(len(bits) + 1) % 8)
    raw = int(padded, 2).to_bytes(len(padded) // 8)
    return header + re.sub(rb"\x00\x00(?=[\x00-\x03])", b"\x00\x00\x03", raw)


def traced(clip: Path, unit: str = "") -> dict[str, int]:
    """The fields of the first units of a stream as ffmpeg's trace_headers filter reads them.

    With ``unit`` only those of the first one of that name, elements of lists by their numbers in brackets.
    """
    said = ffmpeg("-i", clip, "-c", "copy", "-frames:v", "1", "-bsf:v", "trace_headers", "-f", "null", "-")
    if unit:
        said = re.split(r"\] [A-Z][A-Za-z -]+\n", said.partition(f"] {unit}\n")[2])[0]
        found = re.findall(r"\] \d+ +(\w+(?:\[\d+\])*) +[01]* = (-?\d+)$", said, re.MULTILINE)
    else:
        found = re.findall(r"\] \d+ +(\w+)(?:\[\d+\])* +[01]* = (-?\d+)$", said, re.MULTILINE)
    return {name: int(value) for name, value in reversed(found)}


def probed(clip: Path) -> dict[str, Any]:
    """The first stream of a file as ffprobe describes it."""
    stream: dict[str, Any] = ffprobe(clip, "-show_streams")["streams"][0]
    return stream


def shown_pictures(clip: Path) -> list[dict[str, Any]]:
    """The frames of the first video stream as ffprobe decodes them."""
    frames: list[dict[str, Any]] = ffprobe(clip, "-select_streams", "v:0", "-show_frames")["frames"]
    return frames


def ffprobe(clip: Path, *arguments: str) -> dict[str, Any]:
    command = ["ffprobe", "-v", "error", *arguments, "-of", "json", str(clip)]
    found: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    return found
