"""Saved views of videos through a real Orthanc, on both ports, and in the viewer."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests
from pydicom import dcmread
from pydicom.filebase import DicomBytesIO

from e2e.films import Films
from e2e.orthanc_server import OrthancServer

_VIEW = {
    "name": "Größe",
    "frame": 3,
    "window": {"center": 100.5, "width": 50.0, "function": "SIGMOID"},
    "gamma": 1.2,
    "invert": True,
    "zoom": 2.0,
    "center": {"x": 0.25, "y": 0.75},
    "rotation": 90,
    "flip": True,
    "shutter": {"kind": "circle", "x": 0.25, "y": 0.5, "radius": 0.4},
    "subtract": 1,
    "table": None,
    "overlays": False,
    "texts": True,
}


@pytest.fixture
def video(server: OrthancServer, films: Films) -> str:
    answer = requests.post(f"{server.gateway_url}/instances", data=films.numbered(30, "25").read_bytes(), timeout=120)
    return str(answer.json()["ID"])


def _views(server: OrthancServer, video: str, *, own: bool = False) -> str:
    return f"{server.url if own else server.gateway_url}/video/instances/{video}/views"


def _save(url: str, **view: Any) -> dict[str, Any]:
    answer = requests.post(url, data=json.dumps(view), timeout=60)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


@pytest.mark.parametrize("own", [False, True], ids=["gateway", "orthanc"])
def test_a_view_is_saved_once_and_had_again(server: OrthancServer, video: str, own: bool) -> None:
    url = _views(server, video, own=own)
    view = {**_VIEW, "name": f"by {'Orthanc' if own else 'gateway'}"}
    first, again, plain = _save(url, **view), _save(url, **view), _save(url, frame=2)
    assert (first["Status"], again["Status"]) == ("Success", "AlreadyStored")
    assert first["ID"] == again["ID"] != plain["ID"]
    listed = requests.get(url, timeout=20).json()["Views"]
    assert {**view, "ID": first["ID"]} in listed
    assert listed[0]["ID"] == plain["ID"]
    assert requests.get(f"{url}/{first['ID']}", timeout=20).json() == {**view, "ID": first["ID"]}
    # What is told of a view is a view that can be asked for.
    told = {key: value for key, value in listed[0].items() if key != "ID"}
    assert _save(url, **told)["ID"] == plain["ID"]
    stored = dcmread(DicomBytesIO(requests.get(f"{server.url}/instances/{first['ID']}/file", timeout=20).content))
    assert (stored.Modality, stored.ContentDescription) == ("PR", view["name"])


def test_views_are_those_of_one_video(server: OrthancServer, video: str, films: Films) -> None:
    """Others of its series, of other programs, or of another video are not told."""
    saved = _save(_views(server, video), frame=7)
    other = requests.post(f"{server.gateway_url}/instances", data=films.numbered(40, "25").read_bytes(), timeout=120)
    url = _views(server, other.json()["ID"])
    assert requests.get(url, timeout=20).json() == {"Views": []}
    assert requests.get(f"{url}/{saved['ID']}", timeout=20).status_code == 404
    deleted = requests.delete(f"{server.url}/instances/{saved['ID']}", timeout=20)
    assert deleted.status_code == 200
    assert saved["ID"] not in str(requests.get(_views(server, video), timeout=20).json())


def test_a_view_is_deleted(server: OrthancServer, video: str) -> None:
    """It alone; and nothing that is no view of this video."""
    kept, gone = _save(_views(server, video), name="kept"), _save(_views(server, video), name="gone")
    url = _views(server, video)
    assert requests.delete(f"{url}/{gone['ID']}", timeout=20).status_code == 204
    left = {view["ID"] for view in requests.get(url, timeout=20).json()["Views"]}
    assert (kept["ID"] in left, gone["ID"] in left) == (True, False)
    assert requests.delete(f"{url}/{gone['ID']}", timeout=20).status_code == 404
    assert requests.delete(f"{url}/{video}", timeout=20).status_code == 404
    assert requests.get(f"{server.url}/instances/{video}", timeout=20).status_code == 200


def test_what_cannot_be_saved_is_said(server: OrthancServer, video: str) -> None:
    for view, sentence in (({"frame": 31}, "30 frames"), ({"zoom": 0}, '"zoom" must be')):
        answer = requests.post(_views(server, video), data=json.dumps(view), timeout=60)
        assert (answer.status_code, sentence in answer.json()["detail"]) == (400, True), answer.text
