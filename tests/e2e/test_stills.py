"""Frames of videos through a real Orthanc, on both ports: as pictures, as still images, as marked moments."""

from __future__ import annotations

import io
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
from PIL import Image
from pydicom import dcmread

from cines import colours, film
from e2e.films import BITS, Films
from e2e.orthanc_server import OrthancServer
from e2e.recordings import Recordings, store
from oracles import DCIODVFY

_H264 = "1.2.840.10008.1.2.4.102"
_FRAMES = 300
_PNG, _JPEG, _OCTETS = "image/png", "image/jpeg", "application/octet-stream"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OrthancServer]:
    with OrthancServer(tmp_path_factory.mktemp("stills")) as running:
        yield running


@pytest.fixture(scope="module")
def numbered(server: OrthancServer, recordings: Recordings, films: Films) -> str:
    """300 frames that show their numbers, from 0; groups of 60 with B-frames. Its Orthanc ID."""
    return store(server, recordings.holding(films.numbered(_FRAMES, "25").read_bytes(), _H264))


def _get(server: OrthancServer, path: str, accept: str = "*/*", *, own: bool = False) -> requests.Response:
    url = server.url if own else server.gateway_url
    return requests.get(f"{url}/video/instances/{path}", headers={"Accept": accept}, timeout=60)


def _post(server: OrthancServer, path: str, asked: Any, *, own: bool = False) -> requests.Response:
    url = server.url if own else server.gateway_url
    body = asked if isinstance(asked, str) else json.dumps(asked)
    return requests.post(f"{url}/video/instances/{path}", data=body, timeout=60)


def _picture(answer: requests.Response) -> Image.Image:
    assert answer.status_code == 200, answer.text
    return Image.open(io.BytesIO(answer.content))


