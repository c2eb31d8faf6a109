"""The order of a series' pictures."""

from __future__ import annotations

import random

import pytest

from orthanc_video.dicom.slices import Slice, ordered

AXIAL, SAGITTAL = r"1\0\0\0\1\0", r"0\1\0\0\0\-1"


def said(number: int, position: str = "", orientation: str = "", **more: str) -> dict[str, str]:
    placed = {"ImagePositionPatient": position, "ImageOrientationPatient": orientation}
    return {"InstanceNumber": str(number), **placed, **more}


def names(*series: dict[str, str]) -> list[str]:
    slices = [Slice.of(one["InstanceNumber"], one) for one in series]
    random.Random(1).shuffle(slices)  # noqa: S311
    return [name for name, _ in ordered(slices)]


def test_by_place_along_the_normal() -> None:
    """Whatever the numbers say, as of a scanner that went from the feet upwards."""
    assert names(*(said(9 - at, rf"-120\-80\{at * 2.5 - 7}", AXIAL) for at in range(9))) == [*"987654321"]


def test_across_a_tilted_gantry() -> None:
    """Neither x, y nor z alone tells: cosine and sine of 60 degrees."""
    tilted = r"1\0\0\0\0.5\0.866"
    places = [(0.0, -0.866 * at, 0.5 * at) for at in (3, 1, 2)]
    assert names(*(said(n, "\\".join(map(str, at)), tilted) for n, at in enumerate(places, 1))) == ["2", "3", "1"]


@pytest.mark.parametrize(
    "odd",
    [
        said(2),
        said(2, r"0\0\9", SAGITTAL),
        said(2, r"0\0", AXIAL),
        said(2, r"0\0\nan", AXIAL),
        said(2, r"0\0\9", r"0\0\0\0\0\0"),
    ],
)
def test_by_number_where_not_all_lie_parallel(odd: dict[str, str]) -> None:
    assert names(said(1, r"0\0\5", AXIAL), odd, said(3, r"0\0\1", AXIAL)) == ["1", "2", "3"]


def test_slices_at_one_place_go_by_number() -> None:
    assert names(*(said(number, r"0\0\1", AXIAL) for number in (1, 2, 10))) == ["1", "2", "10"]


def test_all_frames_of_each_instance() -> None:
    several = Slice.of("film", said(1, NumberOfFrames="3"))
    assert ordered([Slice.of("still", said(2)), several]) == [("film", 1), ("film", 2), ("film", 3), ("still", 1)]


def test_what_has_no_number_comes_last() -> None:
    assert [name for name, _ in ordered([Slice.of("b", {}), Slice.of("a", {}), Slice.of("c", said(7))])] == [*"cab"]
