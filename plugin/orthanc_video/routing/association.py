"""An association with a DICOM peer, as its requestor, and the messages that go over it (PS3.7, PS3.8). Blocking.

pynetdicom knows what the messages look like. The socket is ours: its own association sends from two threads, holds a
data set in memory, and tells of a failed connection in a log alone.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, NamedTuple, Self

from pydicom.dataset import Dataset
from pydicom.uid import UID
from pynetdicom.dsutils import decode, encode
from pynetdicom.pdu import A_ASSOCIATE_AC, A_ASSOCIATE_RJ, A_ASSOCIATE_RQ
from pynetdicom.pdu_primitives import (
    A_ASSOCIATE,
    ImplementationClassUIDNotification,
    ImplementationVersionNameNotification,
    MaximumLengthNotification,
)
from pynetdicom.presentation import PresentationContext

from orthanc_video.dicom.build import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from orthanc_video.dicom.said import values
from orthanc_video.errors import ConfigurationError, Declined, Unreachable, VideoError
from orthanc_video.routing.destinations import Destination, Dimse
from orthanc_video.routing.tls import context_of
from orthanc_video.routing.wire import Wire

VERIFICATION = "1.2.840.10008.1.1"
COMMITMENT = "1.2.840.10008.1.20.1"
FIND = "1.2.840.10008.5.1.4.1.2.2.1"
IMPLICIT, EXPLICIT = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1"
# Presentation context IDs are odd numbers of one byte (PS3.8 9.3.2.2).
MOST_CONTEXTS = 128
NO_DATA_SET = 0x0101

_APPLICATION = "1.2.840.10008.3.1.1.1"
# What the peer may send us in one PDU; some send more than they were told.
_OUR_PDU, _MOST_PDU = 1 << 16, 1 << 20
# Of a peer's whole message: commands and answers to questions are small.
_MOST_MESSAGE = 4 << 20
# Shorter PDUs than this are no use to anybody (DCMTK's least is 4096).
_LEAST_PDU = 128
# DCMTK's most; longer ones are no faster.
_LONGEST_PDU = 1 << 17
# To the end of an association, in seconds, and in PDUs that may still be on their way.
_FAREWELL, _LAST_WORDS = 5.0, 100
_ACCEPT, _REJECT, _DATA, _RELEASE, _RELEASED, _ABORT = 0x02, 0x03, 0x04, 0x05, 0x06, 0x07
_COMMAND, _LAST = 0x01, 0x02
# Result, source and reasons of a rejection (PS3.8 Table 9-21).
_TRANSIENT, _PRESENTATION = 2, 3
_CALLING, _CALLED = (1, 3), (1, 7)


@dataclass(frozen=True, slots=True)
class Offer:
    """One presentation context: a SOP class, and the transfer syntaxes of which the peer picks one."""

    sop_class: str
    syntaxes: tuple[str, ...]


class _Value(NamedTuple):
    """A presentation data value: a piece of a command or data set."""

    kind: int
    last: bool
    piece: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How long a peer is waited for, in seconds, and the longest PDU that it is sent, in bytes, 0 for what it says.

    ``answer`` is for the connection and for all that is small, ``idle`` for it to take any of what is sent, ``stored``
    for the answer to a whole file, which it may have to write, check and index first.
    """

    answer: float = 30.0
    idle: float = 60.0
    stored: float = 600.0
    pdu: int = 0


def manner_of(destination: Destination) -> Manner:
    """As Orthanc's own settings and this gateway's say of a destination."""
    told = destination.dimse or destination.web
    reached = (told.timeout if told else 0.0) or destination.timeout
    return Manner(answer=reached, idle=max(reached, Manner().idle), stored=destination.timeout, pdu=destination.pdu)


