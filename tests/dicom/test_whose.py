"""Which source says whose a video is: their order, and what no source may do to another."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orthanc_video.dicom.attributes import same
from orthanc_video.dicom.identity import PATIENT, STUDY
from orthanc_video.dicom.profiles import Profile
from orthanc_video.dicom.rules import Rule, Site
from orthanc_video.dicom.whose import Parent, resolved, settled
from orthanc_video.errors import BadRequest

_OF_A_PATIENT = ("PatientID", "PatientName", "PatientBirthDate")
_OF_A_STUDY = ("StudyInstanceUID", "StudyDescription", "AccessionNumber")
_OF_NEITHER = ("StationName", "SeriesDescription", "Laterality")
_SOURCES = st.dictionaries(
    st.sampled_from((*_OF_A_PATIENT, *_OF_A_STUDY, *_OF_NEITHER)), st.sampled_from(("1", "2", "3", "")), max_size=9
)
_PARENTS = st.one_of(
    st.none(),
    st.builds(
        lambda found: Parent(key="ParentStudy", attributes={"PatientID": "1", "StudyInstanceUID": "1"} | found),
        _SOURCES,
    ),
    st.builds(
        lambda found: Parent(key="ParentPatient", attributes={"PatientID": "1"} | found),
        st.dictionaries(st.sampled_from(_OF_A_PATIENT), st.sampled_from(("1", "2")), max_size=3),
    ),
)


def _agreeing(request: dict[str, str], parent: Parent | None) -> dict[str, str]:
    known = parent.attributes if parent is not None else {}
    return {key: value for key, value in request.items() if known.get(key, value) == value}


@given(_SOURCES, _PARENTS, st.lists(_SOURCES, max_size=3))
def test_the_first_source_that_says_something_is_heard(
    request: dict[str, str], parent: Parent | None, lower: list[dict[str, str]]
) -> None:
    request = _agreeing(request, parent)
    found = settled(request, parent, *lower)
    closed = set() if parent is None else PATIENT | STUDY if parent.is_study else PATIENT
    for keyword, value in found.items():
        if keyword in request:
            assert value == request[keyword]
        else:
            assert keyword not in closed
            assert value in [source[keyword] for source in lower if keyword in source]
    for keyword in _OF_NEITHER:
        first = next((source[keyword] for source in (request, *lower) if keyword in source), None)
        assert found.get(keyword) == first


@given(_SOURCES, _PARENTS, st.lists(_SOURCES, max_size=3))
def test_two_patients_are_never_mixed(
    request: dict[str, str], parent: Parent | None, lower: list[dict[str, str]]
) -> None:
    """A source that means another patient gives nothing of patient or study."""
    request = _agreeing(request, parent)
    found = settled(request, parent, *lower)
    inherited = parent.attributes if parent is not None else {}
    patient = (found | inherited).get("PatientID")
    assert settled(request, parent, *[_without_others(source, patient) for source in lower]) == found


def _without_others(source: dict[str, str], patient: str | None) -> dict[str, str]:
    if source.get("PatientID", patient) == patient:
        return source
    return {key: value for key, value in source.items() if key in _OF_NEITHER}


@given(st.sampled_from((*_OF_A_PATIENT, *_OF_A_STUDY)), st.text("abc", min_size=1, max_size=5))
def test_a_contradiction_is_named_without_its_value(keyword: str, value: str) -> None:
    parent = Parent(key="ParentStudy", attributes={keyword: "SECRET-1"})
    with pytest.raises(BadRequest) as refused:
        settled({keyword: value}, parent)
    assert refused.value.sentence.startswith(f'"{keyword}" contradicts the study named by ParentStudy.')
    assert "SECRET" not in refused.value.sentence
    assert f'"{value}"' not in refused.value.sentence


def test_a_source_with_another_study_of_the_patient_keeps_the_patient() -> None:
    higher = {"PatientID": "1", "StudyInstanceUID": "1.2"}
    lower = {
        "PatientID": "1",
        "PatientName": "A",
        "StudyInstanceUID": "1.3",
        "AccessionNumber": "X",
        "StationName": "S",
    }
    assert settled(higher, None, lower) == higher | {"PatientName": "A", "StationName": "S"}


@pytest.mark.parametrize(
    ("series", "asked", "number"),
    [({}, "", 1), ({"1.2": 7, "1.3": 0}, "", 8), ({"1.2": 7, "1.3": 9}, "1.2", 7), ({"1.3": 0}, "1.3", 1)],
)
def test_the_series_number_is_the_next_one(series: dict[str, int], asked: str, number: int) -> None:
    parent = Parent(key="ParentStudy", attributes={"PatientID": "1", "StudyInstanceUID": "1"}, series=series)
    request = {"SeriesInstanceUID": asked} if asked else {}
    site = Site(sop_class="photographic", profiles={})
    assert resolved(site, request, "", "", parent).attributes["SeriesNumber"] == str(number)
    assert resolved(site, {"SeriesNumber": "3"} | request, "", "", parent).attributes["SeriesNumber"] == "3"


def test_the_sop_class_comes_from_the_request_the_profile_the_configuration() -> None:
    profiles = {"endoscopy": Profile(sop_class="endoscopic", region=("1", "SCT", "R")), "plain": Profile()}
    site = Site(sop_class="photographic", profiles=profiles, rules=(Rule(content_type="video/e", profile="endoscopy"),))
    assert resolved(site, {}, "", "video/e").sop_class == "endoscopic"
    assert resolved(site, {"SOPClass": "microscopic"}, "", "video/e").sop_class == "microscopic"
    assert resolved(site, {"Profile": "plain"}, "", "video/e").sop_class == "photographic"
    assert resolved(site, {}, "", "video/mp4").sop_class == "photographic"
    assert resolved(site, {"Profile": "endoscopy"}, "", "").region == ("1", "SCT", "R")


@pytest.mark.parametrize("key", ["ParentStudy", "ParentPatient"])
def test_without_an_orthanc_nothing_can_be_inherited(key: str) -> None:
    with pytest.raises(BadRequest, match="POST /video/ingest"):
        resolved(Site(sop_class="photographic", profiles={}), {key: "1"}, "", "")


@pytest.mark.parametrize(
    ("keyword", "one", "other", "alike"),
    [
        ("PatientName", "Doe^Jane", "Doe^Jane^^ ", True),
        ("PatientName", "Doe^Jane", "Doe^John", False),
        ("PatientName", "Doe^Jane=", "Doe^Jane", True),
        ("StudyDescription", " x", "x ", True),
        ("StudyDescription", "x^", "x", False),
    ],
)
def test_what_says_the_same(keyword: str, one: str, other: str, alike: bool) -> None:
    assert same(keyword, one, other) is alike
