"""A video gets to its destination over TLS: to modalities of Orthanc's by C-STORE, and by STOW-RS over HTTPS."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

import peers
from certificates import Keys
from e2e.deliveries import assert_same_film, held_by, known_as, sent
from e2e.generation import only_once
from e2e.orthanc_server import OrthancServer
from e2e.recordings import Recordings, store

pytestmark = only_once

_TOKEN = "Bearer a-token-that-nobody-is-told"


@dataclass
class Web:
    """A DICOMweb server: the headers and bodies of its requests, and whose certificates came with them."""

    port: int
    heard: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Orthanc's, which it sees wherever it runs."""
    return tmp_path_factory.mktemp("tls")


@pytest.fixture(scope="module")
def keys(folder: Path) -> Keys:
    return Keys(folder)


@pytest.fixture(scope="module")
def web(keys: Keys) -> Iterator[Web]:
    """Takes who shows a certificate and the token."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            allowed = self.headers["Authorization"] == _TOKEN
            if allowed:
                there.heard.append((dict(self.headers), body))
                subject = dict(pair for (pair,) in self.connection.getpeercert()["subject"])
                there.shown.append(subject["commonName"])
            self.send_response(200 if allowed else 401)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        running.socket = keys.serving(keys.server).wrap_socket(running.socket, server_side=True)
        there = Web(running.server_address[1])
        thread = threading.Thread(target=running.serve_forever, args=(0.05,))
        thread.start()
        yield there
        running.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def server(folder: Path, keys: Keys, web: Web) -> Iterator[OrthancServer]:
    url = f"https://127.0.0.1:{web.port}/dicom-web/"
    shown = {"CertificateFile": str(keys.client.certificate), "CertificateKeyFile": str(keys.client.key)}
    token = {"HttpHeaders": {"Authorization": _TOKEN}}
    configuration = {
        "DicomTlsCertificate": str(keys.client.certificate),
        "DicomTlsPrivateKey": str(keys.client.key),
        "DicomTlsTrustedCertificates": str(keys.authority.certificate),
        "HttpsCACertificates": str(keys.authority.certificate),
        "DicomWeb": {
            "Servers": {
                "CLOUD": {"Url": url, **shown, **token},
                "TOKENLESS": {"Url": url, **shown},
                "UNSHOWN": {"Url": url, **token},
            }
        },
    }
    with OrthancServer(folder, configuration) as running:
        yield running


@pytest.fixture
def video(server: OrthancServer, recordings: Recordings) -> str:
    return store(server, recordings.one())


def test_a_modality_gets_it_over_tls_and_commits_to_it(
    server: OrthancServer, video: str, keys: Keys, tmp_path: Path
) -> None:
    with peers.Committing(tmp_path / "peer", server.dicom_port, tls=keys.serving(keys.server)) as peer:
        job = sent(server, video, known_as(server, peer, UseDicomTls=True))
        assert (job["State"], job["Form"]["Kind"], job["Proof"]) == ("Success", "stored", "storage commitment"), job
        assert_same_film(peer.received(), held_by(server, video, tmp_path))


def test_dcmtk_gets_it_over_tls(server: OrthancServer, video: str, keys: Keys, tmp_path: Path) -> None:
    tls = ("+tls", str(keys.server.key), str(keys.server.certificate), "+cf", str(keys.authority.certificate))
    with peers.Dcmtk(tmp_path / "peer", "+xy", *tls) as peer:
        job = sent(server, video, known_as(server, peer, UseDicomTls=True))
        assert (job["State"], job["Form"]["Kind"]) == ("Success", "frames"), job
        assert_same_film(peer.received(), held_by(server, video, tmp_path))


def test_an_impostor_gets_nothing(server: OrthancServer, video: str, keys: Keys, tmp_path: Path) -> None:
    with peers.Peer(tmp_path / "peer", tls=keys.serving(keys.stranger)) as peer:
        job = sent(server, video, known_as(server, peer, UseDicomTls=True))
        assert peer.associations == 0
    assert job["State"] == "Failure"
    assert "DicomTlsTrustedCertificates" in job["Sentence"]


def test_a_dicomweb_server_gets_it_over_https_with_token_and_certificate(
    server: OrthancServer, video: str, web: Web, tmp_path: Path
) -> None:
    job = sent(server, video, "CLOUD")
    assert (job["State"], job["Form"]["Kind"]) == ("Success", "stored"), job
    ((headers, body),) = web.heard
    assert web.shown == ["client"]
    boundary = re.search(r"boundary=(\w+)", headers["Content-Type"])
    assert boundary is not None
    part = body.split(f"--{boundary[1]}".encode())[1]
    received = tmp_path / "received.dcm"
    received.write_bytes(part.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n"))
    original = held_by(server, video, tmp_path)
    assert received.read_bytes() == original.read_bytes()
    assert_same_film([received], original)
    assert _TOKEN not in server.log


@pytest.mark.parametrize(("name", "words"), [("TOKENLESS", "credentials"), ("UNSHOWN", "certificate")])
def test_without_token_or_certificate_it_is_told_why_not(
    server: OrthancServer, video: str, name: str, words: str
) -> None:
    job = sent(server, video, name)
    assert job["State"] == "Failure"
    assert words in job["Sentence"]
