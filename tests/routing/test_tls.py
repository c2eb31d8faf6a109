"""C-STORE and STOW-RS over TLS: who is trusted, and what is said of who is not."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import peers
from certificates import Authority, Signed
from orthanc_video.errors import ConfigurationError
from orthanc_video.routing.asking import ask, echo
from orthanc_video.routing.association import Manner
from orthanc_video.routing.outcomes import Outcome, Result
from orthanc_video.routing.sending import send

Film = Callable[..., Path]
_QUICK = Manner(answer=10.0, idle=10.0, stored=10.0)


class Keys:
    """An authority with a server and a client, and one that nobody knows."""

    def __init__(self, folder: Path) -> None:
        self.authority = Authority(folder)
        self.server, self.client = self.authority.signed("server"), self.authority.signed("client")
        self.stranger = Authority(folder, "stranger").signed("impostor")

    def serving(self, who: Signed, *, demanding: bool = True) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(who.certificate, who.key)
        context.load_verify_locations(self.authority.certificate)
        context.verify_mode = ssl.CERT_REQUIRED if demanding else ssl.CERT_NONE
        return context

    def calling(self, who: Signed | None) -> dict[str, Any]:
        shown = {"certificate": str(who.certificate), "key": str(who.key)} if who else {}
        return {"tls": True, "trusted": str(self.authority.certificate), **shown}


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    return Keys(tmp_path_factory.mktemp("keys"))


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


def test_files_that_are_none(tmp_path: Path, film: Film, keys: Keys) -> None:
    with peers.Peer(tmp_path / "peer", tls=keys.serving(keys.server)) as peer:
        for wrong in ({"trusted": str(tmp_path / "none")}, {"certificate": str(film()), "key": str(film())}):
            with pytest.raises(ConfigurationError, match="DicomTls"):
                _one(peer, film(), **{**keys.calling(keys.client), **wrong})
