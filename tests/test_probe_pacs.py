"""``orthanc-video probe-pacs`` as a person runs it, against peers by their addresses."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any, ClassVar

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset

import peers
from e2e.orthanc_server import free_ports
from orthanc_video import command_probe_pacs
from orthanc_video.routing import profiles

UNCOMPRESSED = {peers.IMPLICIT, peers.EXPLICIT}


def run(port: int, *arguments: str, scratch: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "orthanc_video", "probe-pacs", f"{peers.AET}@127.0.0.1:{port}", *arguments]
    environment = os.environ | ({"TMPDIR": str(scratch)} if scratch else {})
    return subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment, check=False)


def sent(peer: peers.Peer | peers.Dcmtk, scratch: Path | None = None) -> dict[str, Any]:
    done = run(peer.port, "--send", "--json", scratch=scratch)
    assert done.returncode == 0, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return report


class JpegFilms(peers.Peer):
    """Takes one form, so that little has to be made."""

    classes: ClassVar[Any] = (peers.SECONDARY[3],)
    syntaxes = (peers.JPEG,)


def test_dcmtk(tmp_path: Path) -> None:
    """Whatever it takes is there, in an object that it can read; and the profile says what was seen."""
    with peers.Dcmtk(tmp_path / "storescp", "+xa") as peer:
        report = sent(peer)
        received = peer.received()
    stored = [one for one in report["Forms"] if one["Stored"]]
    assert all((one["Accepted"], one["Found"], one["Status"]) == (True, None, 0) for one in stored)
    assert {one["Accepted"] for one in report["Forms"] if not one["Stored"]} == {False}
    said = {subject: line["says"] for subject, line in report["Profile"].items()}
    (profile,) = (one for one in profiles.profiles() if one.key == "dcmtk")
    if f"DCMTK {_version()}," in profile.version:
        assert {line.subject: line.says for line in profile.lines if line.test} == said
    pairs = Counter((one["SOPClassUID"], one["TransferSyntaxUID"]) for one in stored)
    files = [dcmread(path) for path in received]
    assert Counter((str(one.SOPClassUID), str(one.file_meta.TransferSyntaxUID)) for one in files) == pairs
    with peers.Dcmtk(tmp_path / "plain") as peer:
        asked = json.loads(run(peer.port, "--json").stdout)
    assert {one["TransferSyntaxUID"] for one in asked["Forms"] if one["Accepted"]} == UNCOMPRESSED
    for path in received:
        subprocess.run(["dcmdump", str(path)], check=True, capture_output=True)


def _version() -> str:
    said = subprocess.run(["storescp", "--version"], check=True, capture_output=True, text=True).stdout
    return said.partition(" v")[2].split()[0]


def test_an_archive_that_takes_no_compression_finds_what_it_was_sent(tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    with peers.dcmqrscp(tmp_path / "archive") as peer:
        report = sent(peer, scratch)
        kept = [dcmread(path) for path in peer.received()]
    for one in report["Forms"]:
        taken = one["TransferSyntaxUID"] in UNCOMPRESSED
        assert (one["Accepted"], one["Stored"], one["Found"]) == ((True, True, True) if taken else (False, None, None))
    assert len(kept) == 8
    assert {(one.PatientID, str(one.PatientName)) for one in kept} == {("ORTHANC-VIDEO-PROBE", "Orthanc-Video^Probe")}
    assert "stills: Explicit VR Little Endian" in {one.SeriesDescription for one in kept}
    assert len({one.SOPInstanceUID for one in kept}) == 8
    assert list(scratch.iterdir()) == []


def test_nothing_is_sent_unless_asked_for(tmp_path: Path) -> None:
    with peers.Peer(tmp_path) as peer:
        done = run(peer.port)
        assert (done.returncode, done.stderr, peer.stores) == (0, "", 0)
    lines = done.stdout.splitlines()
    assert lines[0].startswith(f"{peers.AET}@127.0.0.1:{peer.port}: C-ECHO ")
    assert lines[0].endswith(" ms, C-FIND yes, storage commitment no,")
    headings = "Form SOP class Transfer syntax Accepted Stored Found Committed Status and comment"
    assert " ".join(lines[3].split()) == headings
    assert all(line.split()[-4:] == ["yes", "–", "–", "–"] for line in lines[4:])
    assert "stay in the PACS" not in done.stdout


def test_a_status_and_its_comment_are_told(tmp_path: Path) -> None:
    class Full(JpegFilms):
        def judged(self, _data: bytes) -> Dataset:
            answer = Dataset()
            answer.Status, answer.ErrorComment = 0xA700, "disk full"
            return answer

    with Full(tmp_path) as peer:
        done = run(peer.port, "--send")
    assert done.returncode == 0
    (row,) = (line for line in done.stdout.splitlines() if "disk full" in line)
    assert row.startswith("frames  ")
    assert "JPEG Baseline" in row
    assert row.endswith(
        "yes       no      –      –          The destination is out of resources: disk full (status A700)."
    )
    assert 'They stay in the PACS: Patient ID "ORTHANC-VIDEO-PROBE"' in done.stderr


def test_a_peer_that_breaks_off_is_not_sent_everything(tmp_path: Path) -> None:
    class Brittle(peers.Dropping):
        def requested(self, event: Any) -> None:
            super().requested(event)
            self.heard_bytes, self.done = 0, False

    with Brittle(tmp_path, 1000) as peer:
        report = sent(peer)
    tried = [one for one in report["Forms"] if one["Stored"] is not None]
    assert [one["Stored"] for one in tried] == [False] * 3
    assert all("broke off" in one["Sentence"] for one in tried)
    assert report["Remarks"] == ["After 3 failures in a row nothing more was sent."]


def test_what_is_said_to_be_stored_and_is_not_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Forgetful(JpegFilms, peers.Forgetful):
        pass

    monkeypatch.setattr(command_probe_pacs, "_PAUSES", (0.0, 0.1))
    with Forgetful(tmp_path) as peer:
        named = f"{peers.AET}@127.0.0.1:{peer.port}"
        command_probe_pacs.run(named, Path("/nowhere"), "ORTHANC", sends=True, as_json=True)
    report = json.loads(capsys.readouterr().out)
    (one,) = (one for one in report["Forms"] if one["Accepted"])
    assert (one["Stored"], one["Found"]) == (True, False)
    assert "none of" in report["Profile"]["frames"]["says"]
    assert report["Profile"]["verification"]["says"].startswith("Study Root C-FIND, which does not find it all;")


def test_what_cannot_be_asked_is_remarked(tmp_path: Path) -> None:
    class Odd(peers.Committing):
        classes = JpegFilms.classes
        syntaxes = JpegFilms.syntaxes
        services: ClassVar[Any] = (peers.COMMITMENT,)

    with Odd(tmp_path, 1) as peer:
        report = sent(peer)
    assert report["EchoMilliseconds"] is None
    echo, committing = report["Remarks"]
    assert "C-ECHO" in echo
    assert "only where Orthanc knows it by a name" in committing
    (one,) = (one for one in report["Forms"] if one["Accepted"])
    assert (one["Stored"], one["Found"], one["Committed"]) == (True, None, None)
    assert report["Profile"]["doors"]["says"] == "C-STORE."


def test_who_is_not_there_is_a_failure(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    done = run(port, "--send", scratch=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert "nothing listens at that port" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("named", ["PACS@host", "PACS@host:65536", "@host:104", "A-NAME-THAT-IS-TOO-LONG@host:104"])
def test_an_address_that_is_none_is_said(tmp_path: Path, named: str) -> None:
    command = [sys.executable, "-m", "orthanc_video", "probe-pacs", named]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f'"{named}" is no AET@HOST:PORT, such as PACS@10.0.0.5:104.\n'
