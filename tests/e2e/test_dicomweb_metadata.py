"""Metadata and searches by DICOMweb (PS3.18 10.4.1.1.2, 10.6): of videos all that is stored, exactly."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import requests
from dicomweb_client.api import DICOMwebClient
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import UID, generate_uid

from cines import colours, film
from e2e.conftest import Start
from e2e.dicomweb import XML, Held, alone, get, hold, parts
from e2e.films import Films, ffprobe
from e2e.orthanc_server import OrthancServer
from e2e.recordings import Recordings

_TS = "1.2.840.10008.1.2.4"
# What Orthanc's DICOMweb 1.7 tells as 33.366666666666703 in JSON, and as 33.3666649 in XML.
NTSC = "33.3666666666667"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OrthancServer]:
    with OrthancServer(tmp_path_factory.mktemp("metadata"), {"VideoGateway": {"Renditions": "none"}}) as running:
        yield running


def ntsc(dataset: Any) -> None:
    dataset.FrameTime, dataset.CineRate = NTSC, 30
    dataset.PatientName = "Äöü^Ñandú=山田^太郎"
    dataset.ImageComments = 'a "comment" <of> & two\r\nlines'
    dataset.OtherPatientNames = ["A^B", "", "C"]
    dataset.ReferencedImageSequence = []
    dataset.add_new(0x00190010, "LO", "CREATOR")
    dataset.add_new(0x00191001, "UN", b"\x00\x01\xfe\xff")
    dataset.add_new(0x00191002, "FD", [0.1, 2.5])


@pytest.fixture(scope="module")
def held(server: OrthancServer, recordings: Recordings) -> Held:
    return hold(server, recordings.changed(alone(ntsc)))


def in_syntax(recordings: Recordings, films: Films, syntax: str, **values: Any) -> bytes:
    def change(dataset: Any) -> None:
        for keyword, value in values.items():
            setattr(dataset, keyword, value)
        dataset.file_meta.TransferSyntaxUID = UID(syntax)
        dataset.PixelData = encapsulate([films.source("h264.mp4").read_bytes()], has_bot=False)
        dataset["PixelData"].is_undefined_length = True

    return recordings.changed(change if "SeriesInstanceUID" in values else alone(change))


def documents(answer: requests.Response) -> list[ET.Element]:
    """The Native DICOM Models of an answer, their elements without the namespace."""
    found = []
    for kind, content in parts(answer):
        assert kind == "application/dicom+xml"
        root = ET.fromstring(content)  # noqa: S314  the gateway's own
        assert root.tag == "{http://dicom.nema.org/PS3.19/models/NativeDICOM}NativeDicomModel"
        for element in root.iter():
            element.tag = element.tag.partition("}")[2]
        found.append(root)
    return found


def as_json(element: ET.Element) -> dict[str, Any]:
    """A Native DICOM Model (PS3.19 A.1) in the terms of the JSON Model, for pydicom to read."""
    model: dict[str, Any] = {}
    for attribute in element.findall("DicomAttribute"):
        entry: dict[str, Any] = {"vr": attribute.get("vr")}
        values: dict[int, Any] = {}
        for child in attribute:
            if child.tag == "InlineBinary":
                entry["InlineBinary"] = child.text
            elif child.tag == "BulkData":
                entry["BulkDataURI"] = child.get("uri")
            elif child.tag == "Item":
                values[int(child.get("number", ""))] = as_json(child)
            elif child.tag == "PersonName":
                values[int(child.get("number", ""))] = {
                    group.tag: "^".join(part.text or "" for part in group) for group in child
                }
            else:
                values[int(child.get("number", ""))] = child.text
        if values:
            entry["Value"] = [values.get(number) for number in range(1, max(values) + 1)]
        if entry["vr"] in {"FD", "US", "UL", "IS", "SS", "SL", "FL"} and "Value" in entry:
            entry["Value"] = [float(value) if entry["vr"] in {"FD", "FL"} else int(value) for value in entry["Value"]]
        model[str(attribute.get("tag"))] = entry
    return model


def without_pixels(dataset: Dataset) -> Dataset:
    """What the metadata should say beside what they add."""
    for keyword in ("PixelData", "AvailableTransferSyntaxUID"):
        if keyword in dataset:
            del dataset[keyword]
    dataset.SpecificCharacterSet = "ISO_IR 192"
    return dataset


def same(one: Dataset, other: Dataset) -> None:
    assert set(one.keys()) == set(other.keys())
    for element in one:
        if element.VR != "SQ":
            # What has no value is None or "" by where it came from.
            assert (element.value or None) == (other[element.tag].value or None), element.tag
        else:
            assert len(element.value) == len(other[element.tag].value)
            for mine, theirs in zip(element.value, other[element.tag].value, strict=True):
                same(mine, theirs)


@pytest.mark.parametrize("level", ["url", "of_series", "of_study"])
def test_json_says_all_that_is_stored(held: Held, level: str) -> None:
    answer = get(f"{getattr(held, level)}/metadata", "application/dicom+json")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/dicom+json")
    (model,) = answer.json()
    assert list(model) == sorted(model)
    assert f'"00181063":{{"vr":"DS","Value":[{NTSC}]}}' in answer.text, "as it is written, and a number"
    assert model["00180040"] == {"vr": "IS", "Value": [30]}
    assert model["00280008"] == {"vr": "IS", "Value": [10]}
    assert model["00083002"] == {"vr": "UI", "Value": [f"{_TS}.102"]}
    assert model["7FE00010"] == {"vr": "OB", "BulkDataURI": f"{held.url}/pixeldata"}
    same(without_pixels(Dataset.from_json(model, lambda *_: b"")), without_pixels(held.dataset))


@pytest.mark.parametrize("level", ["url", "of_series", "of_study"])
def test_xml_says_the_same(held: Held, level: str) -> None:
    answer = get(f"{getattr(held, level)}/metadata", XML)
    assert answer.headers["Content-Type"].startswith('multipart/related; type="application/dicom+xml"; boundary=')
    (root,) = documents(answer)
    assert root.find("DicomAttribute[@keyword='FrameTime']/Value").text == NTSC  # type: ignore[union-attr]
    assert root.find("DicomAttribute[@keyword='PixelData']/BulkData").get("uri") == f"{held.url}/pixeldata"  # type: ignore[union-attr]
    private = root.find("DicomAttribute[@tag='00191001']")
    assert private is not None
    assert private.get("privateCreator") == "CREATOR"
    read = Dataset.from_json(as_json(root), lambda *_: b"")
    read.ImageComments = str(read.ImageComments).replace("\n", "\r\n")  # XML 1.0, 2.11
    same(without_pixels(read), without_pixels(held.dataset))


def test_the_address_of_the_pixels_works(held: Held) -> None:
    (model,) = get(f"{held.url}/metadata").json()
    uri = model["7FE00010"]["BulkDataURI"]
    assert ffprobe(Path(uri).as_posix().replace(":/", "://", 1))["nb_read_frames"] == "10"  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("stored", "told"),
    [
        (f"{_TS}.100", f"{_TS}.100"),
        (f"{_TS}.104", f"{_TS}.104"),
        (f"{_TS}.107", f"{_TS}.107"),
        (f"{_TS}.102.1", f"{_TS}.102"),
        (f"{_TS}.101.1", f"{_TS}.101"),
    ],
)
def test_the_available_transfer_syntax_is_one_that_can_be_had(
    server: OrthancServer, recordings: Recordings, films: Films, stored: str, told: str
) -> None:
    held = hold(server, in_syntax(recordings, films, stored))
    (model,) = get(f"{held.of_series}/metadata").json()
    assert model["00083002"]["Value"] == [told]
    for url in (f"{held.root}/instances", f"{held.of_study}/instances", f"{held.of_series}/instances"):
        query = {"SOPInstanceUID": held.instance, "includefield": "00083002"}
        (found,) = requests.get(url, params=query, timeout=10).json()
        assert found["00083002"] == {"vr": "UI", "Value": [told]}
    assert get(held.url, f"application/dicom; transfer-syntax={told}").status_code == 200


@pytest.mark.parametrize("accept", ["text/html", "video/mp4", "image/jpeg", "application/dicom+json;q=0", ""])
def test_what_metadata_are_not_is_not_acceptable(held: Held, accept: str) -> None:
    for url in (held.url, held.of_series, held.of_study):
        assert get(f"{url}/metadata", accept).status_code == 406


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("*/*", "application/dicom+json"),
        ("application/json", "application/json"),
        (f"{XML};q=0.5, application/dicom+json;q=0.4", "multipart/related"),
        ("application/dicom+xml", "application/dicom+xml"),
    ],
)
def test_the_form_that_is_wanted_most(held: Held, accept: str, kind: str) -> None:
    assert get(f"{held.url}/metadata", accept).headers["Content-Type"].partition(";")[0] == kind


def test_addresses_are_those_that_the_caller_reaches(server: OrthancServer, held: Held, films: Films) -> None:
    image = hold(server, films.image().read_bytes())
    for headers, base in (
        ({"Host": "viewer.example:99"}, "http://viewer.example:99"),
        ({"X-Forwarded-Host": "viewer.example", "X-Forwarded-Proto": "https"}, "https://viewer.example"),
        ({"X-Forwarded-Host": "evil.example/<script>"}, server.gateway_url),
    ):
        (model,) = requests.get(f"{held.url}/metadata", headers=headers, timeout=10).json()
        assert model["7FE00010"]["BulkDataURI"] == f"{base}{held.url.removeprefix(server.gateway_url)}/pixeldata"
        (model,) = requests.get(f"{image.url}/metadata", headers=headers, timeout=10).json()
        assert model["7FE00010"]["BulkDataURI"].startswith(f"{base}/dicom-web/studies/")
        (model,) = requests.get(f"{image.of_series}/instances", headers=headers, timeout=10).json()
        assert model["00081190"]["Value"][0].startswith(f"{base}/dicom-web/studies/")


def test_the_configured_address_comes_first(start: Start, recordings: Recordings, films: Films) -> None:
    configuration = {"VideoGateway": {"PublicUrl": "https://videos.example/", "Renditions": "none"}}
    server = start(configuration)
    held, image = hold(server, recordings.one()), hold(server, films.image().read_bytes())
    (model,) = get(f"{held.url}/metadata").json()
    assert model["7FE00010"]["BulkDataURI"].startswith("https://videos.example/dicom-web/studies/")
    (model,) = get(f"{image.url}/metadata").json()
    assert model["7FE00010"]["BulkDataURI"].startswith("https://videos.example/dicom-web/studies/")


@pytest.mark.parametrize("mode", ["MainDicomTags", "Extrapolate"])
def test_videos_are_told_whole_however_orthanc_is_configured(start: Start, recordings: Recordings, mode: str) -> None:
    section = {"Enable": True, "StudiesMetadata": mode, "SeriesMetadata": mode}
    server = start({"DicomWeb": section, "VideoGateway": {"Renditions": "none"}})
    held = hold(server, recordings.changed(alone(ntsc)))
    for url in (held.of_series, held.of_study):
        assert f"[{NTSC}]" in get(f"{url}/metadata").text


def test_many_instances_of_all_kinds(server: OrthancServer, recordings: Recordings, films: Films) -> None:
    """Videos among images of one series, images of another, and a series of images alone."""
    study, mixed, still = (generate_uid() for _ in range(3))
    patient = "MIXED"
    expected: dict[str, str] = {}
    for series, count in ((mixed, 3), (still, 4)):
        for _ in range(count):
            dataset = dcmread(films.image())
            dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.PatientID = study, series, patient
            target = BytesIO()
            dataset.save_as(target)
            expected[hold(server, target.getvalue()).instance] = "1.2.840.10008.1.2.1"
    names = {"StudyInstanceUID": study, "SeriesInstanceUID": mixed, "PatientID": patient, "Modality": "OT"}
    for syntax in (f"{_TS}.102", f"{_TS}.104"):
        expected[hold(server, in_syntax(recordings, films, syntax, **names)).instance] = syntax
    root = f"{server.gateway_url}/dicom-web/studies/{study}"
    found = {model["00080018"]["Value"][0]: model for model in get(f"{root}/metadata").json()}
    assert set(found) == set(expected)
    for uid, syntax in expected.items():
        assert ("00083002" in found[uid]) == syntax.startswith(_TS)
        assert "BulkDataURI" in found[uid]["7FE00010"]
    said = {
        str(root.find("DicomAttribute[@keyword='SOPInstanceUID']/Value").text)  # type: ignore[union-attr]
        for root in documents(get(f"{root}/metadata", XML))
    }
    assert said == set(expected)
    assert len(get(f"{root}/series/{mixed}/metadata").json()) == 5
    assert len(get(f"{root}/series/{still}/metadata").json()) == 4
    told = requests.get(f"{root}/instances", params={"includefield": "AvailableTransferSyntaxUID"}, timeout=10).json()
    assert {one["00080018"]["Value"][0]: one["00083002"]["Value"][0] for one in told} == expected


def test_searches_pass_untouched(server: OrthancServer, held: Held) -> None:
    """With the attribute or without it: the same instances and attributes as Orthanc's own."""
    own = f"{server.url}/dicom-web"
    for query in ("", "?limit=2", "?limit=1&offset=1", "?includefield=00081030", "?includefield=00083002&limit=2"):
        for path in ("/instances", f"/studies/{held.study}/instances", "/studies", "/series"):
            mine = requests.get(f"{held.root}{path}{query}", timeout=10).json()
            theirs = requests.get(f"{own}{path}{query}", timeout=10).json()
            for one in (*mine, *theirs):
                one.pop("00083002", None)
                one.pop("00081190", None)
            assert mine == theirs, (path, query)
    assert requests.get(f"{held.root}/instances?includefield=00083002&limit=x", timeout=10).status_code in {400, 500}


