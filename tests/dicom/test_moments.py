from __future__ import annotations

from fractions import Fraction

import pytest
from pydicom.dataset import Dataset

from orthanc_video.dicom import moments


def _shifted(seconds: Fraction, **given: str) -> dict[str, str]:
    dataset = Dataset()
    for keyword, value in given.items():
        setattr(dataset, keyword, value)
    moments.shift(dataset, seconds)
    return {keyword: str(dataset.get(keyword)) for keyword in given}


def test_a_moment_moves_to_the_microsecond() -> None:
    assert _shifted(Fraction(1001, 30000), AcquisitionDateTime="20240229235959.990000+0100") == {
        "AcquisitionDateTime": "20240301000000.023367+0100"
    }


def test_date_and_time_move_together() -> None:
    given = {"ContentDate": "20231231", "ContentTime": "235950", "AcquisitionDate": "20231231"}
    assert _shifted(Fraction(3600), **given, AcquisitionTime="230000.5") == {
        "ContentDate": "20240101",
        "ContentTime": "005950.000000",
        "AcquisitionDate": "20240101",
        "AcquisitionTime": "000000.500000",
    }


@pytest.mark.parametrize("given", [{"AcquisitionDateTime": "2024"}, {"ContentDate": "20240101", "ContentTime": "12"}])
def test_what_is_not_given_to_the_second_stays(given: dict[str, str]) -> None:
    assert _shifted(Fraction(60), **given) == given


def test_a_leap_second_is_a_second() -> None:
    assert _shifted(Fraction(1), ContentDate="20161231", ContentTime="235960")["ContentTime"] == "000001.000000"
