"""Storage commitment (PS3.4 J) through Orthanc, under its AE title: the peer reports to Orthanc's DICOM port.

Orthanc asks for instances that it does not hold itself as well. It keeps the newest reports alone
(``StorageCommitmentReportsSize``, 100), and none over a restart.
"""

from __future__ import annotations

import urllib.parse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from http import HTTPStatus
from typing import Any

from orthanc_video.archive.service import Archive
from orthanc_video.errors import Busy, Declined, NotFound, Unreachable

# Orthanc's own numbers (OrthancStatus): no connection; no presentation context accepted.
_UNREACHABLE, _NOT_TAKEN = 9, 2015


class State(StrEnum):
    """``LOST``: Orthanc knows nothing of it any more, so the peer has to be asked again."""

    PENDING = "pending"
    COMMITTED = "committed"
    REFUSED = "refused"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Report:
    """``reasons`` says for each instance to which the peer does not commit why not, in its words (PS3.3 C.14.1.1)."""

    state: State
    reasons: Mapping[str, str] = field(default_factory=dict)


def ask(archive: Archive, modality: str, instances: Sequence[tuple[str, str]], timeout: int) -> str:
    """Asks the peer to commit to these pairs of SOP class and SOP instance; the transaction's UID.

    ``timeout`` in seconds. Raises NotFound for a modality that Orthanc does not know, Unreachable, or Declined for one
    that takes no commitment.
    """
    named = [{"SOPClassUID": sop_class, "SOPInstanceUID": instance} for sop_class, instance in instances]
    path = f"/modalities/{urllib.parse.quote(modality, safe='')}/storage-commitment"
    status, answer = archive.asked(path, {"DicomInstances": named, "Timeout": timeout})
    if status == HTTPStatus.OK:
        return str(answer["ID"])
    if status == HTTPStatus.NOT_FOUND:
        raise NotFound("Orthanc knows no modality of this name.")
    code = answer.get("OrthancStatus") if isinstance(answer, dict) else None
    if code == _UNREACHABLE:
        raise Unreachable("The peer could not be asked for storage commitment: Orthanc does not reach it.")
    if code == _NOT_TAKEN:
        raise Declined("The peer does not take storage commitment.")
    raise Busy(f"The peer could not be asked for storage commitment: Orthanc answered {status} (its error {code}).")


def report(archive: Archive, transaction: str, instances: Sequence[str]) -> Report:
    """What the peer has reported by now on the SOP instances of a transaction."""
    told: dict[str, Any] | None = archive.get(f"/storage-commitment/{transaction}")
    if told is None:
        return Report(State.LOST)
    if told.get("Status") == "Pending":
        return Report(State.PENDING)
    good = {str(one.get("SOPInstanceUID")) for one in told.get("Success", [])}
    bad = {str(one.get("SOPInstanceUID")): str(one.get("Description", "")) for one in told.get("Failures", [])}
    reasons = {uid: bad.get(uid, "The peer did not speak of it.") for uid in instances if uid not in good or uid in bad}
    return Report(State.REFUSED if reasons else State.COMMITTED, reasons)
