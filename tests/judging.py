"""Whether a clip's frames are those of its film, as FFmpeg decodes both: PyAV's, and that of the ``ffmpeg`` command."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt

from orthanc_video.media.probe import probe

_LIKE = 45.0  # dB, of what is coded anew


@cache
def pictures(path: Path) -> list[npt.NDArray[Any]]:
    """A film's frames, decoded once."""
    with av.open(str(path)) as container:
        return [frame.to_ndarray() for frame in container.decode(video=0)]


def judge(film: Path, clip: Path, numbers: Sequence[int], anew: int) -> None:
    """The clip's frames are those of the film; as many as were not coded anew are the same to the bit."""
    source = pictures(film)
    with av.open(str(clip)) as container:
        found = [frame.to_ndarray() for frame in container.decode(video=0)]
    assert len(found) == len(numbers) == probe(clip).video.frames
    changed = 0
    for number, picture in zip(numbers, found, strict=True):
        if not np.array_equal(picture, source[number]):
            changed += 1
            error = float(np.mean((picture.astype(np.float64) - source[number]) ** 2))
            assert 10 * np.log10(255**2 / error) >= _LIKE, f"frame {number}"
    assert changed <= anew
    decoded, complaints = _decoded(clip)
    assert complaints == "", "a decoder complains"
    assert decoded == len(numbers), "a decoder leaves out frames"


def _decoded(path: Path) -> tuple[int, str]:
    """How many frames ffmpeg's decoder gives out, and what it complains of."""
    command = ["ffmpeg", "-nostdin", "-v", "warning", "-xerror", "-i", str(path), "-map", "0:v:0"]
    command += ["-fps_mode", "passthrough", "-f", "framecrc", "-"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    # It cannot tell how long a program stream with a single frame lasts: that is no decoder.
    others = ("estimate_timings_from_pts", "duration not set")
    said = [line for line in done.stderr.splitlines() if line and not any(words in line for words in others)]
    return sum(not line.startswith("#") for line in done.stdout.splitlines()), "\n".join(said)
