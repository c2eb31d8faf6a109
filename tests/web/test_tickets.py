"""What of a request the application sees once cookie and link have been taken out of it."""

from __future__ import annotations

import asyncio
import time

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from orthanc_video.web import tickets
from orthanc_video.web.sealing import LINK, SESSION, Seal, Sealed
from orthanc_video.web.tickets import COOKIE, Tickets

_SEAL = Seal("secret")

_PROOF = (("authorization", "Bearer abc"), ("api-key", "gr\u00fcn"))
_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


def _later() -> int:
    """When what is made now ends: reckoned late, since the suite takes longer than that."""
    return int(time.time()) + 600


def _session(**more: object) -> str:
    return _SEAL.close(SESSION, Sealed(credentials=_PROOF, until=_later(), **more))  # type: ignore[arg-type]


def _link(path: str = "/a/b") -> str:
    return _SEAL.close(LINK, Sealed(credentials=_PROOF, until=_later(), path=path))


async def _echo(request: Request) -> Response:
    shown = {name: value for name, value in request.headers.items() if name in {"authorization", "api-key", "cookie"}}
    until = tickets.until(request, 3600)
    return JSONResponse({**shown, "query": request.scope["query_string"].decode(), "left": until - int(time.time())})


_APP = Starlette(routes=[Route("/{path:path}", _echo, methods=_METHODS)])
_APP.add_middleware(Tickets, seal=_SEAL)


def ask(url: str = "/a/b", method: str = "GET", headers: list[tuple[str, str]] | None = None) -> httpx.Response:
    async def asked() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(_APP), base_url="http://gateway") as client:
            return await client.request(method, url, headers=headers or [])

    return asyncio.run(asked())


def test_a_cookie_becomes_the_headers_that_it_was_made_of() -> None:
    seen = ask("/a/b?x=1", headers=[("cookie", f"theme=dark; {COOKIE}={_session()}; lang=de")]).json()
    left = seen.pop("left")
    assert seen == {
        "authorization": "Bearer abc", "api-key": "gr\u00fcn", "cookie": "theme=dark; lang=de", "query": "x=1"
    }  # fmt: skip
    assert 0 < left <= 600, "what is made by it ends with it"


def test_a_link_becomes_the_headers_that_it_was_made_of() -> None:
    answer = ask(f"/a/b?x=%20%2f&link={_link()}&y", headers=[("cookie", f"{COOKIE}={_session()}")])
    seen = answer.json()
    assert (seen["authorization"], seen["query"], "cookie" in seen) == ("Bearer abc", "x=%20%2f&y", False)
    assert answer.headers["Referrer-Policy"] == "no-referrer"


def test_nothing_of_the_kind_leaves_a_request_as_it_is() -> None:
    seen = ask("/a/b?links=1&link2&&", headers=[("cookie", "a=1;b=2;c")]).json()
    assert seen == {"cookie": "a=1;b=2;c", "query": "links=1&link2&&", "left": 3600}


@pytest.mark.parametrize("method", _METHODS)
def test_for_reading_alone(method: str) -> None:
    for url, headers in (("/a/b", [("cookie", f"{COOKIE}={_session()}")]), (f"/a/b?link={_link()}", [])):
        answer = ask(url, method, headers)
        assert answer.status_code == 200
        if method != "HEAD":
            assert ("authorization" in answer.json()) == (method == "GET")
            assert (answer.json().get("cookie"), answer.json()["query"]) == (None, "")


@pytest.mark.parametrize("name", ["authorization", "token", "auth-token", "api-key"])
def test_a_header_of_its_own_comes_first(name: str) -> None:
    for cookie, link in ((_session(), ""), ("spoiled", ""), ("", _link()), ("", "spoiled")):
        headers = [(name, "own")] + ([("cookie", f"{COOKIE}={cookie}")] if cookie else [])
        answer = ask(f"/a/b?link={link}" if link else "/a/b", headers=headers)
        assert answer.status_code == 200
        assert answer.json().get("authorization", "own") == "own"
        assert "Bearer" not in answer.text
        assert "link" not in answer.text


def test_a_link_is_of_one_path() -> None:
    for path in ("/a", "/a/b/", "/a/b/c", "/A/b", "/a/B", "//a/b"):
        answer = ask(f"{path}?link={_link()}")
        assert (answer.status_code, answer.json()["detail"]) == (403, "This link is of another resource.")
        assert answer.headers["Referrer-Policy"] == "no-referrer"


def test_its_name_may_be_escaped() -> None:
    """Else it would go on to Orthanc, whose log names addresses."""
    assert ask(f"/a/b?%6Cink={_link()}").json()["query"] == ""
    assert ask("/a/b?l%69nk=other").status_code == 401


def test_a_spoiled_link_is_not_replaced_by_a_cookie() -> None:
    assert ask("/a/b?link=spoiled", headers=[("cookie", f"{COOKIE}={_session()}")]).status_code == 401


def test_of_several_cookies_the_one_that_opens_counts() -> None:
    """Somebody who has another name below the same domain may set cookies for this one."""
    both = f"{COOKIE}=spoiled; {COOKIE}={_session()}"
    assert ask(headers=[("cookie", both)]).json()["authorization"] == "Bearer abc"
    refused = ask(headers=[("cookie", f"{COOKIE}=spoiled")])
    assert refused.status_code == 401
    assert refused.headers["Set-Cookie"] == f"{COOKIE}=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict"
