"""DICOM peers to send to: pynetdicom's, weak in one way each, and DCMTK's. Each listens on a free port of loopback.

    with JpegOnly(folder) as peer:
        send(peer.dimse(), [file])
        peer.received()     # the files that it has stored

What they get is in their folder as it came, one file for each instance.
"""

from __future__ import annotations

import contextlib
import dataclasses
import socket
import ssl
import struct
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Self

from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import UID
from pynetdicom import AE, evt
from pynetdicom.dsutils import encode
from pynetdicom.pdu_primitives import SCP_SCU_RoleSelectionNegotiation

from e2e.orthanc_server import free_ports
from orthanc_video.dicom import classes, syntaxes
from orthanc_video.routing.destinations import Dimse

AET = "PEER"
ECHO, COMMITMENT, FIND = "1.2.840.10008.1.1", "1.2.840.10008.1.20.1", "1.2.840.10008.5.1.4.1.2.2.1"
COMMITMENT_INSTANCE = "1.2.840.10008.1.20.1.1"
IMPLICIT, EXPLICIT, JPEG = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.4.50"
EVERY_CLASS = tuple(classes.BY_UID) + tuple(uid for uid in classes.CINE if uid not in classes.BY_UID)
# Seconds that an association may take to end.
_PATIENCE = 30
EVERY_SYNTAX = tuple(syntaxes.BY_UID) + tuple(syntaxes.IMAGES)
SECONDARY = tuple(f"1.2.840.10008.5.1.4.1.1.7{end}" for end in ("", ".2", ".3", ".4"))


class Peer:
    """Takes and keeps everything, answers C-FIND for it, and takes no commitment. What is weak is in the subclasses."""

    classes: ClassVar[Sequence[str]] = EVERY_CLASS
    syntaxes: ClassVar[Sequence[str]] = EVERY_SYNTAX
    services: ClassVar[Sequence[str]] = (ECHO, FIND)

    def __init__(
        self,
        folder: Path,
        *,
        pdu: int = 16384,
        tls: ssl.SSLContext | None = None,
        strict: bool = False,
        port: int = 0,
    ) -> None:
        self.folder = folder
        self.folder.mkdir(parents=True, exist_ok=True)
        self.stores = 0
        self.associations = 0
        self._stopping = threading.Event()
        self._tls = tls
        self._ae = AE(ae_title=AET)
        self._ae.maximum_pdu_size = pdu
        self._ae.require_called_aet = strict
        # So that no thread outlives a test for long.
        self._ae.network_timeout = self._ae.dimse_timeout = self._ae.acse_timeout = _PATIENCE
        for sop_class in self.classes:
            self._ae.add_supported_context(sop_class, list(self.syntaxes))
        for service in self.services:
            self._ae.add_supported_context(service, [IMPLICIT, EXPLICIT])
        self._server: Any = None
        self.port = port
        # pynetdicom does not close a connection that the other side has reset.
        self._connections: list[socket.socket] = []

    def __enter__(self) -> Self:
        handlers: list[Any] = [
            (evt.EVT_CONN_OPEN, lambda event: self._connections.append(event.assoc.dul.socket.socket)),
            (evt.EVT_REQUESTED, self.requested),
            (evt.EVT_DATA_RECV, self.heard),
            (evt.EVT_C_STORE, self._stored),
            (evt.EVT_C_FIND, self.found),
            (evt.EVT_N_ACTION, self.acted),
        ]
        address = ("127.0.0.1", self.port)
        self._server = self._ae.start_server(address, block=False, evt_handlers=handlers, ssl_context=self._tls)
        self.port = int(self._server.socket.getsockname()[1])
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._server.shutdown()
        # By their connections: pynetdicom's own abort breaks where an association has not been asked for yet.
        for connection in self._connections:
            with contextlib.suppress(OSError):  # it has ended by itself
                connection.shutdown(socket.SHUT_RDWR)
        for association in self._ae.active_associations:
            association.join(_PATIENCE)
            assert not association.is_alive(), "an association of a test's peer has not ended"
        for connection in self._connections:
            connection.close()

    def dimse(self, **other: Any) -> Dimse:
        return dataclasses.replace(Dimse(aet=AET, calling="ORTHANC", host="127.0.0.1", port=self.port), **other)

    def received(self) -> list[Path]:
        return sorted(self.folder.glob("*.dcm"))

    def requested(self, _event: Any) -> None:
        """An association is asked for."""
        self.associations += 1

    def heard(self, event: Any) -> None:
        """A PDU has come: ``event.data`` is all of it."""

    def judged(self, _data: bytes) -> int | Dataset:
        """The status for an object that has come whole."""
        return 0x0000

    def keep(self, event: Any) -> None:
        path = self.folder / f"{event.request.AffectedSOPInstanceUID}.dcm"
        path.write_bytes(event.encoded_dataset())

    def acted(self, _event: Any) -> tuple[int, Dataset | None]:
        return 0x0211, None

    def _stored(self, event: Any) -> int | Dataset:
        self.stores += 1
        status = self.judged(event.request.DataSet.getvalue())
        if isinstance(status, int) and status in {0x0000, 0xB000, 0xB006, 0xB007}:
            self.keep(event)
        return status

    def found(self, event: Any) -> Iterator[tuple[int, Dataset | None]]:
        for path in self.received():
            said = dcmread(path, stop_before_pixels=True)
            match = Dataset()
            for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
                setattr(match, keyword, said.get(keyword, ""))
            if self.matches(event.identifier, match):
                match.QueryRetrieveLevel = "IMAGE"
                yield 0xFF00, match

    def matches(self, wanted: Dataset, match: Dataset) -> bool:
        return all(wanted.get(one.keyword) in {None, "", one.value} for one in match)


