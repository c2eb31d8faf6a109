"""What an Accept header prefers: RFC 9110 12.5.1, with its own examples."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orthanc_video.web.accepting import named, weight

# RFC 9110 12.5.1, the last example.
_EXAMPLE = "text/*;q=0.3, text/plain;q=0.7, text/plain;format=flowed, text/plain;format=fixed;q=0.4, */*;q=0.5"
_FIREFOX = "video/webm,video/ogg,video/*;q=0.9,application/ogg;q=0.7,audio/*;q=0.6,*/*;q=0.5"


@pytest.mark.parametrize(
    ("accept", "kind", "expected"),
    [
        (_EXAMPLE, "text/html", 0.3),
        (_EXAMPLE, "image/jpeg", 0.5),
        ("audio/*; q=0.2, audio/basic", "audio/basic", 1),
        ("audio/*; q=0.2, audio/basic", "audio/mpeg", 0.2),
        (_FIREFOX, "video/mp4", 0.9),
        ("*/*", "video/mp4", 1),
        ("image/*", "video/mp4", 0),
        ("video/mp4;q=0, */*", "video/mp4", 0),
        ("VIDEO/MP4; Q=0.25", "video/mp4", 0.25),
        ('video/mp4; transfer-syntax="1.2.840.10008.1.2.4.102"; q=0.8', "video/mp4", 0.8),
        ("video/mp4;q=nonsense", "video/mp4", 1),
        ("", "video/mp4", 0),
    ],
)
def test_weight(accept: str, kind: str, expected: float) -> None:
    assert weight(accept, kind) == expected


def test_a_wildcard_names_nothing() -> None:
    assert weight(_FIREFOX, "video/mpeg", by_name=True) == 0
    assert weight("video/H265, */*", "video/H265", by_name=True) == 1


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("video/mpeg, application/octet-stream;q=0.5", "video/mpeg"),
        ("video/mpeg;q=0.4, application/octet-stream;q=0.5", "application/octet-stream"),
        ("video/mpeg;q=0", ""),
        ("*/*", ""),
        ("Video/MPEG", "video/mpeg"),
    ],
)
def test_which_is_named(accept: str, expected: str) -> None:
    assert named(accept, ("video/mpeg", "application/octet-stream")) == expected


@given(st.text())
def test_anything_can_be_said(accept: str) -> None:
    assert 0 <= weight(accept, "video/mp4") <= 1
