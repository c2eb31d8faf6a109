"""Films of single pictures, such as an ultrasound's: noticed whichever way they came, with a poster, and described."""

from __future__ import annotations

import io
import subprocess
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
from PIL import Image

from cines import LOSSLESS, LOSSY, coded, colours, film, grey
from dicom.films import attributes, fragmented
from e2e.orthanc_server import OrthancServer
from e2e.recordings import Recordings, looked_at, poster, store, wait_until
from oracles import decoded, frame_times, psnr

_XA = "1.2.840.10008.5.1.4.1.1.12.1"
_CT = "1.2.840.10008.5.1.4.1.1.2"


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OrthancServer]:
    with OrthancServer(tmp_path_factory.mktemp("films")) as running:
        yield running


def _described(server: OrthancServer, instance: str) -> dict[str, Any]:
    found: dict[str, Any] = requests.get(f"{server.gateway_url}/video/instances/{instance}", timeout=10).json()
    return found


def _listed(server: OrthancServer) -> list[str]:
    answer = requests.get(f"{server.gateway_url}/video/instances?limit=200", timeout=10).json()
    return [item["ID"] for item in answer["Instances"]]


def _compressed(folder: Path) -> Path:
    return coded(film(folder / "film.dcm", colours(6)), LOSSY["50"])


def _sent(server: OrthancServer, path: Path) -> str:
    """By C-STORE; its Orthanc ID."""
    before = set(requests.get(f"{server.url}/instances", timeout=10).json())
    subprocess.run(["storescu", "-xy", "127.0.0.1", str(server.configuration["DicomPort"]), str(path)], check=True)
    (instance,) = set(requests.get(f"{server.url}/instances", timeout=10).json()) - before
    return str(instance)


def _posted(server: OrthancServer, path: Path) -> str:
    return store(server, path.read_bytes())


@pytest.mark.parametrize("way", [_sent, _posted])
def test_whichever_way_it_came(ours: OrthancServer, tmp_path: Path, way: Callable[..., str]) -> None:
    instance = way(ours, _compressed(tmp_path))
    assert looked_at(ours, instance) == []
    path = wait_until(lambda: (found := poster(ours, instance)).exists() and found)
    asked = requests.get(f"{ours.gateway_url}/video/instances/{instance}/thumbnail", timeout=10)
    assert asked.content == path.read_bytes()
    assert Image.open(io.BytesIO(asked.content)).size == (320, 240)
    found = _described(ours, instance)
    expected = {
        "SOPClass": "Ultrasound Multi-frame Image Storage",
        "TransferSyntax": "JPEG Baseline",
        "Codec": "jpeg",
        "Rows": 48,
        "Columns": 64,
        "NumberOfFrames": 6,
        "FrameTime": 33.333,
        "Rate": "30000/1000",
        "Stream": False,
        "Playable": False,
        "Plan": None,
    }
    assert {key: found[key] for key in expected} == expected
    assert found["Seconds"] == pytest.approx(6 * 0.033333)
    assert instance in _listed(ours)
    assert ours.log.count("Traceback") == 0


@pytest.mark.parametrize("syntax", ["5", "70", "80", "90"])
def test_deep_grey_of_each_codec(ours: OrthancServer, tmp_path: Path, syntax: str) -> None:
    source = film(
        tmp_path / "film.dcm",
        grey(3, 12),
        bits=12,
        SOPClassUID=_XA,
        Modality="XA",
        WindowCenter="2048",
        WindowWidth="4096",
    )
    instance = store(ours, coded(source, LOSSLESS[syntax]).read_bytes())
    assert looked_at(ours, instance) == []
    shown = requests.get(f"{ours.gateway_url}/video/instances/{instance}/thumbnail?width=64", timeout=10)
    picture = np.array(Image.open(io.BytesIO(shown.content)).convert("L")).astype(int)
    assert np.abs(picture - grey(1, 12)[0].astype(float) * 255 / 4095).mean() < 8


def test_it_plays_by_a_rendition(ours: OrthancServer, tmp_path: Path) -> None:
    instance = store(ours, _compressed(tmp_path).read_bytes())
    asked = requests.get(f"{ours.gateway_url}/video/instances/{instance}/stream", timeout=60)
    assert (asked.status_code, asked.headers["Content-Type"]) == (200, "video/mp4"), asked.text[:500]
    made = tmp_path / "made.mp4"
    made.write_bytes(asked.content)
    shown = decoded(made, 64, 48)
    assert len(shown) == 6
    assert all(psnr(picture, source) > 25 for picture, source in zip(shown, colours(6), strict=True))
    assert frame_times(made) == [Fraction(number * 33333, 10**6) for number in range(6)]
    index = requests.get(f"{ours.gateway_url}/video/instances/{instance}/index", timeout=10).json()
    assert index["NumberOfFrames"] == 6
    assert _described(ours, instance)["Rendition"]["State"] == "Success"


