"""Accept in several lines is Accept in one."""

from __future__ import annotations

import asyncio
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Receive, Scope, Send

from orthanc_video.web.lines import Joined

Headers = list[tuple[bytes, bytes]]
_headers = st.lists(st.tuples(st.sampled_from([b"accept", b"host", b"range"]), st.sampled_from([b"a/b", b"c/d;q=0.5"])))


def seen(headers: Headers) -> Headers:
    found: Headers = []

    async def app(scope: Scope, _receive: Receive, _send: Send) -> None:
        found.extend(scope["headers"])

    async def nothing(*_: Any) -> Any:
        return {}

    asyncio.run(Joined(app)({"type": "http", "headers": headers}, nothing, nothing))
    return found


@given(_headers)
def test_lines_of_accept_are_one_list_in_order_and_nothing_else_changes(headers: Headers) -> None:
    found = seen(headers)
    said = [value for name, value in headers if name == b"accept"]
    assert [value for name, value in found if name == b"accept"] == ([b", ".join(said)] if said else [])
    assert [pair for pair in found if pair[0] != b"accept"] == [pair for pair in headers if pair[0] != b"accept"]
