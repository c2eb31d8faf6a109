"""What recorded looks tell, those of earlier versions, too."""

from __future__ import annotations

from typing import Any

import pytest

from orthanc_video.dicom.checks.finding import finding
from orthanc_video.jobs import background

_ROWS = finding("rows", "Rows is 66, but the stream has 64.").json()
_OLD = {
    "Severity": "warning",
    "Code": "first-look",
    "Sentence": "Rows is 66, but the stream has 64.",
    "Section": "PS3.5 8.2",
    "Advice": "Run orthanc-video check on the object: it says what to do.",
}


@pytest.mark.parametrize(
    ("outcome", "findings"),
    [
        (None, None),
        ({"State": "Success", "Gone": True}, None),
        ({"State": "Success", "Findings": []}, []),
        ({"State": "Success", "Findings": [_ROWS], "Unplayable": True}, [_ROWS]),
        ({"State": "Success", "Findings": ["Rows is 66, but the stream has 64."]}, [_OLD]),
        ({"State": "Failure", "Sentence": "Rows is 66, but the stream has 64."}, [_OLD]),
    ],
    ids=["none", "deleted", "clean", "today's", "of the version before", "failed"],
)
def test_what_a_look_found(outcome: Any, findings: list[dict[str, str]] | None) -> None:
    assert background.told(outcome) == findings
