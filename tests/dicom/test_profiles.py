"""Profiles and rules of the configuration: laid over the built-in ones, and what is wrong in them is named."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orthanc_video.dicom.profiles import profiles_from
from orthanc_video.dicom.rules import Said, site_of
from orthanc_video.errors import BadRequest, ConfigurationError
from orthanc_video.settings import settings_from

COLON = {"CodeValue": "71854001", "CodingSchemeDesignator": "SCT", "CodeMeaning": "Colon"}


def _site(profiles: Any = None, rules: Any = None) -> Any:
    return site_of(settings_from({"VideoGateway": {"Profiles": profiles or {}, "Rules": rules or []}}).gateway)


def test_the_built_in_ones() -> None:
    built_in = profiles_from({})
    assert {name: profile.sop_class for name, profile in built_in.items()} == {
        "endoscopy": "endoscopic", "surgery": "photographic", "dermatology": "photographic",
        "microscopy": "microscopic", "ultrasound": "photographic",
    }  # fmt: skip
    assert built_in["dermatology"].region == ("39937001", "SCT", "Skin")  # PS3.16 CID 4029, and pydicom's own table
    assert built_in["endoscopy"].region == ()


def test_a_sites_own_lie_over_them_key_by_key() -> None:
    found = profiles_from({
        "dermatology": {"StationName": "DERM"},
        "endoscopy": {"AnatomicRegion": COLON},
        "gait": {"Laterality": "L", "SOPClass": "1.2.840.10008.5.1.4.1.1.77.1.4.1"},
    })  # fmt: skip
    assert found["dermatology"].attributes == {"StationName": "DERM"}
    assert found["dermatology"].region == ("39937001", "SCT", "Skin")
    assert (found["endoscopy"].sop_class, found["endoscopy"].region) == ("endoscopic", ("71854001", "SCT", "Colon"))
    assert (found["gait"].sop_class, found["gait"].attributes) == ("photographic", {"Laterality": "L"})
    assert profiles_from({"dermatology": {"AnatomicRegion": None}})["dermatology"].region == ()


@pytest.mark.parametrize(
    ("profiles", "words"),
    [
        ({"x": 1}, r'"VideoGateway\.Profiles\.x" must be an object'),
        ({"x": {"SOPClass": "radiographic"}}, r'Profiles\.x": SOPClass "radiographic" is none of'),
        ({"x": {"PatientID": "1"}}, r'Profiles\.x\.PatientID": a profile is of many recordings'),
        ({"x": {"StudyDescription": "1"}}, "a profile is of many recordings"),
        ({"x": {"SeriesInstanceUID": "1.2"}}, "a profile is of many recordings"),
        ({"x": {"Rows": "1"}}, r'Profiles\.x": "Rows" cannot be set'),
        ({"x": {"StationName": 7}}, r'Profiles\.x": The value of "StationName" must be a string'),
        ({"x": {"Laterality": "LEFT"}}, r'"Laterality" must be one of R, L'),
        ({"x": {"AnatomicRegion": "Colon"}}, r'Profiles\.x\.AnatomicRegion" must be an object of CodeValue'),
        ({"x": {"AnatomicRegion": COLON | {"CodeValue": ""}}}, "AnatomicRegion"),
        ({"x": {"AnatomicRegion": COLON | {"CodeMeaning": "x" * 65}}}, "AnatomicRegion"),
        ({"x": {"AnatomicRegion": {"CodeValue": "1"}}}, "AnatomicRegion"),
        ({"x": {"AnatomicRegion": COLON | {"More": "1"}}}, "AnatomicRegion"),
    ],
)
def test_what_is_wrong_in_a_profile_is_named(profiles: Any, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        _site(profiles)


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ([1], r'"VideoGateway\.Rules\[0\]" must be an object'),
        ([{}, {"Nme": "x"}], r'Rules\[1\]" must be an object, of the keys Filename, ContentType, Profile, Attributes'),
        ([{"Filename": 1}], r'Rules\[0\]\.Filename" must be a string'),
        ([{"Filename": "("}], r'Rules\[0\]\.Filename" is no regular expression'),
        ([{"Filename": "(?P<Rows>x)"}], 'the group "Rows" is named by no attribute'),
        ([{"Filename": "(?P<x>x)"}], 'the group "x" is named by no attribute'),
        ([{"Profile": "cooking"}], r'Rules\[0\]\.Profile" is none of: dermatology'),
        ([{"Attributes": {"PatientSex": "X"}}], r'Rules\[0\]\.Attributes": "PatientSex" must be one of'),
        ([{"Attributes": []}], r'Rules\[0\]\.Attributes" must be an object'),
    ],
)
def test_what_is_wrong_in_a_rule_is_named(rules: Any, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        _site(None, rules)


@pytest.mark.parametrize(("key", "wrong"), [("Profiles", []), ("Rules", {}), ("Rules", "x")])
def test_they_are_an_object_and_an_array(key: str, wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match=f'"VideoGateway.{key}" must be of type (object|array)'):
        settings_from({"VideoGateway": {key: wrong}})


def test_the_first_rule_that_is_met_counts() -> None:
    site = _site(None, [
        {"Filename": r"^(?P<PatientID>\d+)(_(?P<PatientName>\w+))?\.mp4$", "Profile": "endoscopy"},
        {"ContentType": "Video/X-A", "Attributes": {"StationName": "A"}},
        {"Filename": "mp4$", "ContentType": "video/x-b", "Profile": "surgery"},
        {"Profile": "ultrasound"},
    ])  # fmt: skip
    assert site.said("4711_Doe.mp4", "") == Said(
        profile="endoscopy", by_name={"PatientID": "4711", "PatientName": "Doe"}
    )
    assert site.said("4711.mp4", "video/x-a").by_name == {"PatientID": "4711"}
    assert site.said("a.mp4", "video/x-a; q=1") == Said(attributes={"StationName": "A"})
    assert site.said("a.mp4", "video/x-b").profile == "surgery"
    assert site.said("a.mov", "video/x-b").profile == "ultrasound"
    assert _site().said("a.mp4", "") == Said()


def test_a_name_that_gives_no_legal_value_does_not_meet_its_rule() -> None:
    site = _site(None, [{"Filename": r"(?P<StudyDate>\d{8})", "Profile": "surgery"}, {"Profile": "endoscopy"}])
    assert site.said("20260102.mp4", "").profile == "surgery"
    assert site.said("20269999.mp4", "") == Said(profile="endoscopy")


@given(st.text(max_size=400))
def test_no_name_makes_a_rule_fail(name: str) -> None:
    site = _site(None, [{"Filename": r"(?P<PatientID>.+?)_(?P<PatientName>.*)_(?P<StudyDate>.*)"}])
    said = site.said(name, name)
    assert set(said.by_name) <= {"PatientID", "PatientName", "StudyDate"}


def test_a_profile_that_there_is_not() -> None:
    with pytest.raises(BadRequest, match='Profile "cooking" is none of: dermatology, endoscopy'):
        _site().profile("cooking")
