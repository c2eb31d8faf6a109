"""Storage statuses as outcomes: ranges, and what stands alone in them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orthanc_video.plain import from_json, to_json
from orthanc_video.routing.outcomes import Outcome, Result, of_status


# PS3.4 Table B.2-1 and PS3.7 Annex C, written down apart from the table under test.
@pytest.mark.parametrize(
    ("first", "last", "result"),
    [
        (0x0000, 0x0000, Result.DELIVERED),
        (0x0001, 0x0001, Result.WARNED),
        (0xA700, 0xA7FF, Result.LATER),
        (0xA900, 0xA9FF, Result.REFUSED),
        (0xB000, 0xBFFF, Result.WARNED),
        (0xC000, 0xCFFF, Result.REFUSED),
        (0x0122, 0x0122, Result.REFUSED),
        (0x0124, 0x0124, Result.STOPPED),
        (0x0110, 0x0110, Result.LATER),
        (0xFE00, 0xFE00, Result.LATER),
    ],
)
def test_ranges(first: int, last: int, result: Result) -> None:
    assert {of_status(status).result for status in (first, (first + last) // 2, last)} == {result}


@given(st.integers(0, 0xFFFF), st.text(max_size=64))
def test_every_status_has_a_sentence(status: int, comment: str) -> None:
    outcome = of_status(status, comment)
    assert outcome.sentence.endswith(".")
    assert outcome.delivered == (outcome.result in {Result.DELIVERED, Result.WARNED})
    assert (f"{status:04X}" in outcome.sentence) or status == 0
    assert comment.rstrip(".") in outcome.sentence


def test_only_success_and_warnings_count_as_delivered() -> None:
    delivered = {status for status in range(0x10000) if of_status(status).delivered}
    assert delivered == {0, 1, 0x0107, 0x0111, 0x0116, *range(0xB000, 0xC000)}


def test_it_is_plain_json() -> None:
    outcome = of_status(0xB006, "as it is")
    assert from_json(Outcome, to_json(outcome)) == outcome
