"""Answers of many parts, and Orthanc's arrays of JSON as they arrive."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orthanc_video.errors import Busy, NotAcceptable
from orthanc_video.web.dicomweb.parts import array, boundary_of, documents, elements, streaming

_JSON = st.recursive(
    st.one_of(st.text(max_size=8), st.integers(), st.none()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=8,
)
_OBJECTS = st.lists(st.dictionaries(st.text(max_size=5), _JSON, max_size=4), max_size=5)


async def _blocks(data: bytes, size: int) -> AsyncIterator[bytes]:
    for at in range(0, len(data), size):
        yield data[at : at + size]


async def _read(data: bytes, size: int) -> list[Any]:
    return [one async for one in elements(_blocks(data, size))]


@given(_OBJECTS, st.integers(1, 40), st.booleans(), st.booleans())
def test_an_array_is_read_however_it_is_cut(found: list[Any], size: int, spaced: bool, escaped: bool) -> None:
    data = json.dumps(found, indent=3 if spaced else None, ensure_ascii=escaped).encode()
    assert asyncio.run(_read(data, size)) == found


@given(_OBJECTS.filter(len), st.integers(1, 40), st.data())
def test_one_that_breaks_off_is_noticed(found: list[Any], size: int, data: st.DataObject) -> None:
    text = json.dumps(found).encode()
    cut = data.draw(st.integers(0, len(text) - 1))
    with pytest.raises(Busy):
        asyncio.run(_read(text[:cut], size))


@given(_OBJECTS)
def test_what_is_written_is_read(found: list[Any]) -> None:
    async def written() -> bytes:
        async def each() -> AsyncIterator[Any]:
            for one in found:
                yield one

        return b"".join([block async for block in array(each())])

    assert json.loads(asyncio.run(written())) == found


def test_parts_end_with_the_boundary() -> None:
    async def written() -> bytes:
        async def each() -> AsyncIterator[bytes]:
            yield b"<a/>"
            yield b"<b/>"

        return b"".join([block async for block in documents(each(), "application/dicom+xml", "b")])

    part = b"\r\n--b\r\nContent-Type: application/dicom+xml\r\nContent-Length: 4\r\n\r\n"
    assert asyncio.run(written()) == part + b"<a/>" + part + b"<b/>" + b"\r\n--b--\r\n"


def test_a_boundary_is_the_same_each_time() -> None:
    assert boundary_of("a", "bc") == boundary_of("a", "bc")
    assert len({boundary_of("a", "bc"), boundary_of("ab", "c"), boundary_of("abc")}) == 3


def test_what_fails_at_once_is_answered_as_a_failure() -> None:
    async def nothing(wanted: bytes = b"") -> AsyncIterator[bytes]:
        if not wanted:
            raise NotAcceptable("None of it.")
        yield wanted

    with pytest.raises(NotAcceptable):
        asyncio.run(streaming(nothing(), "application/dicom"))
