"""Films as MP4: every frame, in order, at its time, near what it was."""

from __future__ import annotations

import dataclasses
import shutil
from fractions import Fraction
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cines import LOSSLESS, LOSSY, Frames, coded, colours, film, grey
from deeds import in_process
from media.test_cine import located
from oracles import decoded, frame_times, psnr
from orthanc_video.errors import BrokenVideo, VideoError
from orthanc_video.film import MultiFrame
from orthanc_video.media import cine, cine_render
from orthanc_video.media.probe import probe
from orthanc_video.media.shaping import How
from orthanc_video.model import Progress, Span
from orthanc_video.plain import to_json

_VECTOR = 0x00181065


def rendered(path: Path, about: MultiFrame | None = None) -> tuple[Path, tuple[int, int]]:
    target = path.with_suffix(".mp4")
    counted = cine_render.render(path, about or located(path), target, How(preset="veryfast", crf=18), lambda _: None)
    assert sorted(one.suffix for one in path.parent.iterdir() if one.stem == path.stem) == [".dcm", ".mp4"]
    return target, counted


def numbered(count: int) -> Frames:
    """Every frame shows its own number as eight bars."""
    bars = [[255 * (number >> bit & 1) for bit in range(8)] for number in range(count)]
    return np.stack([np.tile(np.repeat(np.array(one, dtype=np.uint8), 16), (64, 1)) for one in bars])


def numbers(path: Path, width: int = 128, height: int = 64) -> list[int]:
    middles = decoded(path, width, height)[:, 32, 8::16, 0] > 127
    return [int(sum(bool(bar) << bit for bit, bar in enumerate(frame[:8]))) for frame in middles]


def test_every_frame_in_order_at_its_exact_time(tmp_path: Path) -> None:
    target, counted = rendered(film(tmp_path / "film.dcm", numbered(200), FrameTime="33.333"))
    assert counted == (200, 200)
    assert numbers(target) == list(range(200))
    assert frame_times(target) == [at * Fraction(33333, 1_000_000) for at in range(200)]
    info = probe(target)
    assert (info.streamable, info.fragmented, info.video.constant_rate) == (True, False, True)
    assert (info.video.codec, info.video.profile, info.video.pixel_format) == ("h264", "High", "yuv420p")
    assert info.video.seconds == pytest.approx(200 * 0.033333)


@pytest.mark.parametrize(
    "written",
    ["33.3333333333333", "33.3666666666667", "33.33333333", "16.6833500166834", "41.7083333333333", "40.0000000000001",
     "0.50000000000001", "59999.9999999999", "1234.56789012345", "3.3333333333e+01"],
)  # fmt: skip
@pytest.mark.parametrize("vector", [False, True])
def test_a_frame_time_of_all_sixteen_characters(tmp_path: Path, written: str, *, vector: bool) -> None:
    times: dict[str, Any] = {"FrameTime": written}
    if vector:
        times = {"FrameTime": None, "FrameTimeVector": ["0", *([written] * 19)], "FrameIncrementPointer": _VECTOR}
    path = film(tmp_path / "film.dcm", numbered(20), **times)
    target, counted = rendered(path)
    assert counted == (20, 20)
    assert numbers(target) == list(range(20))
    exact = Fraction(written) / 1000
    for at, time in enumerate(frame_times(target)):
        assert abs(time - at * exact) < exact / 1000
    assert frame_times(target) == [located(path).cadence.start(at) for at in range(20)]


@pytest.mark.parametrize("written", ["33.3333333333333", "0.50000000000001"])
def test_times_of_sixteen_characters_that_differ(tmp_path: Path, written: str) -> None:
    steps = ["0", *([written, "40"] * 10)]
    more: dict[str, Any] = {"FrameTime": None, "FrameTimeVector": steps, "FrameIncrementPointer": _VECTOR}
    target, _ = rendered(film(tmp_path / "film.dcm", numbered(len(steps)), **more))
    starts = accumulate(map(Fraction, steps))
    for time, exact in zip(frame_times(target), starts, strict=True):
        assert abs(time - exact / 1000) < Fraction(1, 90_000)


def test_times_that_differ(tmp_path: Path) -> None:
    steps = [0, *([20, 40, 500, 33] * 10)]
    more: dict[str, Any] = {"FrameTime": None, "FrameTimeVector": steps, "FrameIncrementPointer": _VECTOR}
    target, counted = rendered(film(tmp_path / "film.dcm", numbered(len(steps)), **more))
    assert counted == (len(steps), len(steps))
    assert numbers(target) == list(range(len(steps)))
    assert frame_times(target) == [Fraction(at, 1000) for at in accumulate(steps)]


@pytest.mark.parametrize("size", [(48, 64), (720, 1280), (47, 63)])
@pytest.mark.parametrize("kind", ["grey", "colours"])
def test_pictures_are_near_what_they_were(tmp_path: Path, kind: str, size: tuple[int, int]) -> None:
    """Also where a browser takes another matrix for granted: the stream says which it is."""
    rows, columns = size
    frames = grey(3, rows=rows, columns=columns) if kind == "grey" else colours(3, rows, columns)
    if kind == "grey":
        frames = np.clip(frames, 0, 255)
        frames[:, 5:20, 5:20], frames[:, 25:40, 5:20] = 0, 255  # black stays black, white white
    target, _ = rendered(film(tmp_path / "film.dcm", frames))
    even = (columns + columns % 2, rows + rows % 2)
    shown = decoded(target, *even, filters="scale=in_color_matrix=bt709:in_range=tv")[:, :rows, :columns]
    video = probe(target).video
    assert (video.width, video.height) == even
    for picture, frame in zip(shown, frames, strict=True):
        assert psnr(picture, frame if frame.ndim == 3 else np.stack([frame] * 3, axis=-1)) > 26
    if kind == "grey":
        assert shown[:, 8:17, 8:17].max() <= 4
        assert shown[:, 28:37, 8:17].min() >= 251


