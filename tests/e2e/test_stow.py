"""STOW-RS as clients send it: metadata with a video beside it, DICOM files, and what of both goes wrong."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import requests
from pydicom import dcmread
from pydicom.dataset import FileDataset
from pydicom.uid import DeflatedExplicitVRLittleEndian

from e2e.films import Films
from e2e.orthanc_server import OrthancServer
from orthanc_video.dicom import check, locate
from orthanc_video.files import Bytes, SpanSource
from stow import JSON, PART_10, XML, Part, bulk, described, read_xml, related, uid, xml

_MP4 = "1.2.840.10008.1.2.4.102"


def _post(server: OrthancServer, kind: str, *parts: Part, study: str = "", **headers: str) -> requests.Response:
    content, body = related(kind, *parts)
    path = f"/dicom-web/studies{'/' + study if study else ''}"
    return requests.post(
        server.gateway_url + path, data=body, headers=content | {"Accept": JSON} | headers, timeout=120
    )


def _json(*models: dict[str, Any]) -> Part:
    return {"Content-Type": JSON}, json.dumps(list(models)).encode()


def _object(server: OrthancServer, instance: str, folder: Path) -> tuple[FileDataset, bytes, list[str]]:
    """The stored object: its data set, its stream, and what the project's own check has against it."""
    found = requests.post(server.url + "/tools/lookup", data=instance, headers=server.headers(), timeout=10).json()
    assert len(found) == 1
    path = folder / f"{instance}.dcm"
    url = f"{server.url}/instances/{found[0]['ID']}/file"
    path.write_bytes(requests.get(url, headers=server.headers(), timeout=60).content)
    with SpanSource(path) as file:
        examined = check.examine(Bytes(file))
        assert examined.found is not None
        stream = b"".join(file.read_at(span.offset, span.length) for span in locate.exact(examined.found))  # type: ignore[arg-type]
    wrong = [one.sentence for one in check.errors(examined.findings)]
    return dcmread(path, stop_before_pixels=True), stream, wrong


def _reasons(answer: requests.Response, sequence: str = "00081198", tag: str = "00081197") -> list[int]:
    return [item[tag]["Value"][0] for item in answer.json().get(sequence, {}).get("Value", [])]


@pytest.mark.parametrize(
    ("name", "kind", "syntax"),
    [
        ("h264.mp4", "video/mp4", _MP4),
        ("h264.ts", "video/mp4", _MP4),
        ("index-at-end.mp4", "video/mp4", _MP4),
        ("hevc.mp4", "video/H265", "1.2.840.10008.1.2.4.107"),
        ("mpeg2.mpg", "video/mpeg", "1.2.840.10008.1.2.4.100"),
        ("mpeg2.ts", "video/mpeg2", "1.2.840.10008.1.2.4.100"),
    ],
)
def test_a_conforming_stream_is_stored_byte_for_byte(
    server: OrthancServer, films: Films, tmp_path: Path, name: str, kind: str, syntax: str
) -> None:
    data = films.source(name).read_bytes()
    model = described("bulk/1")
    answer = _post(server, JSON, _json(model), bulk("bulk/1", data, kind))
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == JSON
    said, stream, wrong = _object(server, uid(model), tmp_path)
    assert wrong == []
    command = [sys.executable, "-m", "orthanc_video", "check", str(tmp_path / f"{uid(model)}.dcm")]
    checked = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert checked.returncode == 0, checked.stdout
    assert hashlib.sha256(stream[: len(data)]).digest() == hashlib.sha256(data).digest()
    assert len(stream) - len(data) in {0, len(data) % 2}
    assert said.file_meta.TransferSyntaxUID == syntax
    assert (said.Rows, said.Columns, said.NumberOfFrames) == (240, 320, 60)
    assert float(said.FrameTime) == pytest.approx(1001 / 30, abs=1e-9)
    assert (said.PhotometricInterpretation, said.LossyImageCompression) == ("YBR_PARTIAL_420", "01")
    assert str(said.PatientName) == "Müller^Zoë"
    assert said.Manufacturer == "Camera Works"
    assert said.AnatomicRegionSequence[0].CodeMeaning == "Lung"
    assert (said.StudyInstanceUID, said.SeriesInstanceUID) == (uid(model, "0020000D"), uid(model, "0020000E"))
    assert "OriginalAttributesSequence" not in said