def test_a_search_answers_xml_with_it_too(held: Held) -> None:
    url = f"{held.of_series}/instances?includefield=00083002"
    (root,) = documents(get(url, "application/dicom+xml"))
    tags = [attribute.get("tag", "") for attribute in root]
    assert tags == sorted(tags)
    assert root.find("DicomAttribute[@tag='00083002']/Value").text == f"{_TS}.102"  # type: ignore[union-attr]


def test_dicomweb_client_reads_metadata_and_searches(held: Held) -> None:
    client = DICOMwebClient(url=held.root)
    model = client.retrieve_instance_metadata(held.study, held.series, held.instance)
    assert Dataset.from_json(model, lambda *_: b"").FrameTime == float(NTSC)
    assert client.retrieve_series_metadata(held.study, held.series) == [model]
    assert client.retrieve_study_metadata(held.study) == [model]
    (found,) = client.search_for_instances(held.study, held.series, fields=["AvailableTransferSyntaxUID"])
    assert found["00083002"]["Value"] == [f"{_TS}.102"]


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OrthancServer]:
    users = {"AuthenticationEnabled": True, "RegisteredUsers": {"anna": "secret"}}
    with OrthancServer(tmp_path_factory.mktemp("guarded"), users | {"VideoGateway": {"Renditions": "none"}}) as running:
        yield running


