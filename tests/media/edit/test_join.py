"""Films as one: which of them are copied, and that every frame is there, in order."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
import pytest

from clips import Clips, picture_source
from oracles import frame_md5s, frame_times
from orthanc_video.errors import BadRequest
from orthanc_video.media.edit.join import join
from orthanc_video.media.probe import probe

_LIKE = 45.0
_PYRAMID = "-g 15 -bf 3 -x264-params b-pyramid=normal:scenecut=0"
_AAC = "-c:a aac -ac 2"


def _made(
    clips: Clips, name: str, arguments: str, codec: str = "h264", sound: str = "", seconds: float = 1, **more: str
) -> Path:
    source = picture_source(seconds=seconds, **more)
    return clips.encoded(f"join-{name}", arguments, codec=codec, source=source, sound=sound)


def _luma(path: Path) -> list[npt.NDArray[Any]]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="gray") for frame in container.decode(video=0)]


def _judge(films: Sequence[Path], target: Path, copied: Sequence[bool]) -> None:
    """All frames in order: those of copied films to the bit, the others alike; at their times; without complaint."""
    md5s, pictures = frame_md5s(target), _luma(target)
    at, begin = 0, frame_times(target)[0]
    times = frame_times(target)
    for film, same in zip(films, copied, strict=True):
        expected, of = frame_md5s(film), frame_times(film)
        found = md5s[at : at + len(expected)]
        if same:
            assert found == expected
        for old, new in zip(_luma(film), pictures[at : at + len(expected)], strict=True):
            error = float(np.mean((old.astype(float) - new) ** 2))
            assert error == 0 or 10 * np.log10(255**2 / error) >= _LIKE
        for number, time in enumerate(of):
            assert abs(float(times[at + number] - begin - (time - of[0]))) < 0.002
        begin += of[-1] - of[0] + (of[-1] - of[-2])
        at += len(expected)
    assert at == len(md5s) == probe(target).video.frames
    decode = ["ffmpeg", "-nostdin", "-v", "error", "-xerror", "-i", str(target), "-map", "0:v:0", "-f", "null", "-"]
    assert subprocess.run(decode, capture_output=True, text=True, check=True).stderr == ""


@pytest.mark.parametrize("codec", ["h264", "hevc", "hevc, open groups", "mpeg2"])
def test_films_that_are_coded_alike_are_copied(clips: Clips, tmp_path: Path, codec: str) -> None:
    kind, arguments = {
        "h264": ("mp4", _PYRAMID),
        "hevc": ("mp4", "-x265-params log-level=none:keyint=15:bframes=3:open-gop=0"),
        "hevc, open groups": ("mp4", "-x265-params log-level=none:keyint=15:bframes=4:open-gop=1"),
        "mpeg2": ("mpg", "-g 12 -bf 2"),
    }[codec]
    encoder = codec.partition(",")[0]
    films = [
        _made(clips, f"{codec}-{seconds}.{kind}", arguments, encoder, seconds=seconds) for seconds in (1, 0.5, 1.5)
    ]
    target = tmp_path / f"out.{kind}"
    told = join(films, target)
    assert told.anew == 0
    _judge(films, target, [True] * 3)


@pytest.mark.parametrize("codec", ["h264", "hevc", "mpeg2"])
def test_what_is_coded_otherwise_is_coded_anew(clips: Clips, tmp_path: Path, codec: str) -> None:
    kind, arguments, others = {
        "h264": ("mp4", _PYRAMID, "-profile:v main -g 20 -refs 2"),
        "hevc": ("mp4", "-x265-params log-level=none:keyint=15", "-x265-params log-level=none:ref=1:ctu=16"),
        "mpeg2": ("mpg", "-g 12 -bf 2", "-g 12 -bf 2"),
    }[codec]
    rate = "25" if codec == "mpeg2" else "30"
    first = _made(clips, f"first-{codec}.{kind}", arguments, codec, rate="30")
    odd = _made(clips, f"odd-{codec}.{kind}", others, codec, rate=rate)
    target = tmp_path / f"out.{kind}"
    told = join([first, odd, first], target)
    assert told.anew == len(frame_md5s(odd))
    _judge([first, odd, first], target, [True, False, True])


def test_another_codec_and_rate_and_container(clips: Clips, tmp_path: Path) -> None:
    films = [
        _made(clips, "first.mp4", _PYRAMID, rate="30000/1001"),
        _made(clips, "other.mp4", "-x265-params log-level=none", "hevc", rate="25"),
        _made(clips, "third.ts", _PYRAMID, rate="30000/1001"),
        clips.variable_rate(),
    ]
    target = tmp_path / "out.mp4"
    told = join(films, target)
    assert told.frames == sum(len(frame_md5s(film)) for film in films)
    _judge(films, target, [True, False, True, False])


def test_sound_that_all_have_is_kept(clips: Clips, tmp_path: Path) -> None:
    heard = _made(clips, "heard.mp4", f"{_PYRAMID} {_AAC}", sound="sine=r=48000:d=1")
    other = _made(clips, "also-heard.mp4", f"{_PYRAMID} {_AAC}", sound="sine=f=880:r=48000:d=1")
    target = tmp_path / "out.mp4"
    told = join([heard, other], target)
    assert (told.sound, told.silenced) == ("aac", "")
    with av.open(str(target)) as container:
        times = [(packet.pts or 0) * packet.time_base for packet in container.demux(audio=0) if packet.size]
    steps = {round(float(later - earlier), 4) for earlier, later in pairwise(times)}
    assert max(steps) < 0.06  # no gap beyond one packet
    assert 1.9 < times[-1] < 2.01
    silent = _made(clips, "silent.mp4", _PYRAMID)
    told = join([heard, silent], target)
    assert told.sound == ""
    assert "not all of the videos have one" in told.silenced
    assert not probe(target).sounds


def test_sound_of_mpeg2_is_kept(clips: Clips, tmp_path: Path) -> None:
    """MP3 beside MPEG-2 is what DICOM knows, though FFmpeg does not say so of program streams."""
    arguments = "-g 12 -bf 2 -c:a libmp3lame -b:a 128k"
    film = _made(clips, "heard.mpg", arguments, "mpeg2", sound="sine=r=48000:d=1")
    target = tmp_path / "out.mpg"
    told = join([film, film], target)
    assert (told.sound, told.silenced) == ("mp3", "")
    counts = []
    for path in (film, target):
        with av.open(str(path)) as container:
            counts.append(sum(1 for packet in container.demux(audio=0) if packet.size))
    assert counts[1] >= 2 * counts[0] - 4  # what goes on when the pictures have ended is left out


def test_sound_that_the_container_does_not_hold_is_told(clips: Clips, tmp_path: Path) -> None:
    film = _made(clips, "plain.mov", f"{_PYRAMID} -c:a pcm_s16le", sound="sine=r=48000:d=1")
    told = join([film, film], tmp_path / "out.mp4")
    assert told.sound == ""
    assert "pcm_s16le" in told.silenced


def test_other_sizes_are_refused(clips: Clips, tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match=r"Video 2 has pictures of 320 × 240, the first one of 160 × 120"):
        join([clips.conforming(), clips.conforming(size="320x240")], tmp_path / "out.mp4")