def test_its_frames_as_they_are_stored(ours: OrthancServer, tmp_path: Path) -> None:
    """Each where the index says, of whatever codec: Orthanc's own answer byte for byte."""
    for path, shown in ((_compressed(tmp_path), True), (film(tmp_path / "raw.dcm", grey(5)), False)):
        instance = store(ours, path.read_bytes())
        base, query = f"{ours.gateway_url}/video/instances/{instance}", "?accept=application/octet-stream"
        index = requests.get(f"{base}/index{query}", timeout=10).json()
        assert index["ShownAsCoded"] is shown
        for number, (offset, size) in enumerate(zip(index["Offset"], index["Size"], strict=True)):
            span = {"Range": f"bytes={offset}-{offset + size - 1}"}
            part = requests.get(f"{base}/stream{query}", headers=span, timeout=10)
            assert part.status_code == 206
            frame = requests.get(f"{ours.url}/instances/{instance}/frames/{number}/raw", timeout=10)
            assert part.content == frame.content
        assert number + 1 == index["NumberOfFrames"]
        assert index["Time"] == [at * 33333 for at in range(number + 1)]


def test_what_is_no_film_is_passed_over(ours: OrthancServer, recordings: Recordings, tmp_path: Path) -> None:
    """A volume's slices have an order in space, and a film of one picture does not move."""
    others = [
        store(ours, film(tmp_path / "volume.dcm", grey(), SOPClassUID=_CT, Modality="CT").read_bytes()),
        store(ours, film(tmp_path / "still.dcm", grey(1)).read_bytes()),
    ]
    looked_at(ours, store(ours, recordings.one()))  # what came later is done
    for instance in others:
        assert not poster(ours, instance).exists()
        assert _described(ours, instance)["status"] == 415
        assert instance not in _listed(ours)


def test_contradictions_are_found(ours: OrthancServer, tmp_path: Path) -> None:
    wrong: dict[str, Any] = {"FrameTime": None, "FrameIncrementPointer": 0x00280008, "NumberOfFrames": 2**31 - 1}
    assert looked_at(ours, store(ours, film(tmp_path / "film.dcm", grey(3), **wrong).read_bytes())) == [
        "NumberOfFrames is 2147483647, but the object holds 3.",
        "No attribute says how long a frame is shown; 25 frames per second are taken.",
    ]


def test_damaged_films_are_findings(ours: OrthancServer) -> None:
    broken = [b"\xff\xd8\xff\xc0" + b"no JPEG" * 20] * 3
    instance = store(
        ours,
        fragmented(
            broken, attributes(3, SOPInstanceUID="2.25.77", StudyInstanceUID="2.25.78", SeriesInstanceUID="2.25.79")
        ),
    )
    assert any(sentence.startswith("Frame 1 cannot be shown.") for sentence in looked_at(ours, instance))
    assert not poster(ours, instance).exists()
    answer = requests.get(f"{ours.gateway_url}/video/instances/{instance}/thumbnail", timeout=10)
    assert answer.status_code == 422
    assert _described(ours, instance)["NumberOfFrames"] == 3
    wide = film(Path(ours.folder) / "wide.dcm", grey(3), Rows=65535, Columns=65535).read_bytes()
    assert _described(ours, store(ours, wide))["detail"].startswith(
        "The stored object's Pixel Data holds no whole frame."
    )
    assert requests.get(f"{ours.gateway_url}/health", timeout=10).json() == {"Status": "ok"}


def test_a_film_that_is_deleted_leaves_the_list(ours: OrthancServer, tmp_path: Path) -> None:
    instance = store(ours, _compressed(tmp_path).read_bytes())
    looked_at(ours, instance)
    wait_until(lambda: instance in _listed(ours))
    assert requests.delete(f"{ours.url}/instances/{instance}", timeout=10).status_code == 200
    assert instance not in _listed(ours)


def test_an_archives_films_are_caught_up_with(start: Any, tmp_path: Path) -> None:
    server = start({"VideoGateway": {"Launch": False}})
    old = store(server, _compressed(tmp_path).read_bytes())
    server.stop()
    server.configuration["VideoGateway"]["Launch"] = True
    server.start()
    assert _listed(server) == []
    requests.post(f"{server.gateway_url}/video/catch-up", timeout=10)
    assert looked_at(server, old) == []
    wait_until(lambda: _listed(server) == [old])
