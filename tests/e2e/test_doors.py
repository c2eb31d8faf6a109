"""Every door in: both ports, raw, multipart, with attributes; and DICOM passing through untouched."""

from __future__ import annotations

import gzip
import io
import json
import socket
import subprocess
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
from pydicom import dcmread
from pydicom.data import get_testdata_file
from pydicom.uid import UID

from e2e.films import SOURCES, Films, ffprobe
from e2e.orthanc_server import OrthancServer
from references import data_reference

Door = Callable[[OrthancServer], str]


def orthanc_port(server: OrthancServer) -> str:
    return server.url


def gateway_port(server: OrthancServer) -> str:
    return server.gateway_url


both_ports = pytest.mark.parametrize("door", [orthanc_port, gateway_port])


def post(url: str, path: Path, **headers: str) -> dict[str, Any]:
    with path.open("rb") as file:
        answer = requests.post(url, data=file, headers=headers, timeout=120)
    assert answer.status_code == 200, answer.text
    result: dict[str, Any] = answer.json()
    return result


def played(server: OrthancServer, instance: str, folder: Path) -> dict[str, Any]:
    """What a player finds in the stored stream."""
    answer = requests.get(f"{server.gateway_url}/video/instances/{instance}/stream", timeout=60)
    assert answer.status_code == 200
    path = folder / "played.mp4"
    path.write_bytes(answer.content)
    return ffprobe(path)


@pytest.mark.parametrize("name", sorted(SOURCES))
def test_every_source_becomes_a_video_that_plays(
    server: OrthancServer, films: Films, name: str, tmp_path: Path
) -> None:
    answer = post(f"{server.url}/instances", films.source(name))
    assert answer["Status"] in {"Success", "AlreadyStored"}
    stored = requests.get(f"{server.url}/instances/{answer['ID']}", timeout=10)
    assert stored.status_code == 200
    stream = played(server, answer["ID"], tmp_path)
    assert stream["nb_read_frames"] == "60"
    assert (stream["codec_name"], stream["width"], stream["height"]) == ("h264", 320, 240)
    assert stream["r_frame_rate"] == "30000/1001"
    tags = requests.get(f"{server.url}/instances/{answer['ID']}/simplified-tags", timeout=10).json()
    assert tags["NumberOfFrames"] == "60"
    assert tags["FrameTime"] == "33.3666666666667"


@both_ports
def test_the_answer_is_orthancs_own_and_names_what_exists(server: OrthancServer, films: Films, door: Door) -> None:
    answer = post(f"{door(server)}/instances", films.unique())
    assert answer["Status"] == "Success"
    assert answer["Path"] == f"/instances/{answer['ID']}"
    for level, key in (
        ("instances", "ID"),
        ("series", "ParentSeries"),
        ("studies", "ParentStudy"),
        ("patients", "ParentPatient"),
    ):
        assert requests.get(f"{server.url}/{level}/{answer[key]}", timeout=10).status_code == 200, level
    assert answer["Video"]["Action"] == "wrap"
    assert answer["Video"]["Reasons"]


def test_a_wrapped_stream_is_the_uploaded_file(server: OrthancServer, films: Films) -> None:
    film = films.unique()
    answer = post(f"{server.gateway_url}/instances", film)
    stream = requests.get(f"{server.gateway_url}/video/instances/{answer['ID']}/stream", timeout=10)
    assert stream.content == film.read_bytes()


@both_ports
def test_the_same_file_twice_is_one_object(server: OrthancServer, films: Films, door: Door) -> None:
    film = films.unique()
    first = post(f"{door(server)}/instances", film)
    before = requests.get(f"{server.url}/statistics", timeout=10).json()["CountInstances"]
    second = post(f"{door(server)}/instances", film)
    assert (first["Status"], second["Status"]) == ("Success", "AlreadyStored")
    assert second["ID"] == first["ID"]
    assert requests.get(f"{server.url}/statistics", timeout=10).json()["CountInstances"] == before


def test_curl_form_on_orthancs_port_keeps_the_file_name(server: OrthancServer, films: Films) -> None:
    film = films.unique()
    before = set(requests.get(f"{server.url}/instances", timeout=10).json())
    command = [
        "curl",
        "-s",
        "-F",
        f"file=@{film};filename=Knie links.mp4",
        "-w",
        "%{http_code}",
        f"{server.url}/instances",
    ]
    assert subprocess.run(command, check=True, capture_output=True, timeout=60).stdout == b"200"
    (new,) = set(requests.get(f"{server.url}/instances", timeout=10).json()) - before
    tags = requests.get(
        f"{server.url}/instances/{new}/simplified-tags?ignore-length=ContributionDescription", timeout=10
    ).json()
    assert '"Knie links.mp4"' in tags["ContributingEquipmentSequence"][0]["ContributionDescription"]


