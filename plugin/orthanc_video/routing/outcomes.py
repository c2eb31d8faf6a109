"""What became of one delivery, or of one attempt at it: the value that DIMSE and HTTP statuses come down to. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

OUT_OF_RESOURCES = 0xA700


class Result(StrEnum):
    """``LATER``: the same may succeed another time. ``REFUSED``: in this form never, perhaps in another one.
    ``STOPPED``: in no form, until somebody changes something there or here."""

    DELIVERED = "delivered"
    WARNED = "delivered with a warning"
    LATER = "try later"
    REFUSED = "refused"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Outcome:
    """``sentence`` is for a person. ``status`` is the DIMSE status, Failure or Warning Reason, 0 where there is none,
    ``comment`` the destination's own words. ``answered`` is false where the line or its patience ended before it.
    ``untaken``: refused by association, before it was sent, so that what is remembered of the destination is wrong.
    """

    result: Result
    sentence: str
    status: int = 0
    comment: str = ""
    answered: bool = True
    untaken: bool = False

    @property
    def delivered(self) -> bool:
        return self.result in {Result.DELIVERED, Result.WARNED}

    @property
    def full(self) -> bool:
        """There is no room for it, be it for now or for objects of its size: the status is the same for both."""
        return self.status >> 8 == OUT_OF_RESOURCES >> 8


# PS3.4 Table B.2-1, PS3.7 Annex C, PS3.18 Tables I.2-1 and I.2-2: single values, then ranges.
_ONE: dict[int, tuple[Result, str]] = {
    0x0000: (Result.DELIVERED, "It has been stored"),
    0x0001: (Result.WARNED, "It has been stored, with a warning that says no more"),
    0x0107: (Result.WARNED, "It has been stored, without attributes that are not known there"),
    0x0111: (Result.WARNED, "An instance with this UID was there already"),
    0x0116: (Result.WARNED, "It has been stored, with values that are out of range there"),
    0xB000: (Result.WARNED, "It has been stored, with some attributes changed"),
    0xB006: (Result.WARNED, "It has been stored, without some of its attributes"),
    0xB007: (Result.WARNED, "It has been stored, although it does not match its SOP class"),
    0x0105: (Result.REFUSED, "An attribute is not known there"),
    0x0106: (Result.REFUSED, "An attribute's value is not accepted"),
    0x0110: (Result.LATER, "It could not be processed"),
    0x0112: (Result.REFUSED, "The SOP class is not supported"),
    0x0117: (Result.REFUSED, "It is no valid instance there"),
    0x0118: (Result.REFUSED, "The SOP class is not known there"),
    0x0119: (Result.REFUSED, "The SOP class and the instance do not go together there"),
    0x0120: (Result.REFUSED, "An attribute is missing"),
    0x0121: (Result.REFUSED, "An attribute has no value"),
    0x0122: (Result.REFUSED, "The SOP class is not supported"),
    0x0124: (Result.STOPPED, "We are not authorized to store there"),
    0x0211: (Result.REFUSED, "Storing this is no operation that is known there"),
    0xC122: (Result.REFUSED, "The transfer syntax is not supported"),
    0xFE00: (Result.LATER, "It was cancelled there"),
}
_RANGES: dict[int, tuple[Result, str]] = {
    OUT_OF_RESOURCES >> 8: (Result.LATER, "The destination is out of resources"),
    0xA8: (Result.REFUSED, "The SOP class is not supported"),
    0xA9: (Result.REFUSED, "The data set does not match its SOP class, says the destination"),
}
_CLASSES: dict[int, tuple[Result, str]] = {
    0xB: (Result.WARNED, "It has been stored, with a warning"),
    0xC: (Result.REFUSED, "The destination cannot understand it"),
}


def of_status(status: int, comment: str = "") -> Outcome:
    """The outcome of a storage status, with the destination's own words about it."""
    known = _ONE.get(status) or _RANGES.get(status >> 8) or _CLASSES.get(status >> 12)
    result, words = known or (Result.REFUSED, "It was refused with a status that is in no standard")
    said = f": {comment.rstrip('.')}" if comment else ""
    return Outcome(result, f"{words}{said}{f' (status {status:04X})' if status else ''}.", status, comment)
