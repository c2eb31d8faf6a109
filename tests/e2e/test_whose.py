"""Whose video it is: inherited from what Orthanc holds, by rule and profile; and moved to another patient or study."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from pydicom import dcmread
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import generate_uid

from cines import LOSSY, coded, colours, film, grey
from e2e.films import Films
from e2e.orthanc_server import OrthancServer
from e2e.recordings import Recordings, store
from e2e.test_resumable import BYTES, JSON, TUS, metadata, uploads
from oracles import complaints
from orthanc_video.dicom.identity import PATIENT, STUDY

JAPANESE = "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう"  # PS3.5 H.3.2, which Orthanc itself misreads


def image(**attributes: Any) -> Dataset:
    """A patient's image in a character set that is not ours, with more about the patient than a list shows."""
    dataset = dcmread(str(get_testdata_file("MR_small.dcm")))
    other = Dataset()
    other.PatientID, other.IssuerOfPatientID, other.TypeOfPatientID = "OLD-1", "病院", "TEXT"
    dataset.SpecificCharacterSet = ["ISO 2022 IR 13", "ISO 2022 IR 87"]
    dataset.PatientName, dataset.PatientID, dataset.IssuerOfPatientID = JAPANESE, f"P{generate_uid()[-12:]}", "Hospital"
    dataset.OtherPatientIDsSequence = Sequence([other])
    dataset.PatientBirthDate, dataset.PatientSex, dataset.PatientWeight = "19700102", "F", "61.5"
    dataset.PatientComments, dataset.PregnancyStatus = "c" * 600, 4
    dataset.StudyDescription, dataset.AccessionNumber = "Gastroskopie", generate_uid()[-14:]
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = generate_uid(), generate_uid()
    dataset.SeriesNumber, dataset.NameOfPhysiciansReadingStudy = 7, "Lesend^Ada"
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    return dataset


def stored(server: OrthancServer, dataset: Dataset) -> dict[str, str]:
    file = io.BytesIO()
    dataset.save_as(file)
    answer = requests.post(f"{server.url}/instances", data=file.getvalue(), timeout=30)
    ids: dict[str, str] = answer.json()
    return ids


def held(server: OrthancServer, instance: str) -> Any:
    file = requests.get(f"{server.url}/instances/{instance}/file", timeout=30)
    assert file.status_code == 200, instance
    return dcmread(io.BytesIO(file.content))


def ingest(server: OrthancServer, path: Path, **query: str) -> requests.Response:
    with path.open("rb") as file:
        return requests.post(f"{server.gateway_url}/video/ingest", params=query, data=file, timeout=60)


def said(dataset: Dataset, keywords: frozenset[str]) -> dict[str, str]:
    """What an object says of these, in words that do not depend on its character set."""
    return {keyword: str(dataset[keyword].value) for keyword in keywords if keyword in dataset}


def name_of(dataset: Dataset, key: str, ids: dict[str, str]) -> str:
    names: dict[str, str] = {
        **ids,
        "StudyInstanceUID": dataset.StudyInstanceUID,
        "AccessionNumber": dataset.AccessionNumber,
        "PatientID": dataset.PatientID,
    }
    return names[key]


# ------------------------------------------------------------------------------------------------- inherited


@pytest.mark.parametrize(
    ("key", "by"),
    [("ParentStudy", "ParentStudy"), ("ParentStudy", "StudyInstanceUID"), ("AccessionNumber", "AccessionNumber")],
)
def test_a_video_joins_a_study(server: OrthancServer, films: Films, tmp_path: Path, key: str, by: str) -> None:
    parent = image()
    ids = stored(server, parent)
    answer = ingest(server, films.unique(), **{key: name_of(parent, by, ids)}).json()
    assert answer["ParentStudy"] == ids["ParentStudy"]
    found = held(server, answer["ID"])
    assert said(found, PATIENT | STUDY) == said(parent, PATIENT | STUDY)
    assert str(found.PatientName) == JAPANESE
    assert found.OtherPatientIDsSequence[0].IssuerOfPatientID == "病院"
    assert found.SeriesNumber == 8
    assert found.SeriesInstanceUID != parent.SeriesInstanceUID
    assert "TimezoneOffsetFromUTC" in found
    assert found.TimezoneOffsetFromUTC == parent.TimezoneOffsetFromUTC
    path = tmp_path / "object.dcm"
    found.save_as(path)
    assert complaints(path) == []
    again = ingest(server, films.unique(), **{key: name_of(parent, by, ids)}).json()
    assert held(server, again["ID"]).SeriesNumber == 9


