"""Frame n of a video: the same as a decoder gives out as its n-th that begins at the beginning."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
import pytest

import fields
from clips import Clips, picture_source
from orthanc_video.bitstream import mp4
from orthanc_video.errors import BrokenVideo
from orthanc_video.files import Bytes, SpanSource
from orthanc_video.media import exact
from orthanc_video.media.probe import probe
from orthanc_video.model import Span

_OPEN_264 = "-bf 3 -g 24 -x264-params open-gop=1:scenecut=0"
_OPEN_265 = "-x265-params log-level=none:open-gop=1:keyint=24:bframes=3"


def _made(clips: Clips, name: str, arguments: str, codec: str = "h264") -> Path:
    return clips.encoded(f"exact-{name}", arguments, codec=codec, source=picture_source(seconds=3))


FILMS: dict[str, Callable[[Clips], Path]] = {
    "b-frames.mp4": lambda clips: _made(clips, "b.mp4", "-bf 3 -g 24 -movflags +faststart"),
    "b-frames from 26 h on.ts": lambda clips: _made(clips, "b.ts", "-bf 3 -g 24 -output_ts_offset 95443"),
    "b-frames.264": lambda clips: _made(clips, "b.264", "-bf 3 -g 24 -f h264"),
    "open groups.mp4": lambda clips: _made(clips, "open.mp4", _OPEN_264),
    "open groups.ts": lambda clips: _made(clips, "open.ts", _OPEN_264),
    "one key frame.mp4": lambda clips: _made(clips, "long.mp4", "-bf 3 -g 9999"),
    "no key frame but one.mp4": lambda clips: _made(clips, "refresh.mp4", "-g 24 -x264-params intra-refresh=1"),
    "hevc, open groups.mp4": lambda clips: _made(clips, "open-hevc.mp4", _OPEN_265, "hevc"),
    "hevc, open groups.ts": lambda clips: _made(clips, "open-hevc.ts", _OPEN_265, "hevc"),
    "hevc.265": lambda clips: _made(clips, "b.265", "-g 24 -f hevc", "hevc"),
    "mpeg2.mpg": lambda clips: _made(clips, "m2.mpg", "-bf 2 -g 15", "mpeg2"),
    "mpeg2.ts": lambda clips: _made(clips, "m2.ts", "-bf 2 -g 15", "mpeg2"),
    "mpeg2.m2v": lambda clips: _made(clips, "m2.m2v", "-bf 2 -g 15", "mpeg2"),
    "mpeg2, closed groups.m2v": lambda clips: _made(
        clips, "m2-closed.m2v", "-bf 2 -g 15 -flags +cgop -sc_threshold 1000000000", "mpeg2"
    ),
    "pulldown.mpg": lambda clips: clips.film_mpeg2("mpg"),
    "variable rate.mp4": Clips.variable_rate,
    "fragments.mp4": Clips.fragmented,
    "interlaced.mp4": Clips.interlaced,
    "interlaced.mpg": Clips.interlaced_mpeg2,
}


def _expected(path: Path) -> list[npt.NDArray[Any]]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray() for frame in container.decode(video=0)]


def _whole(path: Path) -> tuple[Span, ...]:
    return (Span(0, path.stat().st_size),)


def _each_is_exact(path: Path) -> None:
    expected = _expected(path)
    numbers = list(range(len(expected)))
    anyhow = [number * 37 % len(numbers) for number in numbers]
    with exact.video(path, _whole(path)) as video:
        assert len(video) == len(expected) == probe(path).video.frames
        for number in (*anyhow, *numbers):
            assert np.array_equal(video.frame(number).to_ndarray(), expected[number]), f"frame {number}"
    with exact.video(path, _whole(path), threads=True, hurried=True) as video:
        for number in anyhow:
            assert np.array_equal(video.alone(number).to_ndarray(), expected[number]), f"frame {number} alone"


@pytest.mark.parametrize("name", FILMS)
def test_each_frame_in_any_order(clips: Clips, name: str) -> None:
    _each_is_exact(FILMS[name](clips))


@pytest.mark.parametrize("apart", [True, False])
@pytest.mark.parametrize("kind", ["mp4", "ts", "mpg"])
def test_fields(tmp_path: Path, kind: str, apart: bool) -> None:
    film = fields.film(["pair", "pair", "frame", "pair"] * 6, reordered=True)
    path = tmp_path / f"fields.{kind}"
    fields.written(path, film, apart=apart)
    _each_is_exact(path)


def test_fragments_of_the_stored_object_are_one_stream(clips: Clips, tmp_path: Path) -> None:
    film = FILMS["b-frames.mp4"](clips)
    data, cut = film.read_bytes(), 5001
    path = tmp_path / "object"
    path.write_bytes(b"head" + data[:cut] + b"item" + data[cut:])
    spans = (Span(4, cut), Span(8 + cut, len(data) - cut))
    with exact.video(path, spans) as video:
        assert np.array_equal(video.frame(70).to_ndarray(), _expected(film)[70])


def test_only_what_is_needed_is_read(clips: Clips, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of an MP4 the index, heads of key frames, and the samples of one group of pictures."""
    film = FILMS["b-frames.mp4"](clips)
    with SpanSource(film) as source:
        (track,) = mp4.tracks(Bytes(source))
        table = mp4.samples(Bytes(source), track)
    with exact.video(film, _whole(film)) as video:
        read: list[int] = []
        original = SpanSource.read_at

        def noted(self: SpanSource, offset: int, length: int) -> bytes:
            read.append(offset)
            return original(self, offset, length)

        monkeypatch.setattr(SpanSource, "read_at", noted)
        video.frame(80)
    key = [int(table.offset[at]) for at in np.flatnonzero(table.key)]
    assert min(read) == key[-1]


def test_times(clips: Clips) -> None:
    film = clips.variable_rate()
    with av.open(str(film)) as container:
        times = [float(frame.time or 0) for frame in container.decode(video=0)]
    with exact.video(film, _whole(film)) as video:
        found = [float(video.start(number)) for number in range(len(video))]
    assert found == pytest.approx([time - times[0] for time in times], abs=1e-6)


def test_a_damaged_frame_is_named(clips: Clips) -> None:
    film = clips.noise_for_pictures()
    with exact.video(film, _whole(film)) as video, pytest.raises(BrokenVideo, match="Frame 3 cannot be decoded"):
        video.frame(2)
