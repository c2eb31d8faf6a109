"""C-STORE and STOW-RS over TLS: who is trusted, and what is said of who is not."""

from __future__ import annotations

import dataclasses
import ssl
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

import pytest

import peers
from certificates import Keys
from orthanc_video.errors import ConfigurationError
from orthanc_video.routing.asking import ask, echo
from orthanc_video.routing.association import Manner
from orthanc_video.routing.destinations import Web
from orthanc_video.routing.outcomes import Outcome, Result
from orthanc_video.routing.sending import send
from orthanc_video.routing.stow import store

Film = Callable[..., Path]
_QUICK = Manner(answer=10.0, idle=10.0, stored=10.0)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    return Keys(tmp_path_factory.mktemp("keys"))


class Secured(ThreadingHTTPServer):
    """A DICOMweb server that takes everything from whoever shows a certificate."""

    def __init__(self, context: ssl.SSLContext) -> None:
        super().__init__(("127.0.0.1", 0), _Taking)
        self.socket = context.wrap_socket(self.socket, server_side=True)
        self._serving = threading.Thread(target=self.serve_forever, args=(0.05,))

    def __enter__(self) -> Self:
        self._serving.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self._serving.join()
        self.server_close()

    def handle_error(self, *_: object) -> None:
        """Who is not let in is what the tests are about."""


class _Taking(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def _one(peer: peers.Peer, path: Path, **calling: Any) -> Outcome:
    (outcome,) = send(peer.dimse(**calling), [path], _QUICK)
    return outcome


@pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_over_tls_as_without(tmp_path: Path, film: Film, keys: Keys, newest: ssl.TLSVersion) -> None:
    path = film(3_333_332)
    context = keys.serving(keys.server)
    context.maximum_version = newest
    with peers.Peer(tmp_path / "peer", tls=context) as peer:
        calling = keys.calling(keys.client)
        assert 0 < echo(peer.dimse(**calling), _QUICK) < 10
        assert len(ask(peer.dimse(**calling), peers.EVERY_CLASS, _QUICK).accepted) == len(peers.EVERY_CLASS)
        assert _one(peer, path, **calling).result is Result.DELIVERED
        (arrived,) = peer.received()
    assert arrived.read_bytes()[-3_000_000:] == path.read_bytes()[-3_000_000:]


def test_a_failure_in_the_middle_is_heard(tmp_path: Path, film: Film, keys: Keys) -> None:
    told: list[int] = []
    with peers.FailingEarly(tmp_path / "peer", 1_000_000, tls=keys.serving(keys.server)) as peer:
        (outcome,) = send(peer.dimse(**keys.calling(keys.client)), [film(200_000_000)], _QUICK, told.append)
    assert (outcome.result, outcome.status) == (Result.LATER, 0xA700)
    assert told[-1] < 100_000_000


def test_an_impostor_gets_nothing(tmp_path: Path, film: Film, keys: Keys) -> None:
    with peers.Peer(tmp_path / "peer", tls=keys.serving(keys.stranger, demanding=False)) as peer:
        outcome = _one(peer, film(), **keys.calling(keys.client))
        assert peer.associations == 0
        assert outcome.result is Result.STOPPED
        assert "DicomTlsTrustedCertificates" in outcome.sentence
        assert _one(peer, film(), **keys.calling(keys.client), verify=False).delivered


@pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_who_shows_no_certificate_is_told(tmp_path: Path, film: Film, keys: Keys, newest: ssl.TLSVersion) -> None:
    context = keys.serving(keys.server)
    context.maximum_version = newest
    with peers.Peer(tmp_path / "peer", tls=context) as peer:
        outcome = _one(peer, film(), **keys.calling(None))
        assert peer.received() == []
    assert not outcome.delivered
    assert "certificate" in outcome.sentence


def test_tls_to_who_speaks_none(tmp_path: Path, film: Film, keys: Keys) -> None:
    with peers.Peer(tmp_path / "peer") as peer:
        outcome = _one(peer, film(), **keys.calling(keys.client))
    assert not outcome.delivered
    assert "TLS" in outcome.sentence


@pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_stow_shows_its_certificate_and_is_told_when_it_is_not_taken(
    film: Film, keys: Keys, newest: ssl.TLSVersion
) -> None:
    context = keys.serving(keys.server)
    context.maximum_version = newest
    with Secured(context) as server:
        url = f"https://127.0.0.1:{server.server_address[1]}/dicom-web/"
        trusting = Web(url=url, trusted=str(keys.authority.certificate))
        right, wrong = (
            dataclasses.replace(trusting, certificate=str(who.certificate), key=str(who.key))
            for who in (keys.client, keys.stranger)
        )
        assert [one.result for one in store(right, [film()])] == [Result.DELIVERED]
        for web in (wrong, trusting):
            (outcome,) = store(web, [film(3_000_000)], manner=_QUICK)
            assert outcome.result is Result.STOPPED
            assert "CertificateFile" in outcome.sentence
        (outcome,) = store(dataclasses.replace(right, trusted=""), [film()], manner=_QUICK)
        assert outcome.result is Result.STOPPED
        assert "HttpsCACertificates" in outcome.sentence


def test_files_that_are_none(tmp_path: Path, film: Film, keys: Keys) -> None:
    with peers.Peer(tmp_path / "peer", tls=keys.serving(keys.server)) as peer:
        for wrong in ({"trusted": str(tmp_path / "none")}, {"certificate": str(film()), "key": str(film())}):
            with pytest.raises(ConfigurationError, match="DicomTls"):
                _one(peer, film(), **{**keys.calling(keys.client), **wrong})
