"""A long film becomes several, which together are the same pictures at the same times."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from clips import Clips, picture_source
from oracles import frame_md5s, frame_times
from orthanc_video.errors import BrokenVideo
from orthanc_video.media.parts import cut
from orthanc_video.media.probe import probe
from orthanc_video.model import Made, Most

_LONG = picture_source(seconds=6, rate="30000/1001", size="160x120")
_SHORT_GROUPS = "-g 30 -bf 2 -movflags +faststart"

_FILMS: dict[str, Callable[[Clips], Path]] = {
    "H.264": lambda clips: clips.encoded("long.mp4", _SHORT_GROUPS, source=_LONG),
    "H.264, varying rate": lambda clips: clips.encoded("long-vfr.mp4", _SHORT_GROUPS, source=_LONG, gaps=True),
    # Recovery points that are no IDR pictures, with no pictures shown before them that are coded after them.
    "H.264, no IDR": lambda clips: clips.encoded(
        "long-recovering.mp4",
        "-bf 2 -movflags +faststart -x264-params open-gop=1:b-adapt=0:scenecut=0:keyint=13:min-keyint=13",
        source=_LONG,
    ),
    "H.265": lambda clips: clips.encoded(
        "long-265.mp4", f"-tag:v hvc1 {_SHORT_GROUPS} -x265-params open-gop=0:keyint=30", source=_LONG, codec="hevc"
    ),
    "MPEG-2": lambda clips: clips.encoded(
        "long.mpg", "-g 15 -bf 2 -flags +cgop -sc_threshold 1000000000", source=_LONG, codec="mpeg2"
    ),
}


# All before one key frame, or each with frames before it that are coded after it, and refer to what comes earlier.
_NO_PLACES = ["-g 600", "-g 15 -x264-params open-gop=1:b-adapt=0:scenecut=0"]


@pytest.fixture(params=list(_FILMS))
def film(clips: Clips, request: pytest.FixtureRequest) -> Made:
    source = _FILMS[request.param](clips)
    return Made(path=str(source), size=source.stat().st_size, video=probe(source).video)


def _cut(film: Made, folder: Path, seconds: float = 2.5) -> list[Made]:
    return cut(film, folder / "made.mp4", Most(bytes=1 << 31, seconds=seconds), lambda _: None)


def test_every_picture_is_in_one_part(film: Made, tmp_path: Path) -> None:
    parts = _cut(film, tmp_path)
    assert [(one.part, one.parts) for one in parts] == [(number, len(parts)) for number in range(1, len(parts) + 1)]
    assert len(parts) >= 3
    assert [md5 for one in parts for md5 in frame_md5s(Path(one.path))] == frame_md5s(Path(film.path))


def test_each_part_begins_when_the_one_before_it_ends(film: Made, tmp_path: Path) -> None:
    parts = _cut(film, tmp_path)
    times = frame_times(Path(film.path))
    for one, following in pairwise(parts):
        assert following.first == one.first + one.video.frames
        assert following.start.fraction == pytest.approx(times[following.first] - times[0], abs=1e-9)
        assert float(following.start) - float(one.start) == pytest.approx(one.video.seconds, abs=2e-5)
    if film.video.constant_rate:
        assert {one.video.rate for one in parts} == {film.video.rate}


def test_each_part_begins_at_once_with_a_key_frame(film: Made, tmp_path: Path) -> None:
    for one in _cut(film, tmp_path):
        assert one.video.starts_with_key
        assert frame_times(Path(one.path))[0] == pytest.approx(frame_times(Path(film.path))[0], abs=1e-3)


def test_no_part_is_larger_than_it_may_be(clips: Clips, tmp_path: Path) -> None:
    source = _FILMS["H.264"](clips)
    film = Made(path=str(source), size=source.stat().st_size, video=probe(source).video)
    most = Most(bytes=film.size // 2)
    parts = cut(film, tmp_path / "made.mp4", most, lambda _: None)
    assert len(parts) > 1
    assert max(one.size for one in parts) <= most.bytes


@pytest.mark.parametrize("groups", _NO_PLACES)
def test_what_cannot_be_cut_stays_whole(clips: Clips, tmp_path: Path, groups: str) -> None:
    """Pictures of an open group refer to what comes before its key frame."""
    name = f"whole{groups.replace(' ', '')}.mp4"
    source = clips.encoded(name, f"-bf 2 {groups} -movflags +faststart", source=_LONG)
    film = Made(path=str(source), size=source.stat().st_size, video=probe(source).video)
    assert _cut(film, tmp_path) == [film]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("groups", _NO_PLACES)
def test_the_probe_knows_what_cannot_be_cut(clips: Clips, groups: str) -> None:
    name = f"whole{groups.replace(' ', '')}.mp4"
    uncut = probe(clips.encoded(name, f"-bf 2 {groups} -movflags +faststart", source=_LONG)).uncut
    assert uncut is not None
    assert uncut.seconds == pytest.approx(6, abs=0.1)


def test_the_probe_knows_where_a_film_can_be_cut(film: Made) -> None:
    uncut = probe(Path(film.path)).uncut
    assert uncut is not None
    assert uncut.seconds < 1.2
    assert film.size / 20 < uncut.bytes < film.size / 3


def test_a_lost_frame_is_noticed(film: Made, tmp_path: Path) -> None:
    claimed = replace(film, video=replace(film.video, frames=film.video.frames + 1))
    with pytest.raises(BrokenVideo, match="arrived in the parts"):
        _cut(claimed, tmp_path)