def test_form_on_the_gateways_port(server: OrthancServer, films: Films) -> None:
    one, two = films.unique(), films.unique()
    with one.open("rb") as first, two.open("rb") as second:
        files = [("file", ("a.mp4", first, "video/mp4")), ("file", ("b.mp4", second, "video/mp4"))]
        answer = requests.post(f"{server.gateway_url}/instances", files=files, timeout=60)
    assert [item["Status"] for item in answer.json()] == ["Success", "Success"]


def test_ingest_with_attributes(server: OrthancServer, films: Films) -> None:
    query = {
        "PatientID": "4711",
        "PatientName": "Müller^Jörg",
        "StudyDescription": "Koloskopie",
        "SOPClass": "endoscopic",
        "TransferSyntax": "MPEG4HP422D",
    }
    with films.unique().open("rb") as film:
        answer = requests.post(f"{server.gateway_url}/video/ingest", params=query, data=film, timeout=60).json()
    tags = requests.get(f"{server.url}/instances/{answer['ID']}/simplified-tags", timeout=10).json()
    assert (tags["PatientID"], tags["PatientName"]) == ("4711", "Müller^Jörg")
    assert (tags["Modality"], tags["SOPClassUID"]) == ("ES", "1.2.840.10008.5.1.4.1.1.77.1.1.1")
    kept = requests.get(f"{server.url}/instances/{answer['ID']}/metadata/TransferSyntax", timeout=10).text
    assert kept == "1.2.840.10008.1.2.4.104"

    with films.unique().open("rb") as film:
        files: dict[str, Any] = {
            "attributes": (None, json.dumps({"ParentStudy": answer["ParentStudy"]}), "application/json"),
            "file": ("x.mp4", film),
        }
        second = requests.post(f"{server.gateway_url}/video/ingest", files=files, timeout=60).json()
    assert second["ParentStudy"] == answer["ParentStudy"]
    assert second["ID"] != answer["ID"]


@pytest.mark.parametrize("door", ["query", "query and form", "form", "json"])
def test_an_attribute_with_two_values_is_refused(server: OrthancServer, films: Films, door: str) -> None:
    url, film = f"{server.gateway_url}/video/ingest", ("x.mp4", films.source("h264.mp4").read_bytes())
    fields: list[tuple[str, Any]] = [("PatientID", (None, "2"))]
    if door == "query":
        answer = requests.post(f"{url}?PatientID=1&PatientID=2", data=film[1], timeout=60)
    elif door == "query and form":
        answer = requests.post(f"{url}?PatientID=1", files=[*fields, ("file", film)], timeout=60)
    elif door == "form":
        answer = requests.post(url, files=[("PatientID", (None, "1")), *fields, ("file", film)], timeout=60)
    else:
        part = ("a", (None, '{"PatientID": "1", "PatientID": "2"}', "application/json"))
        answer = requests.post(url, files=[("file", film), part], timeout=60)
    assert answer.status_code == 400
    assert '"PatientID" is given twice' in answer.json()["detail"]


def test_attributes_may_stand_anywhere_in_a_form(server: OrthancServer, films: Films) -> None:
    """A field by keyword, the file, then JSON: all of them count. A refused file does not cost the others."""
    with films.unique().open("rb") as film:
        parts = [
            ("PatientID", (None, "0815", None)),
            ("file", ("a.mp4", film, "video/mp4")),
            ("file", ("letter.txt", b"Dear patient\n" * 9, "text/plain")),
            ("attributes", (None, json.dumps({"PatientName": "Last^Part"}), "application/json")),
        ]
        answers = requests.post(f"{server.gateway_url}/video/ingest", files=parts, timeout=60).json()  # type: ignore[arg-type]
    assert [answer["Status"] for answer in answers] == ["Success", "Failure"]
    assert "text" in answers[1]["Message"]
    tags = requests.get(f"{server.url}/instances/{answers[0]['ID']}/simplified-tags", timeout=10).json()
    assert (tags["PatientID"], tags["PatientName"]) == ("0815", "Last^Part")


