"""Which stored streams browsers play as they are."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import pytest

from clips import Clips
from dicom.objects import Counting, encapsulated, header
from orthanc_video.dicom.locate import locate
from orthanc_video.dicom.playable import plays

H264, H264_FRAGMENTS = "1.2.840.10008.1.2.4.102", "1.2.840.10008.1.2.4.102.1"
MPEG2, HEVC = "1.2.840.10008.1.2.4.100", "1.2.840.10008.1.2.4.107"


def verdict(syntax: str, film: Path, *cuts: int) -> bool:
    data = film.read_bytes()
    edges = [0, *cuts, len(data)]
    stored = Counting(header(syntax) + encapsulated([data[a:b] for a, b in itertools.pairwise(edges)]))
    return plays(stored, locate(stored))


@pytest.mark.parametrize("name", ["conforming", "odd_length", "index_at_end", "fragmented", "interlaced"])
def test_h264_in_an_mp4_plays(clips: Clips, name: str) -> None:
    film = getattr(clips, name)()
    assert verdict(H264, film)
    assert verdict(H264_FRAGMENTS, film, 2, 600, 1000)


_NOT: dict[str, tuple[str, Callable[[Clips], Path]]] = {
    "MPEG-2 program stream": (MPEG2, lambda clips: clips.video("mpeg2", "mpg")),
    "MPEG-2 in MP4": (MPEG2, lambda clips: clips.video("mpeg2", "mp4")),
    "HEVC in MP4": (HEVC, lambda clips: clips.video("hevc", "mp4")),
    "HEVC in MP4 that is said to be H.264": (H264, lambda clips: clips.video("hevc", "mp4")),
    "H.264 transport stream": (H264, lambda clips: clips.video("h264", "ts")),
    "H.264 elementary stream": (H264, lambda clips: clips.encoded("plain.h264")),
    "H.264 High 10": (H264, lambda clips: clips.ten_bit()),
    "H.264 High 4:2:2": (H264, lambda clips: clips.chroma_422()),
    "encrypted": (H264, lambda clips: clips.encrypted()),
    "sound": (H264, lambda clips: clips.sound_only()),
    "noise": (H264, lambda clips: clips.lying("mp4")),
    "text": (H264, lambda clips: clips.text()),
}


@pytest.mark.parametrize("name", _NOT)
def test_nothing_else_does(clips: Clips, name: str) -> None:
    syntax, film = _NOT[name]
    assert not verdict(syntax, film(clips))