class ImplicitOnly(Peer):
    syntaxes = (IMPLICIT,)


class JpegOnly(Peer):
    syntaxes = (IMPLICIT, EXPLICIT, JPEG)


class Mpeg2Only(Peer):
    syntaxes = (syntaxes.MPEG2_MAIN,)


class SecondaryOnly(Peer):
    """Refuses the video classes, and takes Secondary Capture in every form of pictures."""

    classes = SECONDARY
    syntaxes = tuple(syntaxes.IMAGES)


class Refusing(Peer):
    """Takes every context, then refuses what comes; with words of its own where there are any."""

    def __init__(self, folder: Path, status: int, comment: str = "", **other: Any) -> None:
        super().__init__(folder, **other)
        self._status, self._comment = status, comment

    def judged(self, _data: bytes) -> int | Dataset:
        answer = Dataset()
        answer.Status = self._status
        if self._comment:
            answer.ErrorComment = self._comment
        return answer


class Warning_(Refusing):  # noqa: N801 -- Warning is Python's
    """Stores what comes, and warns of it."""

    def judged(self, _data: bytes) -> int | Dataset:
        return self._status


class FullTwice(Peer):
    """Out of resources at first."""

    def judged(self, _data: bytes) -> int | Dataset:
        return 0xA700 if self.stores <= 2 else 0x0000


class AtMost(Peer):
    """Out of resources for data sets of more bytes."""

    def __init__(self, folder: Path, limit: int, **other: Any) -> None:
        super().__init__(folder, **other)
        self._limit = limit

    def judged(self, data: bytes) -> int | Dataset:
        return 0xA700 if len(data) > self._limit else 0x0000


class Slow(Peer):
    """Answers after some seconds."""

    def __init__(self, folder: Path, seconds: float, **other: Any) -> None:
        super().__init__(folder, **other)
        self._seconds = seconds

    def judged(self, _data: bytes) -> int | Dataset:
        self._stopping.wait(self._seconds)
        return 0x0000


class Forgetful(Peer):
    """Says that it has stored everything, and stores nothing."""

    def keep(self, event: Any) -> None:
        pass


class _After(Peer):
    """Does something once so many bytes of a data set have come."""

    def __init__(self, folder: Path, length: int, **other: Any) -> None:
        super().__init__(folder, **other)
        self._length = length
        self.heard_bytes = 0
        self.done = False

    def heard(self, event: Any) -> None:
        if event.data[:1] == b"\x04":
            self.heard_bytes += len(event.data)
            if self.heard_bytes > self._length and not self.done:
                self.done = True
                self.do(event)

    def do(self, event: Any) -> None:
        raise NotImplementedError


class Dropping(_After):
    """The connection is gone in the middle."""

    def do(self, event: Any) -> None:
        connection = event.assoc.dul.socket
        connection.close()


class FailingEarly(_After):
    """Says in the middle that it will not have it (PS3.7 9.3.1.3), and goes on listening."""

    status = 0xA700

    def do(self, event: Any) -> None:
        event.assoc.dul.socket.socket.sendall(_store_response(event.data[10], self.status))


class Limited(Peer):
    """Ends associations of more contexts than so many."""

    def __init__(self, folder: Path, most: int, **other: Any) -> None:
        super().__init__(folder, **other)
        self.most = most
        self.offered: list[int] = []

    def requested(self, event: Any) -> None:
        super().requested(event)
        self.offered.append(len(event.assoc.requestor.requested_contexts))
        if self.offered[-1] > self.most:
            event.assoc.dul.socket.close()


class Unexplaining(Limited):
    """Refuses all contexts but the first so many for no reason (PS3.8 Table 9-18: 2)."""

    def requested(self, event: Any) -> None:
        association = event.assoc
        accept = association.acse.send_accept

        def fewer() -> None:
            for each in sorted(association._accepted_cx):
                if each > 2 * self.most:
                    context = association._accepted_cx.pop(each)
                    context.result = 2
                    association._rejected_cx.append(context)
            accept()

        association.acse.send_accept = fewer


