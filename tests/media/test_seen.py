"""JPEG straight from a frame's planes shows what red, green and blue of it show."""

from __future__ import annotations

import io
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from clips import Clips, picture_source
from oracles import psnr
from orthanc_video.media.seen import jpeg, rgb


@pytest.mark.parametrize("matrix", ["smpte170m", "bt709"])
@pytest.mark.parametrize("kind", ["yuv420p", "yuv422p", "yuv444p"])
def test_colours_are_the_same(clips: Clips, matrix: str, kind: str) -> None:
    told = f"-vf scale=out_color_matrix={matrix} -colorspace {matrix} -color_primaries {matrix} -color_trc {matrix}"
    soft = f"{picture_source(seconds=0.1)},gblur=sigma=4"
    frame = _first(clips.encoded(f"seen-{matrix}-{kind}.mp4", f"{told} -pix_fmt {kind}", source=soft))
    shown = np.asarray(Image.open(io.BytesIO(jpeg(frame, 95))))
    assert psnr(shown, rgb(frame)) > 35


def test_quality(clips: Clips) -> None:
    frame = _first(clips.conforming())
    assert len(jpeg(frame, 10)) < len(jpeg(frame, 0)) < len(jpeg(frame, 100))


def _first(path: Path) -> av.VideoFrame:
    with av.open(str(path)) as container:
        return next(container.decode(video=0))
