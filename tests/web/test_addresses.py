"""What absolute addresses in answers begin with."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from orthanc_video.settings import Settings, settings_from
from orthanc_video.web.addresses import outside


def _settings(public: str = "") -> Settings:
    return settings_from({"StorageDirectory": str(Path("/tmp")), "VideoGateway": {"PublicUrl": public}})  # noqa: S108


def _request(headers: dict[str, str], port: int = 8043) -> Request:
    raw = [(name.lower().encode(), value.encode("latin-1", "replace")) for name, value in headers.items()]
    scope = {"type": "http", "scheme": "http", "server": ("127.0.0.1", port), "path": "/", "headers": raw}
    return Request(scope)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"Host": "pacs:8043"}, "http://pacs:8043"),
        ({"Host": "pacs"}, "http://pacs:8043"),
        ({"Host": "pacs", "X-Forwarded-For": "10.0.0.1"}, "http://pacs"),
        ({"Host": "inner:1", "X-Forwarded-Host": "pacs, other", "X-Forwarded-Proto": "https"}, "https://pacs"),
        ({"Host": "inner:1", "Forwarded": 'for=1;host="pacs:9";proto=https, host=other'}, "https://pacs:9"),
        ({"Host": "inner:1", "Forwarded": "for=_hidden", "X-Forwarded-Proto": "HTTPS"}, "https://inner:1"),
        ({"Host": "[::1]:8043"}, "http://[::1]:8043"),
        ({"Host": "pacs:1", "X-Forwarded-Host": 'a"><script>', "X-Forwarded-Proto": "javascript"}, "http://pacs:1"),
        ({"Host": "a/b"}, "http://127.0.0.1:8043"),
        ({}, "http://127.0.0.1:8043"),
    ],
)
def test_it_is_what_the_caller_asked(headers: dict[str, str], expected: str) -> None:
    assert outside(_request(headers), _settings()) == expected


def test_a_port_that_goes_without_saying_is_not_said() -> None:
    assert outside(_request({"Host": "pacs"}, 80), _settings()) == "http://pacs"


def test_what_is_configured_comes_first() -> None:
    headers = {"Host": "pacs", "X-Forwarded-Host": "other"}
    assert outside(_request(headers), _settings("https://videos.example/")) == "https://videos.example"


@given(st.dictionaries(st.sampled_from(["Host", "Forwarded", "X-Forwarded-Host", "X-Forwarded-Proto"]), st.text()))
def test_nothing_else_gets_into_it(headers: dict[str, str]) -> None:
    assert re.fullmatch(r"https?://[\w.\[\]:-]+", outside(_request(headers), _settings()), re.ASCII)