class Association:
    """Opened on entry, released at the end, aborted where an exception ends it.

    ``accepted`` and ``refused`` are by position in ``offers``: the transfer syntax picked, or the reason of PS3.8 Table
    9-18; a context of which the peer says nothing is in neither. ``pdu`` is the longest that it takes, 0 for any.
    ``may_take_less``: it has been reached, and did not say that it knows one of us not, so that it failed may be due to
    what was offered.
    """

    def __init__(self, peer: Dimse, offers: Sequence[Offer], manner: Manner) -> None:
        self.name = f'"{peer.aet}" at {peer.host}:{peer.port}'
        self.accepted: dict[int, str] = {}
        self.refused: dict[int, int] = {}
        self.pdu = 0
        self.implementation = ""
        self._peer = peer
        self._offers = offers
        self._manner = manner
        self.may_take_less = False
        self._message = 0
        self._values_ahead: list[_Value] = []

    def __enter__(self) -> Self:
        request = _request(self._peer, self._offers)
        self.accepted, self.refused = {}, {}
        address = (self._peer.host, self._peer.port)
        self.wire = Wire(self.name, address, context_of(self._peer), self._manner.answer)
        self.may_take_less = True
        try:
            self.wire.write(memoryview(request), self._manner.idle)
            self._negotiated(*self._pdu_read(self._manner.answer))
        except BaseException:
            self.wire.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            with suppress(VideoError):
                self._say(_ABORT) if kind else self._release()
        finally:
            self.wire.close()

    def context(self, sop_class: str, syntax: str = "") -> int:
        """The ID of an accepted context of this class (and transfer syntax), 0 where there is none."""
        for at, picked in self.accepted.items():
            if self._offers[at].sop_class == sop_class and syntax in {"", picked}:
                return 2 * at + 1
        return 0

    def syntax(self, context: int) -> str:
        return self.accepted[context // 2]

    def command(self, context: int, data: bytes | None = None, **elements: Any) -> None:
        """Sends a request; ``elements`` are of its command set (PS3.7 E.1), all but length, message ID and data set.

        ``data`` is a small data set in the context's transfer syntax; one that the caller sends itself is ``b""``.
        """
        self._message += 1
        said = Dataset()
        for keyword, value in elements.items():
            setattr(said, keyword, value)
        said.MessageID = self._message
        said.CommandDataSetType = NO_DATA_SET if data is None else 0x0001
        body = encode(said, is_implicit_vr=True, is_little_endian=True) or b""
        length = struct.pack("<HHII", 0, 0, 4, len(body))
        self._send(context, _COMMAND, length + body)
        if data:
            self._send(context, 0, data)

    def answer(self, patience: float) -> tuple[Dataset, bytes]:
        """The next message: its command set, and its data set as it came."""
        command = self._message_part(_COMMAND, patience)
        try:
            said = decode(io.BytesIO(command), is_implicit_vr=True, is_little_endian=True)
            has_data = said.CommandDataSetType != NO_DATA_SET
            status = int(said.Status)
        except Exception as error:  # a stranger's bytes: pydicom has no end of exceptions for them
            raise self._nonsense() from error
        said.Status = status
        return said, self._message_part(0, patience) if has_data else b""

    def fragment(self) -> int:
        """How many bytes of a message one PDU may carry (PS3.8 D.1): an even number."""
        longest = min(self._manner.pdu or _LONGEST_PDU, _LONGEST_PDU)
        return (min(self.pdu or longest, longest) - 6) & ~1

    def _send(self, context: int, kind: int, body: bytes) -> None:
        step = self.fragment()
        for at in range(0, len(body), step):
            piece = body[at : at + step]
            control = kind | (_LAST if at + step >= len(body) else 0)
            pdu = fragment_header(len(piece), context, control) + piece
            self.wire.write(memoryview(pdu), self._manner.idle)

    def _message_part(self, wanted: int, patience: float) -> bytes:
        """Command or data set out of the P-DATA-TF PDUs that come (PS3.8 9.3.5, Annex E)."""
        found = bytearray()
        while True:
            while self._values_ahead:
                value = self._values_ahead.pop(0)
                found += value.piece
                if value.kind != wanted or len(found) > _MOST_MESSAGE:
                    raise self._nonsense()
                if value.last:
                    return bytes(found)
            self._values_ahead = list(self._values(self._data_read(patience)))

    def _values(self, body: bytes) -> Iterator[_Value]:
        at = 0
        while at < len(body):
            if at + 6 > len(body):
                raise self._nonsense()
            length, _, control = struct.unpack_from(">IBB", body, at)
            if length < 2 or at + 4 + length > len(body):
                raise self._nonsense()
            yield _Value(control & _COMMAND, bool(control & _LAST), body[at + 6 : at + 4 + length])
            at += 4 + length

    def _data_read(self, patience: float) -> bytes:
        kind, body = self._pdu_read(patience)
        if kind == _DATA:
            return body
        if kind == _ABORT:
            raise Unreachable(f"{self.name} aborted the association.")
        if kind == _RELEASE:
            raise Unreachable(f"{self.name} wanted to end the association before it had answered.")
        raise self._nonsense()

    def _pdu_read(self, patience: float) -> tuple[int, bytes]:
        kind, length = struct.unpack(">BxI", self.wire.read(6, patience))
        if not _ACCEPT <= kind <= _ABORT or length > _MOST_PDU:
            raise self._nonsense()
        return kind, self.wire.read(length, patience)

    def _negotiated(self, kind: int, body: bytes) -> None:
        whole = struct.pack(">BxI", kind, len(body)) + body
        if kind == _REJECT:
            raise self._rejection(whole)
        if kind == _ABORT:
            raise Unreachable(f"{self.name} aborted the association while it was negotiated.")
        if kind != _ACCEPT:
            raise self._nonsense()
        try:
            self._understand(whole)
        except VideoError:
            raise
        except Exception as error:  # a stranger's bytes
            raise self._nonsense() from error

    def _understand(self, whole: bytes) -> None:
        answer = A_ASSOCIATE_AC()
        answer.decode(whole)
        for item in answer.presentation_context:
            at = (item.context_id or 0) // 2
            if at >= len(self._offers):
                continue
            if item.result == 0 and str(item.transfer_syntax) in self._offers[at].syntaxes:
                self.accepted[at] = str(item.transfer_syntax)
            else:
                self.refused[at] = item.result or 0
        if answer.user_information is None:
            raise self._nonsense()
        for said in answer.user_information.user_data:
            self.pdu = getattr(said, "maximum_length_received", self.pdu) or 0
            self.implementation = getattr(said, "implementation_version_name", self.implementation) or ""
        if 0 < self.pdu < _LEAST_PDU:
            raise Declined(f"{self.name} takes no more than {self.pdu} bytes at a time, which is too few for anything.")

    def _rejection(self, whole: bytes) -> VideoError:
        """PS3.8 Table 9-21."""
        answer = A_ASSOCIATE_RJ()
        try:
            answer.decode(whole)
            reason = answer.reason_str.lower()
        except (ValueError, TypeError, struct.error):
            return Unreachable(f"{self.name} rejected the association for a reason that is not in the standard.")
        where = (answer.source, answer.reason_diagnostic)
        self.may_take_less = where not in {_CALLED, _CALLING}
        if where == _CALLED:
            return Declined(f'{self.name} goes by another AE title: correct it in Orthanc\'s "DicomModalities".')
        if where == _CALLING:
            return Declined(f'{self.name} does not know our AE title "{self._peer.calling}": it has to be told there.')
        if answer.result == _TRANSIENT or answer.source == _PRESENTATION:
            return Unreachable(f"{self.name} rejected the association for now: {reason}.")
        return Declined(f"{self.name} rejected the association: {reason}.")

    def _release(self) -> None:
        self._say(_RELEASE)
        for _ in range(_LAST_WORDS):
            if self._pdu_read(_FAREWELL)[0] in {_RELEASED, _ABORT}:
                break

    def _say(self, kind: int) -> None:
        self.wire.write(memoryview(struct.pack(">BxI4x", kind, 4)), _FAREWELL)

    def _nonsense(self) -> VideoError:
        return Declined(f"{self.name} answered with something that is not DICOM: is that the right port?")


def fragment_header(length: int, context: int, control: int) -> bytes:
    """Of a P-DATA-TF PDU that carries one piece of a message (PS3.8 9.3.5)."""
    return struct.pack(">BxIIBB", _DATA, length + 6, length + 2, context, control)


def status_of(said: Dataset) -> tuple[int, str]:
    """A response's status, and the peer's own words about it."""
    words = " ".join(values(said, "ErrorComment"))
    return int(said.Status), "".join(letter for letter in words if letter.isprintable())[:64]


def _request(peer: Dimse, offers: Sequence[Offer]) -> bytes:
    try:
        primitive = A_ASSOCIATE()
        primitive.application_context_name = UID(_APPLICATION)
        primitive.calling_ae_title, primitive.called_ae_title = peer.calling, peer.aet
        primitive.presentation_context_definition_list = list(_contexts(offers))
        length, implementation = MaximumLengthNotification(), ImplementationClassUIDNotification()
        version = ImplementationVersionNameNotification()
        length.maximum_length_received = _OUR_PDU
        implementation.implementation_class_uid = UID(IMPLEMENTATION_CLASS_UID)
        version.implementation_version_name = IMPLEMENTATION_VERSION_NAME
        primitive.user_information = [length, implementation, version]
    except (TypeError, ValueError) as error:
        raise ConfigurationError(f'An association with "{peer.aet}" cannot be asked for: {error}.') from error
    return A_ASSOCIATE_RQ(primitive).encode()


def _contexts(offers: Sequence[Offer]) -> Iterable[PresentationContext]:
    for at, offer in enumerate(offers):
        context = PresentationContext()
        context.context_id = 2 * at + 1
        context.abstract_syntax = UID(offer.sop_class)
        context.transfer_syntax = [UID(syntax) for syntax in offer.syntaxes]
        yield context
