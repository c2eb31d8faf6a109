"""The encoder's own figures are those that two decoders and plain arithmetic come to, frame by frame."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clips import Clips, ffmpeg, picture_source
from oracles import Planes, planes, ssim
from orthanc_video.errors import BrokenVideo, WorkerFailed
from orthanc_video.media import transcode
from orthanc_video.media.plan import target_of
from orthanc_video.media.probe import probe
from orthanc_video.media.quality import Distribution, EncoderLog
from orthanc_video.model import Counts, Quality
from orthanc_video.plain import from_json, to_json

_SIZE = "320x240"


def _camera(clips: Clips, name: str, codec: str, arguments: str = "", then: str = "null", gaps: bool = False) -> Path:
    """Moving pictures with a camera's noise."""
    source = picture_source(seconds=2, size=_SIZE, then=f"noise=alls=6:allf=t,{then}")
    return clips.encoded(name, arguments, codec=codec, source=source, gaps=gaps)


def _plain(clips: Clips) -> Path:
    return _camera(clips, "camera.webm", "vp9")


# Each with the filters by which ffmpeg shows the source as the encoder is to be given it.
_CASES: dict[str, tuple[Callable[[Clips], Path], str]] = {
    "VP9": (_plain, "null"),
    "Motion JPEG, full range": (lambda clips: _camera(clips, "camera.avi", "mjpeg"), "scale=out_range=tv"),
    "10 bits": (lambda clips: _camera(clips, "ten.mkv", "hevc", "-pix_fmt yuv420p10le"), "null"),
    "variable rate": (lambda clips: _camera(clips, "gaps.webm", "vp8", gaps=True), "null"),
    "odd size": (lambda clips: _camera(clips, "odd.webm", "vp9", then="scale=511:383,setsar=1"), "pad=512:384"),
    "anamorphic": (
        lambda clips: _camera(clips, "broad.mp4", "h264", then="scale=336:240,setsar=4/3"),
        "scale=448:240:flags=bicubic",
    ),
    "a size that is no multiple of 16": (
        lambda clips: _camera(clips, "428.webm", "vp9", then="scale=1052:592,setsar=1"),
        "null",
    ),
    # Where x264's deblocking counts most: measured before it, SSIM would be off by two thousandths and more.
    "much noise": (lambda clips: _camera(clips, "grain12.mkv", "mpeg4", then="noise=alls=12:allf=t"), "null"),
    "turned": (lambda clips: clips.rotated(90), "null"),
    "cut by an edit list": (Clips.cut_by_edits, "null"),
    "black": (
        lambda clips: clips.encoded("black.webm", codec="vp8", source=f"color=black:s={_SIZE}:r=25:d=1"),
        "null",
    ),
    "nothing but noise": (
        lambda clips: clips.encoded(
            "grain.webm", codec="vp8", source=f"color=gray:s={_SIZE}:r=25:d=1,noise=alls=100:allf=t"
        ),
        "null",
    ),
}


def _measured(source: Path, target: Path, planted: str = "") -> tuple[Quality, Counts]:
    """Transcoded and measured; ``planted`` is a filter that nobody asked for."""
    info = probe(source)
    log = EncoderLog()
    aim = target_of(info.video)
    command = log.asked_of(transcode.command_line(source, target, info.video, aim, "veryfast", 23))
    if planted:
        at = command.index("-filter_complex") + 1
        command[at] = command[at].replace("setsar=1", f"{planted},setsar=1")
    written = transcode.run(command, info.video, lambda _: None, log=log)
    return log.quality(written, 23), log.counts(info.video, written, cut=not info.simple_edits)


def _psnr(one: Planes, other: Planes) -> list[float]:
    """Of each frame, all its values alike."""
    errors = [
        sum(float(np.sum((a.astype(float) - b.astype(float)) ** 2)) for a, b in zip(x, y, strict=True))
        / sum(a.size for a in x)
        for x, y in zip(one, other, strict=True)
    ]
    return [100.0 if error == 0 else 10 * math.log10(255**2 / error) for error in errors]


def _disagreements(quality: Quality, source: Path, filters: str, made: Path) -> list[str]:
    """Where an independent measurement, frames paired by their index, comes to something else."""
    before, after = planes(source, filters), planes(made)
    if not len(before) == len(after) == quality.frames:
        return [f"{len(before)} frames became {len(after)}, and {quality.frames} were measured"]
    near = _psnr(before, after)
    error = sum(10 ** (-one / 10) for one in near if one < 100) / len(near)
    like = ssim(source, filters, made)
    # Where half the width is no multiple of 8, x264 takes some of the last columns' colours from elsewhere in the row.
    most = 0.05 if after[0][0].shape[1] % 16 == 0 or after[0][0].shape[1] > 1000 else 0.2
    pairs = {
        "PSNR": (quality.psnr.whole, -10 * math.log10(error) if error else 100.0, most),
        "lowest": (quality.psnr.lowest, min(near), most),
        "that of the lowest frame": (near[quality.lowest_frame - 1], min(near), most),
        "percentile": (quality.psnr.percentile, sorted(near)[math.ceil(len(near) / 100) - 1], most),
        "SSIM": (quality.ssim.whole, sum(like) / len(like), 0.001),
    }
    return [f"{name}: {ours} is {true}" for name, (ours, true, off) in pairs.items() if abs(ours - true) > off]


