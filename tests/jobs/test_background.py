"""What recorded looks tell, those of earlier versions, too."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from jobs.forms import JPEG, PHOTOGRAPHIC
from orthanc_video.archive.objects import copy_of
from orthanc_video.dicom.checks.finding import finding
from orthanc_video.form import Form, Kind
from orthanc_video.jobs import background, forms, renditions, thumbnails
from orthanc_video.picture import Rendering, Viewport
from orthanc_video.settings import settings_from

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


def test_nothing_is_kept_of_what_is_forgotten(tmp_path: Path) -> None:
    settings = settings_from({"StorageDirectory": str(tmp_path)})
    form = Form(kind=Kind.FRAMES, sop_class=PHOTOGRAPHIC, transfer_syntax=f"{JPEG}50")
    shaped = Rendering(viewport=Viewport(width=64, height=48))

    def kept_of(stored: str) -> list[Path]:
        return [
            thumbnails.path_of(settings, stored, 320),
            renditions.path_of(settings, stored),
            renditions.path_of(settings, stored, shaped),
            forms.folder_of(settings, stored, form) / "1.dcm",
            copy_of(settings, stored),
        ]

    names = ("11111111-2222-3333-4444-555555555555", "11111111-2222-3333-4444-666666666666")
    for path in (path for stored in names for path in kept_of(stored)):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    background.forget(settings, names[0])
    assert not any(path.exists() for path in kept_of(names[0]))
    assert all(path.exists() for path in kept_of(names[1]))
