"""Clips of real recordings, out of the objects that pydicom and pydicom-data bring along: JPEG pictures, one by one."""

from __future__ import annotations

from pathlib import Path

from pydicom import dcmread
from pydicom.data import get_testdata_file
from pydicom.encaps import generate_frames

from clips import Clips, ffmpeg

_FILMS = {"echo": "color3d_jpeg_baseline.dcm", "ultrasound": "examples_ybr_color.dcm"}
_FRAMES = 20


def _pictures(clips: Clips, name: str) -> Path:
    """The first pictures of a film as they are, one JPEG after the other."""
    path = clips.conforming().with_name(f"{name}.mjpeg")
    if not path.exists():
        film = dcmread(str(get_testdata_file(_FILMS[name], read=False)))
        frames = list(generate_frames(film.PixelData, number_of_frames=int(film.NumberOfFrames)))
        path.write_bytes(b"".join(frame[: frame.rindex(b"\xff\xd9") + 2] for frame in frames[:_FRAMES]))
    return path


def _film(clips: Clips, name: str, suffix: str, coded: str) -> Path:
    pictures = _pictures(clips, name)
    path = pictures.with_suffix(suffix)
    if not path.exists():
        ffmpeg("-f", "mjpeg", "-r", "30", "-i", pictures, *coded.split(), path)
    return path


def ultrasound_avi(clips: Clips) -> Path:
    return _film(clips, "ultrasound", ".avi", "-c copy")


def ultrasound_mp4(clips: Clips) -> Path:
    coded = "-c:v libx264 -preset veryfast -pix_fmt yuv420p -color_range tv -movflags +faststart"
    return _film(clips, "ultrasound", ".mp4", coded)


def echo_mov(clips: Clips) -> Path:
    return _film(clips, "echo", ".mov", "-c copy")


def echo_hevc(clips: Clips) -> Path:
    return _film(clips, "echo", ".mkv", "-c:v libx265 -preset ultrafast -x265-params log-level=none -pix_fmt yuv420p")
