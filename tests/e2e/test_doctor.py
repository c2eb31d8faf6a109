"""``doctor`` on a real Orthanc: as it should be, with faults, and gone."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import requests

from e2e.conftest import Start
from e2e.films import Films
from e2e.orthanc_server import OrthancServer


def doctor(server: OrthancServer, *more: str) -> tuple[int, dict[str, dict[str, str]], str]:
    """Exit status, the findings by subject, and all that was printed."""
    path = server.folder / "orthanc.json"
    asked = json.loads(path.read_text(encoding="utf-8"))
    if server.root is not None:  # whose Python is not to be seen from here
        asked["VideoGateway"]["Python"] = sys.executable
        path.write_text(json.dumps(asked), encoding="utf-8")
    command = [sys.executable, "-m", "orthanc_video", "doctor", "--json", "--configuration"]
    done = subprocess.run([*command, str(path), *more], capture_output=True, text=True, timeout=60)
    assert done.stderr == ""
    return done.returncode, {one["subject"]: one for one in json.loads(done.stdout)}, done.stdout


def not_ok(findings: dict[str, dict[str, str]]) -> dict[str, str]:
    return {subject: one["level"] for subject, one in findings.items() if one["level"] != "ok"}


# Of this machine, not of the configuration; and Debian 12's plugin is older than what is best.
AROUND = {"user", "spool-disk", "storage-disk", "WorkerMemoryMB", "plugins"}


def test_an_installation_as_it_should_be(start: Start) -> None:
    server = start()
    status, findings, _ = doctor(server)
    assert set(not_ok(findings)) <= AROUND
    assert status == 0
    version = ".".join(str(part) for part in server.version)
    assert version in findings["orthanc"]["what"]
    assert (findings["plugins"]["level"] == "ok") is (server.version >= (1, 12, 7))
    assert "DICOMweb 1." in findings["plugins"]["what"]
    assert server.gateway_url in findings["gateway"]["what"]


def test_faults_are_found_and_nothing_secret_is_said(start: Start) -> None:
    configuration: dict[str, Any] = {
        "AuthenticationEnabled": True,
        "RegisteredUsers": {"florence": "a-hidden-password"},
        "OverwriteInstances": True,
        "StorageCompression": True,
        "IngestTranscoding": "1.2.840.10008.1.2.4.70",
        "Python": {"AllowThreads": False},
    }
    server = start(configuration)
    status, findings, printed = doctor(server)
    wanted = {"OverwriteInstances", "StorageCompression", "IngestTranscoding", "AllowThreads"}
    assert set(not_ok(findings)) - AROUND == wanted
    assert status == 1
    assert findings["storing"]["level"] == "ok"
    assert "florence" not in printed
    assert "hidden" not in printed
    # A password that Orthanc does not know.
    changed = server.configuration | {"RegisteredUsers": {"florence": "another-hidden-one"}}
    (server.folder / "orthanc.json").write_text(json.dumps(changed), encoding="utf-8")
    status, findings, printed = doctor(server)
    assert "does not let" in findings["orthanc"]["what"]
    assert "hidden" not in printed


def test_what_cannot_work_is_a_problem(start: Start) -> None:
    """While a gateway runs that was started with what works."""
    server = start()
    gateway = server.configuration["VideoGateway"]
    for changed, subject in (
        ({"VideoGateway": gateway | {"Database": "mysql://ada:hidden@127.0.0.1:1/x"}}, "settings"),
        ({"VideoGateway": gateway | {"Database": "postgresql://ada:hidden@127.0.0.1:1/x"}}, "Database"),
        ({"VideoGateway": gateway | {"WorkerMemoryMB": 100}}, "settings"),
        ({"Plugins": ["/nowhere/libOrthancPython.so", *server.configuration["Plugins"][1:]]}, "Plugins"),
    ):
        (server.folder / "orthanc.json").write_text(json.dumps(server.configuration | changed), encoding="utf-8")
        status, findings, printed = doctor(server)
        assert status == 1
        assert {one for one, level in not_ok(findings).items() if level == "problem"} == {subject}
        assert "hidden" not in printed


def test_names_that_orthanc_does_not_know_are_found(start: Start) -> None:
    server = start({"DicomModalities": {"PACS": ["PACS", "127.0.0.1", 4242]}})
    gateway = server.configuration["VideoGateway"]
    own: dict[str, Any]
    for own, wrong in (
        ({"Destinations": {"PACS": {"MaxMB": 5}}, "Routes": [{"Destinations": ["PACS"]}]}, {}),
        ({"Destinations": {"PASC": {"MaxMB": 5}}, "Routes": [{"Destinations": ["PACS"]}]}, {"Destinations": "advice"}),
        ({"Routes": [{"Destinations": ["PACS", "PASC"]}]}, {"Routes": "problem"}),
        ({"Destinations": {"PACS": {"MaxMb": 5}}}, {"Destinations": "problem"}),
        ({"Routes": [{"Destinations": []}]}, {"Routes": "problem"}),
    ):
        changed = server.configuration | {"VideoGateway": gateway | own}
        (server.folder / "orthanc.json").write_text(json.dumps(changed), encoding="utf-8")
        status, findings, printed = doctor(server)
        assert {one: level for one, level in not_ok(findings).items() if one not in AROUND} == wrong
        assert status == int("problem" in wrong.values())
        assert ("PASC" in printed) is ("PASC" in str(own))


def test_what_has_ended_does_not_answer(start: Start) -> None:
    server = start()
    server.stop()
    status, findings, _ = doctor(server)
    assert status == 1
    assert {subject for subject, level in not_ok(findings).items() if level == "problem"} == {"orthanc", "gateway"}
    _, findings, _ = doctor(server, "--url", "http://ada:hidden@127.0.0.1:1/")
    assert "http://127.0.0.1:1." in findings["orthanc"]["what"]


def test_orthanc_stores_a_video_as_it_was_with_ingest_transcoding(start: Start, films: Films) -> None:
    """As the advice says of it."""
    server = start({"IngestTranscoding": "1.2.840.10008.1.2.4.70"})
    film = films.unique()
    answer = requests.post(f"{server.url}/instances", data=film.read_bytes(), timeout=60)
    assert answer.json()["Status"] == "Success", answer.text
    played = requests.get(f"{server.gateway_url}/video/instances/{answer.json()['ID']}/stream", timeout=60)
    assert played.content == film.read_bytes()