def test_colours_stay_what_they_are(tmp_path: Path) -> None:
    """Large patches, so that nothing but the matrix and range can be wrong."""
    patches = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0), (128, 128, 128), (20, 200, 150)]
    frames = np.stack([np.tile(np.array(colour, dtype=np.uint8), (64, 64, 1)) for colour in patches])
    target, _ = rendered(film(tmp_path / "film.dcm", frames))
    for picture, colour in zip(decoded(target, 64, 64), patches, strict=True):
        assert np.abs(picture[32, 32].astype(int) - colour).max() <= 4


def test_deep_grey_through_its_window(tmp_path: Path) -> None:
    frames = grey(3, 12, rows=128, columns=128)
    source = film(tmp_path / "source.dcm", frames, bits=12, WindowCenter="1000", WindowWidth="1500")
    path = coded(source, LOSSLESS["70"])
    target, _ = rendered(path)
    with cine.opened(path, located(path)) as pictures:
        for number, picture in enumerate(decoded(target, 128, 128)):
            assert psnr(picture[..., 0], pictures.picture(number)) > 28


def test_pixels_that_are_not_square_become_so(tmp_path: Path) -> None:
    target, _ = rendered(film(tmp_path / "film.dcm", grey(3), PixelAspectRatio=[1, 2]))
    assert (probe(target).video.width, probe(target).video.height) == (128, 48)


def test_what_no_dicom_video_may_be_keeps_its_size(tmp_path: Path) -> None:
    target, _ = rendered(film(tmp_path / "film.dcm", grey(3, rows=2048, columns=2048), FrameTime="66.6666"))
    assert (probe(target).video.width, probe(target).video.level) == (2048, 50)


def _damaged(path: Path, *numbers: int) -> MultiFrame:
    about = located(path)
    frames = [(Span(0, 64),) if at in numbers else frame for at, frame in enumerate(about.frames)]
    return dataclasses.replace(about, frames=tuple(frames))


def test_damaged_frames_are_left_out_and_the_others_keep_their_times(tmp_path: Path) -> None:
    path = coded(film(tmp_path / "film.dcm", numbered(10), FrameTime="40"), LOSSY["50"])
    target, counted = rendered(path, _damaged(path, 0, 3, 4, 9))
    assert counted == (10, 6)
    assert numbers(target) == [1, 2, 5, 6, 7, 8]
    assert frame_times(target) == [0, *(Fraction(at, 25) for at in (2, 5, 6, 7, 8))]


def test_a_film_of_nothing_is_refused(tmp_path: Path) -> None:
    path = coded(film(tmp_path / "film.dcm", numbered(3)), LOSSY["50"])
    with pytest.raises(BrokenVideo, match="Frame 1 cannot be shown"):
        rendered(path, _damaged(path, 0, 1, 2))


def test_progress_goes_up_to_the_end(tmp_path: Path) -> None:
    told: list[Progress] = []
    path = film(tmp_path / "film.dcm", numbered(50))
    cine_render.render(path, located(path), tmp_path / "film.mp4", How(preset="veryfast", crf=20), told.append)
    parts = [one.part for one in told]
    assert parts == sorted(parts)
    assert 0.97 <= parts[-1] <= 1
    assert list(dict.fromkeys(one.stage for one in told)) == ["transcode", "remux", "check"]


def test_what_ffmpeg_refuses_is_its_own_sentence(tmp_path: Path) -> None:
    path = film(tmp_path / "film.dcm", numbered(50))
    with pytest.raises(VideoError, match="cannot be decoded or encoded"):
        cine_render.render(
            path, located(path), tmp_path / "film.mp4", How(preset="no such preset", crf=20), lambda _: None
        )


def test_it_works_in_the_sandbox(tmp_path: Path) -> None:
    path = coded(film(tmp_path / "film.dcm", colours(20)), LOSSLESS["80"])
    target = tmp_path / "made" / "film.mp4"
    target.parent.mkdir()
    ffmpeg = shutil.which("ffmpeg")
    before = (
        "from orthanc_video.media import cine_render\nfrom orthanc_video.media.shaping import How\n"
        "from orthanc_video.film import MultiFrame\nfrom orthanc_video.plain import from_json\n"
        "how = How(preset='veryfast', crf=20)\n"
        f"film = from_json(MultiFrame, {to_json(located(path))!r})\n"
    )
    deed = f"cine_render.render(Path({str(path)!r}), film, Path({str(target)!r}), how, lambda _: None)"
    needs = {"read": [str(path)], "change": [str(target.parent)], "program": ffmpeg, "patient": True}
    isolation, outcomes = in_process([deed], needs, {"memory": 3 << 30, "file_size": 1 << 30}, before)
    assert outcomes == ["done"]
    assert isolation is not None
    assert probe(target).video.frames == 20