def test_ingest_on_orthancs_port_says_where_to_go(server: OrthancServer, films: Films) -> None:
    """Orthanc drops the query of a POST: nothing is stored without the attributes that it was sent with."""
    data = films.unique().read_bytes()
    answer = requests.post(f"{server.url}/video/ingest?PatientID=1", data=data, timeout=30)
    assert answer.status_code == 400
    assert server.gateway_url in answer.json()["Message"]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"Patient": "1"}, "no DICOM keyword"),
        ({"Rows": "7"}, "cannot be set"),
        ({"PatientBirthDate": "yesterday"}, "no legal DA"),
        ({"SOPClass": "radiographic"}, "is none of"),
        ({"ParentStudy": "00000000-00000000-00000000-00000000-00000000"}, "no such study"),
        ({"TransferSyntax": "MPEG4"}, "is none of: MPEG2MPML"),
        ({"TransferSyntax": "1.2.840.10008.1.2.4.108"}, "no SOP class for video holds other than 8"),
    ],
)
def test_ingest_refuses_what_it_cannot_mean(
    server: OrthancServer, films: Films, query: dict[str, str], words: str
) -> None:
    with films.source("h264.mp4").open("rb") as film:
        answer = requests.post(f"{server.gateway_url}/video/ingest", params=query, data=film, timeout=60)
    assert answer.status_code in {400, 404}
    assert words in answer.json()["detail"]


def test_a_video_that_is_not_of_the_transfer_syntax_asked_for(server: OrthancServer, films: Films) -> None:
    with films.source("h264.mp4").open("rb") as film:
        answer = requests.post(
            f"{server.gateway_url}/video/ingest", params={"TransferSyntax": "HEVCMP51"}, data=film, timeout=60
        )
    assert answer.status_code == 415
    assert (
        "TransferSyntax asks for HEVC/H.265 Main Profile / Level 5.1, which this video is not"
        in answer.json()["detail"]
    )
    assert "the stream's codec is h264" in answer.json()["detail"]


def _dicom() -> bytes:
    return Path(str(get_testdata_file("CT_small.dcm"))).read_bytes()


def _zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("one.dcm", _dicom())
        archive.writestr("two.dcm", Path(str(get_testdata_file("MR_small.dcm"))).read_bytes())
    return buffer.getvalue()


ORDINARY = {
    "DICOM": (_dicom, {}),
    "gzip": (lambda: gzip.compress(_dicom()), {"Content-Encoding": "gzip"}),
    "zip": (_zip, {}),
    "damaged DICOM": (lambda: _dicom()[:200], {}),
    "empty": (lambda: b"", {}),
    "empty zip": (lambda: b"PK\5\6" + bytes(18), {}),
    "big endian": (lambda: Path(str(get_testdata_file("MR_small_bigendian.dcm"))).read_bytes(), {}),
    "big endian, bare": (lambda: Path(str(get_testdata_file("ExplVR_BigEndNoMeta.dcm"))).read_bytes(), {}),
}


@both_ports
@pytest.mark.parametrize("kind", sorted(ORDINARY))
def test_dicom_and_zip_are_answered_as_plain_orthanc_does(
    server: OrthancServer, plain: OrthancServer, door: Door, kind: str
) -> None:
    body, headers = ORDINARY[kind][0](), ORDINARY[kind][1]
    for one in (server, plain):
        for instance in requests.get(f"{one.url}/instances", timeout=10).json():
            tags = requests.get(f"{one.url}/instances/{instance}/simplified-tags", timeout=10).json()
            if tags.get("Modality") not in {"XC", "ES", "GM"}:
                requests.delete(f"{one.url}/instances/{instance}", timeout=10)
    for _ in range(2):
        expected = requests.post(f"{plain.url}/instances", data=body, headers=headers, timeout=30)
        found = requests.post(f"{door(server)}/instances", data=body, headers=headers, timeout=30)
        assert found.status_code == expected.status_code
        assert _comparable(found) == _comparable(expected)
        if found.ok:
            assert found.headers["Content-Type"] == expected.headers["Content-Type"]
    if kind == "DICOM":
        stored = requests.get(f"{server.url}/instances/{found.json()['ID']}/file", timeout=10)
        assert stored.content == body


def test_uploads_do_not_stay_in_orthancs_memory(start: Any) -> None:
    """Python plugin 4.0 keeps the body of every request that a script answers, unless it is made to let go."""
    server = start({})
    dataset = dcmread(str(get_testdata_file("CT_small.dcm")))
    dataset.Rows = dataset.Columns = 4096
    dataset.PixelData = bytes(2 * 4096 * 4096)
    before = 0
    for serial in range(12):
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = UID(f"2.25.7002{serial}")
        buffer = io.BytesIO()
        dataset.save_as(buffer)
        assert requests.post(f"{server.url}/instances", data=buffer.getvalue(), timeout=30).ok
        before = before or server.memory
    assert server.memory - before < 5 * len(dataset.PixelData), "it grows by all that is uploaded"


