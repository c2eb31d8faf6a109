"""A long recording becomes several objects of one series, which join without a gap."""

from __future__ import annotations

import io
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import requests
from pydicom import dcmread

from e2e.films import Films, ffprobe

_GROUPS = ("-c:v", "libx264", "-g", "25", "-movflags", "+faststart")


def test_a_long_film_becomes_several_objects(start: Any, films: Films, tmp_path: Path) -> None:
    film = films.unique(7, *_GROUPS)
    server = start({"VideoGateway": {"InstanceMinutes": 2 / 60}})
    named = {"PatientID": "7", "AcquisitionDateTime": "20240229235958.5"}
    answer = requests.post(f"{server.gateway_url}/video/ingest", params=named, data=film.read_bytes(), timeout=60)
    assert answer.ok, answer.text
    told = answer.json()
    instances = told["Video"]["Instances"]
    assert told["ID"] == instances[0]
    assert len(instances) == 4
    objects = [_object(server.url, one) for one in instances]
    assert [one.InstanceNumber for one in objects] == [1, 2, 3, 4]
    assert len({one.SeriesInstanceUID for one in objects}) == 1
    begins = [datetime.strptime(one.AcquisitionDateTime, "%Y%m%d%H%M%S.%f") for one in objects]
    assert begins[0] == datetime(2024, 2, 29, 23, 59, 58, 500_000)
    for (one, at), (_, following) in pairwise(zip(objects, begins, strict=True)):
        assert following == at + timedelta(seconds=float(one.EffectiveDuration))
    assert sum(one.NumberOfFrames for one in objects) == 175
    for one in instances:
        path = tmp_path / f"{one}.mp4"
        path.write_bytes(requests.get(f"{server.gateway_url}/video/instances/{one}/stream", timeout=30).content)
        assert int(ffprobe(path)["nb_read_frames"]) == dict(zip(instances, objects, strict=True))[one].NumberOfFrames
    (job,) = requests.get(f"{server.gateway_url}/video/jobs", timeout=10).json()["Jobs"]
    assert job["Instances"] == instances
    again = requests.post(f"{server.gateway_url}/video/ingest", params=named, data=film.read_bytes(), timeout=60).json()
    assert (again["ID"], again["Status"]) == (told["ID"], "AlreadyStored")


def _object(url: str, instance: str) -> Any:
    file = requests.get(f"{url}/instances/{instance}/file", timeout=30).content
    return dcmread(io.BytesIO(file), stop_before_pixels=True)
