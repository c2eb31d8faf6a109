"""Streams that begin in the middle: what can be shown passes through, what cannot is counted and left out."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from clips import Clips
from conversions import converted
from oracles import frame_md5s
from orthanc_video.errors import BrokenVideo
from orthanc_video.media.opening import Opening
from orthanc_video.media.probe import probe
from orthanc_video.model import Action


def _without_first(source: Path, target: Path, packets: int) -> Path:
    dropped = f"noise=drop=lt(n\\,{packets})"
    command = ["ffmpeg", "-v", "error", "-y", "-i", source, "-c", "copy", "-copyinkf", "-bsf:v", dropped, target]
    subprocess.run([*map(str, command)], check=True, timeout=60)
    return target


def _clip(clips: Clips, codec: str, kind: str) -> Path:
    """30 frames, a key frame every ten, of which the later ones are leaned back over (open GOPs)."""
    opens = {
        "h264": "-g 10 -x264-params open-gop=1:bframes=2:b-adapt=0:repeat-headers=1:scenecut=0",
        "hevc": "-g 10 -x265-params log-level=none:open-gop=1:bframes=2:repeat-headers=1:scenecut=0:b-adapt=0",
        "mpeg2": "-g 10 -bf 2",
    }
    return clips.encoded(f"open-{codec}.{kind}", opens[codec], codec=codec)


@pytest.mark.parametrize("kind", ["ts", "mkv"])
@pytest.mark.parametrize("codec", ["h264", "hevc", "mpeg2"])
@pytest.mark.parametrize("cut", [3, 10])
def test_what_cannot_be_shown_is_left_out(clips: Clips, tmp_path: Path, codec: str, kind: str, cut: int) -> None:
    whole = _clip(clips, codec, kind)
    source = _without_first(whole, tmp_path / f"cut.{kind}", cut)
    result = converted(source, tmp_path / "o")
    video = result.info.video
    assert result.plan.action is Action.REMUX, result.said
    assert video.leading + video.frames == 30 - cut
    assert (f"{video.leading} frame(s) cannot be decoded" in result.said) == (video.leading > 0)
    shown = frame_md5s(result.stream)
    assert len(shown) == video.frames == result.dataset.NumberOfFrames
    # Each is a frame of the whole recording, in order, from some frame on to the last one: none is broken.
    assert shown == frame_md5s(whole)[-len(shown) :]


def test_a_whole_recording_loses_nothing(clips: Clips) -> None:
    for codec in ("h264", "hevc", "mpeg2"):
        video = probe(_clip(clips, codec, "ts")).video
        assert (video.frames, video.leading) == (30, 0)


def test_without_any_key_frame_nothing_can_be_shown(clips: Clips, tmp_path: Path) -> None:
    source = clips.encoded("one-key.mkv", "-g 100")
    with pytest.raises(BrokenVideo):
        probe(_without_first(source, tmp_path / "keyless.mkv", 1))


def test_leading_pictures_of_h265_that_can_be_decoded_stay() -> None:
    """RADL pictures after a CRA lean on nothing before it; RASL pictures do (H.265 7.4.2.2)."""
    begins = Opening("hevc", b"")
    start = b"\0\0\0\1"
    assert begins.shows(True, 100, start + b"\x2a\x01key")
    assert begins.shows(False, 90, start + b"\x0c\x01radl")
    assert not begins.shows(False, 95, start + b"\x10\x01rasl")
    assert begins.shows(False, 110, start + b"\x02\x01trail")


def test_other_codecs_are_left_to_their_decoders() -> None:
    assert Opening("vp8", b"").shows(False, None, b"")
