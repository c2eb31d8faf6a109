"""Callers: by what they are known again."""

from __future__ import annotations

import base64

from orthanc_video.archive.callers import Caller


def _caller(**headers: str) -> Caller:
    return Caller(credentials=tuple((name.replace("_", "-"), value) for name, value in headers.items()))


def _basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def test_a_user_is_known_by_name_from_anywhere() -> None:
    alice = _caller(authorization=_basic("alice", "x")).owner("salt")
    assert _caller(authorization=_basic("alice", "new"), x_forwarded_for="203.0.113.9").owner("salt") == alice
    assert (
        Caller(credentials=_caller(authorization=_basic("alice", "x")).credentials, local=False).owner("salt") == alice
    )
    for page in ("theme=dark", "theme=light"):
        assert _caller(authorization=_basic("alice", "x"), cookie=page).owner("salt") == alice
    others = [
        _caller(),
        _caller(authorization=_basic("alicia", "x")),
        _caller(authorization=_basic("alice", "x"), token="t"),
        _caller(authorization="Bearer alice"),
        _caller(authorization="Basic alice"),
        _caller(cookie=_basic("alicia", "x")),
        _caller(cookie="session=1"),
        _caller(authorization="Bearer alice", cookie="session=1"),
    ]
    assert alice not in {other.owner("salt") for other in others}
    assert len({other.owner("salt") for other in others}) == len(others)
    assert _caller(authorization=_basic("alice", "x")).owner("pepper") != alice


def test_nobody_is_nobody_everywhere() -> None:
    assert _caller().owner("salt") == _caller(x_forwarded_for="203.0.113.9").owner("salt")
