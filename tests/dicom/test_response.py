"""The answer to a store request: its status and its module, for every mixture of fates."""

from __future__ import annotations

import pytest

from orthanc_video.dicom.response import REASONS, Failed, Named, Result, Stored, module, status_of
from orthanc_video.errors import (
    BadRequest,
    Busy,
    Duplicate,
    Nonconforming,
    TooLarge,
    UnsupportedClass,
    UnsupportedMedia,
    VideoError,
    WorkerFailed,
)

_NAME = Named(sop_class="1.2", sop_instance="1.2.3", study="1.4", series="1.5")
_STORED = Stored(name=_NAME)
_ROOT = "http://host/dicom-web"


def _failed(error: VideoError) -> Failed:
    return Failed(name=_NAME, error=error)


@pytest.mark.parametrize(
    ("results", "status"),
    [
        ([_STORED], 200),
        ([_STORED, _STORED], 200),
        ([Stored(name=_NAME, coerced=("Rows",))], 202),
        ([_STORED, _failed(Nonconforming("x"))], 202),
        ([_failed(Nonconforming("x"))], 409),
        ([_failed(UnsupportedMedia("x"))], 409),
        ([_failed(Duplicate("x"))], 409),
        ([_failed(WorkerFailed("x"))], 409),
        ([_failed(BadRequest("x"))], 400),
        ([_failed(TooLarge("x")), _failed(TooLarge("y"))], 413),
        ([_failed(UnsupportedClass("x"))], 501),
        ([_failed(Busy("x"))], 503),
        ([_failed(UnsupportedClass("x")), _failed(UnsupportedMedia("x"))], 409),
    ],
)
def test_the_status_says_what_became_of_all(results: list[Result], status: int) -> None:
    assert status_of(results) == status


@pytest.mark.parametrize(
    ("stored", "warning"),
    [
        (Stored(name=_NAME, coerced=("Rows",), filled=("StudyID",)), 0xB000),
        (Stored(name=_NAME, filled=("StudyID",)), 0xB007),
        (Stored(name=_NAME, coerced=("Rows",), discarded=("ICCProfile",)), 0xB006),
    ],
)
def test_the_gravest_warning_is_given_and_all_are_told(stored: Stored, warning: int) -> None:
    (item,) = module([stored], _ROOT)["00081199"]["Value"]
    assert item["00081196"] == {"vr": "US", "Value": [warning]}
    words = item["0040A160"]["Value"][0]
    assert all(name in words for name in (*stored.coerced, *stored.filled, *stored.discarded))


def test_each_fate_has_its_sequence() -> None:
    model = module([_STORED, _failed(UnsupportedMedia("no such codec")), Failed(error=BadRequest("no part"))], _ROOT)
    assert model["00081190"]["Value"] == [f"{_ROOT}/studies/1.4"]
    assert model["00081199"]["Value"] == [
        {
            "00081150": {"vr": "UI", "Value": ["1.2"]},
            "00081155": {"vr": "UI", "Value": ["1.2.3"]},
            "00081190": {"vr": "UR", "Value": [f"{_ROOT}/studies/1.4/series/1.5/instances/1.2.3"]},
        }
    ]
    (failed,) = model["00081198"]["Value"]
    assert (failed["00081197"]["Value"], failed["0040A160"]["Value"]) == ([0xC122], ["No such codec."])
    assert model["0008119A"]["Value"][0]["00081197"]["Value"] == [0xC000]


def test_instances_of_several_studies_have_no_url_in_common() -> None:
    other = Stored(name=Named(sop_class="1.2", sop_instance="1.2.4", study="1.9", series="1.8"))
    assert module([_STORED, other], _ROOT)["00081190"] == {"vr": "UR"}
    assert "00081198" not in module([other], _ROOT)


def test_every_reason_is_one_that_the_standard_has() -> None:
    for reason in REASONS.values():
        assert reason in {0x0110, 0x0111, 0x0122, 0x0124, 0xA700, 0xA900, 0xC000, 0xC122}