class Silent(Peer):
    """No services beside storage, not even C-ECHO."""

    services = ()


class Committing(Peer):
    """Takes storage commitment, and reports on a new association to ``port`` of whoever asked.

    ``failing``: the reason (PS3.3 C.14.1.1) for which it does not commit to what it has; what it has not, never.
    """

    services = (ECHO, FIND, COMMITMENT)

    def __init__(self, folder: Path, port: int, *, failing: int = 0, **other: Any) -> None:
        super().__init__(folder, **other)
        self._port, self._failing = port, failing
        self.problems: list[str] = []

    def acted(self, event: Any) -> tuple[int, Dataset | None]:
        asker = event.assoc.requestor.ae_title
        threading.Thread(target=self._report, args=(asker, event.action_information), daemon=True).start()
        return 0x0000, None

    def _report(self, asker: str, request: Dataset) -> None:
        has = {str(dcmread(path, stop_before_pixels=True).SOPInstanceUID) for path in self.received()}
        report, good, bad = Dataset(), [], []
        report.TransactionUID = request.TransactionUID
        for item in request.ReferencedSOPSequence:
            there = item.ReferencedSOPInstanceUID in has
            if there and not self._failing:
                good.append(item)
            else:
                item.FailureReason = self._failing if there else 0x0112
                bad.append(item)
        if good:
            report.ReferencedSOPSequence = good
        if bad:
            report.FailedSOPSequence = bad
        self._tell(asker, report, 2 if bad else 1)

    def _tell(self, asker: str, report: Dataset, kind: int) -> None:
        ae = AE(ae_title=AET)
        ae.add_requested_context(COMMITMENT, [IMPLICIT, EXPLICIT])
        role = SCP_SCU_RoleSelectionNegotiation()
        role.sop_class_uid, role.scu_role, role.scp_role = UID(COMMITMENT), False, True
        association = ae.associate("127.0.0.1", self._port, ae_title=asker, ext_neg=[role])
        if not association.is_established:
            self.problems.append("nobody takes the report")
            return
        status, _ = association.send_n_event_report(report, kind, UID(COMMITMENT), UID(COMMITMENT_INSTANCE))
        if status.get("Status") != 0:
            self.problems.append(f"the report was answered {status}")
        association.release()


def _store_response(context: int, status: int) -> bytes:
    """The PDU of an answer to the first message of an association."""
    answer = Dataset()
    answer.CommandField, answer.MessageIDBeingRespondedTo, answer.CommandDataSetType = 0x8001, 1, 0x0101
    answer.Status = status
    body = encode(answer, True, True) or b""
    body = struct.pack("<HHII", 0, 0, 4, len(body)) + body
    return struct.pack(">BxIIBB", 4, len(body) + 6, len(body) + 2, context, 3) + body


class Dcmtk:
    """DCMTK's storescp with such options (``+xn`` …), or another of its servers."""

    def __init__(self, folder: Path, *options: str, command: Sequence[str] = ("storescp",)) -> None:
        self.folder = folder
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.port,) = free_ports(1)
        self._command = [*command, *options]
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        where = ["-od", str(self.folder)] if self._command[0] == "storescp" else []
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *self._command, *where, str(self.port)],
                cwd=self.folder,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        _await_listening(self.port)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process is not None
        self._process.terminate()
        self._process.wait(10)

    def dimse(self, **other: Any) -> Dimse:
        return dataclasses.replace(Dimse(aet=AET, calling="ORTHANC", host="127.0.0.1", port=self.port), **other)

    def received(self) -> list[Path]:
        return sorted(path for path in self.folder.rglob("*") if path.is_file() and _is_dicom(path))


def dcmqrscp(folder: Path, *options: str) -> Dcmtk:
    """DCMTK's archive: stores what its options say, and answers C-FIND."""
    store = folder / "store"
    store.mkdir(parents=True)
    (folder / "dcmqrscp.cfg").write_text(
        "NetworkTCPPort = 104\nMaxPDUSize = 16384\nMaxAssociations = 16\nHostTable BEGIN\nHostTable END\n"
        f"VendorTable BEGIN\nVendorTable END\nAETable BEGIN\n{AET} {store} RW (9, 1024mb) ANY\nAETable END\n"
    )
    return Dcmtk(folder, *options, "-c", str(folder / "dcmqrscp.cfg"), command=("dcmqrscp",))


def _await_listening(port: int) -> None:
    """Looks for the listening socket in /proc: a connection would be an association that never begins."""
    wanted = f":{port:04X} 00000000:0000 0A"
    limit = time.monotonic() + 20
    while not any(wanted in Path(f"/proc/net/{table}").read_text() for table in ("tcp", "tcp6")):
        assert time.monotonic() < limit, "the peer does not listen"
        time.sleep(0.02)


def _is_dicom(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(132)[128:] == b"DICM"
