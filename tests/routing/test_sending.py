"""C-STORE to real peers, weak ones among them: what arrives, and what is made of each way to fail."""

from __future__ import annotations

import os
import socket
import threading
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import pytest
from pydicom import dcmread

import peers
from orthanc_video.dicom import syntaxes
from orthanc_video.errors import Busy
from orthanc_video.routing.association import EXPLICIT, IMPLICIT, Manner
from orthanc_video.routing.destinations import Dimse, Mover
from orthanc_video.routing.outcomes import Outcome, Result
from orthanc_video.routing.sending import send

Film = Callable[..., Path]
_QUICK = Manner(answer=10.0, idle=10.0, stored=10.0)


def _one(peer: peers.Peer | peers.Dcmtk, path: Path, manner: Manner = _QUICK) -> Outcome:
    (outcome,) = send(peer.dimse(), [path], manner)
    return outcome


def _data_set(path: Path) -> bytes:
    """What is after the file meta information, which every side writes for itself."""
    data = path.read_bytes()
    length = dcmread(path, stop_before_pixels=True).file_meta.FileMetaInformationGroupLength
    return data[132 + 12 + length :]


@pytest.mark.parametrize("length", [0, 2, 16_000, 100_000, 1_048_576, 3_333_332])
@pytest.mark.parametrize("pdu", [4096, 16384, 0])
def test_what_arrives_is_the_file_to_the_last_byte(tmp_path: Path, film: Film, length: int, pdu: int) -> None:
    path = film(length)
    with peers.Peer(tmp_path / "peer", pdu=pdu) as peer:
        outcome = _one(peer, path)
        assert outcome == Outcome(Result.DELIVERED, "It has been stored.")
        (arrived,) = peer.received()
    assert _data_set(arrived) == _data_set(path)
    assert dcmread(arrived).file_meta.TransferSyntaxUID == syntaxes.H264_HIGH_41


def test_no_pdu_is_longer_than_the_peer_or_the_manner_allows(tmp_path: Path, film: Film) -> None:
    class Measuring(peers.Peer):
        longest = 0

        def heard(self, event: Any) -> None:
            self.longest = max(self.longest, len(event.data) - 6)

    with Measuring(tmp_path / "small", pdu=5001) as peer:
        assert _one(peer, film()).delivered
        assert 4990 <= peer.longest <= 5001
    with Measuring(tmp_path / "large", pdu=65536) as peer:
        assert _one(peer, film(), Manner(pdu=8192)).delivered
        assert 8000 <= peer.longest <= 8192


@pytest.mark.parametrize(
    ("syntax", "offered"),
    [
        (syntaxes.H264_HIGH_41, [syntaxes.H264_HIGH_41]),
        (peers.JPEG, [peers.JPEG]),
        (EXPLICIT, [EXPLICIT, IMPLICIT]),
        ("1.2.840.10008.1.2.4.70", ["1.2.840.10008.1.2.4.70", IMPLICIT]),
        (IMPLICIT, [IMPLICIT]),
    ],
)
def test_each_syntax_has_a_context_of_its_own(tmp_path: Path, film: Film, syntax: str, offered: list[str]) -> None:
    class Noting(peers.Peer):
        contexts: list[list[str]]

        def requested(self, event: Any) -> None:
            self.contexts = [list(one.transfer_syntax) for one in event.assoc.requestor.requested_contexts]

    with Noting(tmp_path / "peer") as peer:
        assert _one(peer, film(syntax=syntax)).delivered
    assert peer.contexts == [[one] for one in offered]


def test_who_asked_by_c_move_is_named(tmp_path: Path, film: Film) -> None:
    class Asking(peers.Peer):
        movers: ClassVar[list[tuple[Any, Any]]] = []

        def keep(self, event: Any) -> None:
            asked = event.request
            self.movers.append((asked.MoveOriginatorApplicationEntityTitle, asked.MoveOriginatorMessageID))

    with Asking(tmp_path / "peer") as peer:
        for mover in (Mover("WORKSTATION", 7), None):
            assert [one.delivered for one in send(peer.dimse(mover=mover), [film(100)], _QUICK)] == [True]
    assert peer.movers == [("WORKSTATION", 7), (None, None)]


