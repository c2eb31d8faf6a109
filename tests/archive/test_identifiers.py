"""Orthanc's names of things, known before Orthanc has seen them."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orthanc_video.archive.identifiers import identity_of, is_orthanc_id, is_uid, orthanc_ids

_UIDS = {
    "StudyInstanceUID": "1.3.12.2.1107.5.99.2.1234.30000007011215325500000000007",
    "SeriesInstanceUID": "1.3.12.2.1107.5.99.2.1234.30000007011215325500000000019",
    "SOPInstanceUID": "2.25.1",
}


def test_a_patient_of_orthancs_own_documentation() -> None:
    """The Orthanc Book's example: patient ozp00SjY2xG."""
    ids = orthanc_ids({"PatientID": "ozp00SjY2xG", **_UIDS})
    assert ids["ParentPatient"] == "6816cb19-844d5aee-85245eba-28e841e6-2414fae2"


def test_each_level_is_hashed_with_those_above() -> None:
    ids = orthanc_ids({"PatientID": "Müller", **_UIDS})
    path: list[str] = []
    for name, value in zip(
        ("ParentPatient", "ParentStudy", "ParentSeries", "ID"), ("Müller", *_UIDS.values()), strict=True
    ):
        path.append(value)
        digest = hashlib.sha1("|".join(path).encode(), usedforsecurity=False).hexdigest()
        assert ids[name].replace("-", "") == digest


@given(st.text(max_size=64))
def test_identifiers_have_orthancs_shape(patient: str) -> None:
    ids = orthanc_ids({"PatientID": patient, **_UIDS})
    assert all(is_orthanc_id(value) and not is_uid(value) for value in ids.values())
    assert len(set(ids.values())) == 4


def test_blanks_around_do_not_count() -> None:
    padded = {key: f"{value} " for key, value in {"PatientID": "A", **_UIDS}.items()}
    assert orthanc_ids(padded) == orthanc_ids({"PatientID": "A", **_UIDS})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "6816cb19-844d5aee-85245eba-28e841e6-2414fae",
        "6816cb19-844d5aee-85245eba-28e841e6-2414fae2\n",
        "6816CB19-844D5AEE-85245EBA-28E841E6-2414FAE2",
        "../6816cb19-844d5aee-85245eba-28e841e6-2414f",
        "1.2.840.10008",
    ],
)
def test_what_is_no_orthanc_id(text: str) -> None:
    assert not is_orthanc_id(text)


@pytest.mark.parametrize(
    ("text", "uid"),
    [
        ("1.2.840.10008.1.1", True),
        ("2.25.224463173513573470227903853943172843563", True),
        ("1." + "2" * 62, True),
        ("1." + "2" * 63, False),
        ("", False),
        ("1", False),
        ("1..2", False),
        ("1.2.", False),
        (".1.2", False),
        ("1.2.x", False),
        ("1.2\n", False),
        ("1.2/../3", False),
        ("1.٢", False),
    ],
)
def test_uids(text: str, uid: bool) -> None:
    assert is_uid(text) is uid


def test_an_identity_is_read_from_dicom_json() -> None:
    model = {"00100020": {"vr": "LO"}, "0020000D": {"vr": "UI", "Value": ["1.2"]}, "00080018": {"Value": [None]}}
    said = {"PatientID": "", "StudyInstanceUID": "1.2", "SeriesInstanceUID": "", "SOPInstanceUID": ""}
    assert identity_of(model) == said
