"""Whether a peer has what it was sent: asked by C-FIND."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO

from pydicom.dataset import Dataset
from pynetdicom.dsutils import decode, encode

from orthanc_video.errors import Declined
from orthanc_video.routing.association import EXPLICIT, FIND, IMPLICIT, Association, Manner, Offer, status_of
from orthanc_video.routing.destinations import Dimse

_FIND = 0x0020
_PENDING = frozenset({0xFF00, 0xFF01})
# Of an instance's UID there is one match; peers that ignore the key would answer with all that they have.
_MOST_MATCHES = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Instances:
    """What instances of one series are found by, all of them UIDs."""

    study: str
    series: str
    instances: tuple[str, ...]


def has(peer: Dimse, wanted: Instances, manner: Manner = Manner()) -> bool:  # noqa: B008 -- frozen
    """Whether the peer finds all of them (Study Root, IMAGE level; PS3.4 C.6.2), one after the other.

    Raises Unreachable, or Declined for a peer that cannot say.
    """
    with Association(peer, [Offer(FIND, (EXPLICIT, IMPLICIT))], manner) as association:
        context = association.context(FIND)
        if not context:
            raise Declined(f"{association.name} cannot be asked what it has: it does not take Study Root C-FIND.")
        return all(_finds(association, context, wanted, one, manner) for one in wanted.instances)


def _finds(association: Association, context: int, wanted: Instances, instance: str, manner: Manner) -> bool:
    found = False
    implicit = association.syntax(context) == IMPLICIT
    query = encode(_query(wanted, instance), implicit, True)
    association.command(context, query, AffectedSOPClassUID=FIND, CommandField=_FIND, Priority=0)
    for _ in range(_MOST_MATCHES):
        said, match = association.answer(manner.answer)
        status, comment = status_of(said)
        if status in _PENDING:
            found |= _uid(match, implicit=implicit) == instance
        elif status:
            words = f" ({comment})" if comment else ""
            raise Declined(f"{association.name} answered C-FIND with status {status:04X}{words}.")
        else:
            return found
    raise Declined(f"{association.name} cannot be asked for one instance: it answers with all that it has.")


def _query(wanted: Instances, instance: str) -> Dataset:
    query = Dataset()
    query.QueryRetrieveLevel = "IMAGE"
    query.StudyInstanceUID = wanted.study
    query.SeriesInstanceUID = wanted.series
    query.SOPInstanceUID = instance
    return query


def _uid(match: bytes, *, implicit: bool) -> str:
    try:
        return str(decode(BytesIO(match), implicit, True).get("SOPInstanceUID", ""))
    except Exception:  # a stranger's bytes: what cannot be read is no match
        return ""
