"""A clip as an object and as an MP4 at once, and edits likewise: the MP4 is the film itself, never its rendition."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.encaps import generate_frames

from clips import Clips, picture_source
from jobs.forms import stored
from judging import judge, pictures
from oracles import slice_hash
from orthanc_video.clip import Moment, Range, Wanted
from orthanc_video.derivation import Item
from orthanc_video.edit import Edit
from orthanc_video.edit import Wanted as WantedEdit
from orthanc_video.jobs import clipping, editing, processes
from orthanc_video.jobs.processes import MediaProcess
from orthanc_video.plain import to_json
from orthanc_video.settings import Settings, settings_from

# Of each: the arguments, FFmpeg's name, the file that holds its stream, and whether browsers play it as it is stored.
_FILMS = {
    "h264": ("-bf 3 -g 24 -movflags +faststart", "h264", "mp4", True),
    "hevc": ("-g 24 -movflags +faststart", "hevc", "mp4", False),
    "mpeg2": ("-bf 2 -g 15", "mpeg2video", "mpg", False),
}


@pytest.fixture(autouse=True)
def _processes() -> Iterator[None]:
    yield
    processes.close()


def _settings(folder: Path) -> Settings:
    settings = settings_from({"StorageDirectory": str(folder)})
    settings.directory.mkdir(exist_ok=True)
    return settings


def _object(clips: Clips, folder: Path, name: str) -> tuple[Path, Path]:
    """A film, and the object that it is stored as."""
    arguments, _, kind, _ = _FILMS[name]
    film = clips.encoded(f"both-{name}.{kind}", arguments, codec=name, source=picture_source(seconds=3))
    return film, stored(film, folder / "source")


def _stream(path: Path, kind: str) -> Path:
    (data,) = generate_frames(dcmread(path).PixelData, number_of_frames=1)
    target = path.with_suffix(f".{kind}")
    target.write_bytes(data)
    return target


@pytest.mark.parametrize("name", _FILMS)
def test_the_mp4_of_a_clip_is_the_clip(clips: Clips, tmp_path: Path, name: str) -> None:
    film, source = _object(clips, tmp_path, name)
    _, codec, kind, plays = _FILMS[name]
    asked = to_json(Wanted(clips=((Range(Moment(41), Moment(70)),),), film=True, object=True))
    (item,) = clipping.make(_settings(tmp_path), MediaProcess(), [source], asked, tmp_path, None)
    assert (item.object, item.plays, bool(item.film)) == ("clip-1.dcm", True, not plays)
    made = [_stream(tmp_path / item.object, kind), *([tmp_path / item.film] if item.film else [])]
    for one in made:
        assert slice_hash(one, codec) == slice_hash(made[0], codec)
        judge(film, one, range(40, 70), item.told["Ranges"][0]["CodedAnew"])
    if item.film:
        assert (tmp_path / item.film).read_bytes()[4:8] == b"ftyp"


@pytest.mark.parametrize("name", ["h264", "hevc"])
def test_the_film_of_an_edit_is_the_edited_one(clips: Clips, tmp_path: Path, name: str) -> None:
    film, source = _object(clips, tmp_path, name)
    asked = to_json(WantedEdit(edit=Edit(strip=True), film=True, object=True))
    (item,) = editing.make(_settings(tmp_path), MediaProcess(), [source], asked, tmp_path, None)
    assert (item.plays, bool(item.film)) == (True, name == "hevc")
    if item.film:
        judge(film, tmp_path / item.film, range(len(pictures(film))), 0)


def test_an_object_alone_has_no_film_beside_it(clips: Clips, tmp_path: Path) -> None:
    _, source = _object(clips, tmp_path, "hevc")
    asked = to_json(Wanted(clips=((Range(Moment(3), Moment(9)),),), object=True))
    (item,) = clipping.make(_settings(tmp_path), MediaProcess(), [source], asked, tmp_path, None)
    assert item == Item(object="clip-1.dcm", plays=True, told=item.told)
