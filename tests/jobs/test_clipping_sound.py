"""What is told of a clip's sound."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread
from pydicom.encaps import encapsulate

from clips import Clips, picture_source
from jobs.forms import stored
from orthanc_video.clip import Moment, Range, Wanted
from orthanc_video.derivation import Item
from orthanc_video.edit import DROP, Edit
from orthanc_video.edit import Wanted as WantedEdit
from orthanc_video.errors import Nonconforming
from orthanc_video.jobs import clipping, editing, processes
from orthanc_video.jobs.processes import MediaProcess
from orthanc_video.plain import to_json
from orthanc_video.settings import settings_from

_HEARD = {
    "aac": ("aac", []),
    "pcm_s16le": (None, ["The sound (pcm_s16le) is left out: an MP4 does not hold it so that players know it."]),
}


@pytest.fixture(autouse=True)
def _processes() -> Iterator[None]:
    yield
    processes.close()


def _holding(clips: Clips, film: Path, folder: Path) -> Path:
    """Another writer's object of a film, whatever its sound."""
    source = stored(clips.conforming(), folder)
    said: Any = dcmread(source)
    said.PixelData = encapsulate([film.read_bytes()])
    said.save_as(source)
    return source


def _made(source: Path, folder: Path, *, as_object: bool) -> Item:
    asked = to_json(Wanted(clips=((Range(Moment(3), Moment(9)),),), film=not as_object, object=as_object))
    settings = settings_from({"StorageDirectory": str(folder)})
    (item,) = clipping.make(settings, MediaProcess(), [source], asked, folder, None)
    return item


@pytest.mark.parametrize("coding", _HEARD)
def test_a_sound_is_named_or_the_result_says_why_it_is_left_out(clips: Clips, tmp_path: Path, coding: str) -> None:
    film = clips.encoded(
        f"heard-{coding}.mov", f"-g 24 -c:a {coding}", source=picture_source(seconds=2), sound="anoisesrc=r=48000:d=2"
    )
    item = _made(_holding(clips, film, tmp_path), tmp_path, as_object=False)
    assert (item.told["Sound"], item.told["Reasons"]) == _HEARD[coding]


def test_a_sound_that_dicom_does_not_allow_is_told_with_the_ways_out(clips: Clips, tmp_path: Path) -> None:
    """No object is cut with it, but an MP4; and of either edit that the sentence names an object is cut."""
    source = _holding(clips, clips.with_sound(), tmp_path)
    with pytest.raises(Nonconforming, match=r"aac, 44100 Hz, 1 channel.*An edit with audio \"drop\".*one with strip"):
        _made(source, tmp_path, as_object=True)
    assert _made(source, tmp_path, as_object=False).told["Sound"] == "aac"
    settings = settings_from({"StorageDirectory": str(tmp_path)})
    settings.directory.mkdir()
    for edit, sound in ((Edit(audio=DROP), None), (Edit(strip=True), "aac")):
        asked = to_json(WantedEdit(edit=edit, object=True))
        (item,) = editing.make(settings, MediaProcess(), [source], asked, tmp_path, None)
        assert _made(tmp_path / item.object, tmp_path, as_object=True).told["Sound"] == sound
