"""The poster of a video."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from clips import Clips
from oracles import decoded
from orthanc_video.errors import BrokenVideo
from orthanc_video.files import SpanSource
from orthanc_video.media.frames import thumbnail
from orthanc_video.model import Span


def _whole(path: Path) -> tuple[Span, ...]:
    return (Span(0, path.stat().st_size),)


def test_a_film_that_starts_black_shows_something(clips: Clips, tmp_path: Path) -> None:
    film, poster = clips.starts_black(), tmp_path / "poster.jpg"
    first = decoded(film, 320, 240)[0]
    assert first.mean() < 5  # it does start black
    thumbnail(film, _whole(film), poster, 160)
    picture = decoded(poster, 160, 120)
    assert poster.read_bytes()[:3] == b"\xff\xd8\xff"
    assert len(picture) == 1
    assert picture.mean() > 40
    assert picture.std() > 24


_SEEN = {
    "fade-in-of-1-s": ("d=3", "fade=in:d=1"),
    "fade-in-of-8-s": ("d=10", "fade=in:d=8"),
    "only-the-last-2-s": ("d=12", "drawbox=c=black:t=fill:enable='lt(t,10)'"),
    "57-s-of-black": ("d=60", "drawbox=c=black:t=fill:enable='lt(t,57)'"),
    "nothing-but-the-middle": ("d=60", "drawbox=c=black:t=fill:enable='lt(t,20)+gt(t,23)'"),
}


@pytest.mark.parametrize("gop", [9999, 250])
@pytest.mark.parametrize("case", _SEEN)
def test_wherever_a_film_shows_something_the_poster_does(clips: Clips, tmp_path: Path, case: str, gop: int) -> None:
    length, dark = _SEEN[case]
    source = f"testsrc2=s=320x240:r=25:{length},{dark}"
    film = clips.encoded(f"{case}-{gop}.mp4", f"-g {gop} -x264-params scenecut=0:keyint={gop}", source=source)
    poster = tmp_path / "poster.jpg"
    thumbnail(film, _whole(film), poster, 160)
    assert decoded(poster, 160, 120).std() > 40


def test_times_that_do_not_begin_at_0(clips: Clips, tmp_path: Path) -> None:
    """In a transport stream; every key frame is black."""
    source = "testsrc2=s=320x240:r=25:d=12,drawbox=c=black:t=fill:enable='lt(t,10)'"
    one_key_frame = "-g 9999 -x264-params scenecut=0:keyint=9999"
    film = clips.encoded("late-pictures.ts", f"{one_key_frame} -output_ts_offset 5000", source=source)
    poster = tmp_path / "poster.jpg"
    thumbnail(film, _whole(film), poster, 160)
    assert decoded(poster, 160, 120).std() > 40


@pytest.mark.parametrize("kind", ["mkv", "ts", "mp4"])
def test_other_codecs_and_containers(clips: Clips, tmp_path: Path, kind: str) -> None:
    film, poster = clips.video("mpeg2", kind), tmp_path / "poster.jpg"
    thumbnail(film, _whole(film), poster, 80)
    assert decoded(poster, 80, 60).std() > 24


def test_a_black_film_gets_a_black_poster(clips: Clips, tmp_path: Path) -> None:
    film = clips.encoded("night.mp4", source="color=black:s=160x120:r=25:d=1")
    poster = tmp_path / "poster.jpg"
    thumbnail(film, _whole(film), poster, 160)
    assert decoded(poster, 160, 120).mean() < 5


def test_a_stream_inside_an_object_in_pieces(clips: Clips, tmp_path: Path) -> None:
    """The spans are joined: what lies between them belongs to the object, not to the film."""
    film = clips.starts_black().read_bytes()
    half = len(film) // 2
    stored, poster, plain = tmp_path / "object", tmp_path / "poster.jpg", tmp_path / "plain.jpg"
    stored.write_bytes(b"header " + film[:half] + b"item" + film[half:] + b"tail")
    spans = (Span(7, half), Span(11 + half, len(film) - half))
    with SpanSource(stored, spans) as source:
        assert source.read() == film
        assert source.read_at(half - 3, 6) == film[half - 3 : half + 3]
    thumbnail(stored, spans, poster, 160)
    thumbnail(clips.starts_black(), _whole(clips.starts_black()), plain, 160)
    assert np.array_equal(decoded(poster, 160, 120), decoded(plain, 160, 120))


def test_a_film_without_a_decodable_frame_has_none(clips: Clips, tmp_path: Path) -> None:
    film = clips.noise_for_pictures()
    with pytest.raises(BrokenVideo):
        thumbnail(film, _whole(film), tmp_path / "poster.jpg", 160)
    assert not (tmp_path / "poster.jpg").exists()
