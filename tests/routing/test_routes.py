"""Which stored objects go where by themselves."""

from __future__ import annotations

from typing import Any

import pytest

from orthanc_video.errors import ConfigurationError
from orthanc_video.routing.routes import Arrival, keywords, routes_from, wanted
from orthanc_video.settings import Gateway

_TITLES = {"PACS": "PACS_AE", "Archive": "ARCHIVE_AE", "Cloud": ""}


def _goes(rules: list[Any], attributes: dict[str, str], source: str = "TOWER", size: int = 1 << 20) -> tuple[str, ...]:
    arrival = Arrival(attributes=attributes, source=source, size=size)
    return wanted(routes_from(Gateway(routes=rules)), arrival, _TITLES)


def test_a_rule_without_conditions_takes_everything() -> None:
    assert _goes([{"Destinations": ["PACS"]}], {}) == ("PACS",)


def test_attributes_are_met_by_their_whole_values() -> None:
    rules = [{"Destinations": ["PACS"], "Attributes": {"Modality": "ES|XC", "InstitutionName": ".*West"}}]
    assert _goes(rules, {"Modality": "ES", "InstitutionName": "Haus West"}) == ("PACS",)
    assert _goes(rules, {"Modality": "ESX", "InstitutionName": "Haus West"}) == ()
    assert _goes(rules, {"Modality": "ES"}) == ()
    assert keywords(routes_from(Gateway(routes=rules))) == {"Modality", "InstitutionName"}


def test_where_it_came_from_and_how_large_it_is_count() -> None:
    rules = [
        {"Destinations": ["PACS"], "SourceAET": "TOWER.*", "MaxMB": 2},
        {"Destinations": ["Archive"], "MinMB": 2},
    ]
    assert _goes(rules, {}, source="TOWER2") == ("PACS",)
    assert _goes(rules, {}, source="SCOPE") == ()
    assert _goes(rules, {}, size=2 << 20) == ("PACS", "Archive")
    assert _goes(rules, {}, size=3 << 20) == ("Archive",)


def test_each_destination_gets_it_once() -> None:
    rules = [{"Destinations": ["PACS", "Cloud"]}, {"Destinations": ["Cloud", "Archive", "PACS"]}]
    assert _goes(rules, {}) == ("PACS", "Cloud", "Archive")


def test_nothing_goes_back_to_where_it_came_from() -> None:
    rules = [{"Destinations": ["PACS", "Archive"]}]
    assert _goes(rules, {}, source="PACS_AE") == ("Archive",)


def test_what_came_without_dicom_goes_everywhere() -> None:
    assert _goes([{"Destinations": ["PACS", "Cloud"]}], {}, source="") == ("PACS", "Cloud")


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("PACS", "Routes[0]"),
        ({"Destination": "PACS"}, "Routes[0]"),
        ({}, "Routes[0].Destinations"),
        ({"Destinations": []}, "Routes[0].Destinations"),
        ({"Destinations": [""]}, "Routes[0].Destinations"),
        ({"Destinations": ["PACS"], "Attributes": []}, "Routes[0].Attributes"),
        ({"Destinations": ["PACS"], "Attributes": {"Modalty": "ES"}}, "Modalty"),
        ({"Destinations": ["PACS"], "Attributes": {"Modality": "("}}, "Routes[0].Attributes.Modality"),
        ({"Destinations": ["PACS"], "Attributes": {"Modality": 5}}, "Routes[0].Attributes.Modality"),
        ({"Destinations": ["PACS"], "SourceAET": "["}, "Routes[0].SourceAET"),
        ({"Destinations": ["PACS"], "MinMB": "5"}, "Routes[0].MinMB"),
        ({"Destinations": ["PACS"], "MinMB": 5, "MaxMB": 4}, "Routes[0]"),
    ],
)
def test_what_is_wrong_is_named(given: Any, told: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        routes_from(Gateway(routes=[given]))
    assert told in raised.value.sentence