def test_metadata_in_xml_are_as_good_and_the_answer_comes_as_it_is_asked_for(
    server: OrthancServer, films: Films, tmp_path: Path
) -> None:
    data = films.unique().read_bytes()
    model = described("http://example.org/bulk/a")
    content, body = related(XML, ({"Content-Type": XML}, xml(model)), bulk("http://example.org/bulk/a", data))
    url = f"{server.gateway_url}/dicom-web/studies/{uid(model, '0020000D')}"
    answer = requests.post(url, data=body, headers=content | {"Accept": XML}, timeout=120)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == XML
    told = read_xml(answer.content)
    reference = told["00081199"]["Value"][0]
    assert reference["00081155"]["Value"] == [uid(model)]
    assert told["00081190"]["Value"] == [url]
    assert answer.headers["Content-Location"] == url
    instance = reference["00081190"]["Value"][0]
    assert requests.get(f"{instance}/metadata", headers={"Accept": JSON}, timeout=30).status_code == 200
    said, stream, wrong = _object(server, uid(model), tmp_path)
    assert (stream, wrong) == (data, [])
    assert str(said.PatientName) == "Müller^Zoë"


def test_each_instance_in_xml_has_a_part_and_its_stream_may_follow_at_once(server: OrthancServer, films: Films) -> None:
    models, films_ = [described(f"bulk/{name}") for name in ("a", "b")], [films.unique().read_bytes() for _ in range(2)]
    parts = [
        part
        for model, name, data in zip(models, ("a", "b"), films_, strict=True)
        for part in (({"Content-Type": XML}, xml(model)), bulk(f"bulk/{name}", data))
    ]
    broken = ({"Content-Type": XML}, b"<NativeDicomModel>")
    answer = _post(server, XML, *parts[:2], broken, *parts[2:])
    assert answer.status_code == 202
    stored = [item["00081155"]["Value"][0] for item in answer.json()["00081199"]["Value"]]
    assert stored == [uid(model) for model in models]
    assert _reasons(answer, "0008119A") == [0xC000]
    early = _post(server, XML, *reversed(parts[:2]))
    assert (early.status_code, _reasons(early), _reasons(early, "0008119A")) == (400, [0xC000], [0xC000])


def test_several_instances_share_a_request_and_one_bad_one_does_not_sink_the_others(
    server: OrthancServer, films: Films, tmp_path: Path
) -> None:
    one, two, mov, none = (described(f"bulk/{name}") for name in ("one", "two", "mov", "none"))
    first, second = films.unique().read_bytes(), films.unique().read_bytes()
    answer = _post(
        server,
        JSON,
        _json(one, two, mov, none),
        bulk("bulk/two", second),
        bulk("bulk/mov", films.source("h264.mov").read_bytes(), "video/quicktime"),
        bulk(f"{server.gateway_url}/dicom-web/bulk/one", first),
        bulk("bulk/stranger", first),
    )
    assert answer.status_code == 202
    stored = [item["00081155"]["Value"][0] for item in answer.json()["00081199"]["Value"]]
    assert stored == [uid(one), uid(two)]
    assert _reasons(answer) == [0xC122, 0xC000]
    failed = answer.json()["00081198"]["Value"]
    assert [item["00081155"]["Value"][0] for item in failed] == [uid(mov), uid(none)]
    assert "QuickTime" in failed[0]["0040A160"]["Value"][0]
    assert _reasons(answer, "0008119A") == [0xC000]
    assert _object(server, uid(one), tmp_path)[1] == first
    assert _object(server, uid(two), tmp_path)[1] == second


def test_what_contradicts_the_stream_is_replaced_and_remembered(
    server: OrthancServer, films: Films, tmp_path: Path
) -> None:
    model = described("1", Rows=999, Columns=160, NumberOfFrames=7, FrameTime=40, FrameIncrementPointer=0x00181063)
    answer = _post(server, JSON, _json(model), bulk("1", films.unique().read_bytes()))
    assert answer.status_code == 202
    assert _reasons(answer, "00081199", "00081196") == [0xB000]
    said, _, wrong = _object(server, uid(model), tmp_path)
    assert wrong == []
    assert (said.Rows, said.Columns, said.NumberOfFrames) == (120, 160, 25)
    (item,) = said.OriginalAttributesSequence
    assert item.ReasonForTheAttributeModification == "COERCE"
    (old,) = item.ModifiedAttributesSequence
    assert (old.Rows, old.NumberOfFrames) == (999, 7)
    assert {element.keyword for element in old} == {"Rows", "NumberOfFrames"}