@pytest.mark.parametrize("by", ["ParentPatient", "PatientID"])
def test_a_video_becomes_a_new_study_of_a_patient(server: OrthancServer, films: Films, by: str) -> None:
    parent = image()
    ids = stored(server, parent)
    answer = ingest(server, films.unique(), ParentPatient=name_of(parent, by, ids), StudyDescription="Neu").json()
    assert answer["ParentPatient"] == ids["ParentPatient"]
    assert answer["ParentStudy"] != ids["ParentStudy"]
    found = held(server, answer["ID"])
    assert said(found, PATIENT) == said(parent, PATIENT)
    assert (found.StudyDescription, found.AccessionNumber, found.SeriesNumber) == ("Neu", "", 1)
    assert "PatientWeight" not in found


def test_the_same_upload_joins_once(server: OrthancServer, films: Films) -> None:
    path, ids = films.unique(), stored(server, image())
    answers = [ingest(server, path, ParentStudy=ids["ParentStudy"]).json() for _ in range(2)]
    assert [answer["Status"] for answer in answers] == ["Success", "AlreadyStored"]
    assert answers[0]["ID"] == answers[1]["ID"]


def test_a_resumable_upload_joins_a_study(server: OrthancServer, films: Films) -> None:
    parent, data = image(), films.unique().read_bytes()
    ids = stored(server, parent)
    headers = TUS | {"Upload-Length": str(len(data))} | metadata(ParentStudy=ids["ParentStudy"], filename="x.mp4")
    made = requests.post(uploads(server), headers=headers, timeout=10)
    url = requests.compat.urljoin(made.url, made.headers["Location"])
    answer = requests.patch(url, data=data, headers={**BYTES, **JSON, "Upload-Offset": "0"}, timeout=60).json()
    found = held(server, answer["ID"])
    assert said(found, PATIENT | STUDY) == said(parent, PATIENT | STUDY)


def test_a_form_joins_a_patient(server: OrthancServer, films: Films) -> None:
    ids = stored(server, image())
    files: dict[str, Any] = {
        "attributes": (None, json.dumps({"ParentPatient": ids["ParentPatient"]}), "application/json"),
        "file": ("x.mp4", films.unique().read_bytes()),
    }
    answer = requests.post(f"{server.gateway_url}/video/ingest", files=files, timeout=60).json()
    assert answer["ParentPatient"] == ids["ParentPatient"]


def test_a_patient_without_an_id(server: OrthancServer, films: Films) -> None:
    ids = stored(server, image(PatientID=""))
    answer = ingest(server, films.unique(), ParentStudy=ids["ParentStudy"]).json()
    assert (answer["ParentStudy"], answer["ParentPatient"]) == (ids["ParentStudy"], ids["ParentPatient"])


@pytest.mark.parametrize(
    ("key", "query"),
    [
        ("PatientName", {"PatientName": "Other^Secret"}),
        ("PatientID", {"PatientID": "SECRET"}),
        ("AccessionNumber", {"AccessionNumber": "SECRET"}),
        ("PatientWeight", {"PatientWeight": "99"}),
    ],
)
def test_a_contradiction_is_named_by_its_keyword(
    server: OrthancServer, films: Films, key: str, query: dict[str, str]
) -> None:
    ids = stored(server, image())
    answer = ingest(server, films.unique(), ParentStudy=ids["ParentStudy"], **query)
    assert answer.status_code == 400
    assert f'"{key}" contradicts the study named by ParentStudy' in answer.json()["detail"]
    assert "secret" not in answer.text.lower()


def test_what_agrees_is_no_contradiction(server: OrthancServer, films: Films) -> None:
    parent = image()
    ids = stored(server, parent)
    query = {"PatientID": parent.PatientID, "PatientName": f"{JAPANESE}^", "PatientSex": "F"}
    assert ingest(server, films.unique(), ParentStudy=ids["ParentStudy"], **query).status_code == 200


