"""A transcode that is poor is made once more, finer; then policy decides."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import imageio_ffmpeg
import pytest

from clips import Clips, picture_source
from oracles import frame_md5s, slice_hash
from orthanc_video.errors import BrokenVideo, PoorQuality
from orthanc_video.jobs import processes
from orthanc_video.jobs.making import How, Making, has_vmaf, how
from orthanc_video.jobs.processes import Limits, MediaProcess
from orthanc_video.media.plan import plan
from orthanc_video.media.probe import probe
from orthanc_video.model import Action, Demands, Made, Most, Progress, Upload
from orthanc_video.settings import Gateway

_LIMITS = Limits(seconds=60, memory=3 << 30)
_HOW = how(Gateway())
_MOST = Most(bytes=1 << 30)


@pytest.fixture(autouse=True)
def template() -> Iterator[None]:
    yield
    processes.close()


def _making(source: Path, folder: Path, wanted: How = _HOW) -> Making:
    info = probe(source)
    digest = hashlib.sha256(source.read_bytes()).hexdigest()
    upload = Upload(id="1", path=str(source), size=source.stat().st_size, sha256=digest)
    return Making(upload=upload, info=info, plan=plan(info), target=folder / "made.mp4", how=wanted, most=_MOST)


def _made(making: Making) -> Made:
    (made,) = making.run(MediaProcess(), _LIMITS, None)
    return made


def _grainy(clips: Clips) -> Path:
    """So much noise that the first attempt is less like it than is demanded, and the second is enough."""
    source = picture_source(size="320x240", then="noise=alls=14:allf=t")
    return clips.encoded("grainy.webm", codec="vp8", source=source)


def _hopeless(clips: Clips) -> Path:
    """Noise that no bit rate of its levels holds."""
    source = "color=gray:s=320x240:r=30:d=1,noise=alls=100:allf=t,noise=alls=100:allf=t"
    return clips.encoded("hopeless.avi", codec="mjpeg", source=source)


def test_what_the_settings_say_is_demanded() -> None:
    asked = Gateway(minimum_psnr=40.0, minimum_ssim=0.9, quality_policy="refuse")
    assert how(asked) == replace(_HOW, demands=Demands(psnr=40, ssim=0.9), refuse=True)
    assert _HOW.demands == Demands(psnr=35, ssim=0.95)
    assert not _HOW.refuse


def test_good_pictures_are_encoded_once(clips: Clips, tmp_path: Path) -> None:
    made = _made(_making(clips.video("vp9", "webm"), tmp_path, replace(_HOW, demands=Demands(psnr=30, ssim=0.9))))
    assert made.quality is not None
    assert (made.quality.attempts, made.quality.crf, made.quality.meets) == (1, 20, True)
    assert made.quality.demands == Demands(psnr=30, ssim=0.9)


def test_poor_pictures_are_encoded_once_more(clips: Clips, tmp_path: Path) -> None:
    told: list[Progress] = []
    making = _making(_grainy(clips), tmp_path)
    (made,) = making.run(MediaProcess(), _LIMITS, told.append)
    assert made.quality is not None
    assert (made.quality.attempts, made.quality.crf, made.quality.meets) == (2, 14, True)
    assert (made.video, made.size) == (probe(Path(made.path)).video, Path(made.path).stat().st_size)
    assert plan(probe(Path(made.path))).transfer_syntax == making.plan.transfer_syntax
    assert all(0 <= one.part <= 1 for one in told)
    assert [path.name for path in tmp_path.iterdir()] == ["made.mp4"]


def test_what_stays_poor_is_flagged_or_refused(clips: Clips, tmp_path: Path) -> None:
    high = replace(_HOW, demands=Demands(psnr=60, ssim=0.999))
    made = _made(_making(_hopeless(clips), tmp_path, high))
    assert made.quality is not None
    assert (made.quality.attempts, made.quality.meets) == (2, False)
    with pytest.raises(PoorQuality, match=r"unlike its source\. PSNR .* at least 60 dB and 0\.999 .*: not met\."):
        _made(_making(_hopeless(clips), tmp_path, replace(high, refuse=True)))


def test_a_source_that_cannot_be_decoded_whole_is_flagged_or_refused(clips: Clips, tmp_path: Path) -> None:
    whole = clips.encoded("whole.avi", "-g 10", codec="mpeg4", source=picture_source(seconds=2, size="320x240"))
    data = bytearray(whole.read_bytes())
    for at in range(20_000, len(data) - 20_000, 9_001):
        data[at : at + 60] = bytes(60)
    damaged = tmp_path / "damaged.avi"
    damaged.write_bytes(data)
    anyhow = replace(_HOW, demands=Demands(psnr=1, ssim=0))
    made = _made(_making(damaged, tmp_path, anyhow))
    assert made.counts is not None
    assert not made.counts.lossless
    with pytest.raises(
        BrokenVideo,
        match=r"Not all frames of the video can be decoded\. Frames: 59 coded, 59 decoded, \d\d of them damaged",
    ):
        _made(_making(damaged, tmp_path, replace(anyhow, refuse=True)))


@pytest.fixture
def with_vmaf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An ffmpeg that has it comes first in the path, as at a site that has installed its own."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "ffmpeg").symlink_to(imageio_ffmpeg.get_ffmpeg_exe())
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    has_vmaf.cache_clear()
    yield
    has_vmaf.cache_clear()


@pytest.mark.usefixtures("with_vmaf")
def test_vmaf_is_measured_where_ffmpeg_has_it(clips: Clips, tmp_path: Path) -> None:
    making = _making(clips.encoded("vmaf.webm", codec="vp9", source=picture_source(size="320x240")), tmp_path)
    good = _made(making)
    poor = _made(replace(making, how=replace(_HOW, crf=45, demands=Demands(psnr=1, ssim=0))))
    assert good.quality is not None
    assert good.quality.vmaf is not None
    assert poor.quality is not None
    assert poor.quality.vmaf is not None
    assert 100 >= good.quality.vmaf.whole > 85 > poor.quality.vmaf.whole > poor.quality.vmaf.lowest
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bin", "made.mp4"]


_PASSING: dict[str, tuple[Callable[[Clips], Path], str]] = {
    ".100": (lambda clips: clips.encoded("pass.mp4", "-r 30000/1001 -bf 2", codec="mpeg2"), "mpeg2video"),
    ".102": (lambda clips: clips.encoded("pass.mkv", "-bf 2"), "h264"),
    ".104": (
        lambda clips: clips.encoded(
            "pass50.mkv", "-level 4.2", source=picture_source(seconds=0.2, rate="60", size="1920x1080")
        ),
        "h264",
    ),
    ".107": (lambda clips: clips.encoded("pass265.mkv", codec="hevc"), "hevc"),
}


@pytest.mark.parametrize("syntax", _PASSING)
def test_passing_through_is_proven(clips: Clips, tmp_path: Path, syntax: str) -> None:
    """The hashes are those of an independent reading, and every decoded frame is the same."""
    make, codec = _PASSING[syntax]
    source = make(clips)
    making = _making(source, tmp_path)
    assert making.plan.transfer_syntax.endswith(syntax)
    made = _made(making)
    assert making.plan.action is Action.REMUX
    assert made.pictures == made.source_pictures == slice_hash(source, codec) == slice_hash(Path(made.path), codec)
    assert frame_md5s(source) == frame_md5s(Path(made.path))


def test_a_wrap_is_the_file_itself(clips: Clips, tmp_path: Path) -> None:
    making = _making(clips.conforming(), tmp_path)
    made = _made(making)
    assert (made.path, made.quality, made.counts, made.pictures) == (making.upload.path, None, None, "")
