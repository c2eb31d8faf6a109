"""WebM to H.264: the media worker against the bare ffmpeg command line with the same settings."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks import material
from benchmarks.measure import Bench, Of, Row, Samples, Target, compare, interleaved
from orthanc_video.jobs import processes
from orthanc_video.jobs.processes import Limits, MediaProcess
from orthanc_video.media.quality import EncoderLog
from orthanc_video.media.transcode import command_line
from orthanc_video.model import Action, MediaInfo, Most, Plan
from orthanc_video.plain import from_json, to_json
from orthanc_video.settings import MIB, Gateway

_DEFAULTS = Gateway()
_LIMITS = Limits(seconds=600.0, memory=_DEFAULTS.worker_memory_mb * MIB)
_HOW = (
    "Ours is a whole job of the media worker, as the gateway starts one (forked from a process that has loaded "
    "Python and FFmpeg): transcode, measure, count and check the frames. The rival is the same ffmpeg "
    "command alone, nothing measured. Film seconds per second of wall time."
)


def measure(bench: Bench) -> Iterator[Row]:
    seconds = bench.scale.film_seconds
    try:
        hd = Job(material.web_film(bench.folder, "1280x720", seconds, "4M"))
        found = interleaved({"ours": hd.by_worker, "rival": hd.by_ffmpeg}, min(5, bench.scale.repetitions))
        yield compare(
            f"720p30 WebM of {seconds} s to H.264, media worker : ffmpeg",
            _speeds(found["ours"], seconds),
            _speeds(found["rival"], seconds),
            "× real time",
            target=Target(0.9, False),
            how=_HOW,
        )
        full = Job(material.web_film(bench.folder, "1920x1080", seconds, "8M"))
        found = interleaved({"ours": full.by_worker, "rival": full.by_ffmpeg}, min(3, bench.scale.repetitions))
        yield compare(
            f"1080p30 WebM of {seconds} s to H.264, media worker : ffmpeg",
            _speeds(found["ours"], seconds),
            _speeds(found["rival"], seconds),
            "× real time",
            target=Target(1.0, False, Of.OURS, "× real time"),
            how=_HOW,
        )
    finally:
        processes.close()


def _speeds(times: Samples, seconds: int) -> Samples:
    return Samples(tuple(seconds / value for value in times.values))


class Job:
    """One film to be transcoded, by either side; each call gives the seconds it took."""

    def __init__(self, film: Path) -> None:
        self._film = film
        self._target = film.with_name("made.mp4")
        probed = MediaProcess().run("probe", {"path": str(film)}, _LIMITS)
        info = from_json(MediaInfo, probed["info"])
        self._video, self._cut = info.video, not info.simple_edits
        self._plan = from_json(Plan, probed["plan"])
        if self._plan.action is not Action.TRANSCODE or self._plan.target is None:
            raise RuntimeError(f"{film.name} would not be transcoded")
        self._aim = self._plan.target

    def by_worker(self) -> float:
        arguments: dict[str, Any] = {
            "source": str(self._film),
            "target": str(self._target),
            "video": to_json(self._video),
            "plan": to_json(self._plan),
            "preset": _DEFAULTS.transcode_preset,
            "crf": _DEFAULTS.transcode_crf,
            "cut": self._cut,
            "most": to_json(Most(bytes=_DEFAULTS.instance_mb * MIB)),
        }
        processes.warm_up()
        time.sleep(1.0)  # the template process has loaded its modules
        start = time.perf_counter()
        MediaProcess().run("make", arguments, _LIMITS)
        return time.perf_counter() - start

    def by_ffmpeg(self) -> float:
        """Nothing is measured."""
        return _seconds_of(self._command())

    def by_measuring_ffmpeg(self) -> float:
        """Every frame is compared with its source, and nobody listens to what is said of it."""
        log = EncoderLog()
        # As in the sandbox, root may not read what it may only write.
        plain = ["setpriv", "--bounding-set", "-all", "--inh-caps", "-all", "--"] if os.geteuid() == 0 else []
        return _seconds_of(plain + log.asked_of(self._command()), log.descriptors)

    def _command(self) -> list[str]:
        return command_line(
            self._film, self._target, self._video, self._aim, _DEFAULTS.transcode_preset, _DEFAULTS.transcode_crf
        )


def _seconds_of(command: list[str], descriptors: tuple[int, ...] = ()) -> float:
    nowhere = subprocess.DEVNULL
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=nowhere, stdin=nowhere, stderr=nowhere, pass_fds=descriptors)
    return time.perf_counter() - start
