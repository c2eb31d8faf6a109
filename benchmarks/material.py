"""What is measured with: generated films and DICOM files, every upload of which is a new one to the servers."""

from __future__ import annotations

import secrets
import shutil
import struct
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

from benchmarks import REPOSITORY

_SEGMENT_SECONDS = 2
_BIT_RATE = 40_000_000
# minor_version of the MP4's first box (ISO/IEC 14496-12 4.3): any number will do.
_UNIQUE_AT, _UNIQUE = 12, 4
_UID_LENGTH = 44
# Seconds of a recording that come again and again.
RECORDING_SEGMENT = 10


def ffmpeg(*arguments: object) -> None:
    """Raises RuntimeError with ffmpeg's own words."""
    command = ["ffmpeg", "-nostdin", "-v", "error", "-y", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode:
        raise RuntimeError(f"ffmpeg failed: {done.stderr.strip()}")


def recording(path: Path, minutes: float) -> Path:
    """1080p30 as a recorder makes it: H.264 of 4 Mbit/s, coded as it comes, closed groups of 30 with two B-frames."""
    segment = path.with_name("recording-segment.mp4")
    if not segment.exists():
        ffmpeg(
            *("-f", "lavfi", "-i", "testsrc2=s=1920x1080:r=30,noise=alls=3:allf=t", "-t", RECORDING_SEGMENT),
            *("-c:v", "libx264", "-preset", "veryfast", "-profile:v", "high", "-level:v", "4.1"),
            *("-pix_fmt", "yuv420p", "-g", "30", "-keyint_min", "30", "-sc_threshold", "0", "-bf", "2"),
            *("-b:v", "4M", "-maxrate", "5M", "-bufsize", "5M", segment),
        )
    times = round(minutes * 60 / RECORDING_SEGMENT)
    ffmpeg("-stream_loop", times - 1, "-i", segment, "-c", "copy", "-movflags", "+faststart", path)
    return path


@dataclass(frozen=True, slots=True)
class Film:
    """A conforming MP4: H.264 High profile 1080p30 of about 40 Mbit/s, index in front, no sound."""

    path: Path

    @property
    def size(self) -> int:
        return self.path.stat().st_size

    def renew(self) -> None:
        """Makes it another file to every server: another version of its brand."""
        with self.path.open("r+b") as file:
            file.seek(_UNIQUE_AT)
            file.write(secrets.token_bytes(_UNIQUE))


class Films:
    """Films of any size out of one short segment."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._segment = folder / "segment.mp4"

    def film(self, size: int) -> Film:
        """Exactly ``size`` bytes, the last of them (less than a segment's) in a free box."""
        path = self._folder / f"film-{size}.mp4"
        self._make_segment()
        times = max(1, size // self._segment.stat().st_size)
        ffmpeg("-stream_loop", times - 1, "-i", self._segment, "-c", "copy", "-movflags", "+faststart", path)
        padding = size - path.stat().st_size
        assert padding >= 8, f"a film of {size} bytes is too short"
        with path.open("ab") as file:
            file.write(struct.pack(">I4s", padding, b"free"))
            file.truncate(size)
        made = Film(path)
        made.renew()
        return made

    def _make_segment(self) -> None:
        if self._segment.exists():
            return
        rate = str(_BIT_RATE)
        ffmpeg(
            *("-f", "lavfi", "-i", "testsrc2=s=1920x1080:r=30,noise=alls=24:allf=t", "-t", _SEGMENT_SECONDS),
            *("-c:v", "libx264", "-preset", "ultrafast", "-profile:v", "high", "-level:v", "4.1"),
            *("-pix_fmt", "yuv420p", "-g", "30", "-bf", "0", "-b:v", rate, "-minrate", rate, "-maxrate", rate),
            *("-bufsize", rate, "-x264-params", "nal-hrd=cbr", self._segment),
        )


@dataclass(frozen=True, slots=True)
class DicomFile:
    """A DICOM file whose SOP Instance UID stands at ``places``."""

    path: Path
    places: tuple[int, ...]
    uid_length: int

    def renew(self) -> None:
        """Gives it a new SOP Instance UID."""
        uid = _uid(self.uid_length).encode()
        with self.path.open("r+b") as file:
            for place in self.places:
                file.seek(place)
                file.write(uid)


def dicom_video(film: Film) -> DicomFile:
    """The DICOM file that this project makes of a film."""
    path = film.path.with_suffix(".dcm")
    command = [sys.executable, "-m", "orthanc_video", "convert", str(film.path), str(path)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=REPOSITORY)
    return _renewable(path, str(dcmread(path, stop_before_pixels=True).SOPInstanceUID))


def dicom_images(folder: Path, size: int) -> DicomFile:
    """A native multi-frame CT of about ``size`` bytes, 512 × 512 pixels of 16 bits a frame."""
    frames = max(1, size // (512 * 512 * 2))
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID, dataset.SOPInstanceUID = CTImageStorage, _uid()
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = _uid(), _uid()
    dataset.PatientID, dataset.PatientName, dataset.Modality = "BENCH", "Bench^Mark", "CT"
    dataset.Rows = dataset.Columns = 512
    dataset.NumberOfFrames = frames
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated = dataset.BitsStored = 16
    dataset.HighBit, dataset.PixelRepresentation = 15, 0
    pixels = np.random.default_rng(1).integers(0, 4096, (frames, 512, 512), dtype=np.uint16)
    dataset.PixelData = pixels.tobytes()
    path = folder / "images.dcm"
    dataset.save_as(path, enforce_file_format=True)
    return _renewable(path, str(dataset.SOPInstanceUID))


def _uid(length: int = _UID_LENGTH) -> str:
    """A new UID of a given length, so that it can take another one's place."""
    prefix = "2.25."
    least = 10 ** (length - len(prefix) - 1)
    return prefix + str(least + secrets.randbelow(least))


def _renewable(path: Path, uid: str) -> DicomFile:
    with path.open("rb") as file:
        head = file.read(64 << 10)
    places = []
    at = head.find(uid.encode())
    while at >= 0:
        places.append(at)
        at = head.find(uid.encode(), at + 1)
    assert len(places) == 2, f"the SOP Instance UID stands {len(places)} times in {path.name}"
    return DicomFile(path, tuple(places), len(uid))


def web_film(folder: Path, size: str, seconds: int, bit_rate: str) -> Path:
    """A WebM as a browser records it: VP8, 30 frames/s, with some noise, as cameras have."""
    path = folder / f"{size}.webm"
    ffmpeg(
        *("-f", "lavfi", "-i", f"testsrc2=s={size}:r=30,noise=alls=8:allf=t", "-t", seconds),
        *("-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-b:v", bit_rate, "-pix_fmt", "yuv420p", path),
    )
    return path


def free_disk(folder: Path) -> int:
    return shutil.disk_usage(folder).free