def test_many_files_go_over_one_association(tmp_path: Path, film: Film) -> None:
    files = [film(1000, EXPLICIT, peers.SECONDARY[0]) for _ in range(20)] + [film(), film(5, syntaxes.MPEG2_MAIN)]
    with peers.Peer(tmp_path / "peer") as peer:
        outcomes = list(send(peer.dimse(), files, _QUICK))
        assert [outcome.result for outcome in outcomes] == [Result.DELIVERED] * len(files)
        assert len(peer.received()) == len(files)
        assert peer.associations == 1


def test_the_rest_is_not_sent_after_a_failure(tmp_path: Path, film: Film) -> None:
    with peers.AtMost(tmp_path / "peer", 5000) as peer:
        outcomes = list(send(peer.dimse(), [film(100), film(9000), film(100)], _QUICK))
        assert [outcome.result for outcome in outcomes] == [Result.DELIVERED, Result.LATER]
        assert len(peer.received()) == 1


def test_progress_is_told_and_may_end_it(tmp_path: Path, film: Film) -> None:
    path = film(5_000_000)
    told: list[int] = []
    with peers.Peer(tmp_path / "peer") as peer:
        list(send(peer.dimse(), [path], _QUICK, told.append))
        assert told == sorted(told)
        assert told[-1] == len(_data_set(path))

        class Enough(Exception):
            pass

        def end(_: int) -> None:
            raise Enough

        with pytest.raises(Enough):
            list(send(peer.dimse(), [film(5_000_000)], _QUICK, end))
        assert len(peer.received()) == 1


def test_it_takes_no_more_memory_for_a_large_file(tmp_path: Path, film: Film) -> None:
    path = film(300_000_000)
    with peers.Dcmtk(tmp_path / "peer", "+xa", "--ignore") as peer:
        tracemalloc.start()
        try:
            outcome = _one(peer, path)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert outcome.delivered, outcome
    assert peak < 10 << 20


@pytest.mark.parametrize(
    ("status", "result", "words"),
    [
        (0x0122, Result.REFUSED, "SOP class is not supported"),
        (0xA900, Result.REFUSED, "does not match its SOP class"),
        (0xC000, Result.REFUSED, "cannot understand"),
        (0xC1FF, Result.REFUSED, "cannot understand"),
        (0xA7FE, Result.LATER, "out of resources"),
        (0x0124, Result.STOPPED, "not authorized"),
        (0x0FFF, Result.REFUSED, "in no standard"),
    ],
)
def test_a_refusal_is_told_with_the_peers_own_words(
    tmp_path: Path, film: Film, status: int, result: Result, words: str
) -> None:
    with peers.Refusing(tmp_path / "peer", status, "no room for\\films") as peer:
        outcome = _one(peer, film())
        assert peer.received() == []
    assert (outcome.result, outcome.status) == (result, status)
    assert words in outcome.sentence
    assert f"{status:04X}" in outcome.sentence
    assert outcome.comment.startswith("no room for")
    assert "no room for" in outcome.sentence


def test_a_warning_is_kept(tmp_path: Path, film: Film) -> None:
    with peers.Warning_(tmp_path / "peer", 0xB006) as peer:
        outcome = _one(peer, film())
        assert len(peer.received()) == 1
    assert outcome.delivered
    assert (outcome.result, outcome.status) == (Result.WARNED, 0xB006)


def test_what_is_full_twice_takes_it_the_third_time(tmp_path: Path, film: Film) -> None:
    path = film()
    with peers.FullTwice(tmp_path / "peer") as peer:
        results = [_one(peer, path).result for _ in range(3)]
    assert results == [Result.LATER, Result.LATER, Result.DELIVERED]


