"""A short test film made of nothing: what a system is sent that is to be tried out."""

from __future__ import annotations

import subprocess
from pathlib import Path

import ffmpeg

from orthanc_video.errors import BrokenVideo
from orthanc_video.media import sandbox

# MPEG-2 and every level of H.264 have a place for such pictures (PS3.5 8.2.5, 8.2.7).
_PICTURES = "testsrc2=size=352x288:rate=25:duration=0.4"
_ENCODERS = {
    "h264": {"vcodec": "libx264", "profile:v": "high"},
    "hevc": {"vcodec": "libx265", "tag:v": "hvc1", "x265-params": "log-level=error:pools=none"},
}


def make(target: Path, codec: str) -> None:
    """Writes ten frames as an MP4; ``codec`` is h264 or hevc. Raises BrokenVideo with ffmpeg's own words."""
    output = ffmpeg.input(_PICTURES, f="lavfi").output(
        str(target), pix_fmt="yuv420p", movflags="+faststart", threads=1, **_ENCODERS[codec]
    )
    command = output.global_args("-nostdin", "-v", "error").overwrite_output().compile()
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, preexec_fn=sandbox.before_program
    ) as process:
        sandbox.alone(process.pid)
        said = process.communicate()[1].decode(errors="replace").strip()
    if process.returncode != 0:
        raise BrokenVideo(f"ffmpeg cannot make a test film of {codec}: {said[-300:] or f'exit {process.returncode}'}.")
