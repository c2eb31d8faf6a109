"""What runs, by what it answers: versions, another configuration, and addresses without their secrets."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orthanc_video.archive.about import About
from orthanc_video.doctor import services
from orthanc_video.doctor.finding import Finding, Level, shown
from orthanc_video.errors import Busy, Forbidden, Unauthorized, VideoError
from orthanc_video.settings import settings_from

PLUGINS = {"python": "5.0", "dicom-web": "1.20"}


def found(
    monkeypatch: pytest.MonkeyPatch, configuration: dict[str, Any] | None = None, *, gateway: bool = True, **about: Any
) -> dict[str, Finding]:
    """What is not ok where Orthanc says ``about``, or fails with its ``error``."""

    def ask(_: Any) -> About:
        if "error" in about:
            raise about["error"]
        usual: dict[str, Any] = {"system": {"Version": "1.12.7"}, "plugins": PLUGINS, "stores": True}
        return About(**(usual | about))

    monkeypatch.setattr(services, "ask", ask)
    monkeypatch.setattr(services, "gateway_answers", lambda _: gateway)
    given = configuration or {}
    findings = services.examine(given, settings_from(given))
    return {one.subject: one for one in findings if one.level is not Level.OK}


def test_all_is_well(monkeypatch: pytest.MonkeyPatch) -> None:
    assert found(monkeypatch) == {}


@pytest.mark.parametrize(
    ("plugins", "level"),
    [
        ({}, Level.PROBLEM),
        ({"python": "4.0"}, Level.ADVICE),
        ({"python": "4.3"}, Level.ADVICE),
        ({"python": "5.0"}, None),
        ({"python": "mainline"}, None),
    ],
)
def test_plugins_that_are_missing_or_old(
    monkeypatch: pytest.MonkeyPatch, plugins: dict[str, str], level: Level | None
) -> None:
    finding = found(monkeypatch, plugins=plugins).get("plugins")
    assert (finding.level if finding else None) is level


@pytest.mark.parametrize("error", [Busy("x"), Unauthorized("x"), Forbidden("x")])
def test_an_orthanc_that_does_not_answer_or_refuses(monkeypatch: pytest.MonkeyPatch, error: VideoError) -> None:
    findings = found(monkeypatch, error=error)
    assert set(findings) == {"orthanc"}
    assert findings["orthanc"].level is Level.PROBLEM
    assert ("let" in findings["orthanc"].what) is not isinstance(error, Busy)


def test_a_user_who_may_not_store(monkeypatch: pytest.MonkeyPatch) -> None:
    assert found(monkeypatch, stores=False)["storing"].level is Level.PROBLEM


def test_a_gateway_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    assert found(monkeypatch, gateway=False)["gateway"].level is Level.PROBLEM


def test_an_orthanc_with_another_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    system = {"Version": "1.12.7", "OverwriteInstances": True, "StorageCompression": False}
    assert found(monkeypatch, system=system)["configuration"].level is Level.ADVICE
    assert found(monkeypatch, {"OverwriteInstances": True}, system=system) == {}


@given(st.from_regex(r"\d{1,3}(\.\d{1,3}){0,3}", fullmatch=True))
def test_versions_are_compared_as_numbers(text: str) -> None:
    assert ".".join(str(part) for part in services.version(text)) == ".".join(str(int(p)) for p in text.split("."))
    assert services.version("mainline") > services.version("99.9")


def test_an_address_is_shown_without_its_secrets() -> None:
    assert shown("https://ada:hidden@orthanc:8042/path?token=hidden#hidden") == "https://orthanc:8042/path"
    assert shown("http://[::1]:8042") == "http://[::1]:8042"
