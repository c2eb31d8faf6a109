"""Video's planes as those of DICOM's JPEG: against the formulas of ITU-R BT.601 and BT.709 in whole precision."""

from __future__ import annotations

from typing import Any, cast

import av
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orthanc_video.media.planes import Planes, can_be_direct, grey, is_colourful, matrix_of

Plane = npt.NDArray[np.uint8]
_WEIGHTS = {1: (0.2126, 0.0722), 5: (0.299, 0.114), 6: (0.299, 0.114), 7: (0.212, 0.087), 9: (0.2627, 0.0593)}


def frame_of(planes: list[Plane], matrix: int, *, full: bool = False) -> av.VideoFrame:
    """4:2:0, as a decoder gives it."""
    luma, data = planes[0], np.concatenate([plane.ravel() for plane in planes])
    frame = av.VideoFrame.from_ndarray(data.reshape(luma.shape[0] * 3 // 2, luma.shape[1]), format="yuv420p")
    frame.colorspace, frame.color_range = matrix, 2 if full else 1
    return frame


def noise(seed: int, rows: int = 36, columns: int = 32) -> list[Plane]:
    random = np.random.default_rng(seed)
    small = rows // 2, columns // 2
    return [random.integers(16, 240, shape, np.uint8) for shape in ((rows, columns), small, small)]


def rgb_of(red: float, blue: float) -> npt.NDArray[np.float64]:
    green = 1 - red - blue
    return np.array([
        [1, 0, 2 * (1 - red)],
        [1, -2 * blue * (1 - blue) / green, -2 * red * (1 - red) / green],
        [1, 2 * (1 - blue), 0],
    ])  # fmt: skip


def doubled(chroma: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Between rows as they lie: a quarter and three quarters."""
    around = np.vstack((chroma[:1], chroma, chroma[-1:])).astype(float)
    made = np.empty((2 * len(chroma), chroma.shape[1]))
    made[0::2] = 0.75 * around[1:-1] + 0.25 * around[:-2]
    made[1::2] = 0.75 * around[1:-1] + 0.25 * around[2:]
    return made


def expected(given: list[Plane], matrix: int, *, full: bool) -> list[npt.NDArray[np.float64]]:
    whole = np.linalg.inv(rgb_of(*_WEIGHTS[6])) @ rgb_of(*_WEIGHTS[matrix])
    black, light, colour = (0, 255, 255) if full else (16, 219, 224)
    luma, blue, red = (given[0] - float(black)) / light, (given[1] - 128.0) / colour, (given[2] - 128.0) / colour
    wide = [np.repeat(np.repeat(chroma, 2, 0), 2, 1) for chroma in (blue, red)]
    y = 255 * (whole[0, 0] * luma + whole[0, 1] * wide[0] + whole[0, 2] * wide[1])
    both = [np.clip(255 * (row[1] * blue + row[2] * red) + 128, 0, 255) for row in whole[1:]]
    return [np.clip(y, 0, 255), *both]


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10**6), st.sampled_from([1, 5, 6, 7, 9]), st.booleans())
def test_the_step_is_the_formulas(seed: int, matrix: int, full: bool) -> None:
    given = noise(seed)
    made = Planes().of(frame_of(given, matrix, full=full))
    for found, wanted in zip(made, expected(given, matrix, full=full), strict=True):
        assert np.abs(found - wanted).max() < 0.6


def test_what_is_right_already_stays() -> None:
    given = noise(1)
    for found, wanted in zip(Planes().of(frame_of(given, 6, full=True)), given, strict=True):
        assert np.array_equal(found, wanted)


class _Interlaced:
    """PyAV lets nobody say so of a frame."""

    interlaced_frame = True

    def __init__(self, frame: av.VideoFrame) -> None:
        self._frame = frame

    def __getattr__(self, name: str) -> Any:
        return getattr(self._frame, name)


def test_rows_of_one_field_lie_between_two_of_its_own() -> None:
    given = noise(2)
    _, blue, _ = Planes().of(cast(av.VideoFrame, _Interlaced(frame_of(given, 6, full=True))))
    for field in range(2):
        assert np.abs(blue[field::2] - doubled(given[1][field::2])).max() <= 0.5


def test_rows_of_one_field_are_not_mixed_with_the_others() -> None:
    given = noise(2)
    given[1][0::2], given[1][1::2] = 50, 200
    _, blue, _ = Planes().of(cast(av.VideoFrame, _Interlaced(frame_of(given, 6, full=True))))
    assert set(np.unique(blue[0::2])) == {50}
    assert set(np.unique(blue[1::2])) == {200}


def test_black_and_white_have_all_the_range() -> None:
    given = [np.full((4, 4), 16, np.uint8), np.full((2, 2), 128, np.uint8), np.full((2, 2), 128, np.uint8)]
    given[0][2:] = 235
    assert [plane.tolist() for plane in np.unique(Planes().of(frame_of(given, 1))[0], axis=0)] == [[0] * 4, [255] * 4]
    assert np.unique(grey(frame_of(given, 1))).tolist() == [0, 255]
    assert np.unique(grey(frame_of(given, 1, full=True))).tolist() == [16, 235]


def test_one_object_makes_frames_of_any_kind() -> None:
    planes = Planes()
    for seed, (matrix, rows) in enumerate([(1, 36), (6, 36), (1, 40), (1, 36)]):
        given = noise(seed, rows)
        made = planes.of(frame_of(given, matrix))
        wanted = expected(given, matrix, full=False)
        assert all(np.abs(one - other).max() < 0.6 for one, other in zip(made, wanted, strict=True))


@pytest.mark.parametrize(("columns", "matrix"), [(1280, 1), (720, 6)])
def test_an_unnamed_matrix_is_that_of_television(columns: int, matrix: int) -> None:
    frame = av.VideoFrame(columns, 480, "yuv420p")
    frame.colorspace = 2
    assert matrix_of(frame) == matrix


def test_what_lies_between_pixels_or_is_unknown_is_not_direct() -> None:
    for width, height, name, direct in (
        (32, 32, "yuv420p", True),
        (31, 32, "yuv420p", False),
        (32, 32, "rgb24", False),
    ):
        assert can_be_direct(av.VideoFrame(width, height, name)) is direct


def test_colours_are_seen() -> None:
    given = noise(3)
    given[1][:], given[2][:] = 128, 130
    assert not is_colourful(frame_of(given, 6), 8)
    given[2][3, 4] = 150
    assert is_colourful(frame_of(given, 6), 8)
