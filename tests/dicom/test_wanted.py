"""Which transfer syntaxes a request may ask for, and how."""

from __future__ import annotations

import pytest
from pydicom.uid import UID

from orthanc_video.dicom import syntaxes
from orthanc_video.dicom.wanted import wanted
from orthanc_video.errors import BadRequest

_MADE = [f"1.2.840.10008.1.2.4.{number}" for number in range(100, 108)]


@pytest.mark.parametrize("uid", _MADE)
def test_by_uid_and_by_the_keyword_of_the_standard(uid: str) -> None:
    keyword = UID(uid).keyword
    assert [wanted(name) for name in (uid, f" {uid} ", keyword, keyword.lower())] == [uid] * 4


def test_keywords_are_those_of_the_standard() -> None:
    assert all(UID(uid).keyword == syntax.keyword for uid, syntax in syntaxes.BY_UID.items())


def test_nothing_is_asked_for() -> None:
    assert wanted("") == wanted(" ") == ""


@pytest.mark.parametrize("name", ["MPEG4", "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.102.1", "MPEG4HP41F", "\0"])
def test_others_are_refused_with_the_choices(name: str) -> None:
    with pytest.raises(BadRequest, match="MPEG4HP41, MPEG4HP41BD, MPEG4HP422D"):
        wanted(name)


@pytest.mark.parametrize("name", ["1.2.840.10008.1.2.4.108", "HEVCM10P51"])
def test_main_10_is_refused_with_the_reason(name: str) -> None:
    with pytest.raises(BadRequest, match=r"10 bits, and no SOP class for video holds other than 8 \(PS3.3 C.8.12.1\)"):
        wanted(name)