@pytest.mark.parametrize(
    ("kind", "syntax", "delivered"),
    [
        (peers.ImplicitOnly, syntaxes.H264_HIGH_41, False),
        (peers.ImplicitOnly, EXPLICIT, False),
        (peers.ImplicitOnly, IMPLICIT, True),
        (peers.JpegOnly, syntaxes.H264_HIGH_41, False),
        (peers.JpegOnly, peers.JPEG, True),
        (peers.Mpeg2Only, syntaxes.H264_HIGH_41, False),
        (peers.Mpeg2Only, syntaxes.MPEG2_MAIN, True),
    ],
)
def test_only_what_the_peer_takes_is_sent(
    tmp_path: Path, film: Film, kind: type[peers.Peer], syntax: str, delivered: bool
) -> None:
    with kind(tmp_path / "peer") as peer:
        outcome = _one(peer, film(syntax=syntax))
        assert len(peer.received()) == peer.stores == int(delivered)
    assert outcome.delivered == delivered
    assert delivered or outcome.result is Result.REFUSED
    assert outcome.untaken != delivered
    assert delivered or "Video Photographic Image Storage" in outcome.sentence


def test_a_class_that_is_not_taken_is_refused(tmp_path: Path, film: Film) -> None:
    with peers.SecondaryOnly(tmp_path / "peer") as peer:
        assert _one(peer, film(syntax=peers.JPEG)).result is Result.REFUSED
        assert _one(peer, film(syntax=peers.JPEG, sop_class=peers.SECONDARY[-1])).delivered


def test_an_association_that_drops_in_the_middle_is_tried_later(tmp_path: Path, film: Film) -> None:
    with peers.Dropping(tmp_path / "peer", 4_000_000) as peer:
        outcome = _one(peer, film(8_000_000))
        assert peer.done
        assert peer.received() == []
    assert outcome.result is Result.LATER
    assert peer.dimse().host in outcome.sentence


def test_a_failure_in_the_middle_ends_the_sending_at_once(tmp_path: Path, film: Film) -> None:
    with peers.FailingEarly(tmp_path / "peer", 1_000_000) as peer:
        sent: list[int] = []
        (outcome,) = send(peer.dimse(), [film(300_000_000)], _QUICK, sent.append)
        assert peer.done
        assert peer.received() == []
    assert (outcome.result, outcome.status) == (Result.LATER, 0xA700)
    # What was on its way: the socket's buffers.
    assert sent[-1] < 100_000_000


def test_who_has_stored_it_before_it_was_sent_has_not(tmp_path: Path, film: Film) -> None:
    class Hasty(peers.FailingEarly):
        status = 0x0000

    with Hasty(tmp_path / "peer", 1_000_000) as peer:
        outcome = _one(peer, film(100_000_000))
    assert outcome.result is Result.REFUSED
    assert "before" in outcome.sentence


def test_an_answer_is_waited_for_as_long_as_was_said(tmp_path: Path, film: Film) -> None:
    path = film()
    with peers.Slow(tmp_path / "peer", 1.5) as peer:
        assert _one(peer, path, Manner(answer=1.0, idle=1.0, stored=10.0)).delivered
        begun = time.monotonic()
        outcome = _one(peer, path, Manner(stored=0.5))
        assert time.monotonic() - begun < 1.4
    assert outcome.result is Result.LATER
    assert "too long" in outcome.sentence


def test_a_peer_that_takes_nothing_any_more_is_not_waited_for_for_ever(tmp_path: Path, film: Film) -> None:
    class Stuck(peers.Peer):
        def heard(self, event: Any) -> None:
            if event.data[:1] == b"\x04":
                self._stopping.wait(10)

    with Stuck(tmp_path / "peer") as peer:
        outcome = _one(peer, film(60_000_000), Manner(idle=0.5))
    assert outcome.result is Result.LATER
    assert "too long" in outcome.sentence


