"""Films for the end-to-end tests, generated once per session."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
from pydicom import dcmread
from pydicom.data import get_testdata_file
from pydicom.uid import generate_uid

# Container and codec of every source that the main job names.
SOURCES: dict[str, list[str]] = {
    "h264.mp4": ["-c:v", "libx264", "-movflags", "+faststart"],
    "index-at-end.mp4": ["-c:v", "libx264"],
    "fragmented.mp4": ["-c:v", "libx264", "-movflags", "frag_keyframe+empty_moov"],
    "h264.mov": ["-c:v", "libx264"],
    "h264.mkv": ["-c:v", "libx264"],
    "h264.ts": ["-c:v", "libx264"],
    "h264.avi": ["-c:v", "libx264", "-bf", "0"],
    "hevc.mp4": ["-c:v", "libx265", "-x265-params", "log-level=error", "-tag:v", "hvc1"],
    "mpeg2.mpg": ["-c:v", "mpeg2video", "-q:v", "4"],
    "mpeg2.ts": ["-c:v", "mpeg2video", "-q:v", "4"],
    "asp.avi": ["-c:v", "mpeg4", "-q:v", "4"],
    "vp8.webm": ["-c:v", "libvpx", "-b:v", "500k"],
    "vp9.webm": ["-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8"],
    "av1.mkv": ["-c:v", "libsvtav1", "-preset", "12"],
    "mjpeg.avi": ["-c:v", "mjpeg", "-q:v", "4"],
}
BITS = 12
BAR = 16


def ffmpeg(*arguments: str, stdin: bytes | None = None) -> None:
    subprocess.run(["ffmpeg", "-v", "error", "-y", *arguments], input=stdin, check=True)


def ffprobe(path: Path) -> dict[str, Any]:
    """The first video stream's facts, its frames counted by decoding."""
    command = ["ffprobe", "-v", "error", "-count_frames", "-select_streams", "v", "-show_streams", "-of", "json"]
    output = subprocess.run([*command, str(path)], check=True, capture_output=True).stdout
    stream: dict[str, Any] = json.loads(output)["streams"][0]
    return stream


class Films:
    """Makes films on demand, each once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._serial = 0

    def source(self, name: str) -> Path:
        """Two seconds of 29.97 frames/s, 320 × 240, 60 frames, as ``SOURCES`` says."""
        path = self.folder / name
        if not path.exists():
            picture = ["-f", "lavfi", "-i", "testsrc2=s=320x240:r=30000/1001", "-frames:v", "60"]
            ffmpeg(*picture, "-pix_fmt", "yuvj420p" if "mjpeg" in name else "yuv420p", *SOURCES[name], str(path))
        return path

    def unique(self, seconds: float = 1.0, *encoding: str, size: str = "160x120", suffix: str = ".mp4") -> Path:
        """A film that no other test has uploaded."""
        self._serial += 1
        path = self.folder / f"unique-{self._serial}{suffix}"
        picture = f"testsrc2=s={size}:r=25,hue=h={self._serial * 7}"
        codec = encoding or ("-c:v", "libx264", "-movflags", "+faststart")
        ffmpeg("-f", "lavfi", "-i", picture, "-t", str(seconds), "-pix_fmt", "yuv420p", *codec, str(path))
        return path

    def image(self) -> Path:
        """An MR image in DICOM that no other test has uploaded."""
        self._serial += 1
        path = self.folder / f"image-{self._serial}.dcm"
        dataset = dcmread(str(get_testdata_file("MR_small.dcm")))
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid()
        dataset.save_as(path)
        return path

    def slow(self, seconds: float) -> Path:
        """A film that takes some seconds to transcode: large VP9, 25 frames/s (making VP8 takes ten times as long)."""
        path = self.folder / f"slow-{seconds}.webm"
        if path.exists():
            return path
        encode = ["-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "8M"]
        picture = ["-f", "lavfi", "-i", "testsrc2=s=1280x720:r=25", "-t", str(seconds)]
        ffmpeg(*picture, "-pix_fmt", "yuv420p", *encode, str(path))
        return path

    def numbered(self, frames: int = 300, rate: str = "30000/1001", *, bits: int = BITS, height: int = 96) -> Path:
        """Every frame shows its own number (from 0) as black and white bars, lowest bit first."""
        path = self.folder / f"numbered-{frames}-{rate.replace('/', '_')}-{bits}.mp4"
        if not path.exists():
            raw = b"".join(bars(number, bits, height).tobytes() for number in range(frames))
            size = ["-f", "rawvideo", "-pix_fmt", "gray", "-s", f"{bits * BAR}x{height}", "-r", rate]
            encode = ["-c:v", "libx264", "-bf", "3", "-g", "60", "-pix_fmt", "yuv420p", "-movflags", "+faststart"]
            ffmpeg(*size, "-i", "-", *encode, str(path), stdin=raw)
        return path


def bars(number: int, bits: int = BITS, height: int = 96) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """A grey picture of a number: ``bits`` bars, each ``BAR`` wide."""
    lit = [(number >> bit & 1) * 219 + 16 for bit in range(bits)]
    return np.repeat(np.array(lit, dtype=np.uint8), BAR)[None, :].repeat(height, axis=0)
