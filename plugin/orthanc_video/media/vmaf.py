"""VMAF of a transcode, where ffmpeg has it: source and result are decoded again, their frames paired by number."""

from __future__ import annotations

import csv
import dataclasses
import os
from collections.abc import Callable
from pathlib import Path

import ffmpeg

from orthanc_video.errors import BrokenVideo
from orthanc_video.media import transcode
from orthanc_video.media.quality import Distribution
from orthanc_video.model import Figure, Progress, Target, VideoStream

Listener = Callable[[Progress], None]
# Every frame would take longer than the transcode itself.
_EVERY = 5


def measure(source: Path, made: Path, video: VideoStream, aim: Target, listener: Listener) -> Figure:
    """Of every fifth frame of ``made``. Its folder is to work in. Raises BrokenVideo where frames do not pair up."""
    log = made.with_suffix(".vmaf.csv")
    try:
        paired = transcode.run(_command(source, made, video, aim, log), video, lambda told: listener(_checking(told)))
        found = Distribution(2)
        with log.open(encoding="ascii", newline="") as lines:
            for row in csv.DictReader(lines):
                found.add(float(row["vmaf"]))
    finally:
        log.unlink(missing_ok=True)
    if not found.frames or found.frames != -(-paired // _EVERY):
        raise BrokenVideo(f"Of {paired} frames VMAF was measured for {found.frames}; nothing was stored.")
    return found.figure()


def _checking(told: Progress) -> Progress:
    return dataclasses.replace(told, stage="check")


def _command(source: Path, made: Path, video: VideoStream, aim: Target, log: Path) -> list[str]:
    before = transcode.shown(source, video, aim).filter("format", "yuv420p")
    after = ffmpeg.input(f"file:{made}", protocol_whitelist="file").video
    numbered = [one.filter("settb", "1/1000").filter("setpts", "N") for one in (after, before)]
    threads = os.cpu_count() or 1
    judged = ffmpeg.filter(
        numbered, "libvmaf", log_fmt="csv", log_path=str(log), n_subsample=_EVERY, n_threads=threads, shortest=1
    )
    output = judged.output("-", format="null", fps_mode="passthrough")
    arguments: list[str] = ffmpeg.compile(
        output.global_args("-nostdin", "-hide_banner", "-loglevel", "error", "-nostats", "-progress", "pipe:1")
    )
    return arguments
