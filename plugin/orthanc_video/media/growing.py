"""An MP4 that can be played while it is being made, and what becomes of it: the same pictures, their index in front.

It is fragmented (ISO/IEC 14496-12 8.8): its head comes first and names no frame, and each fragment tells of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from orthanc_video.errors import BrokenVideo
from orthanc_video.media import probe, remux
from orthanc_video.model import Progress

Listener = Callable[[Progress], None]


def beside(target: Path) -> Path:
    """Where it grows that becomes ``target``: the gateway looks for it by this name (jobs/renditions.py)."""
    return target.with_suffix(".growing.mp4")


def finish(target: Path, written: int, listener: Listener) -> int:
    """Writes ``target`` out of what has grown, which goes; its number of frames. Raises BrokenVideo for a lost one."""
    grown = beside(target)
    video = probe.probe(grown).video
    if video.frames != written:
        raise BrokenVideo(f"ffmpeg wrote {written} frames, but {video.frames} are in its file; it is not kept.")
    remux.remux(grown, target, video, 0, listener)
    grown.unlink()
    return video.frames