def test_what_cannot_be_stored_is_discarded_with_a_warning(server: OrthancServer, films: Films, tmp_path: Path) -> None:
    model = described("1") | {
        "00020010": {"vr": "UI", "Value": [_MP4]},
        "00282000": {"vr": "OB", "BulkDataURI": "profile"},
    }
    answer = _post(server, JSON, _json(model), bulk("profile", b"x" * 10), bulk("1", films.unique().read_bytes()))
    assert answer.status_code == 202, answer.text
    assert _reasons(answer, "00081199", "00081196") == [0xB006]
    assert "ICCProfile" in answer.json()["00081199"]["Value"][0]["0040A160"]["Value"][0]
    assert _object(server, uid(model), tmp_path)[2] == []


def test_values_that_the_standard_forbids_are_discarded(server: OrthancServer, films: Films, tmp_path: Path) -> None:
    """PS3.5 6.2: type 2 is then empty, type 3 not there, and without type 1 there is no object."""
    model = described("1") | {
        "00100030": {"vr": "DA", "Value": ["notadate"]},
        "00081030": {"vr": "LO", "Value": ["x" * 500]},
        "00200011": {"vr": "IS", "Value": [99999999999]},
    }
    answer = _post(server, JSON, _json(model), bulk("1", films.unique().read_bytes()))
    assert answer.status_code == 202, answer.text
    assert _reasons(answer, "00081199", "00081196") == [0xB006]
    words = answer.json()["00081199"]["Value"][0]["0040A160"]["Value"][0]
    assert all(name in words for name in ("PatientBirthDate", "StudyDescription", "SeriesNumber"))
    said, _, wrong = _object(server, uid(model), tmp_path)
    assert (said.PatientBirthDate, said.SeriesNumber, wrong) == ("", None, [])
    assert "StudyDescription" not in said
    lower = described("1") | {"00080008": {"vr": "CS", "Value": ["original", "primary"]}}
    refused = _post(server, JSON, _json(lower), bulk("1", films.unique().read_bytes()))
    assert (refused.status_code, _reasons(refused)) == (409, [0xA900]), refused.text


def test_a_patient_is_one_for_whoever_asks(server: OrthancServer, films: Films, tmp_path: Path) -> None:
    """PS3.5 6.1.3: a Patient ID with a NUL was longer in the metadata than in a search. One given twice is refused."""
    model = described("1") | {"00100020": {"vr": "LO", "Value": ["x\x1b\0y"]}}
    answer = _post(server, JSON, _json(model), bulk("1", films.unique().read_bytes()))
    assert (answer.status_code, _reasons(answer, "00081199", "00081196")) == (202, [0xB006]), answer.text
    assert "PatientID" in answer.json()["00081199"]["Value"][0]["0040A160"]["Value"][0]
    said, _, wrong = _object(server, uid(model), tmp_path)
    assert (said.PatientID, wrong) == ("", [])
    entry = '"00100020": {"vr": "LO", "Value": ["%s"]}, '
    twice = json.dumps(described("1")).replace("{", "{" + entry % "one" + entry % "another", 1).encode()
    refused = _post(server, JSON, ({"Content-Type": JSON}, twice), bulk("1", films.unique().read_bytes()))
    assert refused.status_code == 400, refused.text
    assert "twice" in refused.text


@pytest.mark.parametrize("header", ["Content-Type", "X-Long: " + "x" * 100_000])
def test_a_part_with_a_broken_header_does_not_sink_the_others(server: OrthancServer, films: Films, header: str) -> None:
    images = [films.image() for _ in range(2)]
    content, body = related(PART_10, *(({"Content-Type": PART_10}, path.read_bytes()) for path in images))
    first = body[: body.index(b"\r\n")]
    at = body.index(first, 1)
    body = b"A preamble.\r\n" + body[:at] + first + f" \t\r\n{header}\r\n\r\nx\r\n".encode() + body[at:]
    answer = requests.post(
        server.gateway_url + "/dicom-web/studies", data=body, headers=content | {"Accept": JSON}, timeout=60
    )
    assert answer.status_code == 202, answer.text
    stored = [item["00081155"]["Value"][0] for item in answer.json()["00081199"]["Value"]]
    assert stored == [dcmread(path).SOPInstanceUID for path in images]
    assert _reasons(answer, "0008119A") == [0xC000]


