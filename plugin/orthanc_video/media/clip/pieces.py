"""Which frames of a clip are copied as they are coded, and which are coded anew. Pure.

A copy begins at a key frame from which on a decoder needs nothing of before it. What is coded after that and shown
before it (an open group of pictures) leans on what came earlier, and is left out of the copy; so is all that is shown
after the clip's end, as far as nothing that stays leans on it. The rest, at both ends, is coded anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Anew:
    """Frames that are coded anew, by their numbers as shown, from 0, both included."""

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Copied:
    """Frames that are copied: ``coded`` are their places in decode order, ``first`` to ``last`` what they show.

    ``open``: others were left out, which are coded after the first of them.
    """

    first: int
    last: int
    coded: tuple[int, ...]
    open: bool


Piece = Anew | Copied


@dataclass(frozen=True, slots=True)
class Frames:
    """A run of a film's frames in decode order, of which the first is the film's ``begin``-th: each one's number as
    shown (-1: it cannot be), and where a copy may begin."""

    shown: Sequence[int]
    entry: Sequence[bool]
    begin: int = 0


def exact(film: Frames, first: int, last: int) -> list[Piece]:
    """The fewest frames coded anew of those from ``first`` to ``last``, both included."""
    copied = next(filter(None, (_copied(film, at, last) for at in _entries(film) if film.shown[at] >= first)), None)
    if copied is None or copied.first > last:
        return [Anew(first, last)]
    before: list[Piece] = [Anew(first, copied.first - 1)] if copied.first > first else []
    after: list[Piece] = [Anew(copied.last + 1, last)] if copied.last < last else []
    return [*before, copied, *after]


def at_key_frames(film: Frames, first: int, last: int) -> list[Piece]:
    """All copied: from the last key frame that is not later than ``first``, to the next possible end from ``last`` on.

    Empty where the film has no key frame to begin with.
    """
    entries = [at for at in _entries(film) if film.shown[at] <= first]
    if not entries:
        return []
    for end in range(last, max(film.shown) + 1):
        copied = _copied(film, entries[-1], end)
        if copied is not None and copied.last >= last:
            return [copied]
    return []


def _entries(film: Frames) -> list[int]:
    """Before which, in decode order, all comes that is shown before it, what leans over it apart."""
    latest, found = -1, []
    for at, (number, entry) in enumerate(zip(film.shown, film.entry, strict=True)):
        if entry and number > latest:
            found.append(at)
        latest = max(latest, number)
    return found


def _copied(film: Frames, begin: int, last: int) -> Copied | None:
    """The most frames from ``begin`` on, without a gap, that lean on none shown after ``last``."""
    first, latest = film.shown[begin], film.shown[begin] - 1
    taken: list[int] = []
    best: Copied | None = None
    left_out = False
    for at in range(begin, len(film.shown)):
        number = film.shown[at]
        if number < first:
            left_out = True
            continue
        latest = max(latest, number)
        if latest > last:
            break
        taken.append(film.begin + at)
        if latest - first + 1 == len(taken):
            best = Copied(first, latest, tuple(taken), left_out)
    return best
