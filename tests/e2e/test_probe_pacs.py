"""``orthanc-video probe-pacs`` against another Orthanc, by the name that ours knows it by."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from pydicom import dcmread
from pydicom.filebase import DicomBytesIO

from e2e.generation import only_once
from e2e.orthanc_server import PLUGINS, OrthancServer, free_ports
from orthanc_video.routing import profiles
from orthanc_video.routing.profiles import Profile

pytestmark = only_once

JPEG, EXPLICIT = "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.1"
_SILENT = {"Launch": False, "Secret": "x" * 40}


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OrthancServer]:
    folder = tmp_path_factory.mktemp("ours")
    with OrthancServer(folder, {"VideoGateway": _SILENT, "DicomAet": "OURS"}) as running:
        yield running


class Pacs:
    """Another Orthanc, which ours knows as PACS, and which knows ours."""

    def __init__(self, ours: OrthancServer, folder: Path, **configuration: Any) -> None:
        known = {"OURS": ["OURS", "127.0.0.1", ours.dicom_port]}
        fixed = {"DicomAet": "PACS", "DicomModalities": known, "Plugins": [], "VideoGateway": _SILENT}
        self.server = OrthancServer(folder, fixed | configuration)
        self.ours = ours

    def __enter__(self) -> Pacs:
        self.server.start()
        entry = {"AET": "PACS", "Host": "127.0.0.1", "Port": self.server.dicom_port}
        requests.put(f"{self.ours.url}/modalities/PACS", json=entry, timeout=10).raise_for_status()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.stop()

    def objects(self) -> list[Any]:
        found = requests.get(f"{self.server.url}/instances", timeout=10).json()
        files = [requests.get(f"{self.server.url}/instances/{one}/file", timeout=10).content for one in found]
        return [dcmread(DicomBytesIO(file)) for file in files]


def probed(ours: OrthancServer, *arguments: str, name: str = "PACS") -> dict[str, Any]:
    command = [sys.executable, "-m", "orthanc_video", "probe-pacs", name, "--json", *arguments]
    configured = ["--configuration", str(ours.folder / "orthanc.json")]
    done = subprocess.run([*command, *configured], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    if "--send" in arguments:
        assert 'They stay in the PACS: Patient ID "ORTHANC-VIDEO-PROBE"' in done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def measured(key: str) -> dict[str, str]:
    """The lines of a profile that name a test here, by subject."""
    (profile,) = (one for one in profiles.profiles() if one.key == key)
    assert isinstance(profile, Profile)
    return {line.subject: line.says for line in profile.lines if line.test.startswith("tests/e2e/test_probe_pacs.py")}


def test_orthanc(ours: OrthancServer, tmp_path: Path) -> None:
    """As it is configured by default. Whatever it takes is there afterwards, in an object of its own."""
    with Pacs(ours, tmp_path) as pacs:
        report = probed(ours, "--send")
        objects = pacs.objects()
    assert report["Remarks"] == []
    assert report["EchoMilliseconds"] > 0
    stored = [one for one in report["Forms"] if one["Stored"]]
    assert all(one["Found"] and one["Committed"] for one in stored)
    assert all(one["Accepted"] and one["Status"] == 0 for one in stored)
    pairs = sorted((one["SOPClassUID"], one["TransferSyntaxUID"]) for one in stored)
    assert sorted((one.SOPClassUID, one.file_meta.TransferSyntaxUID) for one in objects) == pairs
    assert {one.PatientID for one in objects} == {report["PatientID"]} == {"ORTHANC-VIDEO-PROBE"}
    assert len({one.StudyInstanceUID for one in objects}) == 1
    said = {subject: line["says"] for subject, line in report["Profile"].items()}
    known = measured("orthanc")
    if ours.version >= (1, 13):
        assert "High-Throughput" in said["frames"].partition(": accepted, stored")[0]
        known["frames"] = said["frames"]
    else:
        said["frames"] += " Orthanc 1.13.0 takes that, too."
    assert known == said


def test_an_orthanc_that_takes_little(ours: OrthancServer, tmp_path: Path) -> None:
    with Pacs(ours, tmp_path, AcceptedTransferSyntaxes=[JPEG, EXPLICIT]) as pacs:
        asked = probed(ours)
        assert pacs.objects() == []
        report = probed(ours, "--send")
        objects = pacs.objects()
    assert [one["Accepted"] for one in asked["Forms"]] == [one["Accepted"] for one in report["Forms"]]
    assert {one["Stored"] for one in asked["Forms"]} == {None}
    for one in report["Forms"]:
        taken = one["TransferSyntaxUID"] in {JPEG, EXPLICIT}
        assert (one["Accepted"], one["Stored"], one["Found"]) == ((True, True, True) if taken else (False, None, None))
    assert {one.file_meta.TransferSyntaxUID for one in objects} == {JPEG, EXPLICIT}
    assert len(objects) == 8
    assert report["Profile"]["video"]["says"].startswith("Video Photographic: none of ")


def test_a_dicomweb_server_is_sent_all_forms(ours: OrthancServer, tmp_path: Path) -> None:
    """It cannot be asked what it takes."""
    plugins = [str(PLUGINS / "libOrthancDicomWeb.so")]
    with Pacs(ours, tmp_path, Plugins=plugins) as pacs:
        entry = {"Url": f"{pacs.server.url}/dicom-web/"}
        requests.put(f"{ours.url}/dicom-web/servers/WEB", json=entry, timeout=10).raise_for_status()
        report = probed(ours, "--send", name="WEB")
        objects = pacs.objects()
    assert {(one["Accepted"], one["Stored"], one["Found"]) for one in report["Forms"]} == {(None, True, None)}
    assert len(objects) == len(report["Forms"])
    assert report["EchoMilliseconds"] is None
    assert report["Remarks"] == ["A DICOMweb server knows no C-ECHO, and cannot be asked what it takes."]
    assert report["Profile"]["doors"]["says"] == "STOW-RS."


def test_who_is_not_there_or_not_known(ours: OrthancServer) -> None:
    (port,) = free_ports(1)
    entry = {"AET": "PACS", "Host": "127.0.0.1", "Port": port}
    requests.put(f"{ours.url}/modalities/GONE", json=entry, timeout=10).raise_for_status()
    for name, words in (("GONE", "nothing listens at that port"), ("NOBODY", "Orthanc knows no modality")):
        command = [sys.executable, "-m", "orthanc_video", "probe-pacs", name]
        configured = ["--configuration", str(ours.folder / "orthanc.json")]
        done = subprocess.run([*command, *configured], capture_output=True, text=True, timeout=60, check=False)
        assert (done.returncode, words in done.stderr) == (1, True), done.stderr
