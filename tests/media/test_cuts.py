from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orthanc_video.errors import TooLarge
from orthanc_video.media.cuts import Timeline, longest, starts

_ROOM = 1 << 16


def _film(frames: int, keys: set[int], size: int = 100_000, order: list[int] | None = None) -> Timeline:
    """Frames of equal size at 25 frames/s; ``order`` says when each is shown, as a place in the order of showing."""
    return Timeline(
        size=np.full(frames, size, np.int64),
        time=np.array(order or range(frames), np.int64),
        begins=np.array([number in keys for number in range(frames)], np.bool_),
        tick=Fraction(1, 25),
    )


def test_a_short_film_stays_whole() -> None:
    assert starts(_film(100, {0, 25, 50, 75}), 1 << 30, 0) == [0]


def test_a_large_film_is_cut_before_it_grows_too_large() -> None:
    assert starts(_film(100, {0, 25, 50, 75}), 5_300_000, 0) == [0, 50]
    assert starts(_film(100, {0, 25, 50, 75}), 3_000_000, 0) == [0, 25, 50, 75]


def test_a_long_film_is_cut_before_it_lasts_too_long() -> None:
    assert starts(_film(100, {0, 25, 50, 75}), 1 << 30, 2.0) == [0, 50]


def test_without_a_frame_to_begin_with_a_part_is_larger() -> None:
    assert starts(_film(100, {0, 90}), 3_000_000, 0) == [0, 90]


def test_what_no_object_can_hold_is_refused() -> None:
    with pytest.raises(TooLarge, match="no frame to cut at"):
        starts(_film(5000, {0}, size=1_000_000), 1 << 31, 0)


def test_an_open_group_is_no_place_to_cut_at() -> None:
    """Frame 4 is a key frame, and the two decoded after it are shown before it: they refer to what came earlier."""
    order = [0, 1, 2, 3, 6, 4, 5, 7, 8, 9]
    assert starts(_film(10, {0, 4, 8}, order=order), _ROOM + 500_000, 0) == [0, 8]


def test_the_longest_stretch_is_that_between_two_places_to_cut_at() -> None:
    order = [0, 1, 2, 3, 6, 4, 5, 7, 8, 9]
    found = longest(_film(10, {0, 4, 8}, order=order))
    assert 800_000 < found.bytes < 830_000
    assert found.seconds == pytest.approx(7 / 25)
    assert longest(_film(100, {0, 25, 70})).seconds == pytest.approx(44 / 25)
    assert longest(_film(1, {0})).seconds == 0


@given(st.data())
def test_what_has_no_long_stretch_has_no_large_part(data: st.DataObject) -> None:
    frames = data.draw(st.integers(1, 100))
    film = _film(frames, {0, *data.draw(st.sets(st.integers(0, frames - 1)))})
    most = longest(film).bytes + _ROOM
    bounds = [*starts(film, most, 0), frames]
    assert all(film.size[begin:end].sum() <= most for begin, end in pairwise(bounds))


@given(st.data())
def test_parts_are_a_film_in_its_order(data: st.DataObject) -> None:
    frames = data.draw(st.integers(1, 200))
    keys = {0, *data.draw(st.sets(st.integers(0, frames - 1)))}
    largest, longest = data.draw(st.integers(_ROOM, 30_000_000)), data.draw(st.sampled_from([0.0, 0.5, 2.0]))
    film = _film(frames, keys)
    firsts = starts(film, largest, longest)
    assert firsts[0] == 0
    assert firsts == sorted(set(firsts))
    assert set(firsts) <= keys
    gaps = np.diff(sorted({*keys, frames}))
    for begin, end in zip(firsts, [*firsts[1:], frames], strict=True):
        alone = not {key for key in keys if begin < key < end}
        assert alone or film.size[begin:end].sum() <= largest
        assert not longest or alone or end - begin <= longest * 25 + gaps.max()
