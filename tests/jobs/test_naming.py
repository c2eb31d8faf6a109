"""What a media process says of moments: it may have been taken over by the film."""

from __future__ import annotations

from typing import Any

import pytest

from orthanc_video.errors import WorkerFailed
from orthanc_video.jobs import naming


def _start(numerator: Any, denominator: Any = 1) -> dict[str, Any]:
    return {"numerator": numerator, "denominator": denominator}


def test_each_frame_once_and_in_order() -> None:
    answer = {"frames": [7, 2, 7], "starts": [_start(3, 2), _start(1, 4), _start(3, 2)]}
    assert list(naming.told(answer).items()) == [(2, 0.25), (7, 1.5)]


@pytest.mark.parametrize(
    "answer",
    [
        None,
        {},
        {"frames": [1]},
        {"frames": [1, 2], "starts": [_start(1)]},
        {"frames": ["x"], "starts": [_start(1)]},
        {"frames": [1], "starts": [_start(1, 0)]},
        {"frames": [1], "starts": [{"numerator": 1, "more": 2}]},
        {"frames": [1], "starts": 5},
    ],
)
def test_nonsense(answer: Any) -> None:
    with pytest.raises(WorkerFailed, match="did not say which frame"):
        naming.told(answer)
