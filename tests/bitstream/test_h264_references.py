"""Lists of references and what leaves them, as ITU-T H.264 8.2.4 and 8.2.5 have it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orthanc_video.bitstream.h264_references import UNKNOWN, Kept, References
from orthanc_video.bitstream.h264_slice import B, I, P
from orthanc_video.errors import UnsupportedMedia

_NUMBERS = 16


def _kept(orders: list[int], *, begin: int = 0, hidden: bool = False, most: int = 16) -> tuple[References, int]:
    """References of these orders, called by their places, with the next frame_num."""
    references = References(most, _NUMBERS, hidden=hidden)
    for name, order in enumerate(orders):
        references.add(Kept(name, (begin + name) % _NUMBERS, order), None)
    return references, (begin + len(orders)) % _NUMBERS


def test_the_newest_is_first_in_p_and_the_nearest_in_b() -> None:
    references, number = _kept([0, 8, 4, 12], begin=14)
    now = Kept(9, number, 6)
    assert references.lists(P, now, (5, 0), (None,)) == [[3, 2, 1, 0, UNKNOWN]]
    assert references.lists(B, now, (4, 4), (None, None)) == [[2, 0, 1, 3], [1, 3, 2, 0]]
    assert references.lists(I, now, (0, 0), ()) == []


def test_two_like_lists_differ_in_their_first_two() -> None:
    references, number = _kept([0, 8, 4])
    assert references.lists(B, Kept(9, number, 10), (3, 3), (None, None)) == [[1, 2, 0], [2, 1, 0]]
    references, number = _kept([0])
    assert references.lists(B, Kept(9, number, 10), (1, 1), (None, None)) == [[0], [0]]


def test_behind_what_is_hidden_nothing_is_known() -> None:
    references, number = _kept([0, 8, 4], hidden=True)
    assert references.lists(P, Kept(9, number, 12), (4, 0), (None,)) == [[2, 1, 0, UNKNOWN]]
    # Others are shown before these: in the first list they stand before those that are shown later.
    lists = references.lists(B, Kept(9, number, 6), (3, 3), (None, None))
    assert lists == [[2, 0, UNKNOWN], [1, 2, 0]]
    # Whether the lists are alike cannot be said where it hangs on whether there are others.
    assert references.lists(B, Kept(9, number, -1), (1, 1), (None, None)) == [[UNKNOWN], [UNKNOWN]]
    one, number = _kept([0], hidden=True)
    assert one.lists(B, Kept(9, number, 10), (1, 1), (None, None)) == [[0], [UNKNOWN]]
    full, number = _kept([0, 8], hidden=True, most=2)
    assert full.lists(B, Kept(9, number, 4), (2, 2), (None, None)) == [[0, 1], [1, 0]]


def test_what_is_named_comes_first_and_once() -> None:
    """8.2.4.3.1: from the picture's own number down and up, which goes round."""
    references, number = _kept([0, 2, 4, 6], begin=14)  # 14, 15, 0, 1; now 2
    now = Kept(9, number, 8)
    assert references.lists(P, now, (4, 0), (((0, 3), (1, 1)),)) == [[0, 2, 3, 1]]
    assert references.lists(P, now, (2, 0), (((0, 9),),)) == [[UNKNOWN, 3]]
    with pytest.raises(UnsupportedMedia, match="Long-term"):
        references.lists(P, now, (2, 0), (((2, 0),),))


def test_the_oldest_goes_where_there_are_too_many() -> None:
    references, number = _kept([0, 2, 4, 6], begin=14, most=3)
    assert references.names() == {1, 2, 3}
    references.add(Kept(4, number, 8), ((1, 0), (1, 2)))  # those of 1 and 15
    assert references.names() == {2, 4}
    with pytest.raises(UnsupportedMedia, match="Long-term"):
        references.add(Kept(5, number + 1, 8), ((6, 0),))
    full, number = _kept([0, 2], most=2)
    with pytest.raises(UnsupportedMedia, match="more references"):
        full.add(Kept(2, number, 4), ())


@given(
    st.integers(0, 15),
    st.lists(st.integers(-9, 9), min_size=1, max_size=15, unique=True),
    st.sampled_from([P, B]),
    st.data(),
)
def test_any_order_can_be_said(begin: int, orders: list[int], kind: int, data: st.DataObject) -> None:
    references, number = _kept(orders, begin=begin)
    now = Kept(99, number, 20)
    lists = st.lists(st.integers(0, len(orders) - 1), min_size=1, max_size=20)
    wanted = [data.draw(lists) for _ in range(1 if kind == P else 2)]
    explicit = [data.draw(st.booleans()) for _ in wanted]
    said = references.said(kind, now, wanted, explicit)
    active = (len(wanted[0]), len(wanted[-1]) if kind == B else 0)
    assert references.lists(kind, now, active, said) == wanted
    assert all(one is not None for one, must in zip(said, explicit, strict=True) if must)
    assert all(0 <= value < _NUMBERS for one in said for _, value in one or ())


@given(st.integers(0, 15), st.integers(1, 8), st.integers(0, 12), st.booleans(), st.data())
def test_any_can_stay(begin: int, most: int, count: int, explicit: bool, data: st.DataObject) -> None:
    references, number = _kept(list(range(count)), begin=begin, most=most)
    stay = {name for name in references.names() if data.draw(st.booleans())}
    stay -= {min(stay)} if len(stay) == most else set()
    now = Kept(99, number, 50)
    marking = references.marked(now, stay, explicit=explicit)
    assert marking is not None or not explicit
    references.add(now, marking)
    assert references.names() == stay | {99}