@pytest.mark.parametrize(
    ("query", "status", "words"),
    [
        ({"ParentStudy": "nonsense"}, 400, "must be the Orthanc ID of a study, or its Study Instance UID"),
        ({"ParentStudy": "1.2.3.4"}, 404, "no such study"),
        ({"ParentPatient": "nobody-of-this-name"}, 404, "no such patient"),
        ({"AccessionNumber": "NOT-THERE"}, 404, "no study with this number"),
        ({"AccessionNumber": "A*"}, 400, "cannot be found by a number with"),
        ({"ParentStudy": "1.2.3", "ParentPatient": "4711"}, 400, "both given"),
        ({"Profile": "cooking"}, 400, "is none of: dermatology, endoscopy"),
    ],
)
def test_what_cannot_be_found_is_said(
    server: OrthancServer, films: Films, query: dict[str, str], status: int, words: str
) -> None:
    answer = ingest(server, films.source("h264.mp4"), **query)
    assert (answer.status_code, words in answer.json()["detail"]) == (status, True), answer.text


def test_an_accession_number_of_two_studies(server: OrthancServer, films: Films) -> None:
    number = generate_uid()[-14:]
    for _ in range(2):
        stored(server, image(AccessionNumber=number))
    answer = ingest(server, films.unique(), AccessionNumber=number)
    assert answer.status_code == 409
    assert "several studies" in answer.json()["detail"]


def test_an_accession_number_with_a_patient_is_an_attribute(server: OrthancServer, films: Films) -> None:
    answer = ingest(server, films.unique(), AccessionNumber="A-NEW", PatientID="4711").json()
    assert held(server, answer["ID"]).AccessionNumber == "A-NEW"


# ----------------------------------------------------------------------------------------------------- moved


def assign(server: OrthancServer, instance: str, door: str = "", **given: Any) -> requests.Response:
    return requests.post(f"{door or server.gateway_url}/video/instances/{instance}/assign", json=given, timeout=60)


def video(server: OrthancServer, films: Films, **query: str) -> dict[str, Any]:
    answer: dict[str, Any] = ingest(server, films.unique(), **query).json()
    return answer


@pytest.mark.parametrize("port", ["gateway", "orthanc"])
def test_a_video_moves_to_a_study(server: OrthancServer, films: Films, tmp_path: Path, port: str) -> None:
    source, parent = video(server, films), image()
    ids, before = stored(server, parent), held(server, source["ID"])
    stream = requests.get(f"{server.gateway_url}/video/instances/{source['ID']}/stream", timeout=10).content
    door = server.url if port == "orthanc" else server.gateway_url
    answer = assign(server, source["ID"], door, ParentStudy=ids["ParentStudy"])
    assert answer.status_code == 200, answer.text
    moved = answer.json()
    assert (moved["Status"], moved["ParentStudy"]) == ("Success", ids["ParentStudy"])
    assert moved["ID"] != source["ID"]
    assert requests.get(f"{server.url}/instances/{source['ID']}", timeout=10).status_code == 404
    after = held(server, moved["ID"])
    assert after.PixelData == before.PixelData
    played = requests.get(f"{server.gateway_url}/video/instances/{moved['ID']}/stream", timeout=10)
    assert played.content == stream
    assert said(after, PATIENT | STUDY) == said(parent, PATIENT | STUDY)
    assert after.SeriesNumber == 8
    _assert_provenance(after, before)
    path = tmp_path / "object.dcm"
    after.save_as(path)
    assert complaints(path) == []
    job = requests.get(f"{server.gateway_url}/video/jobs/{moved['Video']['Job']}", timeout=10).json()
    assert (job["State"], job["Action"], job["Instance"]) == ("Success", "assign", moved["ID"])