def test_a_body_in_gzip_is_unpacked_and_other_encodings_are_refused(server: OrthancServer, films: Films) -> None:
    model = described("1")
    content, body = related(JSON, _json(model), bulk("1", films.unique().read_bytes()))
    alone = films.image()
    packed, plain = gzip.compress(body), alone.read_bytes()
    file = {"Content-Type": PART_10}
    for kind, encoding, data, status in (
        (content, "br", body, 415),
        (content, "gzip, br", packed, 415),
        (file, "br", plain, 415),
        (content, "gzip", body, 400),
        (content, "gzip", packed[:-20], 400),
        (file, "gzip", plain, 400),
        (content, "gzip", packed, 200),
        (file, "gzip", gzip.compress(plain), 200),
        (file, "identity", plain, 200),
    ):
        headers = kind | {"Accept": JSON, "Content-Encoding": encoding}
        answer = requests.post(server.gateway_url + "/dicom-web/studies", data=data, headers=headers, timeout=60)
        assert answer.status_code == status, (encoding, answer.text)


def test_what_the_class_demands_is_added_without_a_value(server: OrthancServer, films: Films, tmp_path: Path) -> None:
    model = described("1")
    del model["00080070"]
    answer = _post(server, JSON, _json(model), bulk("1", films.unique().read_bytes()))
    assert answer.status_code == 202
    assert _reasons(answer, "00081199", "00081196") == [0xB007]
    said, _, wrong = _object(server, uid(model), tmp_path)
    assert (said.Manufacturer, wrong) == ("", [])


@pytest.mark.parametrize(
    ("change", "status", "reason"),
    [
        ({"00080016": {"vr": "UI", "Value": ["1.2.840.10008.5.1.4.1.1.2"]}}, 501, 0x0122),
        ({"00080008": {"vr": "CS"}}, 409, 0xA900),
        ({"00082218": {"vr": "SQ"}}, 409, 0xA900),
        ({"00080060": {"vr": "CS", "Value": ["ES"]}}, 409, 0xA900),
        ({"0020000E": {"vr": "UI"}}, 409, 0xA900),
        ({"7FE00010": {"vr": "OB", "InlineBinary": "AAAA"}}, 400, 0xC000),
    ],
)
def test_metadata_that_cannot_stand_are_refused_with_their_reason(
    server: OrthancServer, films: Films, change: dict[str, Any], status: int, reason: int
) -> None:
    model = described("1") | change
    answer = _post(server, JSON, _json(model), bulk("1", films.unique().read_bytes()))
    assert (answer.status_code, _reasons(answer)) == (status, [reason]), answer.text
    assert answer.json()["00081198"]["Value"][0]["0040A160"]["Value"][0].endswith(".")


@pytest.mark.parametrize(
    ("name", "kind", "reason"),
    [
        ("vp8.webm", "video/webm", 0xC122),
        ("h264.mkv", "video/x-matroska", 0xC122),
        ("h264.avi", "video/x-msvideo", 0xC122),
        ("h264.mp4", "video/mp4; transfer-syntax=1.2.840.10008.1.2.4.107", 0xC122),
        ("h264.mp4", "video/mp4; transfer-syntax=1.2.840.10008.1.2.1", 0xC122),
        ("h264.mp4", "image/jpeg", 0xC122),
    ],
)
def test_streams_that_dicom_does_not_take_as_they_are_are_refused(
    server: OrthancServer, films: Films, name: str, kind: str, reason: int
) -> None:
    answer = _post(server, JSON, _json(described("1")), bulk("1", films.source(name).read_bytes(), kind))
    assert (answer.status_code, _reasons(answer)) == (409, [reason]), answer.text


@pytest.mark.parametrize("data", [b"no video at all" * 100, b""], ids=["other", "empty"])
def test_what_is_no_video_is_not_understood(server: OrthancServer, data: bytes) -> None:
    answer = _post(server, JSON, _json(described("1")), bulk("1", data))
    assert (answer.status_code, _reasons(answer)) == (409, [0xC000])


def test_the_named_transfer_syntax_is_the_one_it_is_stored_in(
    server: OrthancServer, films: Films, tmp_path: Path
) -> None:
    for syntax in (_MP4, f"{_MP4}.1"):
        model = described("1")
        kind = f"video/mp4; transfer-syntax={syntax}"
        answer = _post(server, JSON, _json(model), bulk("1", films.source("h264.mp4").read_bytes(), kind))
        assert answer.status_code == 200, answer.text
        said, _, wrong = _object(server, uid(model), tmp_path)
        assert (said.file_meta.TransferSyntaxUID, wrong) == (syntax, [])


