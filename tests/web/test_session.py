"""The address of a resource as a caller can read it: whole, and with a link where the caller is somebody."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any, cast

import pytest
from starlette.requests import Request

from orthanc_video.archive.callers import Caller
from orthanc_video.settings import settings_from
from orthanc_video.web import session
from orthanc_video.web.context import Gateway
from orthanc_video.web.sealing import LINK, Seal

_PATH = "/dicom-web/studies/1.2/series/1.3/instances/1.4/rendered"
_SEAL = Seal("secret")


def address(caller: Caller, public: str = "", headers: dict[str, str] | None = None, until: int | None = None) -> str:
    settings = settings_from({"VideoGateway": {"PublicUrl": public}})
    named = {"host": "pacs.example:8043", **(headers or {})}
    raw = [(name.encode(), value.encode()) for name, value in named.items()]
    fixed = {"type": "http", "scheme": "http", "path": "/", "query_string": b"", "headers": raw}
    whole: dict[str, Any] = {**fixed, **({"orthanc-video.until": until} if until else {})}
    gateway = cast(Gateway, SimpleNamespace(settings=settings, seal=_SEAL))
    return session.address(Request(whole), gateway, caller, _PATH)


@pytest.mark.parametrize(
    ("public", "headers", "origin"),
    [
        ("", {}, "http://pacs.example:8043"),
        ("", {"x-forwarded-proto": "https"}, "https://pacs.example:8043"),
        ("", {"x-forwarded-proto": "HTTPS, http"}, "https://pacs.example:8043"),
        ("", {"x-forwarded-proto": "javascript"}, "http://pacs.example:8043"),
        ("https://video.example/v/", {"x-forwarded-proto": "http"}, "https://video.example/v"),
    ],
)
def test_it_is_where_the_caller_reaches_the_gateway(public: str, headers: dict[str, str], origin: str) -> None:
    assert address(Caller(), public, headers) == origin + _PATH


def test_it_is_a_link_where_the_caller_has_proved_who_it_is() -> None:
    proofs = (("authorization", "Bearer a"), ("token", "b"))
    others = (("cookie", "theme=dark"), ("x-forwarded-for", "192.0.2.1"))
    url, _, token = address(Caller(credentials=(*proofs, *others))).partition("?link=")
    opened = _SEAL.open(LINK, token)
    assert url == "http://pacs.example:8043" + _PATH
    assert (opened.path, opened.credentials) == (_PATH, proofs)
    assert opened.until <= time.time() + 3600
    assert address(Caller(credentials=others)) == "http://pacs.example:8043" + _PATH


def test_it_ends_no_later_than_the_session_that_asked_for_it() -> None:
    ends = int(time.time()) + 60
    caller = Caller(credentials=(("authorization", "Bearer a"),))
    token = address(caller, until=ends).partition("?link=")[2]
    assert _SEAL.open(LINK, token).until == ends
