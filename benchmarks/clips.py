"""Clips of 1080p video: cut exactly to the frame, against coding all of it anew, smartcut, and FFmpeg's own copying."""

from __future__ import annotations

import subprocess
import sys
import time
import venv
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks import REPOSITORY, material
from benchmarks.measure import Bench, Row, Samples, Target, compare, interleaved
from orthanc_video.clip import Moment, Range
from orthanc_video.jobs import clipping, processes
from orthanc_video.jobs.processes import Limits, MediaProcess
from orthanc_video.model import Span

_RATE, _GROUP = 30, 30
# What a clip's frames that are not copied are coded with (media/clip/encoder.py).
_PRESET = "veryfast"
_SMARTCUT = "smartcut==1.7"
_LIMITS = Limits(seconds=600, memory=4 << 30)
_OURS = (
    "Seconds from the call to the finished MP4, in a media process of its own as the gateway starts one (its template "
    "is warm), read again as proof that no frame is lost and no copied slice changed. 1080p30 H.264 of 4 Mbit/s, "
    f"groups of {_GROUP} with B-frames; the clip begins with a group's tenth frame, so that {_GROUP - 9} frames "
    "before the next group are coded anew, and some at its end. "
)


def measure(bench: Bench) -> Iterator[Row]:
    sides = _Sides(bench)
    try:
        yield from _rows(sides, min(5, bench.scale.repetitions))
    finally:
        processes.close()


def _rows(sides: _Sides, repetitions: int) -> Iterator[Row]:
    found = interleaved(
        {
            "ours": sides.ours,
            "long": sides.long,
            "command": sides.command,
            "medium": lambda: sides.encoded("medium"),
            "same": lambda: sides.encoded(_PRESET),
            "smartcut": sides.smartcut,
        },
        repetitions,
    )
    what = f"{sides.seconds} s clip out of {sides.short_minutes:g} min"

    def faster(rival: str, name: str, bound: float, how: str) -> Row:
        speeds = sides.speeds(found["ours"]), sides.speeds(found[name])
        return compare(f"{what} : {rival}", *speeds, "frames/s", target=Target(bound, False), how=f"{_OURS}{how}")

    coded = "The rival is `ffmpeg -ss … -t … -c:v libx264` of the same seconds, with this preset alone."
    yield faster("coded anew by x264 medium", "medium", 15, coded)
    yield faster(f"coded anew by x264 {_PRESET}", "same", 8, coded)
    yield faster("smartcut", "smartcut", 2, f"The rival is the program of PyPI's {_SMARTCUT}, as a whole.")
    yield compare(
        f"{what}, the command : x264 medium",
        sides.speeds(found["command"]),
        sides.speeds(found["medium"]),
        "frames/s",
        how="As above, but `orthanc-video clip` as a whole, which loads Python, pydicom and FFmpeg first.",
    )
    yield compare(
        f"{sides.seconds} s clip out of {sides.long_minutes:g} min : out of {sides.short_minutes:g} min",
        found["long"],
        found["ours"],
        "s",
        target=Target(1.3, True),
        how=f"{_OURS}From the middle of each film.",
    )
    whole = interleaved(
        {"ours": sides.whole_groups, "command": sides.whole_groups_command, "copy": sides.copied}, max(5, repetitions)
    )
    copy = "The rival is `ffmpeg -ss … -i … -t … -c copy` of the same range."
    yield compare(
        f"{what} on group boundaries : ffmpeg -c copy",
        whole["ours"],
        whole["copy"],
        "s",
        target=Target(2, True),
        how=f"{_OURS}No frame is coded anew here. {copy}",
    )
    yield compare(
        f"{what} on group boundaries, the command : ffmpeg -c copy",
        whole["command"],
        whole["copy"],
        "s",
        how=f"`orthanc-video clip` as a whole, nearly all of which is loading Python, pydicom and FFmpeg. {copy}",
    )


class _Sides:
    """Two films of the same segment over and over; each side makes a clip, and gives seconds."""

    def __init__(self, bench: Bench) -> None:
        self._folder = bench.folder
        full = bench.scale.name == "full"
        self.seconds = 10
        self.short_minutes, self.long_minutes = (5.0, 120.0) if full else (0.5, 5.0)
        self._short = material.recording(self._folder / "short.mp4", self.short_minutes)
        self._long = material.recording(self._folder / "long.mp4", self.long_minutes)
        self._program = _installed(bench.folder / "smartcut", _SMARTCUT)
        processes.warm_up()

    def speeds(self, times: Samples) -> Samples:
        return Samples(tuple(self.seconds * _RATE / value for value in times.values))

    def ours(self) -> float:
        return self._cut(self._short, self._begin(self.short_minutes))

    def long(self) -> float:
        return self._cut(self._long, self._begin(self.long_minutes))

    def whole_groups(self) -> float:
        return self._cut(self._short, self._begin(self.short_minutes, group=1))

    def _begin(self, minutes: float, group: int = 10) -> int:
        """The number, from 1, of that frame of a group in a film's middle."""
        return round(minutes * 30) * _RATE + group

    def _cut(self, film: Path, first: int) -> float:
        last = first + self.seconds * _RATE - 1
        wanted, target = [Range(Moment(first), Moment(last))], self._folder / "ours.mp4"
        spans = (Span(0, film.stat().st_size),)
        return _timed(lambda: clipping.cut(MediaProcess(), _LIMITS, film, spans, wanted, target, precise=True))

    def command(self) -> float:
        return self._command(self._begin(self.short_minutes))

    def whole_groups_command(self) -> float:
        return self._command(self._begin(self.short_minutes, group=1))

    def _command(self, first: int) -> float:
        last = first + self.seconds * _RATE - 1
        command = [sys.executable, "-m", "orthanc_video", "clip", str(self._short), str(self._folder / "command.mp4")]
        command += ["--range", f"frame:{first}", f"frame:{last}"]
        return _timed(lambda: _run(command))

    def encoded(self, preset: str) -> float:
        begin = (self._begin(self.short_minutes) - 1) / _RATE
        given = ("-ss", begin, "-i", self._short, "-t", self.seconds, "-c:v", "libx264", "-preset", preset)
        return _timed(lambda: material.ffmpeg(*given, self._folder / "encoded.mp4"))

    def copied(self) -> float:
        begin = (self._begin(self.short_minutes, group=1) - 1) / _RATE
        given = ("-ss", begin, "-i", self._short, "-t", self.seconds, "-c", "copy", self._folder / "copied.mp4")
        return _timed(lambda: material.ffmpeg(*given))

    def smartcut(self) -> float:
        begin = (self._begin(self.short_minutes) - 1) / _RATE
        keep = f"{begin},{begin + self.seconds}"
        command = [str(self._program), str(self._short), str(self._folder / "smartcut.mp4"), "--keep", keep]
        return _timed(lambda: _run(command))


def _installed(folder: Path, package: str) -> Path:
    """A program in an environment of its own: none of it is imported here, and it pins another PyAV."""
    venv.create(folder, with_pip=True)
    _run([str(folder / "bin" / "pip"), "install", "--quiet", package])
    return folder / "bin" / package.partition("==")[0]


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False, cwd=REPOSITORY)
    if done.returncode:
        raise RuntimeError(f"{Path(command[0]).name} failed: {done.stderr.strip()[-500:]}")


def _timed(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start
