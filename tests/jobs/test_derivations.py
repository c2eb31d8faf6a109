"""What is kept of what was made: films by names of their own, with all that they were made of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from orthanc_video.derivation import Derivation, Making, Origin
from orthanc_video.jobs import derivations
from orthanc_video.settings import Gateway, Settings

_ORIGINS = (Origin("first", "uuid-1"), Origin("second", "uuid-2"))
_TASK = Derivation(id="job", making=Making.EDIT, origins=_ORIGINS, asked={"film": True})


def _kept(settings: Settings, folder: Path) -> dict[str, Any]:
    (folder / "made").mkdir()
    (folder / "made" / "film.mp4").write_bytes(b"film")
    item = {"Film": "film.mp4", "Plays": False, "Told": {"CodedAnew": 3}, "Answer": {}}
    derivations.keep(settings, _TASK, folder / "made", [item])
    return item


def test_a_film_is_found_by_its_address_with_all_its_origins(tmp_path: Path) -> None:
    settings = Settings(gateway=Gateway(), orthanc_url="", directory=tmp_path, maximum_upload=0)
    item = _kept(settings, tmp_path)
    assert derivations.found(settings, _TASK) == [item]
    name = derivations.address(_TASK, item, 1).rpartition("/")[2]
    film = derivations.film(settings, "uuid-1", name)
    assert film is not None
    assert film.origins == _ORIGINS
    assert film.video.path.read_bytes() == b"film"
    assert f"{film.video.instance}.mp4" == name
    assert derivations.film(settings, "uuid-2", name) is None
    assert derivations.film(settings, "uuid-1", name.replace("-1.", "-2.")) is None


def test_nothing_is_left_of_what_was_made_of_an_object_that_is_gone(tmp_path: Path) -> None:
    settings = Settings(gateway=Gateway(), orthanc_url="", directory=tmp_path, maximum_upload=0)
    _kept(settings, tmp_path)
    derivations.forget(settings, "uuid-1")
    assert derivations.found(settings, _TASK) is None
