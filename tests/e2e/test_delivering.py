"""A video in Orthanc gets to systems that are weak in one way each: in the best form that each takes, for certain."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from pydicom import dcmread

import peers
from e2e.conftest import Start
from e2e.deliveries import (
    FRAMES,
    PHOTOGRAPHIC,
    TRUE_COLOUR,
    assert_same_film,
    ended,
    held_by,
    known_as,
    sent,
)
from e2e.orthanc_server import OrthancServer, free_ports
from e2e.recordings import Recordings, store, wait_until

HIGH_41, MPEG2, JPEG = (f"1.2.840.10008.1.2.4.{end}" for end in (102, 100, 50))
# MiB: less than the video, more than some of its frames.
SMALL = 0.006


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OrthancServer]:
    destinations = {"SMALL": {"MaxMB": SMALL}}
    folder = tmp_path_factory.mktemp("delivering")
    with OrthancServer(folder, {"VideoGateway": {"Destinations": destinations}}) as running:
        yield running


@pytest.fixture
def video(server: OrthancServer, recordings: Recordings) -> str:
    return store(server, recordings.one())


def got(peer: peers.Peer | peers.Dcmtk) -> Any:
    (path,) = peer.received()
    return dcmread(path)


def test_who_takes_all_gets_it_as_it_is(server: OrthancServer, video: str, tmp_path: Path) -> None:
    with peers.Peer(tmp_path) as peer:
        job = sent(server, video, known_as(server, peer))
        assert (job["State"], job["Form"]["Kind"], job["Proof"]) == ("Success", "stored", "C-FIND"), job
        received = got(peer)
    original = requests.get(f"{server.url}/instances/{video}/file", timeout=10).content
    assert received.file_meta.TransferSyntaxUID == HIGH_41
    (path,) = peer.received()
    assert received.PixelData in original
    assert original.endswith(path.read_bytes()[-1000:])


@pytest.mark.parametrize(
    ("weak", "kind", "sop_class", "syntax"),
    [
        (peers.ImplicitOnly, "frames", PHOTOGRAPHIC, peers.IMPLICIT),
        (peers.JpegOnly, "frames", PHOTOGRAPHIC, JPEG),
        (peers.Mpeg2Only, "transcoded", PHOTOGRAPHIC, MPEG2),
        (peers.SecondaryOnly, "frames", TRUE_COLOUR, JPEG),
    ],
)
def test_who_takes_less_gets_the_best_of_that(
    server: OrthancServer,
    video: str,
    tmp_path: Path,
    weak: Callable[[Path], peers.Peer],
    kind: str,
    sop_class: str,
    syntax: str,
) -> None:
    with weak(tmp_path / "peer") as peer:
        job = sent(server, video, known_as(server, peer))
        assert (job["State"], job["Form"]["Kind"]) == ("Success", kind), job
        received = got(peer)
        assert_same_film(peer.received(), held_by(server, video, tmp_path))
    assert (received.SOPClassUID, received.file_meta.TransferSyntaxUID) == (sop_class, syntax)
    assert received.NumberOfFrames == FRAMES
    assert (
        received.SOPInstanceUID
        != requests.get(f"{server.url}/instances/{video}/metadata/SopInstanceUid", timeout=10).text
    )
    assert received.SourceImageSequence
    assert len(requests.get(f"{server.url}/instances", timeout=10).json()) >= 1


def test_who_is_full_twice_gets_it_the_third_time(server: OrthancServer, video: str, tmp_path: Path) -> None:
    with peers.FullTwice(tmp_path / "peer") as peer:
        job = sent(server, video, known_as(server, peer))
        assert job["State"] == "Success"
        assert [one["Result"] for one in job["Attempts"]] == ["Failure", "Failure", "Success"]
        assert_same_film(peer.received(), held_by(server, video, tmp_path))


def test_who_drops_the_line_at_half_of_it_gets_it_the_next_time(
    server: OrthancServer, video: str, tmp_path: Path
) -> None:
    original = held_by(server, video, tmp_path)
    with peers.Dropping(tmp_path / "peer", original.stat().st_size // 2, pdu=1024) as peer:
        job = sent(server, video, known_as(server, peer))
        assert peer.done
        assert [one["Result"] for one in job["Attempts"]] == ["Failure", "Success"], job
        assert "broke off" in job["Attempts"][0]["Sentence"]
        assert_same_film(peer.received(), original)


def test_who_answers_after_30_seconds_is_waited_for(server: OrthancServer, video: str, tmp_path: Path) -> None:
    with peers.Slow(tmp_path / "peer", 31) as peer:
        job = sent(server, video, known_as(server, peer))
        assert [one["Result"] for one in job["Attempts"]] == ["Success"], job
        assert_same_film(peer.received(), held_by(server, video, tmp_path))


def test_who_refuses_what_it_had_accepted_gets_another_form(server: OrthancServer, video: str, tmp_path: Path) -> None:
    class NoVideos(peers.Peer):
        """Accepts every context, then refuses videos."""

        def judged(self, data: bytes) -> int:
            begins = (b"ftyp", b"\0\0\1\x09", b"\0\0\1\xb3")  # MP4; H.264 in a transport stream; MPEG-2
            return 0x0122 if any(one in data for one in begins) else 0

    with NoVideos(tmp_path / "peer") as peer:
        name = known_as(server, peer)
        job = sent(server, video, name)
        assert (job["State"], job["Form"]["TransferSyntaxUID"]) == ("Success", JPEG), job
        url = f"{server.gateway_url}/video/destinations/{name}/capabilities"
        known = requests.get(url, timeout=30).json()
        (taken,) = (one for one in known["Accepted"] if one["SOPClassUID"] == PHOTOGRAPHIC)
        refused = {one["UID"] for one in taken["TransferSyntaxes"] if one["Refused"]}
        assert HIGH_41 in refused
        assert JPEG not in refused
        assert_same_film(peer.received(), held_by(server, video, tmp_path))


def test_who_reads_no_mp4_gets_a_transport_stream(
    server: OrthancServer, video: str, recordings: Recordings, tmp_path: Path
) -> None:
    class NoMp4(peers.Peer):
        def judged(self, data: bytes) -> int:
            return 0xC000 if b"ftyp" in data else 0

    with NoMp4(tmp_path / "peer") as peer:
        name = known_as(server, peer)
        job = sent(server, video, name)
        assert (job["State"], job["Form"]["Kind"], job["Form"]["TransferSyntaxUID"]) == (
            "Success",
            "rewrapped",
            HIGH_41,
        )
        assert_same_film(peer.received(), held_by(server, video, tmp_path))
        (path,) = peer.received()
        assert dcmread(path).PixelData[16:17] == b"\x47"
        # That is known from now on.
        job = sent(server, store(server, recordings.one()), name)
        assert [one["Form"]["Kind"] for one in job["Attempts"]] == ["rewrapped"]
        assert peer.stores == 3


def test_a_line_that_breaks_each_time_ends_in_a_clear_failure(
    server: OrthancServer, video: str, tmp_path: Path
) -> None:
    class Brittle(peers.Dropping):
        """Each association breaks, not only the first."""

        def requested(self, event: Any) -> None:
            super().requested(event)
            self.heard_bytes, self.done = 0, False

    with Brittle(tmp_path, 1000) as peer:
        job = sent(server, video, known_as(server, peer))
        assert peer.received() == []
    assert job["State"] == "Failure"
    assert "connection" in job["Sentence"]
    tried = [one["Form"]["TransferSyntaxUID"] for one in job["Attempts"]]
    assert tried[:3] == [HIGH_41] * 3
    assert len(tried) == 9


def test_within_a_limit_it_is_made_smaller(server: OrthancServer, video: str, tmp_path: Path) -> None:
    limit = SMALL * (1 << 20)
    with peers.AtMost(tmp_path, int(limit)) as peer:
        job = sent(server, video, known_as(server, peer, "SMALL"))
        assert job["State"] == "Success", job
        assert job["Form"]["Kind"] != "stored"
        assert any("MB" in reason for reason in job["Reasons"])
        assert len(peer.received()) >= 1
        assert all(path.stat().st_size <= limit for path in peer.received())


def test_a_dicomweb_server_gets_it_by_stow(
    server: OrthancServer, video: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    own: dict[str, Any] = {
        "Plugins": ["/usr/share/orthanc/plugins/libOrthancDicomWeb.so"], "VideoGateway": {"Launch": False},
    }  # fmt: skip
    with OrthancServer(tmp_path_factory.mktemp("web"), own) as there:
        entry = {"Url": f"{there.url}/dicom-web/"}
        assert requests.put(f"{server.url}/dicom-web/servers/WEB", json=entry, timeout=10).status_code == 200
        job = sent(server, video, "WEB")
        assert (job["State"], job["Form"]["Kind"], job["Proof"]) == ("Success", "stored", "its answer alone"), job
        (instance,) = requests.get(f"{there.url}/instances", timeout=10).json()
        files = [
            requests.get(f"{where.url}/instances/{one}/file", timeout=10).content
            for where, one in ((server, video), (there, instance))
        ]
        assert files[0] == files[1]


def test_a_gateway_that_is_killed_delivers_all_the_same(start: Start, recordings: Recordings, tmp_path: Path) -> None:
    class Busy(peers.Peer):
        """Out of resources until somebody has it take things."""

        ready = False

        def judged(self, _data: bytes) -> int:
            return 0 if self.ready else 0xA700

    with Busy(tmp_path / "peer") as peer:
        server = start({"DicomModalities": {"LATER": ["PEER", "127.0.0.1", peer.port]}})
        video = store(server, recordings.one())
        url = f"{server.gateway_url}/video/instances/{video}/send"
        job = requests.post(url, json={"Destination": "LATER"}, timeout=10).json()["ID"]
        wait_until(lambda: peer.stores >= 2)
        before = server.gateway_pid()
        os.kill(before, signal.SIGKILL)
        peer.ready = True
        wait_until(lambda: _pid(server) not in {0, before})
        assert ended(server, job)["State"] == "Success"
        assert len(peer.received()) == 1


def _pid(server: OrthancServer) -> int:
    try:
        return int(server.gateway_pid()) if requests.get(f"{server.gateway_url}/health", timeout=5).ok else 0
    except (requests.ConnectionError, RuntimeError, ValueError, IndexError):
        return 0


def test_what_is_cancelled_does_not_go(server: OrthancServer, video: str, tmp_path: Path) -> None:
    with peers.Refusing(tmp_path, 0xA700) as peer:
        name = known_as(server, peer)
        url = f"{server.gateway_url}/video/instances/{video}/send"
        job = requests.post(url, json={"Destination": name}, timeout=10).json()["ID"]
        wait_until(lambda: peer.stores >= 1)
        assert requests.delete(f"{server.gateway_url}/video/jobs/{job}", timeout=10).status_code == 200
        assert ended(server, job)["State"] == "Cancelled"
        stores = peer.stores
        # Whose turn comes next is not held up by it.
        other = requests.post(url, json={"Destination": name}, timeout=10).json()["ID"]
        wait_until(lambda: peer.stores > stores)
        requests.delete(f"{server.gateway_url}/video/jobs/{other}", timeout=10)


def test_nobody_sends_where_orthanc_does_not_let_them(start: Start, recordings: Recordings, tmp_path: Path) -> None:
    folder = tmp_path / "orthanc-0"  # another generation sees no other
    folder.mkdir()
    lua = folder / "filter.lua"
    lua.write_text(
        """function IncomingHttpRequestFilter(method, uri, ip, username, httpHeaders)
             local restricted = httpHeaders['x-forwarded-for'] == '192.0.2.1'
             return not (restricted and (string.find(uri, '^/modalities/CLOSED') or uri == '/modalities'))
           end""",
        encoding="utf-8",
    )
    who = {"X-Forwarded-For": "192.0.2.1"}
    with peers.Peer(tmp_path / "peer") as peer:
        modalities = {name: ["PEER", "127.0.0.1", peer.port] for name in ("CLOSED", "OPEN")}
        server = start({"LuaScripts": [str(lua)], "DicomModalities": modalities, "RemoteAccessAllowed": True})
        video = store(server, recordings.one())
        url = f"{server.gateway_url}/video/instances/{video}/send"

        def asked(name: str) -> int:
            return requests.post(url, json={"Destination": name}, headers=who, timeout=10).status_code

        assert [asked(name) for name in ("CLOSED", "UNKNOWN", "OPEN")] == [403, 404, 202]
        listed = f"{server.gateway_url}/video/destinations"
        assert requests.get(listed, headers=who, timeout=10).status_code == 403
        assert requests.get(listed, timeout=10).status_code == 200
        wait_until(lambda: peer.stores == 1)
        assert requests.post(f"{server.url}/video/instances/{video}/send", data="[", timeout=10).status_code == 400


def test_what_arrives_goes_where_the_rules_say_and_never_back(
    start: Start, recordings: Recordings, tmp_path: Path
) -> None:
    (port,) = free_ports(1)
    routes = [
        {"Destinations": ["ARCHIVE", "SOURCE"], "Attributes": {"Modality": "XC"}},
        {"Destinations": ["NOWHERE"], "Attributes": {"Modality": "CT"}},
    ]
    with peers.Peer(tmp_path / "archive") as archive, peers.JpegOnly(tmp_path / "source") as source:
        known = {"ARCHIVE": archive, "SOURCE": source}
        modalities = {name: [f"{name[:4]}", "127.0.0.1", peer.port] for name, peer in known.items()}
        own = {"VideoGateway": {"Routes": routes, "Destinations": {"SOURCE": {"Keep": True}}}}
        server = start(own | {"DicomModalities": modalities | {"NOWHERE": ["NO", "127.0.0.1", port]}})
        video = store(server, recordings.one())
        wait_until(lambda: archive.received() and source.received(), 60)
        url = f"{server.gateway_url}/video/instances/{video}/deliveries"
        wait_until(lambda: {one["State"] for one in requests.get(url, timeout=10).json()["Deliveries"]} == {"Success"})
        found = {one["Destination"]: one for one in requests.get(url, timeout=10).json()["Deliveries"]}
        assert set(found) == {"ARCHIVE", "SOURCE"}
        assert {one["Asked"] for one in found.values()} == {"rule"}
        assert found["SOURCE"]["Form"]["TransferSyntaxUID"] == JPEG
        # What was made for the second is in Orthanc, too, and goes nowhere by itself.
        kept = [one for one in requests.get(f"{server.url}/instances", timeout=10).json() if one != video]
        assert len(kept) == 1
        (path,) = archive.received()
        sender = [
            "storescu",
            "-aet",
            "ARCH",
            "-aec",
            "ORTHANC",
            "-xn",
            "-R",
            "127.0.0.1",
            str(server.dicom_port),
            str(path),
        ]
        again = recordings.one()
        (tmp_path / "again.dcm").write_bytes(again)
        sender[-1] = str(tmp_path / "again.dcm")
        subprocess.run(sender, check=True, capture_output=True)
        wait_until(lambda: len(source.received()) == 2, 60)
        jobs = requests.get(f"{server.gateway_url}/video/jobs", timeout=10).json()["Jobs"]
        assert len([job for job in jobs if job["Action"] == "deliver"]) == 3
