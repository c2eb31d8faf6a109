"""Whether peers have what they were sent, by C-FIND."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread

import peers
from orthanc_video.errors import Declined
from orthanc_video.routing.association import Manner
from orthanc_video.routing.sending import send
from orthanc_video.routing.verifying import Instances, has

Film = Callable[..., Path]
_QUICK = Manner(answer=10.0, idle=10.0, stored=10.0)


def _instance(path: Path) -> Instances:
    said = dcmread(path, stop_before_pixels=True)
    return Instances(study=said.StudyInstanceUID, series=said.SeriesInstanceUID, instances=(said.SOPInstanceUID,))


@pytest.mark.parametrize("kind", ["pynetdicom", "dcmqrscp"])
def test_what_was_stored_is_found_and_what_was_not_is_not(tmp_path: Path, film: Film, kind: str) -> None:
    stored, other = film(), film()
    where = tmp_path / "peer"
    with peers.Peer(where) if kind == "pynetdicom" else peers.dcmqrscp(where, "+xn") as peer:
        (outcome,) = send(peer.dimse(), [stored], _QUICK)
        assert outcome.delivered
        assert has(peer.dimse(), _instance(stored), _QUICK)
        assert not has(peer.dimse(), _instance(other), _QUICK)


def test_of_several_each_is_looked_for(tmp_path: Path, film: Film) -> None:
    """Of one series, as stills are; the last alone is not enough."""
    stored, lost = film(), film()
    first, last = dcmread(lost, stop_before_pixels=True), dcmread(stored, stop_before_pixels=True)
    with peers.Peer(tmp_path / "peer") as peer:
        list(send(peer.dimse(), [stored], _QUICK))
        wanted = _instance(stored)
        both = replace(wanted, instances=(first.SOPInstanceUID, last.SOPInstanceUID))
        assert not has(peer.dimse(), both, _QUICK)
        assert has(peer.dimse(), replace(wanted, instances=wanted.instances * 2), _QUICK)


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