def link(held: Held) -> str:
    """The address of the pixels, as somebody with credentials is told it."""
    (model,) = get(f"{held.url}/metadata", **held.server.headers()).json()
    uri = str(model["7FE00010"]["BulkDataURI"])
    assert uri.startswith(f"{held.url}/pixeldata?link=")
    return uri


def test_who_has_credentials_gets_a_link_that_needs_none(guarded: OrthancServer, recordings: Recordings) -> None:
    """As OHIF plays it: the address, with accept=video/mp4, and no Authorization header."""
    held = hold(guarded, recordings.changed(alone(ntsc)))
    assert get(f"{held.url}/metadata").status_code == 401
    uri = link(held)
    assert get(f"{uri}&accept=video/mp4", Range="bytes=4-7").content == b"ftyp"
    played = get(f"{uri}&accept=video/mp4").content
    assert played == get(f"{held.url}/rendered", **guarded.headers()).content, "exact to the frame"
    assert played != get(f"{held.url}/pixeldata", **guarded.headers()).content, "the stored bytes"
    assert get(f"{uri[:-3]}xyz&accept=video/mp4").status_code in {401, 403}
    assert get(f"{held.url}/pixeldata").status_code == 401
    assert uri.partition("?")[2] not in guarded.log


@pytest.mark.parametrize("kind", ["mpeg2", "film"])
def test_a_link_plays_what_browsers_cannot(
    guarded: OrthancServer, recordings: Recordings, films: Films, kind: str, tmp_path: Path
) -> None:
    """The rendition for who asks for video/mp4, and only by a link; the stored bytes for everybody else."""
    if kind == "mpeg2":
        data = recordings.holding(films.source("mpeg2.mpg").read_bytes(), f"{_TS}.100")
    else:
        data = film(tmp_path / "film.dcm", colours(10), FrameTime="40").read_bytes()
    held = hold(guarded, data)
    uri = link(held)
    assert get(f"{uri}&accept=video/mp4", Range="bytes=4-7").content == b"ftyp"  # a part is sent of what is finished
    played = get(f"{uri}&accept=video/mp4")
    assert played.headers["Content-Type"] == "video/mp4"
    assert played.content == get(f"{held.url}/rendered", "video/mp4", **guarded.headers()).content
    assert get(uri).content == get(f"{held.url}/pixeldata", **guarded.headers()).content
    assert get(f"{held.url}/pixeldata", "video/mp4", **guarded.headers()).status_code == 406
