"""What is learned of peers by association, and by C-ECHO."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import peers
from dicom import objects
from orthanc_video.dicom import classes, syntaxes
from orthanc_video.errors import Declined, Unreachable
from orthanc_video.routing import asking
from orthanc_video.routing.asking import ask, echo, pairs
from orthanc_video.routing.association import IMPLICIT, MOST_CONTEXTS, Manner
from orthanc_video.routing.destinations import Dimse

_QUICK = Manner(answer=5.0)
_TRUE_COLOUR, _STILL = peers.SECONDARY[-1], peers.SECONDARY[0]
_CLASSES = (objects.PHOTOGRAPHIC, _TRUE_COLOUR, _STILL)


def test_every_pair_is_learned_apart(tmp_path: Path) -> None:
    with peers.Peer(tmp_path, pdu=28672) as peer:
        found = ask(peer.dimse(), _CLASSES, _QUICK)
        assert peer.associations == 1
    assert found.accepted[objects.PHOTOGRAPHIC] == (
        classes.BY_UID[objects.PHOTOGRAPHIC].videos | classes.BY_UID[objects.PHOTOGRAPHIC].images
    )
    assert found.accepted[_STILL] == set(syntaxes.IMAGES)
    assert (found.find, found.commitment, found.pdu) == (True, False, 28672)
    assert found.implementation.startswith("PYNETDICOM")
    assert 0 <= found.age(datetime.now(UTC)) < 60


def test_more_than_128_pairs_take_several_associations(tmp_path: Path) -> None:
    with peers.Limited(tmp_path, MOST_CONTEXTS) as peer:
        found = ask(peer.dimse(), peers.EVERY_CLASS, _QUICK)
    assert len(pairs(peers.EVERY_CLASS)) > 3 * MOST_CONTEXTS
    assert max(peer.offered) == MOST_CONTEXTS
    assert sum(peer.offered) == len(pairs(peers.EVERY_CLASS)) + 3  # and the services, none of them twice
    assert set(found.accepted) == set(peers.EVERY_CLASS)


@pytest.mark.parametrize(
    ("kind", "sop_class", "taken"),
    [
        (peers.ImplicitOnly, objects.PHOTOGRAPHIC, {IMPLICIT}),
        (peers.Mpeg2Only, objects.PHOTOGRAPHIC, {syntaxes.MPEG2_MAIN}),
        (peers.SecondaryOnly, objects.PHOTOGRAPHIC, None),
        (peers.SecondaryOnly, _TRUE_COLOUR, set(syntaxes.IMAGES)),
    ],
)
def test_weak_peers(tmp_path: Path, kind: type[peers.Peer], sop_class: str, taken: set[str] | None) -> None:
    with kind(tmp_path) as peer:
        found = ask(peer.dimse(), _CLASSES, _QUICK)
    assert found.accepted.get(sop_class) == taken


def test_dcmtk_as_its_options_say(tmp_path: Path) -> None:
    with peers.Dcmtk(tmp_path, "+xn") as peer:
        found = ask(peer.dimse(), _CLASSES, _QUICK)
    videos = set(syntaxes.BY_UID) & found.accepted[objects.PHOTOGRAPHIC]
    assert videos == {syntaxes.H264_HIGH_41}
    assert "1.2.840.10008.1.2.4.50" not in found.accepted[objects.PHOTOGRAPHIC]
    assert found.implementation.startswith("OFFIS_DCMTK")
    assert not found.find


@pytest.mark.parametrize("most", [100, 40, 16])
def test_a_peer_that_does_not_stand_many_contexts(tmp_path: Path, most: int) -> None:
    with peers.Limited(tmp_path, most) as peer:
        found = ask(peer.dimse(), _CLASSES, _QUICK)
    assert set(found.accepted) == set(_CLASSES)
    assert found.accepted[_STILL] == set(syntaxes.IMAGES)
    assert len([count for count in peer.offered if count > most]) <= 3


def test_a_peer_that_refuses_the_later_contexts_for_no_reason(tmp_path: Path) -> None:
    with peers.Unexplaining(tmp_path, 20) as peer:
        found = ask(peer.dimse(), _CLASSES, _QUICK)
    assert {uid: len(taken) for uid, taken in found.accepted.items()} == {uid: len(pairs([uid])) for uid in _CLASSES}


def test_what_a_peer_that_goes_away_has_said_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "_PAUSES", (0.1,))

    class Once(peers.Peer):
        def requested(self, event: Any) -> None:
            super().requested(event)
            if self.associations > 1:
                event.assoc.dul.socket.close()

    with Once(tmp_path) as peer:
        found = ask(peer.dimse(), peers.EVERY_CLASS, _QUICK)
    assert next(iter(peers.EVERY_CLASS)) in found.accepted
    assert set(found.accepted) < set(peers.EVERY_CLASS)


def test_a_peer_that_wants_a_pause_between_associations(tmp_path: Path) -> None:
    class Pausing(peers.Peer):
        last = 0.0

        def requested(self, event: Any) -> None:
            super().requested(event)
            if time.monotonic() - self.last < 0.4:
                event.assoc.dul.socket.close()
            else:
                self.last = time.monotonic()

    with Pausing(tmp_path) as peer:
        found = ask(peer.dimse(), peers.EVERY_CLASS[:6], _QUICK)
    assert set(found.accepted) == set(peers.EVERY_CLASS[:6])


def test_an_unknown_ae_title_is_said_and_not_asked_twice(tmp_path: Path) -> None:
    with peers.Peer(tmp_path, strict=True) as peer:
        with pytest.raises(Declined, match="AE title"):
            ask(peer.dimse(aet="OTHER"), _CLASSES, _QUICK)
        with pytest.raises(Declined, match="AE title"):
            echo(peer.dimse(aet="OTHER"), _QUICK)


def test_nobody_there(tmp_path: Path) -> None:
    with peers.Peer(tmp_path) as peer:
        gone = peer.dimse()
    for question in (lambda: ask(gone, _CLASSES, _QUICK), lambda: echo(gone, _QUICK)):
        with pytest.raises(Unreachable, match="nothing listens"):
            question()


def test_echo(tmp_path: Path) -> None:
    with peers.Peer(tmp_path) as peer:
        assert 0 < echo(peer.dimse(), _QUICK) < 5
    with peers.Silent(tmp_path) as peer, pytest.raises(Declined, match="C-ECHO"):
        echo(peer.dimse(), _QUICK)


def test_a_deaf_peer_does_not_hold_us(deaf: int) -> None:
    peer = Dimse(aet="A", calling="B", host="127.0.0.1", port=deaf)
    begun = time.monotonic()
    with pytest.raises(Unreachable, match="too long"):
        echo(peer, Manner(answer=0.5))
    assert time.monotonic() - begun < 3
