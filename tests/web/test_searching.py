"""What a search asks for, and what of that is refused."""

from __future__ import annotations

from typing import Any

import pytest

from orthanc_video.archive.search import Sought
from orthanc_video.errors import BadRequest
from orthanc_video.web.searching import sought_of


def test_a_person_types_names_as_they_are_shown() -> None:
    named = [{"PatientName": "*Doe*Jane*"}, {"PatientName": "*Jane*Doe*"}, {"PatientID": "*Doe*Jane*"}]
    for typed in ("Doe, Jane", " Doe  Jane ", "Doe^Jane", "Doe\\Jane"):
        assert Sought(patient=typed).queries("StudyDescription") == named


def test_all_that_is_said_counts() -> None:
    given = {"Patient": "4711", "From": "20261101", "To": "20261130", "Description": "colon"}
    rest = {"StudyDate": "20261101-20261130", "StudyDescription": "*colon*"}
    wanted = [{"PatientName": "*4711*", **rest}, {"PatientID": "*4711*", **rest}]
    assert sought_of(given).queries("StudyDescription") == wanted
    both = sought_of(given).queries("StudyDescription", "SeriesDescription")
    assert [set(query) - {"StudyDate"} for query in both] == [
        {whose, what} for whose in ("PatientName", "PatientID") for what in ("StudyDescription", "SeriesDescription")
    ]


@pytest.mark.parametrize(
    ("given", "date"),
    [
        ({"From": "20261101"}, "20261101-"),
        ({"To": "20261101"}, "-20261101"),
        ({"From": "20261101", "To": "20261101"}, "20261101"),
    ],
)
def test_dates(given: dict[str, str], date: str) -> None:
    assert sought_of(given).queries("StudyDescription") == [{"StudyDate": date}]


def test_nothing_is_looked_for() -> None:
    assert sought_of({"Patient": " , ", "Description": ""}).queries("StudyDescription") == [{}]


@pytest.mark.parametrize(
    "given",
    [
        {"Patient": 1},
        {"Patient": "x" * 65},
        {"Patient": "\ud800"},
        {"Patient": "a\x00b"},
        {"From": "2026-11-01"},
        {"From": "20261301"},
        {"From": "2026111"},
        {"From": "20261102", "To": "20261101"},
        {"patient": "x"},
    ],
)
def test_what_is_malformed_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(BadRequest):
        sought_of(given)