def test_the_same_instance_again_is_harmless_and_another_stream_is_not_taken_for_it(
    server: OrthancServer, films: Films, tmp_path: Path
) -> None:
    model, film = described("1"), films.unique().read_bytes()
    data, as_long = (film + b"\0\0\0\x0cfree" + rest for rest in (b"this", b"that"))
    for _ in range(2):
        assert _post(server, JSON, _json(model), bulk("1", data)).status_code == 200
    for another in (as_long, films.unique().read_bytes()):
        other = _post(server, JSON, _json(model), bulk("1", another))
        assert (other.status_code, _reasons(other)) == (409, [0x0111])
    assert _object(server, uid(model), tmp_path)[1] == data


def test_instances_of_another_study_are_refused(server: OrthancServer, films: Films) -> None:
    answer = _post(server, JSON, _json(described("1")), bulk("1", films.unique().read_bytes()), study="1.2.3")
    assert (answer.status_code, _reasons(answer)) == (409, [0xA900])
    image = films.image()
    answer = _post(server, PART_10, ({"Content-Type": PART_10}, image.read_bytes()), study="1.2.3")
    assert (answer.status_code, _reasons(answer)) == (409, [0xA900])


def test_dicom_files_are_stored_each_by_itself(server: OrthancServer, films: Films) -> None:
    images = [films.image() for _ in range(2)]
    files = [({"Content-Type": PART_10}, path.read_bytes()) for path in images]
    answer = _post(server, PART_10, files[0], ({"Content-Type": PART_10}, b"no DICOM"), files[1])
    assert answer.status_code == 202
    stored = [item["00081155"]["Value"][0] for item in answer.json()["00081199"]["Value"]]
    assert stored == [dcmread(path).SOPInstanceUID for path in images]
    assert _reasons(answer, "0008119A") == [0xC000]
    again = _post(server, PART_10, *files)
    assert again.status_code == 200
    alone = requests.post(
        server.gateway_url + "/dicom-web/studies",
        data=films.image().read_bytes(),
        headers={"Content-Type": PART_10},
        timeout=60,
    )
    assert alone.status_code == 200
    assert alone.headers["Content-Type"] == JSON


def test_a_deflated_file_is_known_by_its_own_name(server: OrthancServer, films: Films) -> None:
    image = dcmread(films.image())
    image.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    written = io.BytesIO()
    image.save_as(written, implicit_vr=False, little_endian=True)
    answer = _post(server, PART_10, ({"Content-Type": PART_10}, written.getvalue()), study=image.StudyInstanceUID)
    assert answer.status_code == 200, answer.text
    assert answer.json()["00081199"]["Value"][0]["00081155"]["Value"] == [image.SOPInstanceUID]


def test_orthancs_own_plugin_takes_dicom_files_alone(server: OrthancServer, films: Films) -> None:
    """Why images as metadata and bulk data are not handed on to it."""
    for kind, part in ((JSON, _json(described("1"))), (XML, ({"Content-Type": XML}, xml(described("1"))))):
        content, body = related(kind, part, bulk("1", films.source("h264.mp4").read_bytes()))
        answer = requests.post(server.url + "/dicom-web/studies", data=body, headers=content, timeout=30)
        assert answer.status_code == 415, answer.text


@pytest.mark.parametrize(
    ("content_type", "accept", "body", "status"),
    [
        ("application/json", JSON, b"{}", 415),
        ('multipart/related; type="image/jpeg"; boundary=x', JSON, b"--x--\r\n", 415),
        ("multipart/form-data; boundary=x", JSON, b"--x--\r\n", 415),
        (f'multipart/related; type="{JSON}"; boundary=x', "image/png", b"--x--\r\n", 406),
        (f'multipart/related; type="{JSON}"; boundary=x', JSON, b"--y--\r\n", 400),
        (f'multipart/related; type="{JSON}"', JSON, b"--y--\r\n", 400),
        (f'multipart/related; type="{JSON}"; boundary=x', JSON, b"--x\r\n\r\n[\r\n--x--\r\n", 400),
        (f'multipart/related; type="{XML}"; boundary=x', JSON, b"--x\r\n\r\n<!DOCTYPE a><a/>\r\n--x--\r\n", 400),
    ],
)
def test_requests_that_are_none_are_told_so(
    server: OrthancServer, content_type: str, accept: str, body: bytes, status: int
) -> None:
    headers = {"Content-Type": content_type, "Accept": accept}
    answer = requests.post(server.gateway_url + "/dicom-web/studies", data=body, headers=headers, timeout=30)
    assert answer.status_code == status, answer.text