def _number(picture: Image.Image) -> int:
    """Which frame it is, from 1."""
    row = np.asarray(picture.convert("L"))[picture.height // 2]
    bar = picture.width // BITS
    return 1 + sum(int(row[bit * bar + bar // 2] > 128) << bit for bit in range(BITS))


def _complaints(path: Path) -> list[str]:
    found = []
    for program in DCIODVFY:
        done = subprocess.run([program, path], capture_output=True, text=True, errors="replace", timeout=60)
        said = (done.stdout + done.stderr).splitlines()
        found += [f"{program}: {line}" for line in said if "Error" in line or "Warning" in line]
    return found


def _stored(server: OrthancServer, instance: str, folder: Path) -> Path:
    path = folder / f"{instance}.dcm"
    path.write_bytes(requests.get(f"{server.url}/instances/{instance}/file", timeout=60).content)
    return path


@pytest.mark.parametrize("own", [False, True], ids=["gateway", "orthanc"])
@pytest.mark.parametrize("accept", ["*/*", _JPEG, _PNG])
def test_a_frame_by_its_number_is_exact(server: OrthancServer, numbered: str, accept: str, own: bool) -> None:
    for wanted in (1, 2, 60, 61, 150, 299, 300):
        answer = _get(server, f"{numbered}/frames/{wanted}", accept, own=own)
        assert answer.headers["Content-Type"] == (_JPEG if accept == "*/*" else accept)
        assert _number(_picture(answer)) == wanted


def test_a_frames_samples_are_those_of_dicomweb(server: OrthancServer, numbered: str) -> None:
    tags = requests.get(f"{server.url}/instances/{numbered}/simplified-tags", timeout=60).json()
    study, series, sop = (tags[f"{name}InstanceUID"] for name in ("Study", "Series", "SOP"))
    path = f"/dicom-web/studies/{study}/series/{series}/instances/{sop}/frames/77"
    other = requests.get(f"{server.gateway_url}{path}", headers={"Accept": _OCTETS}, timeout=60)
    answer = requests.get(f"{server.gateway_url}/video/instances/{sop}/frames/77?accept={_OCTETS}", timeout=60)
    assert answer.headers["Content-Type"] == _OCTETS
    assert answer.content == other.content


@pytest.mark.parametrize("own", [False, True], ids=["gateway", "orthanc"])
@pytest.mark.parametrize(("time", "wanted"), [("0", 1), ("1.96", 50), ("1.999", 50), ("00:00:02", 51), ("11.99", 300)])
def test_a_frame_by_time_is_that_on_the_screen(
    server: OrthancServer, numbered: str, time: str, wanted: int, own: bool
) -> None:
    answer = _get(server, f"{numbered}/frames?time={time}", _PNG, own=own)
    assert _number(_picture(answer)) == wanted
    assert answer.headers["Content-Location"] == f"/video/instances/{numbered}/frames/{wanted}"


def test_of_a_film_of_single_pictures(server: OrthancServer, tmp_path: Path) -> None:
    path = film(tmp_path / "film.dcm", colours(6), FrameTime="40")
    stored = store(server, path.read_bytes())
    for asked, wanted in (("frames/3", 3), ("frames?time=0.08", 3), ("frames?time=0.239", 6)):
        answer = _get(server, f"{stored}/{asked}", _PNG)
        assert np.array_equal(np.asarray(_picture(answer)), colours(6)[wanted - 1])
    raw = _get(server, f"{stored}/frames/2", _OCTETS)
    assert raw.content == colours(6)[1].tobytes()
    assert _get(server, f"{stored}/frames/7").status_code == 404
    assert _get(server, f"{stored}/frames?time=0.24").status_code == 400
    refused = _post(server, f"{stored}/stills", {"frames": [1]})
    assert (refused.status_code, '"as"' in refused.json()["detail"]) == (400, True)
    (told,) = _post(server, f"{stored}/stills", {"frames": [6], "as": "photographic"}).json()["Results"]
    assert dcmread(_stored(server, told["ID"], tmp_path)).SourceImageSequence[0].ReferencedFrameNumber == 6


def test_what_is_unchanged_is_not_sent_again_and_head_sends_nothing(server: OrthancServer, numbered: str) -> None:
    url = f"{server.gateway_url}/video/instances/{numbered}"
    for path in ("frames/7", "frames?time=1", "sheet", "preview?frames=3"):
        whole = requests.get(f"{url}/{path}", timeout=60)
        assert whole.status_code == 200, whole.text
        head = requests.head(f"{url}/{path}", timeout=60)
        assert (head.status_code, head.content) == (200, b"")
        for name in ("Content-Length", "Content-Type", "ETag"):
            assert head.headers[name] == whole.headers[name]
        again = requests.get(f"{url}/{path}", headers={"If-None-Match": whole.headers["ETag"]}, timeout=60)
        assert again.status_code == 304


@pytest.mark.parametrize("own", [False, True], ids=["gateway", "orthanc"])
def test_a_sheet_has_frames_from_all_of_the_film(server: OrthancServer, numbered: str, own: bool) -> None:
    sheet = _picture(_get(server, f"{numbered}/sheet?columns=3&rows=2&width=960", own=own))
    assert sheet.format == "JPEG"
    assert sheet.width == 960
    wide, high = sheet.width // 3, sheet.height // 2
    cells = [sheet.crop((x * wide, y * high, (x + 1) * wide, (y + 1) * high)) for y in range(2) for x in range(3)]
    assert [_number(cell) for cell in cells] == [26, 76, 126, 176, 226, 276]


@pytest.mark.parametrize("own", [False, True], ids=["gateway", "orthanc"])
def test_a_preview_moves_through_all_of_the_film(server: OrthancServer, numbered: str, own: bool) -> None:
    moving = _picture(_get(server, f"{numbered}/preview?frames=4&width=192", own=own))
    assert (moving.format, moving.width, getattr(moving, "n_frames", 1)) == ("GIF", 192, 4)
    seen = []
    for at in range(4):
        moving.seek(at)
        seen.append(_number(moving.convert("RGB")))
    assert seen == [38, 113, 188, 263]


@pytest.mark.parametrize(
    ("path", "status", "sentence"),
    [
        ("frames/301", 404, "no frame 301"),
        ("frames/0", 400, "from 1 on"),
        ("frames/-1", 400, "from 1 on"),
        ("frames/1.5", 400, "from 1 on"),
        ("frames/١", 400, "from 1 on"),
        ("frames/1234567890", 404, "no frame of that number"),
        ("frames/" + "9" * 5000, 404, "no frame of that number"),
        ("frames", 400, "frames/46"),
        ("frames?time=12", 400, "ends at 12 s"),
        ("frames?time=NaN", 400, "no moment"),
        ("frames?time=-1", 400, "no moment"),
        ("frames?time=frame:7", 400, "into the path"),
        ("frames/1?accept=image/webp", 406, "image/png"),
        ("sheet?columns=0", 400, "columns must be from 1 to 10"),
        ("sheet?rows=11", 400, "rows must be from 1 to 10"),
        ("sheet?width=many", 400, "width"),
        ("preview?frames=1", 400, "frames must be from 2 to 50"),
        ("preview?width=100000", 400, "width must be from 32 to 640"),
    ],
)
def test_what_cannot_be_had_is_said_in_a_sentence(
    server: OrthancServer, numbered: str, path: str, status: int, sentence: str
) -> None:
    answer = _get(server, f"{numbered}/{path}")
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/problem+json")
    assert sentence in answer.json()["detail"]


@pytest.mark.parametrize("own", [False, True], ids=["gateway", "orthanc"])
@pytest.mark.parametrize("coding", ["lossless", "jpeg"])
def test_stills_are_objects_of_the_study(
    server: OrthancServer, numbered: str, tmp_path: Path, coding: str, own: bool
) -> None:
    asked = {"frames": [46, {"frame": 200}, "00:00:04.0"], "as": "endoscopic", "coding": coding}
    answer = _post(server, f"{numbered}/stills", asked, own=own)
    told = answer.json()
    assert answer.status_code == 200, told
    assert [one["Frame"] for one in told["Results"]] == [46, 101, 200]
    assert told["ID"] == told["Results"][0]["ID"]
    origin = dcmread(_stored(server, numbered, tmp_path), stop_before_pixels=True)
    for one in told["Results"]:
        path = _stored(server, one["ID"], tmp_path)
        said = dcmread(path)
        assert _complaints(path) == []
        assert said.SOPClassUID == "1.2.840.10008.5.1.4.1.1.77.1.1"
        assert said.file_meta.TransferSyntaxUID.name.startswith(
            "JPEG Lossless" if coding == "lossless" else "JPEG Base"
        )
        assert said.StudyInstanceUID == origin.StudyInstanceUID
        assert said.SeriesInstanceUID != origin.SeriesInstanceUID
        assert said.SourceImageSequence[0].ReferencedSOPInstanceUID == origin.SOPInstanceUID
        assert said.SourceImageSequence[0].ReferencedFrameNumber == one["Frame"]
        assert said.LossyImageCompression == "01"
        shown = requests.get(f"{server.url}/instances/{one['ID']}/preview", timeout=60)
        assert _number(Image.open(io.BytesIO(shown.content))) == one["Frame"]
    again = _post(server, f"{numbered}/stills", asked).json()
    assert [one["ID"] for one in again["Results"]] == [one["ID"] for one in told["Results"]]
    assert again["Status"] == "AlreadyStored"


@pytest.mark.parametrize("own", [False, True], ids=["gateway", "orthanc"])
def test_marked_moments_are_key_objects(server: OrthancServer, numbered: str, tmp_path: Path, own: bool) -> None:
    asked = {"moments": [{"frame": 200}, 1.96], "title": "for teaching", "text": f"Papille, Größe {own}"}
    answer = _post(server, f"{numbered}/marks", asked, own=own)
    told = answer.json()
    assert answer.status_code == 200, told
    path = _stored(server, told["ID"], tmp_path)
    assert _complaints(path) == []
    said, origin = dcmread(path), dcmread(_stored(server, numbered, tmp_path), stop_before_pixels=True)
    assert said.SOPClassUID == "1.2.840.10008.5.1.4.1.1.88.59"
    assert (said.StudyInstanceUID, said.PatientID) == (origin.StudyInstanceUID, origin.PatientID)
    assert said.ConceptNameCodeSequence[0].CodeValue == "113004"
    words, *images = said.ContentSequence
    assert words.TextValue == asked["text"]
    assert [one.ReferencedSOPSequence[0].ReferencedFrameNumber for one in images] == [50, 200]
    assert {one.ReferencedSOPSequence[0].ReferencedSOPInstanceUID for one in images} == {origin.SOPInstanceUID}
    again = _post(server, f"{numbered}/marks", asked).json()
    assert (again["ID"], again["Status"]) == (told["ID"], "AlreadyStored")


@pytest.mark.parametrize(
    ("path", "asked", "sentence"),
    [
        ("stills", {}, '"frames" must be a list'),
        ("stills", "no JSON", "not valid JSON"),
        ("stills", {"frames": [301]}, "there is no frame 301"),
        ("stills", {"frames": [0]}, "no moment"),
        ("stills", '{"frames": [NaN]}', "no moment"),
        ("stills", {"frames": [1] * 1001}, "1 to 1000"),
        ("stills", {"frames": [1], "as": "radiographic"}, '"as" must be one of'),
        ("stills", {"frames": [1], "quality": 50}, '"coding": "jpeg"'),
        ("stills", {"frames": [1], "coding": "jpeg", "quality": 0}, "from 1 to 100"),
        ("stills", {"frames": [1], "size": 3}, 'no "size"'),
        ("marks", {"moments": [12.0]}, "ends at 12 s"),
        ("marks", {"moments": [1], "title": "Nonsense"}, "For Teaching"),
        ("marks", {"moments": [1], "text": "\u0000"}, "control characters"),
        ("marks", {"moments": [1], "text": 7}, "must be text"),
        ("marks", {"moments": "1"}, "must be a list"),
    ],
)
def test_what_cannot_be_made_is_said_in_a_sentence(
    server: OrthancServer, numbered: str, path: str, asked: Any, sentence: str
) -> None:
    answer = _post(server, f"{numbered}/{path}", asked)
    assert (answer.status_code, answer.headers["Content-Type"]) == (400, "application/problem+json")
    assert sentence in answer.json()["detail"]
