"""Lists of frames in a path."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orthanc_video.errors import BadRequest, NotFound, TooLarge, VideoError
from orthanc_video.web.dicomweb import framelist


@given(st.sets(st.integers(1, 10**9 - 1), min_size=1, max_size=50))
def test_ascending_numbers_are_read(numbers: set[int]) -> None:
    ordered = tuple(sorted(numbers))
    assert framelist.frames(",".join(map(str, ordered))) == ordered


@given(st.lists(st.integers(0, 9), min_size=1, max_size=6))
def test_others_are_refused(numbers: list[int]) -> None:
    text = ",".join(map(str, numbers))
    if numbers == sorted(set(numbers)) and numbers[0] > 0:
        assert framelist.frames(text) == tuple(numbers)
    else:
        with pytest.raises(BadRequest):
            framelist.frames(text)


@given(st.text(max_size=20))
def test_nothing_else_is_taken_for_a_list(text: str) -> None:
    try:
        found = framelist.frames(text)
    except VideoError:
        return
    assert ",".join(map(str, found)) == text


@pytest.mark.parametrize("text", ["", ",", "1,", ",1", "1,,2", "1-3", "+1", "01", " 1", "1.0", "٣", "1" * 10, "-1"])
def test_what_is_malformed(text: str) -> None:
    with pytest.raises(BadRequest):
        framelist.frames(text)


def test_how_many_there_may_be() -> None:
    assert len(framelist.frames(",".join(map(str, range(1, 1001))))) == 1000
    with pytest.raises(TooLarge, match="1000 frames, but this one asks for 1001"):
        framelist.frames(",".join(map(str, range(1, 1002))))


def test_frames_that_there_are_not() -> None:
    framelist.refuse_beyond((1, 5), 5)
    with pytest.raises(NotFound, match="no frame 6: the object has 5"):
        framelist.refuse_beyond((1, 6), 5)
