"""How near re-encoded pictures are to their source: measured by the encoder itself, frame by frame, as it works.

x264 compares each frame that it is given with the one that it has made of it, which is what every decoder makes of the
stream: nothing has to be decoded again, and no frame can be taken for its neighbour.
"""

from __future__ import annotations

import fcntl
import functools
import math
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator

from orthanc_video.errors import BrokenVideo, WorkerFailed
from orthanc_video.model import Counts, Figure, Quality, VideoStream

# 8 bits of 4:2:0: of every six values, four are luma.
_PEAK = 255.0**2
_EQUAL = 100.0  # what x264 calls the PSNR of equal pictures
# Codecs with pictures that only others are predicted from: those are in the file, and never shown.
_WITH_HIDDEN = frozenset({"vp8", "vp9", "av1"})

_FRAME = re.compile(
    rb"\[libx264 @ \w+\] \[debug\] frame= *\d+ .* Slice:(?P<kind>\w) Poc:(?P<order>-?\d+) "
    rb".* PSNR Y: *([\d.]+) U: *([\d.]+) V: *([\d.]+) SSIM Y: *(-?[\d.]+)\s*$"
)
_DECODED = re.compile(rb"Input stream #\d+:\d+ \(video\): .* (\d+) frames decoded;")
_FAILED = re.compile(rb" (\d+) decod(?:ing|e) errors")
_COMPLAINT = re.compile(rb"\[(?:error|fatal|panic)\] ")


@functools.cache
def nowhere() -> int:
    """A file of no bytes that never holds any: to be opened before the sandbox is entered.

    x264 leaves pictures that no other refers to as they were before their last filter, and measures them so, unless it
    is to write all of them to a file. It is given this one, in which every attempt to write fails at once.
    """
    descriptor = os.memfd_create("nowhere", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.fchmod(descriptor, 0o200)
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL)
    return descriptor


class Distribution:
    """The values of one measure over all frames: how often each occurs, to the digits that are told."""

    def __init__(self, digits: int) -> None:
        self._digits = digits
        self._counts: Counter[float] = Counter()

    @property
    def frames(self) -> int:
        return self._counts.total()

    def add(self, value: float) -> None:
        self._counts[round(value, self._digits)] += 1

    def figure(self, whole: float | None = None) -> Figure:
        """``whole`` is the mean unless it is given. The percentile is the smallest value that a hundredth of all frames
        reach or stay below."""
        mean = sum(value * count for value, count in self._counts.items()) / self.frames
        left = math.ceil(self.frames / 100)
        percentile = lowest = min(self._counts)
        for percentile in sorted(self._counts):
            left -= self._counts[percentile]
            if left <= 0:
                break
        return Figure(whole=round(mean if whole is None else whole, self._digits), percentile=percentile, lowest=lowest)


class EncoderLog:
    """What ffmpeg says while it encodes, read line by line: every frame's likeness, and what the decoder lost."""

    def __init__(self) -> None:
        self.descriptors = (nowhere(),)
        self._psnr, self._ssim = Distribution(2), Distribution(5)
        self._error = 0.0
        self._frames = self._begin = 0
        self._lowest, self._lowest_frame = math.inf, 0
        self._decoded = self._damaged = self._failed = 0

    def asked_of(self, command: list[str]) -> list[str]:
        """The command, with what makes it tell. The stream that it writes stays the same, bit for bit."""
        told = list(command)
        told[told.index("-loglevel") + 1] = "repeat+level+debug"
        asked = f"psnr=1:ssim=1:dump-yuv=/proc/self/fd/{self.descriptors[0]}"
        if "-x264-params" in told:  # of several, ffmpeg takes the last
            told[told.index("-x264-params") + 1] += f":{asked}"
            return told
        at = told.index("libx264") + 1
        told[at:at] = ["-x264-params", asked]
        return told

    def complaints(self, lines: Iterable[bytes]) -> Iterator[bytes]:
        """Takes in all lines; those by which ffmpeg complains, as it would have said them without the rest."""
        for line in lines:
            if line.startswith(b"[libx264 @") and b"frame=" in line:
                self._measured(line)
            elif b" decod" in line or b"corrupt decoded" in line:
                self._counted(line)
            elif _COMPLAINT.search(line):
                yield _COMPLAINT.sub(b"", line, count=1)

    def _measured(self, line: bytes) -> None:
        found = _FRAME.match(line)
        if found is None:
            return
        luma, blue, red, ssim = map(float, found.groups()[2:])
        error = (4 * _squared(luma) + _squared(blue) + _squared(red)) / 6
        # Frames come in coded order; the order of showing counts anew from each that refers to nothing before it.
        order = int(found["order"])
        if found["kind"] == b"I" and order == 0:
            self._begin = self._frames
        self._frames += 1
        psnr = _decibels(error)
        if psnr < self._lowest:
            self._lowest, self._lowest_frame = psnr, self._begin + order // 2 + 1
        self._error += error
        self._psnr.add(psnr)
        self._ssim.add(ssim)

    def _counted(self, line: bytes) -> None:
        if b"corrupt decoded frame" in line:
            self._damaged += 1
        if found := _DECODED.search(line):
            self._decoded = max(self._decoded, int(found[1]))
        if found := _FAILED.search(line):
            self._failed = max(self._failed, int(found[1]))

    def quality(self, written: int, crf: int) -> Quality:
        """Raises WorkerFailed unless every one of the ``written`` frames was measured."""
        if self._frames != written:
            raise WorkerFailed(
                f"Of {written} frames the encoder told the quality of {self._frames}: this x264 is not understood."
            )
        return Quality(
            psnr=self._psnr.figure(_decibels(self._error / written)),
            ssim=self._ssim.figure(),
            frames=written,
            lowest_frame=self._lowest_frame,
            crf=crf,
        )

    def counts(self, video: VideoStream, written: int, *, cut: bool, evened: bool = False) -> Counts:
        """``cut``: the container hides some of the frames; ``evened``: a constant rate doubles and leaves out some.

        Raises BrokenVideo where frames got lost on the way.
        """
        if self._decoded != written and not evened:
            raise BrokenVideo(
                f"{self._decoded} frames were decoded, but {written} came out of the encoder; nothing was stored."
            )
        return Counts(
            coded=video.frames,
            decoded=self._decoded,
            written=written,
            damaged=self._damaged,
            failed=self._failed,
            hidden=cut or video.codec in _WITH_HIDDEN,
        )


def _squared(psnr: float) -> float:
    """The mean squared error of 8-bit values that a PSNR in dB stands for."""
    return 0.0 if psnr >= _EQUAL else _PEAK * 10 ** (-psnr / 10)


def _decibels(error: float) -> float:
    return _EQUAL if error <= 0 else min(_EQUAL, 10 * math.log10(_PEAK / error))
