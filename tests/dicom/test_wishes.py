"""What requests may ask, and what is refused."""

from __future__ import annotations

import pytest

from orthanc_video.dicom import wishes
from orthanc_video.errors import BadRequest
from orthanc_video.model import Rational, Wishes
from orthanc_video.settings import Gateway


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("25", Rational(25)),
        ("29.97", Rational(30000, 1001)),
        ("23.976", Rational(24000, 1001)),
        ("30000/1001", Rational(30000, 1001)),
        ("12.5", Rational(25, 2)),
        ("0", None),
        ("", None),
    ],
)
def test_rates(text: str, rate: Rational | None) -> None:
    assert wishes.of({"ConstantRate": text}, Gateway()).constant_rate == rate


@pytest.mark.parametrize("text", ["fast", "-25", "1/0", "1000", "nan", "0.1"])
def test_rates_that_are_none(text: str) -> None:
    with pytest.raises(BadRequest):
        wishes.of({"ConstantRate": text}, Gateway())


def test_the_configuration_decides_what_a_request_does_not_say() -> None:
    site = Gateway(audio="keep", constant_rate=25.0)
    assert wishes.of({}, site) == Wishes(audio="keep", constant_rate=Rational(25))
    assert wishes.of({"Audio": "drop", "ConstantRate": "0"}, site) == Wishes()
    assert wishes.of({}, Gateway()) == Wishes()
    with pytest.raises(BadRequest, match="Audio must be one of"):
        wishes.of({"Audio": "loud"}, Gateway())
