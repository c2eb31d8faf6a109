"""Files on the command line: a conforming MP4 into a DICOM file, and the index of a long film's frames."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import av

from benchmarks import material
from benchmarks.measure import MB, Bench, Of, Row, Samples, Target, alone, compare, interleaved
from orthanc_video.bitstream import mp4
from orthanc_video.files import Bytes, SpanSource

_FRAMES = 36_000
# What somebody writes who has read pydicom's examples.
_NAIVE = """
import sys
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import UID, generate_uid
from pathlib import Path
dataset = Dataset()
dataset.SOPClassUID, dataset.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.77.1.4.1", generate_uid()
dataset.StudyInstanceUID, dataset.SeriesInstanceUID = generate_uid(), generate_uid()
dataset.Rows, dataset.Columns, dataset.NumberOfFrames = 1080, 1920, 1
dataset.BitsAllocated, dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 8, 3, "YBR_PARTIAL_420"
dataset.PixelData = encapsulate([Path(sys.argv[1]).read_bytes()])
dataset["PixelData"].VR, dataset["PixelData"].is_undefined_length = "OB", True
dataset.file_meta = FileMetaDataset()
dataset.file_meta.TransferSyntaxUID = UID("1.2.840.10008.1.2.4.102")
dataset.save_as(sys.argv[2], enforce_file_format=True)
"""
# Runs a command and prints its memory. A process counts what its parent held when it began (Linux keeps the most of
# before an exec): this one holds next to nothing.
_WATCHED = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


_Command = list[str | Path]


def measure(bench: Bench) -> Iterator[Row]:
    size = bench.scale.rendered
    sides = _Sides(bench.folder, material.Films(bench.folder).film(size).path)
    found = interleaved({"ours": sides.ours, "cp": sides.copied, "naive": sides.naive}, min(5, bench.scale.repetitions))
    how = (
        "`orthanc-video convert` from its start to its end: Python loaded, file probed in a sandboxed process, hashed, "
        "written. All bytes in the page cache, disks synced before each."
    )
    what = f"a conforming MP4 of {size // MB} MB to a DICOM file, convert"
    yield compare(
        f"{what} : cp and sha256sum",
        found["ours"],
        found["cp"],
        "s",
        target=Target(1.6, True),
        how=f"{how} The rival is `cp` of the file and then `sha256sum` of it.",
    )
    yield compare(
        f"{what} : a script with pydicom",
        found["ours"],
        found["naive"],
        "s",
        how="The script reads the file, encapsulates it and writes it; it neither probes nor hashes.",
    )
    yield alone(
        f"{what}, memory",
        Samples((sides.memory(sides.command) / MB,)),
        "MB",
        target=Target(100, True, Of.OURS, "MB"),
        how="The highest resident memory of any of its processes (getrusage). The script with pydicom: "
        f"{sides.memory(sides.script) / MB:.0f} MB.",
    )
    yield _index(bench)


class _Sides:
    """Each converts the same film, anew; seconds."""

    def __init__(self, folder: Path, film: Path) -> None:
        self._film, self._target = film, folder / "converted.dcm"
        self.command: _Command = [sys.executable, "-m", "orthanc_video", "convert", film, self._target]
        self.script: _Command = [sys.executable, "-c", _NAIVE, film, self._target]

    def ours(self) -> float:
        return self._timed(self.command)

    def naive(self) -> float:
        return self._timed(self.script)

    def copied(self) -> float:
        return self._timed(["sh", "-c", 'cp "$1" "$2" && sha256sum "$1"', "sh", self._film, self._target])

    def memory(self, command: _Command) -> int:
        """In bytes, of the largest of its processes."""
        self._target.unlink(missing_ok=True)
        watched = [sys.executable, "-S", "-c", _WATCHED, *command]
        return int(subprocess.run(watched, check=True, capture_output=True, text=True).stdout) << 10

    def _timed(self, command: _Command) -> float:
        self._target.unlink(missing_ok=True)
        os.sync()
        start = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return time.perf_counter() - start


def _index(bench: Bench) -> Row:
    film = bench.folder / "frames.mp4"
    picture = f"testsrc2=s=64x64:r=30:d={_FRAMES // 30}"
    encoder = ("-c:v", "libx264", "-preset", "ultrafast", "-bf", "2", "-pix_fmt", "yuv420p")
    material.ffmpeg("-f", "lavfi", "-i", picture, *encoder, "-movflags", "+faststart", film)
    found = interleaved({"ours": lambda: _indexed(film), "rival": lambda: _demuxed(film)}, bench.scale.repetitions)
    return compare(
        f"index of {_FRAMES} frames, sample tables : PyAV",
        found["ours"],
        found["rival"],
        "ms",
        target=Target(20, True, Of.OURS, "ms"),
        how="Every frame's time, offset, size and key flag out of the MP4's tables. The rival demuxes the file.",
    )


def _indexed(film: Path) -> float:
    start = time.perf_counter()
    with SpanSource(film) as source:
        (track,) = mp4.tracks(Bytes(source))
        count = len(mp4.samples(Bytes(source), track).time)
    return _milliseconds(start, count)


def _demuxed(film: Path) -> float:
    start = time.perf_counter()
    with av.open(str(film)) as container:
        count = sum(1 for packet in container.demux(video=0) if packet.size)
    return _milliseconds(start, count)


def _milliseconds(start: float, count: int) -> float:
    if count != _FRAMES:
        raise RuntimeError(f"{count} of {_FRAMES} frames were found")
    return (time.perf_counter() - start) * 1000
