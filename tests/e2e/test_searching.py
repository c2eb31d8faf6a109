"""Searching videos and studies by what a person types, in a real Orthanc."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from pydicom import dcmread
from pydicom.uid import generate_uid

from cines import colours, film
from e2e.films import Films
from e2e.orthanc_server import OrthancServer
from e2e.recordings import looked_at, store

# Whose, when, what.
_HELD = [
    ("Searched^Anna", "SEARCH-1", "20261101", "Gastroscopy"),
    ("Searched^Berta", "SEARCH-2", "20261115", "Colonoscopy"),
    ("Müller^Clara", "OTHER-3", "20261115", "Colonoscopy follow-up"),
]


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory, films: Films) -> Iterator[OrthancServer]:
    with OrthancServer(tmp_path_factory.mktemp("searching")) as running:
        for name, number, date, description in _HELD:
            told = {"PatientName": name, "PatientID": number, "StudyDate": date, "StudyDescription": description}
            url = f"{running.gateway_url}/video/ingest"
            assert requests.post(url, params=told, data=films.unique().read_bytes(), timeout=60).ok
        yield running


def _found(server: OrthancServer, kind: str, **given: Any) -> dict[str, Any]:
    answer = requests.post(f"{server.gateway_url}/video/{kind}/find", json=given, timeout=30)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def test_videos_of_one_study(ours: OrthancServer) -> None:
    (one,) = _found(ours, "instances", Patient="search-2")["Instances"]
    told = _found(ours, "instances", ParentStudy=one["ParentStudy"])
    assert (told["Instances"], told["Total"]) == ([one], 1)
    assert _found(ours, "instances", ParentStudy=one["ParentStudy"], Patient="search-1")["Instances"] == []
    url = f"{ours.gateway_url}/video/instances/find"
    assert requests.post(url, json={"ParentStudy": one["ID"]}, timeout=30).status_code == 404
    refused = requests.post(url, json={"ParentStudy": "../instances"}, timeout=30)
    assert (refused.status_code, refused.json()["detail"]) == (
        400,
        '"ParentStudy" must be the ID that Orthanc gives a study.',
    )


@pytest.mark.parametrize(
    ("given", "whose"),
    [
        ({"Patient": "searched"}, {"SEARCH-1", "SEARCH-2"}),
        ({"Patient": "searched, berta"}, {"SEARCH-2"}),
        ({"Patient": "search-1"}, {"SEARCH-1"}),
        ({"Patient": "Müller"}, {"OTHER-3"}),
        ({"Patient": "Clara Müller"}, {"OTHER-3"}),
        ({"From": "20261110"}, {"SEARCH-2", "OTHER-3"}),
        ({"To": "20261110"}, {"SEARCH-1"}),
        ({"From": "20261115", "To": "20261115", "Patient": "OTHER"}, {"OTHER-3"}),
        ({"Description": "colonoscopy"}, {"SEARCH-2", "OTHER-3"}),
        ({"Description": "follow up"}, {"OTHER-3"}),
        ({"Patient": "nobody"}, set()),
        ({}, {"SEARCH-1", "SEARCH-2", "OTHER-3"}),
    ],
)
def test_videos_of_the_studies_looked_for(ours: OrthancServer, given: dict[str, str], whose: set[str]) -> None:
    told = _found(ours, "instances", **given)
    assert {one["PatientID"] for one in told["Instances"]} == whose
    assert told["Total"] == len(whose)
    if whose and given:
        studies = _found(ours, "studies", **given)
        assert {one["PatientID"] for one in studies["Studies"]} == whose
        assert {one["ID"] for one in studies["Studies"]} == {one["ParentStudy"] for one in told["Instances"]}


def test_pages_of_what_was_found(ours: OrthancServer) -> None:
    first, second = (_found(ours, "instances", Description="colonoscopy", Since=n, Limit=1) for n in (0, 1))
    assert [len(page["Instances"]) for page in (first, second)] == [1, 1]
    assert first["Total"] == second["Total"] == 2
    assert first["Instances"] != second["Instances"]
    cut = _found(ours, "studies", Description="colonoscopy", Limit=1)
    assert len(cut["Studies"]) == 1
    assert cut["More"] is True


def test_films_and_studies_without_a_video(ours: OrthancServer, films: Films, tmp_path: Path) -> None:
    """Films of any modality are found; an image alone is a study that a video may join, and no video."""
    moving = dcmread(film(tmp_path / "film.dcm", colours(5)))
    moving.PatientName, moving.PatientID, moving.Modality = "Filmed^Dora", "FILM-4", "US"
    moving.save_as(tmp_path / "named.dcm")
    instance = store(ours, (tmp_path / "named.dcm").read_bytes())
    looked_at(ours, instance)
    assert [one["ID"] for one in _found(ours, "instances", Patient="filmed")["Instances"]] == [instance]
    image = dcmread(films.image())
    image.PatientName, image.PatientID = "Imaged^Emil", "IMAGE-5"
    image.save_as(tmp_path / "image.dcm")
    requests.post(f"{ours.url}/instances", data=(tmp_path / "image.dcm").read_bytes(), timeout=30)
    assert _found(ours, "instances", Patient="imaged")["Instances"] == []
    (study,) = _found(ours, "studies", Patient="imaged")["Studies"]
    assert (study["PatientName"], study["StudyInstanceUID"]) == ("Imaged^Emil", image.StudyInstanceUID)


def test_the_same_on_orthancs_port(ours: OrthancServer) -> None:
    asked = {"Patient": "search-1"}
    one, other = (
        requests.post(f"{url}/video/instances/find", json=asked, timeout=30).json()
        for url in (ours.gateway_url, ours.url)
    )
    assert one == other


def test_a_search_for_no_study_in_particular_is_refused(ours: OrthancServer) -> None:
    answer = requests.post(f"{ours.gateway_url}/video/studies/find", json={}, timeout=30)
    assert answer.status_code == 400
    assert "what is looked for" in answer.json()["detail"]


def test_the_series_of_a_study(ours: OrthancServer, tmp_path: Path) -> None:
    """Videos and pictures of any kind, and nothing that holds none; videos are found by what their series is called."""
    whose = {"PatientName": "Sliced^Otto", "PatientID": "SLICED-1", "StudyInstanceUID": generate_uid()}
    said = {"StudyDate": "20261120", "StudyDescription": "Thorax", **whose}
    held = [("CT", 7, "Lung", 3), ("SR", 2, "Report", 1), ("US", -1, "Four chambers", 1)]
    for modality, number, description, count in held:
        tags: dict[str, Any] = {"Modality": modality, "SeriesNumber": number, "SeriesDescription": description}
        tags["SeriesInstanceUID"] = generate_uid()
        frames = 2 if modality == "US" else 1
        for _ in range(count):
            path = film(tmp_path / "one.dcm", colours(frames), FrameTime="40", **said, **tags)
            store(ours, path.read_bytes())
    (study,) = _found(ours, "studies", Patient="otto sliced")["Studies"]
    url = f"{ours.gateway_url}/video/studies/{study['ID']}/series"
    found = requests.get(url, timeout=30).json()["Series"]
    told = [(one["Modality"], one["SeriesNumber"], one["SeriesDescription"], one["Instances"]) for one in found]
    assert told == [("US", "-1", "Four chambers", 1), ("CT", "7", "Lung", 3)]
    for one in found:
        assert one["PatientName"] == "Sliced^Otto"
        assert (one["PatientID"], one["StudyDate"], one["StudyDescription"]) == ("SLICED-1", "20261120", "Thorax")
        assert one["ParentStudy"] == study["ID"]
        parent = requests.get(f"{ours.url}/instances/{one['Instance']}/series", timeout=10).json()["ID"]
        assert parent == one["ID"]
        record = requests.get(f"{ours.url}/series/{parent}", timeout=10).json()
        for name in (one["ID"], record["MainDicomTags"]["SeriesInstanceUID"]):
            assert requests.get(f"{ours.gateway_url}/video/series/{name}", timeout=10).json() == one
    looked_at(ours, found[0]["Instance"])
    (video,) = _found(ours, "instances", Description="chambers")["Instances"]
    assert (video["SeriesDescription"], video["SeriesNumber"], video["Modality"]) == ("Four chambers", "-1", "US")
    for nothing in (found[0]["ID"], "0" * 8 + "-00000000" * 4, "somewhere"):
        assert requests.get(f"{ours.gateway_url}/video/studies/{nothing}/series", timeout=10).status_code == 404
        assert requests.get(f"{ours.gateway_url}/video/series/{study['ID']}", timeout=10).status_code == 404
