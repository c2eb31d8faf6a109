"""What strangers may answer to an association: an answer, or a sentence in bounded time; never another exception."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pynetdicom.pdu import A_ASSOCIATE_AC
from pynetdicom.pdu_primitives import A_ASSOCIATE, ImplementationClassUIDNotification, MaximumLengthNotification
from pynetdicom.presentation import PresentationContext

from orthanc_video.errors import Declined, Unreachable
from orthanc_video.routing.association import (
    IMPLICIT,
    VERIFICATION,
    Association,
    Manner,
    Offer,
    fragment_header,
    manner_of,
    status_of,
)
from orthanc_video.routing.destinations import Destination, Dimse, Web

_OFFER = [Offer(VERIFICATION, (IMPLICIT,))]
_QUICK = Manner(answer=1.0, idle=1.0, stored=1.0)


@contextmanager
def _saying(*pieces: bytes, pause: float = 0.0) -> Iterator[Dimse]:
    """A server that says this, whatever it is asked, and hangs up."""

    def answer() -> None:
        connection, _ = server.accept()
        with connection:
            connection.settimeout(5)
            try:
                connection.recv(65536)
                for piece in pieces:
                    connection.sendall(piece)
                    time.sleep(pause)
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(65536):
                    pass
            except OSError:
                pass  # it was hung up on: that is the client's right

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=answer)
        thread.start()
        yield Dimse(aet="A", calling="B", host="127.0.0.1", port=server.getsockname()[1])
        thread.join()


def _accepting(result: int = 0, syntax: str = IMPLICIT, pdu: int = 16384) -> bytes:
    primitive, length, own = A_ASSOCIATE(), MaximumLengthNotification(), ImplementationClassUIDNotification()
    context = PresentationContext()
    context.context_id, context.result, context.transfer_syntax = 1, result, [syntax]
    length.maximum_length_received, own.implementation_class_uid = pdu, "1.2.3"
    primitive.application_context_name = "1.2.840.10008.3.1.1.1"
    primitive.calling_ae_title, primitive.called_ae_title, primitive.result = "B", "A", 0
    primitive.presentation_context_definition_results_list = [context]
    primitive.user_information = [length, own]
    return A_ASSOCIATE_AC(primitive).encode()


def _talk(peer: Dimse, manner: Manner = _QUICK) -> tuple[int, str]:
    with Association(peer, _OFFER, manner) as association:
        context = association.context(VERIFICATION)
        if not context:
            raise Declined("no context")
        association.command(context, AffectedSOPClassUID=VERIFICATION, CommandField=0x0030)
        return status_of(association.answer(manner.answer)[0])


def _element(number: int, value: bytes) -> bytes:
    return struct.pack("<HHI", 0, number, len(value)) + value


def _response(status: bytes = b"\0\0", comment: bytes = b"", data_set: int = 0x0101) -> bytes:
    body = _element(0x0100, struct.pack("<H", 0x8030)) + _element(0x0120, struct.pack("<H", 1))
    body += _element(0x0800, struct.pack("<H", data_set)) + _element(0x0900, status) + _element(0x0902, comment)
    return fragment_header(len(body), 1, 3) + body


def test_a_plain_answer() -> None:
    with _saying(_accepting() + _response(b"\0\xc0", b"no way ")) as peer:
        assert _talk(peer) == (0xC000, "no way")


def test_an_answer_in_pieces() -> None:
    whole = _accepting() + _response()
    with _saying(*(whole[at : at + 7] for at in range(0, len(whole), 7)), pause=0.001) as peer:
        assert _talk(peer) == (0, "")


@pytest.mark.parametrize(
    ("what", "kind", "words"),
    [
        (b"", Unreachable, "broke off"),
        (b"\x03\0\0\0\0\4\0\1\1\7", Declined, "AE title"),
        (b"\x03\0\0\0\0\4\0\1\1\3", Declined, '"B"'),
        (b"\x03\0\0\0\0\4\0\1\1\1", Declined, "no reason given"),
        (b"\x03\0\0\0\0\4\0\2\3\2", Unreachable, "local limit exceeded"),
        (b"\x03\0\0\0\0\4\0\1\3\1", Unreachable, "temporary congestion"),
        (b"\x03\0\0\0\0\4\0\1\x77\1", Unreachable, "not in the standard"),
        (b"\x07\0\0\0\0\4\0\0\0\0", Unreachable, "aborted"),
        (b"\x05\0\0\0\0\4\0\0\0\0", Declined, "not DICOM"),
        (b"\x02\0\xff\xff\xff\xff", Declined, "not DICOM"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", Declined, "not DICOM"),
        (b"\x02\0\0\0\0\4abcd", Declined, "not DICOM"),
        (_accepting(pdu=9), Declined, "too few"),
        (_accepting(result=3), Declined, "no context"),
        (_accepting(syntax="1.2.3"), Declined, "no context"),
        (_accepting(), Unreachable, "broke off"),
        (_accepting() + b"\x07\0\0\0\0\4\0\0\0\0", Unreachable, "aborted"),
        (_accepting() + b"\x05\0\0\0\0\4\0\0\0\0", Unreachable, "end the association"),
        (_accepting() + b"\x04\0\0\0\0\6\0\0\0\0\1\3", Declined, "not DICOM"),
        (_accepting() + b"\x04\0\0\0\0\6\0\0\0\xff\1\3", Declined, "not DICOM"),
        (_accepting() + _response(b""), Declined, "not DICOM"),
    ],
)
def test_what_else_may_be_said(what: bytes, kind: type[Exception], words: str) -> None:
    with _saying(what) as peer, pytest.raises(kind, match=words):
        _talk(peer)


def test_a_drop_now_and_then_is_no_answer() -> None:
    """A peer that says one byte after the other does not hold us for ever."""
    begun = time.monotonic()
    with _saying(*(bytes([one]) for one in _accepting()[:40]), pause=0.1) as peer, pytest.raises(Unreachable):
        _talk(peer, Manner(answer=0.5))
    assert time.monotonic() - begun < 6


def test_no_end_of_a_message_is_no_answer() -> None:
    piece = fragment_header(60_000, 1, 1) + bytes(60_000)
    with _saying(_accepting() + 100 * piece) as peer, pytest.raises(Declined, match="not DICOM"):
        _talk(peer)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.binary(max_size=300), st.integers(0, 400), st.integers(0, 3))
def test_any_bytes_are_answered_by_a_sentence(noise: bytes, at: int, where: int) -> None:
    good = (b"", _accepting(), _accepting() + _response()[:14], _accepting() + _response())[where]
    with _saying(good[:at] + noise + good[at + len(noise) :]) as peer:
        try:
            _talk(peer, Manner(answer=0.3))
        except (Declined, Unreachable) as error:
            assert error.sentence.endswith((".", "?", "context"))  # noqa: PT017 -- an answer is as good


def test_manners_are_the_destinations() -> None:
    dimse = Dimse(aet="A", calling="B", host="h", port=1, timeout=7.0)
    told = manner_of(Destination(name="x", dimse=dimse, timeout=900.0, pdu=65536))
    assert told == Manner(answer=7.0, idle=60.0, stored=900.0, pdu=65536)
    web = manner_of(Destination(name="x", web=Web(url="http://h/", timeout=0.0), timeout=300.0))
    assert (web.answer, web.idle, web.stored) == (300.0, 300.0, 300.0)
