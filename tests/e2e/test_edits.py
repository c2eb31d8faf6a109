"""Edits by REST through a real Orthanc, on both ports: new objects in the study, or of nobody."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
from pydicom import dcmread
from pydicom.dataset import Dataset

from e2e.films import Films
from e2e.orthanc_server import OrthancServer
from e2e.recordings import Recordings, store
from oracles import complaints, frame_md5s, planes
from orthanc_video.dicom import check
from orthanc_video.files import Bytes, SpanSource

_H264 = "1.2.840.10008.1.2.4.102"
_FRAMES = 120
_CORNER = {"x": 3, "y": 5, "width": 30, "height": 11}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OrthancServer]:
    with OrthancServer(tmp_path_factory.mktemp("edits")) as running:
        yield running


@pytest.fixture(scope="module")
def numbered(server: OrthancServer, recordings: Recordings, films: Films) -> str:
    return store(server, recordings.holding(films.numbered(_FRAMES).read_bytes(), _H264))


def _post(server: OrthancServer, named: str, asked: Any, *, own: bool = False) -> requests.Response:
    """On the gateway's port, or Orthanc's ``own``."""
    url = server.url if own else server.gateway_url
    body = asked if isinstance(asked, bytes | str) else json.dumps(asked)
    return requests.post(f"{url}/video/instances/{named}/edits", data=body, timeout=120)


def _done(server: OrthancServer, named: str, asked: Any, *, own: bool = False) -> dict[str, Any]:
    answer = _post(server, named, asked, own=own)
    told: dict[str, Any] = answer.json()
    assert answer.status_code == 200, told
    return told


def _stored(server: OrthancServer, instance: str, folder: Path) -> tuple[Path, Dataset]:
    answer = requests.get(f"{server.url}/instances/{instance}/file", timeout=60)
    assert answer.status_code == 200
    path = folder / f"{instance}.dcm"
    path.write_bytes(answer.content)
    with SpanSource(path) as file:
        assert check.errors(check.examine(Bytes(file)).findings) == []
    assert [line for line in complaints(path) if "DICOMDIR" not in line] == []
    return path, dcmread(io.BytesIO(answer.content), stop_before_pixels=True)


def _film(server: OrthancServer, told: dict[str, Any], folder: Path) -> Path:
    answer = requests.get(f"{server.gateway_url}{told['Url']}", timeout=60)
    assert answer.headers["Content-Type"] == "video/mp4"
    path = folder / "film.mp4"
    path.write_bytes(answer.content)
    return path


def _is_black(path: Path) -> list[bool]:
    x, y, width, height = _CORNER.values()
    return [np.abs(luma[y : y + height, x : x + width].astype(int) - 16).max() <= 8 for luma, *_ in planes(path)]


@pytest.mark.parametrize("own", [False, True], ids=["gateway", "orthanc"])
def test_a_mask_throughout(server: OrthancServer, numbered: str, tmp_path: Path, own: bool) -> None:
    asked = {"mask": {"regions": [_CORNER]}, "burnedInAnnotation": "NO" if own else "YES"}
    told = _done(server, numbered, asked, own=own)
    assert told["Status"] == "Success"
    _, made = _stored(server, told["ID"], tmp_path)
    _, origin = _stored_source(server, numbered)
    assert made.StudyInstanceUID == origin.StudyInstanceUID
    assert made.SeriesInstanceUID != origin.SeriesInstanceUID
    assert made.BurnedInAnnotation == asked["burnedInAnnotation"]
    assert made.SourceImageSequence[0].ReferencedSOPInstanceUID == origin.SOPInstanceUID
    assert told["Results"][0]["CodedAnew"] == _FRAMES
    assert _is_black(_film(server, told, tmp_path)) == [True] * _FRAMES
    again = _done(server, numbered, asked, own=own)
    assert (again["ID"], again["Status"]) == (told["ID"], "AlreadyStored")


def _stored_source(server: OrthancServer, instance: str) -> tuple[bytes, Dataset]:
    answer = requests.get(f"{server.url}/instances/{instance}/file", timeout=60)
    return answer.content, dcmread(io.BytesIO(answer.content), stop_before_pixels=True)


def test_a_mask_in_a_range_as_a_film(server: OrthancServer, numbered: str, tmp_path: Path) -> None:
    before = requests.get(f"{server.url}/statistics", timeout=60).json()["CountInstances"]
    ranges = [{"start": {"frame": 11}, "end": {"frame": 20}}]
    told = _done(server, numbered, {"mask": {"regions": [_CORNER], "ranges": ranges}, "as": "mp4"})
    assert "ID" not in told
    assert _is_black(_film(server, told, tmp_path))[10:20] == [True] * 10
    assert told["Results"][0]["CodedAnew"] < _FRAMES
    assert requests.get(f"{server.url}/statistics", timeout=60).json()["CountInstances"] == before


def test_videos_of_a_study_are_joined(
    server: OrthancServer, numbered: str, recordings: Recordings, films: Films, tmp_path: Path
) -> None:
    film = films.numbered(_FRAMES)
    other = store(server, recordings.holding(film.read_bytes(), _H264))
    told = _done(server, numbered, {"join": [other]})
    _, made = _stored(server, told["ID"], tmp_path)
    assert made.NumberOfFrames == 2 * _FRAMES
    assert len(made.SourceImageSequence) == 2
    assert frame_md5s(_film(server, told, tmp_path)) == frame_md5s(film) * 2


def test_a_de_identified_object_is_of_nobody(server: OrthancServer, numbered: str, tmp_path: Path) -> None:
    asked = {"deidentify": True, "crop": {"x": 0, "y": 16, "width": 64, "height": 32}}
    told = _done(server, numbered, asked)
    _, made = _stored(server, told["ID"], tmp_path)
    _, origin = _stored_source(server, numbered)
    assert made.PatientIdentityRemoved == "YES"
    assert (made.Rows, made.Columns) == (32, 64)
    assert made.PatientID.startswith("ANON-")
    assert "SourceImageSequence" not in made
    assert origin.StudyInstanceUID.encode() not in (tmp_path / f"{told['ID']}.dcm").read_bytes()
    parents = requests.get(f"{server.url}/instances/{told['ID']}/patient", timeout=60).json()
    assert parents["ID"] == told["ParentPatient"]
    assert parents["MainDicomTags"]["PatientID"] == made.PatientID
    # Another edit of the same video is of the same nobody.
    other = _done(server, numbered, {"deidentify": True})
    assert other["ParentStudy"] == told["ParentStudy"]
    assert other["ID"] != told["ID"]


def test_a_de_identified_film_is_not_called_as_its_source(server: OrthancServer, numbered: str) -> None:
    told = _done(server, numbered, {"deidentify": True, "as": "mp4"})
    answer = requests.get(f"{server.gateway_url}{told['Url']}", timeout=60)
    assert answer.status_code == 200
    name = told["Url"].rpartition("/")[2]
    assert answer.headers["Content-Disposition"] == f'inline; filename="{name}"'
    assert numbered not in name
    assert numbered.encode() not in answer.content


@pytest.mark.parametrize("own", [False, True], ids=["gateway", "orthanc"])
@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({}, "Nothing is asked for"),
        ({"crop": {"x": 0, "y": 0, "width": 100_000, "height": 2}}, "whole number of pixels"),
        ({"crop": {"x": 0, "y": 0, "width": 10_000, "height": 2}}, "does not lie within"),
        ({"crop": {"x": 1, "y": 0, "width": 10, "height": 2}}, "even numbers"),
        ({"mask": {"regions": [{**_CORNER, "width": 0}]}}, '"width"'),
        ({"mask": {"regions": [_CORNER] * 20_000}}, "at most 100"),
        ({"mask": {"regions": [_CORNER], "ranges": [{"start": 99, "end": 100}]}}, "The video ends at"),
        ({"mask": {"regions": [_CORNER], "ranges": [{"start": 1, "end": 99999}]}}, "no range can end at 99999 s"),
        ({"blur": True}, 'knows no "blur"'),
        ({"deidentify": True, "audio": "keep"}, "a voice tells who speaks"),
        ('{"crop": {"x": NaN}}', ""),
        ("[]", "JSON object"),
    ],
)
def test_an_edit_that_is_none(server: OrthancServer, numbered: str, asked: Any, sentence: str, own: bool) -> None:
    answer = _post(server, numbered, asked, own=own)
    assert answer.status_code == 400, answer.text
    assert sentence in answer.json()["detail" if not own else "Message"]


def test_a_video_that_is_not_there_is_not_joined(server: OrthancServer, numbered: str) -> None:
    assert _post(server, numbered, {"join": ["00000000-00000000-00000000-00000000-00000000"]}).status_code == 404
