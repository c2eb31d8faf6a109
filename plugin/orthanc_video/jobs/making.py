"""The stream of an object, made in media processes, and judged: once more where it is poor, then by policy."""

from __future__ import annotations

import dataclasses
import functools
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orthanc_video.dicom import syntaxes
from orthanc_video.dicom.history import of_counts, of_quality
from orthanc_video.errors import BrokenVideo, PoorQuality
from orthanc_video.jobs.processes import Limits, Listener, MediaProcess
from orthanc_video.model import Action, Demands, Figure, Made, MediaInfo, Most, Plan, Progress, Upload
from orthanc_video.plain import from_json, to_json
from orthanc_video.settings import REFUSE, Gateway

# x264's rate factor for the second attempt: 6 less halve the quantizer's step.
_FINER = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class How:
    """``demands`` are what a transcode's quality is held against; what falls short is refused, or stored as it is."""

    preset: str
    crf: int
    demands: Demands
    refuse: bool


def how(gateway: Gateway) -> How:
    return How(
        preset=gateway.transcode_preset,
        crf=gateway.transcode_crf,
        demands=Demands(psnr=gateway.minimum_psnr, ssim=gateway.minimum_ssim),
        refuse=gateway.quality_policy == REFUSE,
    )


@functools.cache
def has_vmaf() -> bool:
    """Whether the ffmpeg at hand measures VMAF. Debian's does not."""
    found = shutil.which("ffmpeg")
    if found is None:
        return False
    asked = [found, "-hide_banner", "-filters"]
    return b" libvmaf " in subprocess.run(asked, capture_output=True, timeout=20, check=False).stdout


@dataclass(frozen=True, slots=True, kw_only=True)
class Making:
    """One upload, its plan, the file that is to be made, and how long one object may be."""

    upload: Upload
    info: MediaInfo
    plan: Plan
    target: Path
    how: How
    most: Most

    @property
    def is_file(self) -> bool:
        """Whether the upload is taken as it is."""
        return self.plan.action is Action.WRAP and not self.most.is_exceeded(self.upload.size, self.info.video)

    def run(self, process: MediaProcess, limits: Limits, listener: Listener | None) -> list[Made]:
        """The conforming stream: the upload itself (wrap), or a new file; several of a long film.

        Raises PoorQuality or BrokenVideo where the policy is to refuse what falls short.
        """
        if self.is_file:
            return [Made(path=self.upload.path, size=self.upload.size, video=self.info.video, probed=self.info)]
        made = self._once(process, limits, listener, self.plan, self.how.crf, 1)
        if made[0].quality is not None and not made[0].quality.meets:
            for one in made:
                Path(one.path).unlink()
            made = self._once(process, limits, _second(listener), self._finer(), max(1, self.how.crf - _FINER), 2)
        if made[0].quality is not None and len(made) == 1 and has_vmaf():
            made = [self._compared(made[0], process, limits, listener)]
        if self.how.refuse:
            _refuse_poor(made[0])
        return made

    def _once(
        self, process: MediaProcess, limits: Limits, listener: Listener | None, plan: Plan, crf: int, attempt: int
    ) -> list[Made]:
        arguments: dict[str, Any] = {
            "source": self.upload.path,
            "target": str(self.target),
            "video": to_json(self.info.video),
            "cut": not self.info.simple_edits,
            "plan": to_json(plan),
            "preset": self.how.preset,
            "crf": crf,
            "most": to_json(self.most),
        }
        made = process.run("make", arguments, limits, listener)
        return [self._judged(from_json(Made, one), attempt) for one in made["parts"]]

    def _judged(self, made: Made, attempt: int) -> Made:
        if made.quality is None:
            return made
        judged = dataclasses.replace(made.quality, attempts=attempt, demands=self.how.demands)
        return dataclasses.replace(made, quality=judged)

    def _compared(self, made: Made, process: MediaProcess, limits: Limits, listener: Listener | None) -> Made:
        arguments: dict[str, Any] = {
            "source": self.upload.path,
            "made": made.path,
            "video": to_json(self.info.video),
            "plan": to_json(self.plan),
        }
        measured = process.run("compare", arguments, limits, _second(listener))["vmaf"]
        if made.quality is None:
            raise ValueError("VMAF of what was not re-encoded")
        return dataclasses.replace(made, quality=dataclasses.replace(made.quality, vmaf=from_json(Figure, measured)))

    def _finer(self) -> Plan:
        """The same with the bit rate of the highest level that its transfer syntax holds."""
        if self.plan.target is None:
            raise ValueError("a transcode without a target")
        highest = max(syntaxes.BY_UID[self.plan.transfer_syntax].levels)
        return dataclasses.replace(self.plan, target=dataclasses.replace(self.plan.target, level=highest))


def _second(listener: Listener | None) -> Listener | None:
    """Half of the work was done when it turned out to be too little."""
    if listener is None:
        return None

    def tell(told: Progress) -> None:
        listener(told.within(0.5, 1))

    return tell


def _refuse_poor(made: Made) -> None:
    if made.counts is not None and not made.counts.lossless:
        raise BrokenVideo(f"Not all frames of the video can be decoded. {of_counts(made.counts)}")
    if made.quality is not None and not made.quality.meets:
        raise PoorQuality(
            f"The re-encoded video is too unlike its source. {of_quality(made.quality)} Lower the demands, or have "
            'such videos stored ("QualityPolicy": "flag"), and try it again.'
        )