def _assert_provenance(after: Any, before: Any) -> None:
    (item,) = after.OriginalAttributesSequence
    (old,) = item.ModifiedAttributesSequence
    for keyword in ("PatientID", "PatientName", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
        assert old[keyword].value == before[keyword].value, keyword
    assert (item.ModifyingSystem, item.ReasonForTheAttributeModification) == ("orthanc-video", "CORRECT")
    assert [by.ContributionDescription[:6] for by in after.ContributingEquipmentSequence] == ["wrap: ", "assign"]


def test_the_old_one_is_kept_on_request(server: OrthancServer, films: Films) -> None:
    source, ids = video(server, films), stored(server, image())
    moved = assign(server, source["ID"], ParentStudy=ids["ParentStudy"], KeepSource=True).json()
    assert requests.get(f"{server.url}/instances/{source['ID']}", timeout=10).status_code == 200
    again = assign(server, source["ID"], ParentStudy=ids["ParentStudy"]).json()
    assert (again["ID"], again["Status"]) == (moved["ID"], "AlreadyStored")
    assert requests.get(f"{server.url}/instances/{source['ID']}", timeout=10).status_code == 404


def test_a_video_moves_to_a_patient_who_is_named_by_attributes(server: OrthancServer, films: Films) -> None:
    source = video(server, films, PatientID="WRONG", PatientName="Wrong^One", PatientWeight="80", AccessionNumber="W1")
    before = held(server, source["ID"])
    moved = assign(server, source["ID"], PatientID="RIGHT-1", PatientName="Jürgen^Richtig", Laterality="L").json()
    after = held(server, moved["ID"])
    assert (after.PatientID, str(after.PatientName), after.AccessionNumber) == ("RIGHT-1", "Jürgen^Richtig", "")
    assert "PatientWeight" not in after
    assert (after.StudyDate, after.StudyTime, after.Laterality) == (before.StudyDate, before.StudyTime, "L")
    assert after.StudyInstanceUID != before.StudyInstanceUID
    _assert_provenance(after, before)


def test_videos_of_one_series_stay_together(server: OrthancServer, films: Films) -> None:
    series, study = generate_uid(), generate_uid()
    both = [video(server, films, SeriesInstanceUID=series, StudyInstanceUID=study, PatientID="T") for _ in range(2)]
    ids = stored(server, image())
    moved = [assign(server, one["ID"], ParentStudy=ids["ParentStudy"]).json() for one in both]
    assert moved[0]["ParentSeries"] == moved[1]["ParentSeries"]
    assert moved[0]["ID"] != moved[1]["ID"]
    assert [held(server, one["ID"]).SeriesNumber for one in moved] == [8, 8]


@pytest.mark.parametrize("kind", ["coded", "native"])
def test_a_film_of_single_pictures_moves_too(server: OrthancServer, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "film.dcm"
    coded(film(path, colours(6)), LOSSY["50"]) if kind == "coded" else film(path, grey(6))
    before = dcmread(path)
    instance, ids = store(server, path.read_bytes()), stored(server, image())
    moved = assign(server, instance, ParentStudy=ids["ParentStudy"]).json()
    assert moved.get("Status") == "Success", moved
    after = held(server, moved["ID"])
    assert after.PixelData == before.PixelData
    assert after.file_meta.TransferSyntaxUID == before.file_meta.TransferSyntaxUID


def test_another_writers_video_moves(server: OrthancServer, recordings: Recordings) -> None:
    def change(dataset: Any) -> None:
        dataset.SpecificCharacterSet = "ISO_IR 100"
        dataset.PatientName, dataset.OperatorsName = "Ältere^Ärztin", "Müller^Ö"

    instance, ids = store(server, recordings.changed(change)), stored(server, image())
    moved = assign(server, instance, ParentStudy=ids["ParentStudy"]).json()
    after = held(server, moved["ID"])
    assert (str(after.PatientName), str(after.OperatorsName)) == (JAPANESE, "Müller^Ö")
    old = after.OriginalAttributesSequence[0].ModifiedAttributesSequence[0]
    assert str(old.PatientName) == "Ältere^Ärztin"


@pytest.mark.parametrize(
    ("given", "status", "words"),
    [
        ({}, 400, "Say whose the video is"),
        ({"Laterality": "L"}, 400, "Say whose the video is"),
        ({"KeepSource": "yes", "PatientID": "1"}, 400, "KeepSource must be true or false"),
        ({"PatientID": "1", "Rows": "7"}, 400, "cannot be set"),
        ({"ParentStudy": "1.2.3.4"}, 404, "no such study"),
        ({"PatientID": "MOVE-ME"}, 409, "belongs to this patient already"),
    ],
)
def test_a_move_that_cannot_be(
    server: OrthancServer, films: Films, given: dict[str, Any], status: int, words: str
) -> None:
    source = video(server, films, PatientID="MOVE-ME")
    answer = assign(server, source["ID"], **given)
    assert (answer.status_code, words in answer.json()["detail"]) == (status, True), answer.text
    assert requests.get(f"{server.url}/instances/{source['ID']}", timeout=10).status_code == 200


def test_a_move_to_its_own_study(server: OrthancServer, films: Films) -> None:
    source = video(server, films)
    answer = assign(server, source["ID"], ParentStudy=source["ParentStudy"])
    assert (answer.status_code, "belongs to this study already" in answer.text) == (409, True)


def test_a_move_is_of_videos_only(server: OrthancServer) -> None:
    ids = stored(server, image())
    assert assign(server, ids["ID"], PatientID="1").status_code == 415


# -------------------------------------------------------------------------------------------- by configuration

SITE = {
    "Profiles": {
        "endoscopy": {
            "AnatomicRegion": {"CodeValue": "71854001", "CodingSchemeDesignator": "SCT", "CodeMeaning": "Colon"},
            "BurnedInAnnotation": "YES",
            "Manufacturer": "Scopes & Söhne",
            "StationName": "ENDO-2",
        },
        "hands": {"SOPClass": "photographic", "Laterality": "R", "StationName": "CAM"},
    },
    "Rules": [
        {
            "Filename": r"^(?P<PatientID>\d{6})_(?P<PatientName>[^_]+)_(?P<StudyDate>\d{8})\.mp4$",
            "Profile": "endoscopy",
            "Attributes": {"InstitutionName": "Haus West"},
        },
        {"ContentType": "video/x-hands", "Profile": "hands"},
    ],
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OrthancServer]:
    with OrthancServer(tmp_path_factory.mktemp("site"), {"VideoGateway": SITE}) as running:
        yield running


def named_form(server: OrthancServer, path: Path, name: str, port: str, **attributes: str) -> Any:
    """A form at one of the doors; what is stored of it."""
    before = set(requests.get(f"{server.url}/instances", timeout=10).json())
    url = {"orthanc": f"{server.url}/instances", "gateway": f"{server.gateway_url}/instances",
           "ingest": f"{server.gateway_url}/video/ingest"}[port]  # fmt: skip
    fields: dict[str, Any] = {key: (None, value) for key, value in attributes.items()}
    answer = requests.post(url, files={**fields, "file": (name, path.read_bytes())}, timeout=60)
    assert answer.status_code == 200, answer.text
    (new,) = set(requests.get(f"{server.url}/instances", timeout=10).json()) - before
    return held(server, new)


@pytest.mark.parametrize("port", ["orthanc", "gateway", "ingest"])
def test_a_file_name_says_whose_it_is(site: OrthancServer, films: Films, tmp_path: Path, port: str) -> None:
    found = named_form(site, films.unique(), "471100_Müller^Jörg_20260102.mp4", port)
    assert (found.PatientID, str(found.PatientName), found.StudyDate) == ("471100", "Müller^Jörg", "20260102")
    assert (found.Modality, found.InstitutionName, found.StationName) == ("ES", "Haus West", "ENDO-2")
    assert (found.Manufacturer, found.BurnedInAnnotation) == ("Scopes & Söhne", "YES")
    assert found.AnatomicRegionSequence[0].CodeValue == "71854001"
    path = tmp_path / "object.dcm"
    found.save_as(path)
    assert complaints(path) == []


def test_the_request_comes_before_rules_and_name(site: OrthancServer, films: Films) -> None:
    name, own = "471100_Doe^John_20260102.mp4", {"StationName": "OWN", "SOPClass": "microscopic"}
    found = named_form(site, films.unique(), name, "ingest", **own)
    assert (found.PatientID, found.StationName, found.Modality) == ("471100", "OWN", "GM")
    found = named_form(site, films.unique(), name, "ingest", PatientID="9", Profile="hands")
    assert (found.PatientID, str(found.PatientName), found.StationName) == ("9", "", "CAM")
    assert (found.InstitutionName, found.Laterality) == ("Haus West", "R")


def test_the_study_comes_before_rules_and_name(site: OrthancServer, films: Films) -> None:
    parent = image()
    ids = stored(site, parent)
    name = "471100_Doe^John_20260102.mp4"
    found = named_form(site, films.unique(), name, "ingest", ParentStudy=ids["ParentStudy"])
    assert said(found, PATIENT | STUDY) == said(parent, PATIENT | STUDY)
    assert (found.StationName, found.Modality) == ("ENDO-2", "ES")


def test_a_content_type_chooses_a_profile(site: OrthancServer, films: Films) -> None:
    headers = {"Content-Type": "video/x-hands; v=1"}
    data = films.unique().read_bytes()
    answer = requests.post(f"{site.gateway_url}/instances", data=data, headers=headers, timeout=60).json()
    found = held(site, answer["ID"])
    assert (found.Laterality, found.StationName) == ("R", "CAM")
    assert found.PatientID.startswith("UNASSIGNED-")


# ------------------------------------------------------------------------------------------------ who may do it

USERS = {name: f"{name}-secret" for name in ("anna", "blind", "keeper", "reader", "stranger")}
# Blind may not be told what an object says, keeper may delete nothing, reader may upload nothing, and stranger may not
# have the bytes of what is stored.
FILTER = """
function IncomingHttpRequestFilter(method, uri, ip, username, headers)
  if username == 'blind' then return not (method == 'GET' and string.find(uri, '/tags')) end
  if username == 'keeper' then return method ~= 'DELETE' end
  if username == 'reader' then return not (method == 'POST' and uri == '/instances') end
  if username == 'stranger' then return not string.find(uri, '/data$') end
  return true
end
"""


def auth(name: str) -> tuple[str, str]:
    return (name, USERS[name])


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OrthancServer]:
    folder = tmp_path_factory.mktemp("guarded")
    script = folder / "filter.lua"
    script.write_text(FILTER, encoding="utf-8")
    configuration = {"AuthenticationEnabled": True, "RegisteredUsers": USERS, "LuaScripts": [str(script)]}
    with OrthancServer(folder, configuration) as running:
        yield running


@pytest.mark.parametrize("who", ["blind", "keeper", "reader", "stranger"])
@pytest.mark.parametrize("port", ["gateway", "orthanc"])
def test_orthanc_decides_who_moves_what(guarded: OrthancServer, films: Films, who: str, port: str) -> None:
    file = io.BytesIO()
    image().save_as(file)
    ids = requests.post(f"{guarded.url}/instances", data=file.getvalue(), auth=auth("anna"), timeout=30).json()
    film_of = films.unique().read_bytes()
    source = requests.post(f"{guarded.gateway_url}/instances", data=film_of, auth=auth("anna"), timeout=60).json()
    url = f"{guarded.url if port == 'orthanc' else guarded.gateway_url}/video/instances/{source['ID']}/assign"
    given = {"ParentStudy": ids["ParentStudy"]}
    answer = requests.post(url, json=given, auth=auth(who), timeout=30)
    assert answer.status_code == 403, answer.text
    assert requests.get(f"{guarded.url}/instances/{source['ID']}", auth=auth("anna"), timeout=10).status_code == 200
    assert (
        len(requests.get(f"{guarded.url}/studies/{ids['ParentStudy']}/series", auth=auth("anna"), timeout=9).json())
        == 1
    )
    if who == "keeper":  # without deleting it is allowed
        answer = requests.post(url, json={**given, "KeepSource": True}, auth=auth(who), timeout=30)
        assert answer.status_code == 200, answer.text
    assert requests.post(url, json=given, timeout=10).status_code == 401


def test_orthanc_decides_who_inherits(guarded: OrthancServer, films: Films) -> None:
    file = io.BytesIO()
    parent = image()
    parent.save_as(file)
    ids = requests.post(f"{guarded.url}/instances", data=file.getvalue(), auth=auth("anna"), timeout=30).json()
    for key, value in (("ParentStudy", ids["ParentStudy"]), ("ParentPatient", parent.PatientID)):
        for who, status in (("anna", 200), ("blind", 403)):
            answer = requests.post(
                f"{guarded.gateway_url}/video/ingest",
                params={key: value},
                data=films.unique().read_bytes(),
                auth=auth(who),
                timeout=30,
            )
            assert answer.status_code == status, (key, who, answer.text)
    for private in (parent.PatientID, parent.AccessionNumber, "山田"):
        assert private not in guarded.log


# ---------------------------------------------------------------------------------- where no file can be read


@pytest.fixture(scope="module")
def compressed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OrthancServer]:
    with OrthancServer(tmp_path_factory.mktemp("compressed"), {"StorageCompression": True}) as running:
        yield running


def test_all_of_it_works_by_http_alone(compressed: OrthancServer, films: Films) -> None:
    """Orthanc's own files are not to be read: what is inherited, and the pixel data, come from its REST API."""
    parent = image()
    ids = stored(compressed, parent)
    source = video(compressed, films, ParentPatient=parent.PatientID)
    before = held(compressed, source["ID"])
    assert said(before, PATIENT) == said(parent, PATIENT)
    moved = assign(compressed, source["ID"], ParentStudy=ids["ParentStudy"]).json()
    after = held(compressed, moved["ID"])
    assert after.PixelData == before.PixelData
    assert said(after, PATIENT | STUDY) == said(parent, PATIENT | STUDY)
    eventually_empty = list((compressed.storage / "video-gateway" / "spool").iterdir())
    assert eventually_empty == []
