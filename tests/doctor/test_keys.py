"""Each fault of a configuration is found, named by its key, and nothing else is found with it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orthanc_video.doctor import keys, plugins
from orthanc_video.doctor.finding import Finding, Level
from orthanc_video.settings import settings_from

GOOD: dict[str, Any] = {
    "Plugins": ["/x/libOrthancPython.so", "/x/libOrthancDicomWeb.so"],
    "Python": {"AllowThreads": True},
}
_USERS = {"RegisteredUsers": {"ada": "a-long-one"}}
_REMOTE = {"RemoteAccessAllowed": True, "AuthenticationEnabled": True, **_USERS}


def found(configuration: dict[str, Any]) -> dict[str, Finding]:
    """What is not ok, by subject."""
    findings = keys.examine(configuration, settings_from(configuration))
    return {one.subject: one for one in findings if one.level is not Level.OK}


def test_a_good_configuration_has_no_finding() -> None:
    assert found(GOOD) == {}


@pytest.mark.parametrize(
    ("wrong", "subject", "level"),
    [
        ({"StorageCompression": True}, "StorageCompression", Level.ADVICE),
        ({"PostgreSQL": {"EnableStorage": True}}, "EnableStorage", Level.ADVICE),
        ({"IngestTranscoding": "1.2.840.10008.1.2.4.70"}, "IngestTranscoding", Level.ADVICE),
        ({"OverwriteInstances": True}, "OverwriteInstances", Level.ADVICE),
        ({"MaximumStorageSize": 1000}, "MaximumStorageSize", Level.ADVICE),
        ({"MaximumPatientCount": 3}, "MaximumStorageSize", Level.ADVICE),
        ({"MaximumStorageSize": 1000, "MaximumStorageMode": "Reject"}, "MaximumStorageSize", Level.ADVICE),
        ({"MaximumRequestBodySizeMB": 100}, "MaximumRequestBodySizeMB", Level.PROBLEM),
        ({"HttpRequestTimeout": 5}, "HttpRequestTimeout", Level.ADVICE),
        ({"HttpThreadsCount": 4}, "HttpThreadsCount", Level.ADVICE),
        ({"Python": {}}, "AllowThreads", Level.PROBLEM),
        ({"Python": {"AllowThreads": False}}, "AllowThreads", Level.PROBLEM),
        ({"RemoteAccessAllowed": True, "AuthenticationEnabled": False, "SslEnabled": True}, "AuthenticationEnabled",
         Level.PROBLEM),
        ({"AuthenticationEnabled": True, "RegisteredUsers": {"orthanc": "orthanc"}}, "RegisteredUsers", Level.PROBLEM),
        ({"AuthenticationEnabled": True, "RegisteredUsers": {"Zoe": "zoe"}}, "RegisteredUsers", Level.PROBLEM),
        (_REMOTE, "SslEnabled", Level.ADVICE),
        ({"VideoGateway": {"Launch": False}}, "Launch", Level.PROBLEM),
        ({"VideoGateway": {"Launch": False, "Secret": "x" * 31}}, "Launch", Level.ADVICE),
        ({"AuthenticationEnabled": True, "RegisteredUsers": {"Zoe": "x"}, "VideoGateway": {"AllowedOrigins": ["*"]}},
         "AllowedOrigins", Level.ADVICE),
        ({"VideoGateway": {"Rules": [{"Profile": "cooking"}]}}, "Rules", Level.PROBLEM),
        ({"VideoGateway": {"Profiles": {"x": {"PatientID": "1"}}}}, "Rules", Level.PROBLEM),
        ({"VideoGateway": {"Rules": [{"Profile": "surgery"}, {"Filename": "x"}]}}, "Rules", Level.ADVICE),
    ],
)  # fmt: skip
def test_each_fault_is_found_alone(wrong: dict[str, Any], subject: str, level: Level) -> None:
    findings = found(GOOD | wrong)
    assert set(findings) == {subject}
    assert findings[subject].level is level
    assert findings[subject].do


@pytest.mark.parametrize(
    "fine",
    [
        {"MaximumRequestBodySizeMB": 0},
        {"MaximumRequestBodySizeMB": 8192},
        {"MaximumRequestBodySizeMB": 100, "VideoGateway": {"InstanceMB": 84}},
        {"HttpRequestTimeout": 300},
        {**_REMOTE, "SslEnabled": True},
        {"RegisteredUsers": {"orthanc": "orthanc"}},  # nobody is asked
        {"VideoGateway": {"Launch": False, "Secret": "x" * 32}},
        {"VideoGateway": {"AllowedOrigins": ["https://viewer.example.org"]}},
        {"VideoGateway": {"Rules": [{"Filename": "x"}, {"Profile": "surgery"}], "Profiles": {"x": {}}}},
    ],
)
def test_what_is_fine_is_not_found(fine: dict[str, Any]) -> None:
    assert found(GOOD | fine) == {}


@given(st.text("abcdefgh", min_size=12, max_size=20), st.text("stuvwxyz", min_size=12, max_size=20))
def test_no_finding_names_a_user_or_a_password(name: str, word: str) -> None:
    users = {name: word, "other": "password"}
    secrets = {"Launch": False, "Secret": word, "Username": name, "Password": word}
    configuration = {**GOOD, **_REMOTE, "RegisteredUsers": users, "VideoGateway": secrets}
    said = repr(list(keys.examine(configuration, settings_from(configuration))))
    assert name not in said
    assert word not in said


def listed(configuration: dict[str, Any]) -> dict[str, Finding]:
    findings = plugins.examine(configuration, settings_from(configuration))
    return {one.subject: one for one in findings if one.level is not Level.OK}


@pytest.fixture
def script(tmp_path: Path) -> dict[str, Any]:
    path = tmp_path / "orthanc_plugin.py"
    path.touch()
    return _there(tmp_path / "installed") | {"PythonScript": str(path)}


def _there(folder: Path) -> dict[str, Any]:
    """The good configuration, with files for its plugins."""
    folder.mkdir()
    files = [folder / Path(name).name for name in GOOD["Plugins"]]
    for file in files:
        file.touch()
    return GOOD | {"Plugins": [str(file) for file in files]}


def test_plugins_in_order_with_the_script_are_fine(script: dict[str, Any]) -> None:
    assert listed(script) == {}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([], {"python-plugin": Level.PROBLEM, "dicomweb-plugin": Level.ADVICE}),
        (["libOrthancDicomWeb.so"], {"python-plugin": Level.PROBLEM}),
        (["libOrthancPython.so.5.0"], {"dicomweb-plugin": Level.ADVICE}),
        (["libOrthancDicomWeb.so", "libOrthancPython.so"], {"plugin-order": Level.ADVICE}),
    ],
)
def test_plugins_that_are_missing_or_late_are_found(
    script: dict[str, Any], given: list[str], expected: dict[str, Level]
) -> None:
    folder = Path(script["PythonScript"]).parent / "given"
    folder.mkdir()
    for name in given:
        (folder / name).touch()
    findings = listed(script | {"Plugins": [str(folder / name) for name in given]})
    assert {subject: one.level for subject, one in findings.items()} == expected


def test_a_folder_of_plugins_is_looked_into(script: dict[str, Any], tmp_path: Path) -> None:
    assert set(listed(script | {"Plugins": [str(tmp_path)]})) == {"python-plugin", "dicomweb-plugin"}
    for name in ("libOrthancDicomWeb.so", "libOrthancPython.so"):
        (tmp_path / name).touch()
    assert listed(script | {"Plugins": [str(tmp_path)]}) == {}


@pytest.mark.parametrize(
    ("given", "level"),
    [
        ("", Level.PROBLEM),
        ("/nowhere/orthanc_plugin.py", Level.PROBLEM),
        ("plugin/orthanc_plugin.py", Level.ADVICE),
        (__file__, Level.ADVICE),
    ],
)
def test_a_script_that_is_missing_relative_or_another_is_found(given: str, level: Level, tmp_path: Path) -> None:
    findings = listed(_there(tmp_path / "installed") | {"PythonScript": given})
    assert {subject: one.level for subject, one in findings.items()} == {"PythonScript": level}


def test_a_plugin_whose_file_is_not_there_is_found(script: dict[str, Any]) -> None:
    gone = script["Plugins"][1]
    Path(gone).unlink()
    findings = listed(script)
    assert {subject: one.level for subject, one in findings.items()} == {"Plugins": Level.PROBLEM}
    assert gone in findings["Plugins"].what
    assert (
        listed(script | {"Plugins": [script["Plugins"][0], "libOrthancDicomWeb.so"]}) == {}
    )  # from wherever it starts


@pytest.mark.parametrize(
    ("named", "words"),
    [("/nowhere/python", "cannot be run"), ("bare", "lacks what"), ("/bin/false", "lacks what"), (sys.executable, "")],
)
def test_a_python_that_cannot_run_the_gateway_is_found(script: dict[str, Any], named: str, words: str) -> None:
    if named == "bare":  # no packages beside the standard library's
        bare = Path(script["PythonScript"]).with_name("bare")
        bare.write_text(f'#!/bin/sh\nexec {sys.executable} -S "$@"\n', encoding="ascii")
        bare.chmod(0o755)
        named = str(bare)
    findings = listed(script | {"VideoGateway": {"Python": named}})
    assert set(findings) == ({"Python"} if words else set())
    if words:
        assert findings["Python"].level is Level.PROBLEM
        assert words in findings["Python"].what


def test_of_an_orthanc_elsewhere_only_the_configuration_is_known() -> None:
    elsewhere = {"PythonScript": "/nowhere/orthanc_plugin.py", "VideoGateway": {"Launch": False, "Secret": "x" * 32}}
    assert listed(GOOD | elsewhere) == {}