def test_who_is_not_there_is_tried_later(film: Film) -> None:
    with peers.Dcmtk(film().parent / "peer") as peer:
        gone = peer
    outcome = _one(gone, film())
    assert outcome.result is Result.LATER
    assert "nothing listens" in outcome.sentence


def test_a_host_that_no_name_server_knows(film: Film) -> None:
    (outcome,) = send(Dimse(aet="A", calling="B", host="pacs.invalid", port=104), [film()], _QUICK)
    assert outcome.result is Result.LATER
    assert "host name" in outcome.sentence


def test_an_unknown_ae_title_is_for_a_person(tmp_path: Path, film: Film) -> None:
    with peers.Peer(tmp_path / "peer", strict=True) as peer:
        (outcome,) = send(peer.dimse(aet="OTHER"), [film()], _QUICK)
        assert _one(peer, film()).delivered
    assert outcome.result is Result.STOPPED
    assert "AE title" in outcome.sentence


def test_what_is_no_dicom_server_is_told(film: Film) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(100_000)
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        peer = Dimse(aet="A", calling="B", host="127.0.0.1", port=server.getsockname()[1])
        (outcome,) = send(peer, [film()], _QUICK)
        thread.join()
    assert outcome.result is Result.STOPPED
    assert "not DICOM" in outcome.sentence


def test_a_file_that_shrinks_is_no_fault_of_the_peers(tmp_path: Path, film: Film) -> None:
    path = film(5_000_000)
    with peers.Peer(tmp_path / "peer") as peer:
        with pytest.raises(Busy, match="cannot be read"):
            list(send(peer.dimse(), [path], _QUICK, lambda _: os.truncate(path, 2_500_000)))
        assert peer.received() == []


def test_the_file_gone_is_no_fault_of_the_peers(tmp_path: Path) -> None:
    with pytest.raises(Busy, match="cannot be read"):
        list(send(Dimse(aet="A", calling="B", host="127.0.0.1", port=9), [tmp_path / "none"], _QUICK))


@pytest.mark.parametrize(
    ("option", "taken"),
    [
        ("+xn", syntaxes.H264_HIGH_41),
        ("+xl", syntaxes.H264_BD),
        ("+x2", syntaxes.H264_HIGH_42),
        ("+x3", syntaxes.H264_3D),
        ("+xo", syntaxes.H264_STEREO),
        ("+xm", syntaxes.MPEG2_MAIN),
        ("+xh", syntaxes.MPEG2_HIGH),
        ("+x4", syntaxes.HEVC_MAIN),
        ("+x5", syntaxes.HEVC_MAIN_10),
        ("+xy", "1.2.840.10008.1.2.4.50"),
        ("+xs", "1.2.840.10008.1.2.4.70"),
        ("+xv", "1.2.840.10008.1.2.4.90"),
        ("+xw", "1.2.840.10008.1.2.4.91"),
        ("+xt", "1.2.840.10008.1.2.4.80"),
        ("+xu", "1.2.840.10008.1.2.4.81"),
        ("+xr", "1.2.840.10008.1.2.5"),
        ("+xe", EXPLICIT),
        ("+xi", IMPLICIT),
    ],
)
def test_storescp_keeps_what_it_accepts(tmp_path: Path, film: Film, option: str, taken: str) -> None:
    other = syntaxes.H264_HIGH_41 if taken != syntaxes.H264_HIGH_41 else syntaxes.MPEG2_MAIN
    path = film(syntax=taken)
    with peers.Dcmtk(tmp_path / "peer", option, "+B") as peer:
        outcomes = [_one(peer, each) for each in (path, film(syntax=other))]
        (arrived,) = peer.received()
    assert [outcome.result for outcome in outcomes] == [Result.DELIVERED, Result.REFUSED]
    assert _data_set(arrived) == _data_set(path)
