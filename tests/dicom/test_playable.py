"""Which stored streams browsers play as they are."""

from __future__ import annotations

import io
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from clips import Clips
from dicom.objects import Counting, encapsulated, header
from orthanc_video.dicom.locate import locate
from orthanc_video.dicom.playable import is_shown_as_coded, plays
from orthanc_video.film import Cadence, Lookup, MultiFrame, Pixels, Window
from orthanc_video.model import Rational, Span

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


def _film(**more: Any) -> MultiFrame:
    given = {
        "rows": 8,
        "columns": 8,
        "samples": 3,
        "photometric": "YBR_FULL_422",
        "bits_allocated": 8,
        "bits_stored": 8,
        "high_bit": 7,
    }
    syntax = more.pop("syntax", "1.2.840.10008.1.2.4.50")
    return MultiFrame(
        transfer_syntax=syntax,
        sop_class="1.2",
        sop_instance="1.2",
        pixels=Pixels(**{**given, **more}),
        cadence=Cadence(step=Rational(1, 25)),
        frames=((Span(0, 1),),),
    )


def _jpeg(mode: str, **how: Any) -> bytes:
    file = io.BytesIO()
    Image.new(mode, (8, 8)).save(file, "JPEG", **how)
    return file.getvalue()


_GREY = {"samples": 1, "photometric": "MONOCHROME2"}


def test_jpeg_that_any_decoder_shows() -> None:
    assert is_shown_as_coded(_film(), _jpeg("RGB"))
    # Its stream says what it is, whatever the object says.
    assert is_shown_as_coded(_film(photometric="RGB"), _jpeg("RGB"))
    assert is_shown_as_coded(_film(**_GREY), _jpeg("L"))
    assert is_shown_as_coded(_film(**_GREY, window=Window(center=128, width=256)), _jpeg("L"))


@pytest.mark.parametrize(
    "more",
    [
        {"window": Window(center=128, width=200)},
        {"slope": 2.0},
        {"voi": Lookup(first=0, bits=8, entries=(0, 255))},
        {"photometric": "MONOCHROME1"},
        {"aspect": Rational(4, 3)},
        {"bits_stored": 7},
        {"syntax": "1.2.840.10008.1.2.4.70"},
        {"syntax": "1.2.840.10008.1.2.4.80"},
    ],
)
def test_pictures_that_are_to_be_seen_otherwise(more: dict[str, Any]) -> None:
    assert not is_shown_as_coded(_film(**{**_GREY, **more}), _jpeg("L"))


def test_colours_that_a_decoder_would_take_for_others() -> None:
    assert not is_shown_as_coded(_film(photometric="RGB"), _jpeg("RGB", keep_rgb=True))
    silent = _jpeg("RGB").replace(b"JFIF", b"none", 1)
    assert not is_shown_as_coded(_film(photometric="RGB"), silent)
    assert is_shown_as_coded(_film(), silent)


def test_what_is_no_jpeg() -> None:
    assert not is_shown_as_coded(_film(), b"no JPEG at all")
