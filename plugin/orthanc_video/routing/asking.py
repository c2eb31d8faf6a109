"""Learning what a DICOM peer takes: every SOP class with every transfer syntax, each pair in a context of its own.

A peer picks one transfer syntax of those in a context (PS3.8 7.1.1.14), so only a context of one says all about it.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from orthanc_video.dicom import classes, syntaxes
from orthanc_video.errors import Declined, Unreachable
from orthanc_video.routing.association import (
    COMMITMENT,
    EXPLICIT,
    FIND,
    IMPLICIT,
    MOST_CONTEXTS,
    VERIFICATION,
    Association,
    Manner,
    Offer,
    status_of,
)
from orthanc_video.routing.capabilities import Capabilities
from orthanc_video.routing.destinations import Dimse

_ECHO = 0x0030
_SERVICES = tuple(Offer(service, (IMPLICIT, EXPLICIT)) for service in (VERIFICATION, COMMITMENT, FIND))
# Refused by the peer's program, or for no reason: perhaps only since there were so many (PS3.8 Table 9-18).
_UNEXPLAINED = frozenset({1, 2})
# Peers are known that take so many contexts, or one association after the other with a pause between.
_FEW = 16
_PAUSES = (0.5, 2.0)
# A peer that is slower than this, in seconds, has said enough.
_LONGEST = 120.0
_ASKING = Manner(answer=20.0)


def echo(peer: Dimse, manner: Manner = _ASKING) -> float:
    """C-ECHO (PS3.4 A): the seconds from asking for the association to the answer. Raises Unreachable or Declined."""
    begun = time.monotonic()
    with Association(peer, _SERVICES[:1], manner) as association:
        context = association.context(VERIFICATION)
        if not context:
            raise Declined(f"{association.name} takes associations, but no C-ECHO.")
        association.command(context, AffectedSOPClassUID=VERIFICATION, CommandField=_ECHO)
        status, comment = status_of(association.answer(manner.answer)[0])
        if status:
            raise Declined(f"{association.name} answered C-ECHO with status {status:04X}{comment and f' ({comment})'}.")
    return time.monotonic() - begun


def pairs(sop_classes: Iterable[str]) -> list[Offer]:
    """What to ask of these SOP classes, the likeliest first: of those that hold no videos, pictures alone."""
    every = tuple(syntaxes.BY_UID) + tuple(syntaxes.IMAGES)
    found = []
    for uid in dict.fromkeys(sop_classes):
        known = classes.BY_UID.get(uid)
        fitting = known.videos | known.images if known else frozenset(syntaxes.IMAGES)
        found += [Offer(uid, (syntax,)) for syntax in every if syntax in fitting]
    return found


def ask(peer: Dimse, sop_classes: Iterable[str], manner: Manner = _ASKING) -> Capabilities:
    """Asks in as few associations as there can be; raises Unreachable or Declined when the peer takes none.

    What a peer that goes away in between had not yet answered counts as not accepted.
    """
    asked = datetime.now(UTC).isoformat(timespec="seconds")
    inquiry = _Inquiry(peer, manner)
    inquiry.ask([*_SERVICES, *pairs(sop_classes)])
    accepted: defaultdict[str, set[str]] = defaultdict(set)
    for offer in inquiry.accepted:
        accepted[offer.sop_class].update(offer.syntaxes)
    services = {service.sop_class for service in _SERVICES} & set(accepted)
    return Capabilities(
        asked=asked,
        accepted={uid: frozenset(found) for uid, found in accepted.items() if uid not in services},
        commitment=COMMITMENT in services,
        find=FIND in services,
        pdu=inquiry.pdu,
        implementation=inquiry.implementation,
    )


class _Inquiry:
    """Associations one after the other, smaller ones where the peer does not stand large ones."""

    def __init__(self, peer: Dimse, manner: Manner) -> None:
        self._peer = peer
        self._manner = manner
        self._until = time.monotonic() + _LONGEST
        self.accepted: list[Offer] = []
        self.pdu = 0
        self.implementation = ""

    def ask(self, offers: Sequence[Offer]) -> None:
        size, left, heard = MOST_CONTEXTS, list(offers), False
        while left:
            association = Association(self._peer, left[:size], self._manner)
            try:
                unclear = self._hear(association, left[:size], patient=heard)
            except (Unreachable, Declined):
                if self._over or not association.may_take_less or size == _FEW:
                    if heard:
                        return  # what was learned is worth having
                    raise
                size = max(_FEW, size // 4)
                continue
            if self._over:
                return
            # Some were refused for no reason, and others were not: there may have been too many.
            again = unclear if size > _FEW and len(unclear) < len(left[:size]) else []
            heard, left, size = True, again + left[size:], _FEW if again else size

    @property
    def _over(self) -> bool:
        return time.monotonic() > self._until

    def _hear(self, association: Association, offers: Sequence[Offer], *, patient: bool) -> list[Offer]:
        """The offers to which the peer said nothing that can be relied upon.

        ``patient``: some peers take one association after the other with a pause between.
        """
        for pause in _PAUSES if patient else ():
            try:
                return self._heard(association, offers)
            except Unreachable:
                time.sleep(pause)
        return self._heard(association, offers)

    def _heard(self, association: Association, offers: Sequence[Offer]) -> list[Offer]:
        with association:
            self.pdu, self.implementation = association.pdu, association.implementation
        self.accepted += [offers[at] for at in association.accepted]
        return [
            offer
            for at, offer in enumerate(offers)
            if at not in association.accepted and association.refused.get(at, 2) in _UNEXPLAINED
        ]
