"""The plan of a clip, over any structure of groups of pictures."""

from __future__ import annotations

from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orthanc_video.media.clip.pieces import Anew, Copied, Frames, at_key_frames, exact


@st.composite
def films(draw: st.DrawFn) -> tuple[Frames, list[set[int]]]:
    """Groups of I and P pictures with B pictures before them, open or closed; and, of each frame in decode order, all
    those that it leans on, directly or not."""
    shown: list[int] = []
    entry: list[bool] = []
    needs: list[set[int]] = []
    number = 0
    for _ in range(draw(st.integers(1, 4))):
        begins = len(shown)
        is_open = bool(shown) and draw(st.booleans())
        for at in range(draw(st.integers(1, 5))):
            key = at == 0
            between = draw(st.integers(0, 3)) if (not key or is_open) else 0
            anchor = len(shown)
            shown.append(number + between)
            entry.append(key)
            needs.append(set() if key else {anchor - 1, *range(begins, anchor)} - {anchor})
            for b in range(between):
                before = range(begins if not key else 0, len(shown))
                needs.append(set(before) | set(chain.from_iterable(needs[one] for one in before)))
                shown.append(number + b)
                entry.append(False)
            number += between + 1
    return Frames(shown, entry), needs


@st.composite
def cuts(draw: st.DrawFn) -> tuple[Frames, list[set[int]], int, int]:
    film, needs = draw(films())
    first = draw(st.integers(0, len(film.shown) - 1))
    return film, needs, first, draw(st.integers(first, len(film.shown) - 1))


def _frames(pieces: list[Anew | Copied]) -> list[int]:
    return list(chain.from_iterable(range(one.first, one.last + 1) for one in pieces))


@given(cuts())
def test_all_frames_are_there_once_and_in_order(cut: tuple[Frames, list[set[int]], int, int]) -> None:
    film, _, first, last = cut
    assert _frames(exact(film, first, last)) == list(range(first, last + 1))


@given(cuts())
def test_what_is_copied_leans_on_what_is_copied_alone(cut: tuple[Frames, list[set[int]], int, int]) -> None:
    film, needs, first, last = cut
    for plan in (exact(film, first, last), at_key_frames(film, first, last)):
        for piece in plan:
            if isinstance(piece, Copied):
                assert sorted(film.shown[at] for at in piece.coded) == list(range(piece.first, piece.last + 1))
                # Beyond its key frame: what an open group's first pictures need of before it, later ones do not.
                later = [at for at in piece.coded if film.shown[at] >= piece.first and at != piece.coded[0]]
                needed = set(chain.from_iterable(needs[at] for at in later)) - _over(film, piece)
                assert {at for at in needed if at >= piece.coded[0]} <= set(piece.coded)


def _over(film: Frames, piece: Copied) -> set[int]:
    """What is coded after a key frame and shown before it: nothing that is shown after it leans on that."""
    return {at for at in range(len(film.shown)) if at > piece.coded[0] and film.shown[at] < piece.first}


@given(cuts())
def test_from_key_frames_on_no_frame_is_missing(cut: tuple[Frames, list[set[int]], int, int]) -> None:
    film, _, first, last = cut
    (piece,) = at_key_frames(film, first, last)
    assert isinstance(piece, Copied)
    assert piece.first <= first
    assert piece.last >= last


CLOSED = Frames([0, 3, 1, 2, 4, 7, 5, 6], [True, False, False, False, True, False, False, False])
OPEN = Frames([0, 1, 4, 2, 3, 7, 5, 6], [True, False, True, False, False, False, False, False])


@pytest.mark.parametrize(
    ("film", "first", "last", "pieces"),
    [
        (CLOSED, 0, 7, [Copied(0, 7, tuple(range(8)), False)]),
        (CLOSED, 1, 7, [Anew(1, 3), Copied(4, 7, (4, 5, 6, 7), False)]),
        (CLOSED, 0, 5, [Copied(0, 4, (0, 1, 2, 3, 4), False), Anew(5, 5)]),
        (CLOSED, 5, 6, [Anew(5, 6)]),
        (CLOSED, 4, 4, [Copied(4, 4, (4,), False)]),
        (OPEN, 2, 7, [Anew(2, 3), Copied(4, 7, (2, 5, 6, 7), True)]),
        (OPEN, 0, 7, [Copied(0, 7, tuple(range(8)), False)]),
        (OPEN, 1, 4, [Anew(1, 3), Copied(4, 4, (2,), True)]),
    ],
)
def test_the_fewest_are_coded_anew(film: Frames, first: int, last: int, pieces: list[Anew | Copied]) -> None:
    found = exact(film, first, last)
    assert [_bare(one) for one in found] == [_bare(one) for one in pieces]


def _bare(piece: Anew | Copied) -> tuple[int, int, tuple[int, ...]]:
    return piece.first, piece.last, piece.coded if isinstance(piece, Copied) else ()


def test_no_key_frame_to_begin_with() -> None:
    assert at_key_frames(Frames([0, 1, 2], [False, True, False]), 0, 2) == []
