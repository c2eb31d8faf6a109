"""A stored H.264 video to JPEG multi-frame: a form as it is made for an archive, against ffmpeg's mjpeg encoder."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import av
from pydicom import dcmread
from pydicom.encaps import generate_frames

from benchmarks import REPOSITORY, material
from benchmarks.measure import MB, Bench, Of, Row, Samples, Target, alone, compare, interleaved
from orthanc_video.form import Form, Kind
from orthanc_video.jobs import forms, processes
from orthanc_video.jobs.processes import Listener, MediaProcess
from orthanc_video.media.planes import Planes
from orthanc_video.settings import settings_from

_RATE = 30
# Likeness is measured over so many frames.
_COMPARED = 30
_QUALITIES = range(2, 13)
_FORM = Form(
    kind=Kind.FRAMES,
    sop_class="1.2.840.10008.5.1.4.1.1.77.1.4.1",
    transfer_syntax="1.2.840.10008.1.2.4.50",
)
_SAMPLING = "yuvj420p"  # as the film has it, and so ours
# What DICOM's JPEG is (PS3.3 C.7.6.3.1.2), by the fastest filter that FFmpeg has for it.
_COLOURS = "colorspace=iall=bt709:ispace=bt709:irange=tv:all=bt709:space=smpte170m:range=pc:fast=1"
_PSNR = re.compile(r"average:([\d.]+|inf)")


def measure(bench: Bench) -> Iterator[Row]:
    seconds = bench.scale.job_seconds
    plain, noisy = bench.folder / "plain", bench.folder / "noisy"
    plain.mkdir()
    noisy.mkdir()
    try:
        film = material.recording(plain / "film.mp4", seconds / 60)
        what = f"1080p30 H.264 of {seconds} s to JPEG multi-frame"
        yield from _compared(bench, _Sides(film, seconds), what, Target(1.5, False))
        # Its decoder, which both sides share, has most of the work.
        yield from _compared(bench, _Sides(_noisy(noisy / "film.mp4", seconds), seconds), "the same of 10 Mbit/s", None)
    finally:
        processes.close()


def _noisy(path: Path, seconds: int) -> Path:
    material.ffmpeg(
        *("-f", "lavfi", "-i", f"testsrc2=s=1920x1080:r={_RATE},noise=alls=3:allf=t", "-t", seconds),
        *("-c:v", "libx264", "-preset", "veryfast", "-profile:v", "high", "-level:v", "4.1", "-pix_fmt", "yuv420p"),
        *("-b:v", "10M", "-maxrate", "12M", "-bufsize", "12M", "-movflags", "+faststart", path),
    )
    return path


def _compared(bench: Bench, sides: _Sides, what: str, target: Target | None) -> Iterator[Row]:
    repetitions = min(5, bench.scale.repetitions)
    rivals = {"same colours": sides.same, "the video's": sides.rival}
    found = interleaved({"ours": sides.ours, **rivals}, repetitions)
    own, theirs = sides.likeness
    how = (
        "Frames per second. Ours is the whole form: decoded, converted exactly from BT.709 in studio range to the "
        f"full-range BT.601 that DICOM's JPEG is, encoded with quality {sides.form.quality}, written as a DICOM "
        f"file with its offset table. The rival is `ffmpeg -c:v mjpeg -q:v {sides.quality} -f mjpeg`. Equal "
        f"quality is equal PSNR, of what each has encoded to what it was given: {own:.2f} dB ours, "
        f"{theirs:.2f} dB its"
    )
    yield compare(
        f"{what} : ffmpeg's mjpeg with the same colours",
        sides.speeds(found["ours"]),
        sides.speeds(found["same colours"]),
        "frames/s",
        how=f"{how}; with -vf {_COLOURS} -pix_fmt {_SAMPLING}: what a DICOM viewer shows of it is what ours is.",
    )
    yield compare(
        f"{what} : ffmpeg's mjpeg with the video's matrix",
        sides.speeds(found["ours"]),
        sides.speeds(found["the video's"]),
        "frames/s",
        target=target,
        how=f"As before, but -pix_fmt {_SAMPLING} alone, which is the command as people write it: DICOM viewers show "
        "it in other colours.",
    )
    yield alone(
        f"{what}, memory",
        Samples((sides.memory(),)),
        "MB",
        target=Target(250, True, Of.OURS, "MB"),
        how="The most memory that the media process had at once (VmHWM).",
    )


class _Sides:
    """One stored film; each side codes all of it, anew, and gives seconds."""

    def __init__(self, film: Path, seconds: int) -> None:
        self._folder, self._frames = film.parent, seconds * _RATE
        self._film, self._stored = film, film.with_suffix(".dcm")
        command = [sys.executable, "-m", "orthanc_video", "convert", str(self._film), str(self._stored)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=REPOSITORY)
        self._settings = settings_from({"StorageDirectory": str(self._folder)})
        self._settings.spool.mkdir(parents=True)
        self.form = replace(_FORM, quality=90)
        own = self._own_likeness(_FORM)
        self.quality = next(one for one in _QUALITIES if self._likeness_of(one) <= own)
        theirs = self._likeness_of(self.quality)
        # As coarse as is still no worse.
        for quality in range(89, 50, -1):
            coarser = self._own_likeness(replace(_FORM, quality=quality))
            if coarser < theirs:
                break
            own, self.form = coarser, replace(_FORM, quality=quality)
        self.likeness = (own, theirs)

    def speeds(self, times: Samples) -> Samples:
        return Samples(tuple(self._frames / value for value in times.values))

    def ours(self) -> float:
        start = time.perf_counter()
        count = self._made(self.form).frames
        seconds = time.perf_counter() - start
        if count != self._frames:
            raise RuntimeError(f"{count} of {self._frames} frames were made")
        return seconds

    def same(self) -> float:
        return self._ffmpeg("-vf", _COLOURS, *_asked(self.quality))

    def rival(self) -> float:
        return self._ffmpeg(*_asked(self.quality))

    def memory(self) -> float:
        """In MB, of a media process that is watched; it says itself how far it is."""
        most = 0

        def look(_told: object) -> None:
            nonlocal most
            most = max(most, _most_memory())

        self._made(self.form, look)
        return most / MB

    def _made(self, form: Form, listener: Listener | None = None) -> forms.FormFile:
        target = self._folder / "made"
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir()
        (one,) = forms.make(self._settings, MediaProcess(), self._stored, form, target, listener)
        return one

    def _ffmpeg(self, *asked: str) -> float:
        target = self._folder / "rival.mjpg"
        target.unlink(missing_ok=True)
        start = time.perf_counter()
        material.ffmpeg("-i", self._film, "-c:v", "mjpeg", *asked, "-f", "mjpeg", target)
        return time.perf_counter() - start

    def _own_likeness(self, form: Form) -> float:
        """Of our JPEG to the pictures that were encoded, by ffmpeg's filter."""
        one = self._made(replace(form, last=_COMPARED))
        said = dcmread(one.path)
        jpegs, raw, planes = self._folder / "ours.mjpg", self._folder / "ours.yuv", Planes()
        jpegs.write_bytes(b"".join(generate_frames(said.PixelData, number_of_frames=_COMPARED)))
        with av.open(self._film) as container, raw.open("wb") as file:
            for _, frame in zip(range(_COMPARED), container.decode(video=0), strict=False):
                for plane in planes.of(frame):
                    file.write(plane.tobytes())
        given = ("-f", "rawvideo", "-pix_fmt", _SAMPLING, "-s", f"{said.Columns}x{said.Rows}", "-i", raw)
        return _psnr("-f", "mjpeg", "-i", jpegs, *given, "-lavfi", f"[0:v]format={_SAMPLING}[a];[a][1:v]psnr")

    def _likeness_of(self, quality: int) -> float:
        made = self._folder / "like.mjpg"
        asked = _asked(quality)
        material.ffmpeg("-i", self._film, "-frames:v", _COMPARED, "-c:v", "mjpeg", *asked, "-f", "mjpeg", made)
        both = f"[0:v]format={_SAMPLING},trim=end_frame={_COMPARED},settb=1/{_RATE},setpts=N[a];"
        both += f"[1:v]format={_SAMPLING},trim=end_frame={_COMPARED},settb=1/{_RATE},setpts=N[b];[a][b]psnr"
        return _psnr("-f", "mjpeg", "-i", made, "-i", self._film, "-lavfi", both)


def _most_memory() -> int:
    """In bytes, of the largest process that descends from this one: the media process at work (proc(5), VmHWM)."""
    found, known = [], {os.getpid()}
    for status in sorted(Path("/proc").glob("[0-9]*/status"), key=lambda path: int(path.parent.name)):
        try:
            told = dict(line.split(":", 1) for line in status.read_text(encoding="utf-8").splitlines())
        except (OSError, ValueError):
            continue  # it has ended
        if int(told["PPid"]) in known and "VmHWM" in told:
            known.add(int(told["Pid"]))
            found.append(int(told["VmHWM"].split()[0]) << 10)
    return max(found, default=0)


def _asked(quality: int) -> tuple[str, ...]:
    return "-q:v", str(quality), "-pix_fmt", _SAMPLING


def _psnr(*arguments: str | Path) -> float:
    command = ["ffmpeg", "-nostdin", "-hide_banner", *map(str, arguments), "-f", "null", "-"]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=True)
    (found,) = _PSNR.findall(done.stderr)
    return float(found)
