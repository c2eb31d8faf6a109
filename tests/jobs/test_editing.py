"""Edits: what is demanded of the quality beside masks, the secret of de-identified objects, and films that none are
made of."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from clips import Clips
from orthanc_video.clip import Moment, Range
from orthanc_video.edit import Edit
from orthanc_video.errors import UnsupportedMedia
from orthanc_video.jobs import editing
from orthanc_video.jobs.making import how
from orthanc_video.jobs.processes import Limits, MediaProcess, close
from orthanc_video.model import Demands, Region
from orthanc_video.settings import MIB, Gateway, Settings

_ASKED = Demands(psnr=35.0, ssim=0.9)
_SHOWN = Region(0, 0, 100, 100)


@pytest.fixture(scope="module", autouse=True)
def _processes() -> Iterator[None]:
    yield
    close()


def test_more_is_demanded_where_black_flatters_the_mean() -> None:
    assert editing.beside(_ASKED, [], _SHOWN) == _ASKED
    half = editing.beside(_ASKED, [Region(0, 0, 50, 100)], _SHOWN)
    assert (round(half.psnr, 2), round(half.ssim, 3)) == (38.01, 0.95)
    # What lies twice under a mask counts once, and what is cut off does not.
    assert editing.beside(_ASKED, [Region(0, 0, 50, 100), Region(25, 0, 25, 100)], _SHOWN) == half
    assert editing.beside(_ASKED, [Region(0, 0, 50, 100)], Region(50, 0, 50, 100)) == _ASKED
    assert editing.beside(_ASKED, [Region(0, 0, 75, 100)], Region(50, 0, 50, 100)) == half


def test_the_secret_stays_and_is_nobody_elses(tmp_path: Path) -> None:
    settings = Settings(gateway=Gateway(), orthanc_url="", directory=tmp_path, maximum_upload=0)
    key = editing.key_of(settings)
    assert len(key) == 32
    assert editing.key_of(settings) == key
    (path,) = tmp_path.iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("name", ["rotated", "cut_by_edits"])
def test_what_a_container_arranges_is_not_masked_in_a_range(clips: Clips, tmp_path: Path, name: str) -> None:
    film: Path = getattr(clips, name)()
    tools = editing.Tools(
        process=MediaProcess(), limits=Limits(seconds=60, memory=4096 * MIB), how=how(Gateway()), key=b""
    )
    edit = Edit(masks=(Region(0, 0, 8, 8),), ranges=(Range(Moment(1), Moment(2)),))
    with pytest.raises(UnsupportedMedia, match="turned, changing, or shown in part"):
        editing.of_films(tools, [film], edit, tmp_path)
    with pytest.raises(UnsupportedMedia, match="turned, changing, or shown in part"):
        editing.of_films(tools, [clips.conforming(), film], Edit(), tmp_path)
