"""Which series derived objects are in."""

from __future__ import annotations

import pytest
from pydicom.dataset import Dataset

from orthanc_video.dicom import series


def _joined(number: object, kind: str, *parts: str) -> Dataset:
    said, dataset = Dataset(), Dataset()
    said.SeriesInstanceUID = "1.2.3"
    if number is not None:
        said.SeriesNumber = number
    series.join(dataset, said, kind, *parts)
    return dataset


@pytest.mark.parametrize(("number", "told"), [(7, 1007), (None, 1000), ("", 1000), (-3, 1000), (2**31 - 1, 1000)])
def test_its_number_is_another_than_the_sources(number: object, told: int) -> None:
    assert _joined(number, "clips").SeriesNumber == told


def test_each_kind_has_its_own() -> None:
    found = [_joined(1, kind) for kind in ("clips", "edits", "marks", "views", "stills")]
    assert len({one.SeriesNumber for one in found} | {1}) == 6
    assert len({one.SeriesInstanceUID for one in found} | {"1.2.3"}) == 6
    assert _joined(1, "stills", "a").SeriesInstanceUID != _joined(1, "stills", "b").SeriesInstanceUID
    assert _joined(1, "clips") == _joined(1, "clips")
