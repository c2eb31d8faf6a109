"""Files and spans of files as byte sources, and how untrusted media is opened: no network, no other file."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import av
from av.container import InputContainer

from orthanc_video.errors import BrokenVideo, NotVideo
from orthanc_video.media import sniff
from orthanc_video.model import Span

# Only demuxers of single self-contained files: playlists (hls, concat, dash …) could name other files.
DEMUXERS = "mov,matroska,avi,mpeg,mpegvideo,mpegts,h264,hevc,m4v,ivf,flv,asf,ogg,mjpeg,dv,mxf"


class SpanSource(io.RawIOBase):
    """Consecutive spans of one file, read as one stream; ``size`` is their summed length in bytes.

    Serves the pure parsers (``size``, ``read_at``) and, as a file object, PyAV.
    """

    def __init__(self, path: Path, spans: tuple[Span, ...] | None = None) -> None:
        super().__init__()
        self._descriptor = os.open(path, os.O_RDONLY)
        self.spans = spans or (Span(0, os.fstat(self._descriptor).st_size),)
        self.size = sum(span.length for span in self.spans)
        self._at = 0

    def read_at(self, offset: int, length: int) -> bytes:
        """The bytes from ``offset`` on; fewer than ``length`` at the end."""
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
        if not self.closed:
            os.close(self._descriptor)
        super().close()


class Bytes:
    """A SpanSource as the pure parsers of bitstream/ want it: ``size`` and ``read(offset, length)``."""

    def __init__(self, source: SpanSource) -> None:
        self.size = source.size
        self.read = source.read_at


@contextmanager
def opened(path: Path, spans: tuple[Span, ...] | None = None) -> Iterator[InputContainer]:
    """An untrusted file (or its spans) opened by PyAV; raises NotVideo or BrokenVideo with a sentence."""
    with SpanSource(path, spans) as source:
        head = source.read_at(0, sniff.HEAD)
        what = sniff.what_else(head)
        kind = sniff.container(head)
        if what and not kind:
            raise NotVideo(f"The file is {what}, not a video. Send a video file (MP4, MOV, WebM, MKV, AVI, MPEG, TS).")
        options = {"format_whitelist": DEMUXERS, "protocol_whitelist": "", "enable_drefs": "0"}
        try:
            container = av.open(source, mode="r", container_options=options, metadata_errors="replace")
        except (av.error.FFmpegError, ValueError) as error:
            if kind:
                raise BrokenVideo(
                    f"The file looks like {kind.split(',')[0]} but cannot be read ({reason(error)}): it is damaged or "
                    "truncated. Copy it again from the device and send it once more."
                ) from error
            raise NotVideo("The file is not a video that could be recognised.") from error
        with container:
            yield container


def reason(error: BaseException) -> str:
    """FFmpeg's own words for an error, without the paths that it may quote."""
    words = getattr(error, "strerror", None) or type(error).__name__
    return str(words).split("'")[0].strip().lower()
