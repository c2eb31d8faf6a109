"""Frames coded anew in MPEG-2: as fine as its level lets them be, however many runs of them a clip has."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from clips import Clips, picture_source
from judging import pictures
from orthanc_video.clip import Moment, Range
from orthanc_video.dicom import syntaxes
from orthanc_video.dicom.fit import objections
from orthanc_video.media.clip.cut import cut
from orthanc_video.media.probe import probe
from orthanc_video.model import Span

# ISO/IEC 13818-2 Tables 8-13 and 8-14: Main level.
_RATE, _BUFFER = 15_000_000, 1_835_008
_LIKE = 41.0  # dB, of noise in a coding that has no room for it


def _film(clips: Clips) -> Path:
    """Television with noise: at the finest quantizer it has more bits than the level."""
    source = picture_source(seconds=2, rate="25", size="720x576", then="noise=alls=6:allf=t,setfield=tff")
    arguments = "-b:v 6M -maxrate 8M -bufsize 1835k -g 12 -bf 2 -flags +ilme+ildct"
    return clips.encoded("encoder-noisy.mpg", arguments, codec="mpeg2", source=source)


@pytest.mark.parametrize(
    "ranges",
    [
        [(47, 49)],
        [(48, 48)],
        [(0, 0)],
        [(2, 20)],
        [(at, at) for at in (17, 20, 41, 31, 3, 19, 44, 7)],
        [(at, at + 1) for at in (17, 20, 41, 31)],
    ],
)
def test_mpeg2_stays_within_its_level(clips: Clips, tmp_path: Path, ranges: list[tuple[int, int]]) -> None:
    film, target = _film(clips), tmp_path / "clip.mpg"
    wanted = [Range(Moment(first + 1), Moment(last + 1)) for first, last in ranges]
    cut(film, (Span(0, film.stat().st_size),), wanted, target)
    with av.open(str(target)) as container:
        bits = 8 * sum(packet.size for packet in container.demux(video=0))
    numbers = [number for first, last in ranges for number in range(first, last + 1)]
    assert bits <= _RATE * len(numbers) / 25 + _BUFFER
    assert objections(syntaxes.BY_UID[syntaxes.MPEG2_MAIN], probe(target).video) == []
    with av.open(str(target)) as container:
        found = [frame.to_ndarray() for frame in container.decode(video=0)]
    for number, picture in zip(numbers, found, strict=True):
        error = float(np.mean((picture.astype(float) - pictures(film)[number]) ** 2))
        assert error == 0 or 10 * np.log10(255**2 / error) >= _LIKE, number