def _study_twice(server: OrthancServer) -> tuple[str, list[str]]:
    """A patient with two studies, and some of their identifiers."""
    studies = []
    for serial in (1, 2):
        dataset = dcmread(str(get_testdata_file("CT_small.dcm")))
        dataset.PatientID = "of two studies"
        dataset.StudyInstanceUID = UID(f"2.25.7000{serial}")
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = UID(f"2.25.7001{serial}")
        buffer = io.BytesIO()
        dataset.save_as(buffer)
        stored = requests.post(f"{server.url}/instances", data=buffer.getvalue(), timeout=30).json()
        studies.append(stored["ParentStudy"])
    return stored["ParentPatient"], studies


@both_ports
def test_a_study_is_answered_as_plain_orthanc_does(server: OrthancServer, plain: OrthancServer, door: Door) -> None:
    (patient, (first, second)), _ = _study_twice(server), _study_twice(plain)
    unknown = "00000000-00000000-00000000-00000000-00000000"
    asked = [
        *(("GET", f"/studies/{one}{query}") for one in (first, unknown) for query in ("", "?expand", "?short")),
        ("GET", f"/studies/{first}?requestedTags=PatientID%3BStudyInstanceUID%3BModalitiesInStudy"),
        *((method, f"/studies/{first}") for method in ("PUT", "POST")),
        *(("DELETE", f"/studies/{one}") for one in (first, first, second, unknown)),
        *(("GET", path) for path in (f"/studies/{first}", f"/patients/{patient}", "/studies/nonsense")),
    ]
    for method, path in asked:
        expected = requests.request(method, plain.url + path, timeout=30)
        found = requests.request(method, door(server) + path, timeout=30)
        assert found.status_code == expected.status_code, (method, path)
        assert found.headers.get("Allow") == expected.headers.get("Allow"), (method, path)
        assert _lasting(found) == _lasting(expected), (method, path)


def _lasting(answer: requests.Response) -> Any:
    """The document, if there is one, without its moment and without what later cores say freely of errors."""
    if not answer.content.startswith(b"{"):
        return answer.content
    return {key: value for key, value in answer.json().items() if key not in {"LastUpdate", "Details"}}


def _comparable(answer: requests.Response) -> Any:
    """The body; of an error without the core's free text, which later versions word by where it arose."""
    body = answer.json()
    if isinstance(body, dict) and "HttpStatus" in body:
        body.pop("Details", None)
    return body


def test_a_film_that_names_another_file_is_stored_without_the_name(
    server: OrthancServer, films: Films, tmp_path: Path
) -> None:
    film = films.unique()
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        target = f"http://127.0.0.1:{nobody.getsockname()[1]}/x.mp4"
        named = tmp_path / "named.mp4"
        named.write_bytes(data_reference(film.read_bytes(), b"url ", target))
        answer = post(f"{server.gateway_url}/video/ingest", named)
        nobody.settimeout(0.2)
        with pytest.raises(TimeoutError):
            nobody.accept()
    assert answer["Video"]["Action"] == "remux"
    stored = requests.get(f"{server.gateway_url}/video/instances/{answer['ID']}/stream", timeout=30).content
    assert target.encode() not in stored
    assert played(server, answer["ID"], tmp_path)["nb_read_frames"] == ffprobe(film)["nb_read_frames"]


def test_everything_else_is_orthancs_by_proxy(server: OrthancServer) -> None:
    for path in ("/system", "/statistics", "/plugins", "/app/explorer.html", "/dicom-web/instances?PatientID=none"):
        direct = requests.get(server.url + path, timeout=10)
        proxied = requests.get(server.gateway_url + path, timeout=10)
        assert (proxied.status_code, proxied.content) == (direct.status_code, direct.content), path


def test_a_long_transcode_answers_processing_and_ends_stored(start: Any, films: Films) -> None:
    server = start({"VideoGateway": {"AnswerSeconds": 0.5}})
    answer = post(f"{server.url}/instances", films.slow(10))
    assert answer["Status"] == "Processing"
    job = f"{server.gateway_url}/video/jobs/{answer['Video']['Job']}"
    seen = set()
    deadline = time.monotonic() + 120
    while (state := requests.get(job, timeout=10).json())["State"] in {"Pending", "Running"}:
        seen.add(state["Progress"])
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert state["State"] == "Success", state
    assert state["Instance"] == answer["ID"]
    assert len(seen) > 2, "progress was reported"
    assert requests.get(f"{server.url}/instances/{answer['ID']}", timeout=10).status_code == 200
