"""The same coded pictures, and what is heard with them, in an MPEG transport stream: for archives that read no MP4.

The one container beside MP4 that DICOM names for H.264 and H.265 (PS3.5 8.2.7, 8.2.8).
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
from av.container import InputContainer

from orthanc_video.errors import BrokenVideo
from orthanc_video.form import TRANSPORT
from orthanc_video.media.audio import timed
from orthanc_video.media.probe import pictures, probe
from orthanc_video.media.remux import failure, slices, telling
from orthanc_video.media.source import opened
from orthanc_video.model import Made, Progress

Listener = Callable[[Progress], None]
_WRITING = 0.5


def wrap(source: Path, target: Path, listener: Listener) -> Made:
    """Writes what is in the MP4 ``source`` to ``target``. Raises BrokenVideo for a lost or changed frame."""
    video = probe(source).video
    tell = telling("remux", video, listener, 0.0, _WRITING)
    before = slices(source, tell)
    try:
        _write(source, target)
    except av.error.FFmpegError as error:
        raise failure(error) from error
    if slices(target, telling("check", video, listener, _WRITING, 1.0)) != before:
        raise BrokenVideo("The coded pictures changed on the way into a transport stream; nothing was sent.")
    probed = probe(target)
    return Made(path=str(target), size=target.stat().st_size, video=probed.video, probed=probed)


def _write(source: Path, target: Path) -> None:
    options = {"fflags": "+bitexact"}
    with opened(source) as seen, opened(source) as heard, av.open(str(target), "w", TRANSPORT, options=options) as out:
        tracks: list[tuple[InputContainer, Any]] = [(seen, pictures(seen))]
        tracks += [(heard, sound) for sound in heard.streams.audio[:1]]
        made = [out.add_stream_from_template(stream) for _, stream in tracks]
        for one in made:
            one.metadata.clear()
        several = (timed(*track, to, lambda _: True) for track, to in zip(tracks, made, strict=True))
        for _, packet in heapq.merge(*several, key=lambda pair: pair[0]):
            out.mux_one(packet)
