"""Whether peers have what they were sent, by C-FIND."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread

import peers
from orthanc_video.errors import Declined
from orthanc_video.routing.association import Manner
from orthanc_video.routing.sending import send
from orthanc_video.routing.verifying import Instance, has

Film = Callable[..., Path]
_QUICK = Manner(answer=10.0, idle=10.0, stored=10.0)


def _instance(path: Path) -> Instance:
    said = dcmread(path, stop_before_pixels=True)
    return Instance(study=said.StudyInstanceUID, series=said.SeriesInstanceUID, instance=said.SOPInstanceUID)


@pytest.mark.parametrize("kind", ["pynetdicom", "dcmqrscp"])
def test_what_was_stored_is_found_and_what_was_not_is_not(tmp_path: Path, film: Film, kind: str) -> None:
    stored, other = film(), film()
    where = tmp_path / "peer"
    with peers.Peer(where) if kind == "pynetdicom" else peers.dcmqrscp(where, "+xn") as peer:
        (outcome,) = send(peer.dimse(), [stored], _QUICK)
        assert outcome.delivered
        assert has(peer.dimse(), _instance(stored), _QUICK)
        assert not has(peer.dimse(), _instance(other), _QUICK)


def test_who_stores_nothing_is_found_out(tmp_path: Path, film: Film) -> None:
    path = film()
    with peers.Forgetful(tmp_path / "peer") as peer:
        (outcome,) = send(peer.dimse(), [path], _QUICK)
        assert outcome.delivered
        assert not has(peer.dimse(), _instance(path), _QUICK)


def test_who_cannot_be_asked_says_so(tmp_path: Path, film: Film) -> None:
    with peers.Dcmtk(tmp_path / "peer") as peer, pytest.raises(Declined, match="C-FIND"):
        has(peer.dimse(), _instance(film()), _QUICK)


def test_a_failure_is_no_answer(tmp_path: Path, film: Film) -> None:
    class Failing(peers.Peer):
        def found(self, _event: Any) -> Iterator[tuple[int, Any]]:
            yield 0xA900, None

    with Failing(tmp_path / "peer") as peer, pytest.raises(Declined, match="A900"):
        has(peer.dimse(), _instance(film()), _QUICK)


def test_other_answers_are_no_match(tmp_path: Path, film: Film) -> None:
    """A peer that ignores the keys."""

    class Generous(peers.Peer):
        def matches(self, _wanted: Any, _match: Any) -> bool:
            return True

    stored, other = film(), film()
    with Generous(tmp_path / "peer") as peer:
        list(send(peer.dimse(), [stored], _QUICK))
        assert has(peer.dimse(), _instance(stored), _QUICK)
        assert not has(peer.dimse(), _instance(other), _QUICK)
