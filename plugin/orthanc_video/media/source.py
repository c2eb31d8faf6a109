"""How untrusted media is opened: no network, no other file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from orthanc_video.errors import BrokenVideo, NotVideo
from orthanc_video.files import SpanSource
from orthanc_video.media import sniff
from orthanc_video.model import Span

# Only demuxers of single self-contained files: playlists (hls, concat, dash …) could name other files.
DEMUXERS = "mov,matroska,avi,mpeg,mpegvideo,mpegts,h264,hevc,m4v,ivf,flv,asf,ogg,mjpeg,dv,mxf,rm"
# For each stream; PyAV's stubs have them as text.
_UNSEEN: Any = [{"skip_frame": "all"}] * 16
# The least that FFmpeg takes: it reads no packets to learn what an MP4's index has told.
_UNREAD = {"probesize": "32"}


@contextmanager
def opened(path: Path, spans: tuple[Span, ...] | None = None, *, hurried: bool = False) -> Iterator[InputContainer]:
    """An untrusted file (or its spans) opened by PyAV; raises NotVideo or BrokenVideo with a sentence.

    ``hurried``: no frame of an MP4 is read to learn more than its index says. Its streams' pixel format and what the
    coded pictures alone say of their aspect are then not known before a frame was decoded.
    """
    with SpanSource(path, spans) as source:
        head = source.read_at(0, sniff.HEAD)
        what = sniff.what_else(head)
        kind = sniff.container(head)
        if what and not kind:
            raise NotVideo(f"The file is {what}, not a video.")
        options = {"format_whitelist": DEMUXERS, "protocol_whitelist": "", "enable_drefs": "0"}
        hurried = hurried and "mov" in kind
        try:
            container = av.open(
                source,
                mode="r",
                container_options=options | _UNREAD if hurried else options,
                stream_options=_UNSEEN if hurried else [],
                metadata_errors="replace",
            )
        except (av.error.FFmpegError, ValueError) as error:
            if kind:
                raise BrokenVideo(
                    f"The file looks like {kind.split(',')[0]} but cannot be read ({reason(error)}): it is damaged or "
                    "truncated."
                ) from error
            raise NotVideo("The file is not a video that could be recognised.") from error
        with container:
            yield container


def reason(error: BaseException) -> str:
    """FFmpeg's own words for an error, without the paths that it may quote."""
    words = getattr(error, "strerror", None) or type(error).__name__
    return str(words).split("'")[0].strip().lower()


def coding_of(stream: VideoStream) -> tuple[str, bytes]:
    """FFmpeg's name of a stream's codec, and the configuration as FFmpeg hands it over; empty where there is none."""
    return stream.codec_context.codec.canonical_name, bytes(stream.codec_context.extradata or b"")
