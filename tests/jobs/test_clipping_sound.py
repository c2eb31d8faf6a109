"""What is told of a clip's sound."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread
from pydicom.encaps import encapsulate

from clips import Clips, picture_source
from jobs.forms import stored
from orthanc_video.clip import Moment, Range, Wanted
from orthanc_video.jobs import clipping, processes
from orthanc_video.jobs.processes import MediaProcess
from orthanc_video.plain import to_json
from orthanc_video.settings import settings_from

_HEARD = {
    "aac": ("aac", []),
    "pcm_s16le": (None, ["The sound (pcm_s16le) is left out: an MP4 does not hold it so that players know it."]),
}


@pytest.mark.parametrize("coding", _HEARD)
def test_a_sound_is_named_or_the_result_says_why_it_is_left_out(clips: Clips, tmp_path: Path, coding: str) -> None:
    film = clips.encoded(
        f"heard-{coding}.mov", f"-g 24 -c:a {coding}", source=picture_source(seconds=2), sound="anoisesrc=r=48000:d=2"
    )
    source = stored(clips.conforming(), tmp_path)
    said: Any = dcmread(source)
    said.PixelData = encapsulate([film.read_bytes()])
    said.save_as(source)
    asked = to_json(Wanted(clips=((Range(Moment(3), Moment(9)),),), film=True, object=False, precise=True))
    settings = settings_from({"StorageDirectory": str(tmp_path)})
    try:
        (item,) = clipping.make(settings, MediaProcess(), [source], asked, tmp_path, None)
    finally:
        processes.close()
    assert (item.told["Sound"], item.told["Reasons"]) == _HEARD[coding]