@pytest.mark.parametrize("name", _CASES)
def test_the_figures_are_right(clips: Clips, tmp_path: Path, name: str) -> None:
    make, filters = _CASES[name]
    source, made = make(clips), tmp_path / "made.mp4"
    quality, counts = _measured(source, made)
    assert _disagreements(quality, source, filters, made) == []
    assert counts.lossless
    assert counts.decoded == counts.written == quality.frames
    assert from_json(Quality, json.loads(json.dumps(to_json(quality)))) == quality


def test_equal_pictures_have_a_figure_too(clips: Clips, tmp_path: Path) -> None:
    make, _ = _CASES["black"]
    quality, _ = _measured(make(clips), tmp_path / "made.mp4")
    assert (quality.psnr.whole, quality.psnr.lowest, quality.ssim.whole, quality.meets) == (100, 100, 1, True)


@pytest.mark.parametrize("fault", ["tpad=start=1,trim=end_frame=60", "scale=out_range=pc"])
def test_the_check_sees_pictures_that_are_not_the_sources(clips: Clips, tmp_path: Path, fault: str) -> None:
    """All of them a frame late, or in another range: nothing that counting frames would show."""
    source, made = _plain(clips), tmp_path / "made.mp4"
    quality, _ = _measured(source, made, fault)
    assert _disagreements(quality, source, "null", made)


@pytest.mark.parametrize("fault", ["select='not(eq(n,7))'", "tpad=stop=1"])
def test_a_frame_that_gets_lost_or_doubled_is_seen(clips: Clips, tmp_path: Path, fault: str) -> None:
    with pytest.raises(BrokenVideo, match=r"60 frames were decoded, but (59|61) came out"):
        _measured(_plain(clips), tmp_path / "made.mp4", fault)


def test_the_stream_is_the_same_as_without_measuring(clips: Clips, tmp_path: Path) -> None:
    source = _plain(clips)
    _measured(source, tmp_path / "measured.mp4")
    video = probe(source).video
    transcode.transcode(source, tmp_path / "bare.mp4", video, target_of(video), "veryfast", 23, lambda _: None)
    assert (tmp_path / "measured.mp4").read_bytes() == (tmp_path / "bare.mp4").read_bytes()


def test_what_the_source_has_lost_is_told(clips: Clips, tmp_path: Path) -> None:
    data = bytearray(_camera(clips, "whole.ts", "mpeg2", "-g 10").read_bytes())
    for at in range(188 * 60 + 100, len(data), 188 * 101):
        data[at : at + 60] = bytes(60)
    damaged = tmp_path / "damaged.ts"
    damaged.write_bytes(data)
    _, counts = _measured(damaged, tmp_path / "made.mp4")
    assert counts.damaged > 0
    assert not counts.lossless


def test_a_film_cannot_speak_for_the_encoder(clips: Clips, tmp_path: Path) -> None:
    """Its title is among what ffmpeg says."""
    title = "x\n[libx264 @ 0x1] [debug] frame=   0 QP=9 NAL=3 Slice:I Poc:0   I:9 P:0 SKIP:0 size=9 bytes PSNR Y:99.00 U:99.00 V:99.00 SSIM Y:1.00000"  # noqa: E501
    source = tmp_path / "titled.mkv"
    ffmpeg("-i", _plain(clips), "-c", "copy", "-metadata", f"title={title}", source)
    quality, _ = _measured(source, tmp_path / "made.mp4")
    assert quality.psnr.lowest < 60


def test_an_encoder_that_says_nothing_is_no_quality() -> None:
    with pytest.raises(WorkerFailed, match="Of 3 frames the encoder told the quality of 0"):
        EncoderLog().quality(3, 20)


def test_complaints_are_what_ffmpeg_says_at_level_error() -> None:
    lines = [b"[info] a\n", b"[mov @ 0x1] [error] moov: not found\n", b"[warning] b\n", b"[fatal] c\n", b"d\n"]
    assert list(EncoderLog().complaints(lines)) == [b"[mov @ 0x1] moov: not found\n", b"c\n"]


@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=500))
def test_a_hundredth_of_all_frames(hundredths: list[int]) -> None:
    values = [value / 100 for value in hundredths]
    distribution = Distribution(2)
    for value in values:
        distribution.add(value)
    figure = distribution.figure()
    assert figure.lowest == min(values)
    assert figure.percentile == sorted(values)[math.ceil(len(values) / 100) - 1]
    assert figure.whole == pytest.approx(sum(values) / len(values), abs=0.0051)
